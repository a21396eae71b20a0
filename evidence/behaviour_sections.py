"""Sections on how training behaves: questions 3 to 6."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evidence import drawing, plan
from evidence.answers import MARGINS, CriterionAnswer, SizesAnswer
from evidence.comparing import Comparison
from evidence.drawing import TWO_CLASSES
from evidence.endings import TOGETHER
from evidence.section import (
    HEALTH_NAMES,
    RATES,
    Section,
    blocks,
    compared,
    compared_head,
    health,
    picture,
    rates,
    together_note,
)
from evidence.stability import LEVEL, StabilityAnswer
from evidence.wording import (
    difference_words,
    listed,
    mean_words,
    name_of,
    network_of,
    number,
    paragraph,
    share,
    sorted_clauses,
    together_words,
    verdict_words,
)
from sphereface.card.markdown import table
from sphereface.sphere.bounds import MANY_ORTHONORMAL

SERIES_NAMES = {"annealed": "lambda down to 5", "whole": "whole"}
STEP_NAMES = {
    "annealed": "With m and lambda down to 5 as published",
    "whole": "With a margin that is whole in the end",
    "depth": "With depth",
}


def stability(found: StabilityAnswer, name: str = "stability") -> Section:
    """Return question 3, or 3b with a figure of its own name."""
    rungs = "; ".join(
        f"{network_of(backbone)} at rate {rate:g}: {arm.seeds - arm.trained} of {arm.seeds} seeds fail"
        for backbone, rate, arm in found.tried
    )
    if not found.tested:
        never = f"Not tested: A-Softmax with m = 4 and no lambda never fails often enough ({rungs})."
        nothing = "Without a loss that fails there is nothing to be more stable than."
        return Section("Not tested: the control never fails", never, nothing)
    better = [name_of(test.first) for test in found.against_control if test.p < LEVEL]
    more = (
        f"{listed(better)} train{'s' * (len(better) == 1)} more often than A-Softmax without lambda"
        if better
        else "none trains more often for sure"
    )
    rows = [
        (
            name_of(arm.name),
            *map(str, (arm.trained, arm.stuck, arm.diverged)),
            "–" if arm.cosine is None else f"{arm.cosine:.2f}",
            _p_of(found, arm.name),
        )
        for arm in found.arms
    ]
    gradient = "; ".join(
        f"{name_of(test.first)} with {name_of(test.second)}, p = {test.p:.3f}" for test in found.by_gradient
    )
    body = blocks(
        picture(name, "How the seeds of each arm ended: trained, stuck or diverged"),
        paragraph(f"The control, A-Softmax with m = 4 and no lambda: {rungs}."),
        table(
            ["arm", "trained", "stuck", "diverged", "own cosine in the end", "Fisher's p against the control"],
            rows,
        ),
        paragraph(
            "*Own cosine*: of training images to their own prototype, mean over the seeds that did not diverge. "
            "Near 1 and stuck: everybody was drawn to one place."
        ),
        paragraph(f"Full and detached gradient, exploratory: {gradient}."),
    )
    if not any(arm.trained for arm in found.arms):
        short = "Nothing trains at this rate, not even A-Softmax without a margin, so no arm is shown more stable"
        return Section(short, f"{short}. {_ends(found)}", body, {name: drawing.stability_figure(found.arms)})
    beside = {arm.name: f"{arm.trained} of {arm.seeds}" for arm in found.arms}
    ended = "; ".join(f"{name_of(arm.name)} {arm.trained} of {arm.seeds}" for arm in found.arms)
    verdict = (
        f"Seeds that train: {ended}. Of the five arms of the claim, at p < {LEVEL:g}: {more}. What the norm does "
        f"by itself: at a fixed norm m = 4 trains in {beside['fixed-norm-m4']}, with a free norm and no margin "
        f"{beside['a-softmax-no-margin']} train; v1 and v2 have m = 1.4."
    )
    control = next(arm for arm in found.arms if arm.name == plan.CONTROL)
    short = (
        f"The control trains in {control.trained} of {control.seeds} seeds; of the five arms of the claim {more}"
    )
    return Section(short, verdict, body, {name: drawing.stability_figure(found.arms)})


def _ends(found: StabilityAnswer) -> str:
    """Say which arms end in one way in all seeds."""
    ways = {
        "diverges": [name_of(arm.name) for arm in found.arms if arm.diverged == arm.seeds],
        "is stuck": [name_of(arm.name) for arm in found.arms if arm.stuck == arm.seeds],
    }
    return " ".join(f"What {way} in all seeds: {listed(names)}." for way, names in ways.items() if names)


def _p_of(found: StabilityAnswer, arm: str) -> str:
    return next((f"{test.p:.4f}" for test in found.against_control if test.first == arm), "–")


def sizes(found: SizesAnswer) -> Section:
    """Return question 4."""
    verdicts, all_steps = [], []
    for series, steps in found.steps.items():
        named = [(step_words(one), one) for one, _ in steps]
        verdicts.append(f"{STEP_NAMES[series]} {_steps_sorted(named)}.")
        how = {"annealed": " with lambda", "whole": " of the whole margin"}.get(series, "")
        all_steps += [(words + how, one) for words, one in named]
    verdicts.append(together_words(all_steps, len(all_steps)))
    verdicts += [
        _ended(found, "together", f"With an own cosine above {TOGETHER:g} all embeddings have drawn together"),
        _ended(found, "at_chance", "At the loss of a network that tells nobody apart (ln C) ended"),
    ]
    steps_rows = [
        (_series(series), step_words(both[0]), *compared(*both))
        for series, steps in found.steps.items()
        for both in steps
    ]
    body = blocks(
        picture("m", "Headline against m, with lambda and whole")
        + "\n"
        + picture("depth", "Headline against depth"),
        paragraph(
            "The paper says that error falls with m and with depth. Each step up, in points; "
            f"{together_note(len(all_steps))}."
        ),
        table(["series", "step", *compared_head(found.restless)], steps_rows),
        table(
            ["row", "seeds", *RATES], [(name_of(row.name), str(len(row.seeds)), *rates(row)) for row in found.rows]
        ),
        table(["row", *HEALTH_NAMES], [(name_of(row.name), *health(row)) for row in found.rows]),
    )
    figures = {"m": drawing.m_figure(found), "depth": drawing.depth_figure(found)}
    short = _steps_sorted(all_steps, points=False)
    nothing = [name_of(ending.row) for ending in found.endings if ending.at_chance == ending.runs]
    short += f". Nothing is learned with {listed(nothing)}" if nothing else ""
    return Section(short[:1].upper() + short[1:], " ".join(filter(None, verdicts)), body, figures)


def _ended(found: SizesAnswer, how: str, words: str) -> str:
    """Return a sentence on the rows that ended so, with how many of their runs; empty if none did."""
    counts = [(ending.row, getattr(ending, how), ending.runs) for ending in found.endings]
    rows = [f"{name_of(row)} ({count} of {runs} runs)" for row, count, runs in counts if count]
    return f"{words}: {'; '.join(rows)}." if rows else ""


def _series(series: str) -> str:
    return STEP_NAMES[series].removeprefix("With ")


def _steps_sorted(named: Sequence[tuple[str, Comparison]], *, points: bool = True) -> str:
    clauses = sorted_clauses(
        named,
        "error falls",
        "it rises",
        "no difference",
        "undecided",
        nothing="at no step",
        points=points,
        ceiling="near the ceiling",
    )
    return "; ".join(clauses)


def step_words(step: Comparison) -> str:
    """Return from where to where a step goes.

    >>> from evidence.comparing import Verdict
    >>> from sphereface.evaluation.repeated import Repeated
    >>> nothing = Repeated(0, 0, 0, 0, 0, 0)
    >>> step_words(Comparison("annealed-m2-sfnet4", "annealed-m1-sfnet4", nothing, Verdict.OPEN))
    'from m = 1 to 2'
    """
    (_, margin, network), (_, before, smaller) = step.first.split("-"), step.second.split("-")
    if margin != before:
        return f"from m = {before[1:]} to {margin[1:]}"
    return f"from {smaller.removeprefix('sfnet')} to {network.removeprefix('sfnet')} layers"


def criterion(found: CriterionAnswer) -> Section:
    """Return question 5."""
    sentences, short = [], []
    for (series, who), rise in found.rise.items():
        curve = found.share[series, who]
        how = "lambda" if series == "annealed" else "the whole margin"
        people = "the strangers" if who == "strangers" else "the people learned from"
        if all(mean.value == 0.0 for _, mean in curve):
            sentences.append(f"With {how} nobody of {people} meets it at any m: not tested.")
            short.append(f"{who}, {how}: nobody at any m, not tested")
            continue
        sentences.append(
            f"With {how}, {share(curve[0][1].value)} of {people} meet it at m = {MARGINS[0]} and "
            f"{share(curve[-1][1].value)} at m = {MARGINS[-1]}: {verdict_words(rise)}."
        )
        short.append(f"{who}, {how}: {verdict_words(rise)}")
    rows = [
        (
            SERIES_NAMES[series],
            who,
            *(mean_words(mean) for _, mean in curve),
            difference_words(found.rise[series, who].difference),
        )
        for (series, who), curve in found.share.items()
    ]
    angles = [
        (SERIES_NAMES[series], who, *map(_angles, medians)) for (series, who), medians in found.angles.items()
    ]
    body = blocks(
        picture("criterion", "Share of people who meet the ideal criterion against m"),
        paragraph(
            f"Theory asks for m = {TWO_CLASSES:.2f} for two classes in any dimension and for "
            f"{MANY_ORTHONORMAL:.2f} for many orthonormal prototypes. Strangers are those with two pictures or "
            "more, most of them two or three; of the people learned from up to ten pictures are looked at, which "
            "is harder to meet, so that the two are not held against each other. For a share of people the plan "
            "has no bounds of *no difference*, so here a comparison is a difference or undecided."
        ),
        table(["margin", "people", *(f"m = {m}" for m in MARGINS), "m = 4 less m = 1, points"], rows),
        "Medians over people of the widest angle within a person and the narrowest to anybody else, in degrees:",
        table(["margin", "people", *(f"m = {m}" for m in MARGINS)], angles),
    )
    told = f"The share who meet it, m = {MARGINS[-1]} less m = {MARGINS[0]}: {'; '.join(short)}"
    return Section(told, " ".join(sentences), body, {"criterion": drawing.criterion_figure(found)})


def _angles(medians: tuple[float | None, float | None]) -> str:
    return ", ".join(number(None if angle is None else math.degrees(angle), 1) for angle in medians)
