"""Sections on how training behaves: questions 3 to 6."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from evidence import drawing, plan
from evidence.comparing import Comparison
from evidence.drawing import TWO_CLASSES
from evidence.endings import TOGETHER
from evidence.outcome import COSINE
from evidence.section import (
    HEALTH_NAMES,
    RATES,
    Section,
    blocks,
    compared,
    compared_head,
    ended,
    failed_words,
    health,
    picture,
    rates,
    together_note,
)
from evidence.sizes import MARGINS, CriterionAnswer, SizesAnswer
from evidence.stability import LEVEL, Arm, StabilityAnswer, needed
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
HOW = {"annealed": " with lambda", "whole": " of the whole margin", "depth": ""}
SHORT_SERIES = {"annealed": "m with lambda", "whole": "m with the whole margin", "depth": "depth"}
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
    figures = {name: drawing.stability_figure(found.arms)}
    body = blocks(
        picture(name, "How the seeds of each arm ended: trained, stuck or diverged"),
        paragraph(f"The control, A-Softmax with m = 4 and no lambda: {rungs}."),
        table(
            [
                "arm",
                "trained",
                "stuck",
                "of these drawn together",
                "diverged",
                "own cosine in the end",
                f"trained, asking for {COSINE / 2:g}",
                "Fisher's p against the control",
            ],
            [_arm_cells(found, arm) for arm in found.arms],
        ),
        paragraph(
            "*Own cosine*: of training images to their own prototype, the lowest and the highest of the seeds "
            f"that did not diverge; {COSINE:g} is asked for, and half of that in the next column. *Drawn "
            f"together*: above {TOGETHER:g}."
        ),
        paragraph(f"Full and detached gradient, exploratory: {_gradient_words(found)}.{_processors(found)}"),
    )
    if not any(arm.trained for arm in found.arms):
        short = "Nothing trains at this rate, not even A-Softmax without a margin, so no arm is shown more stable"
        return Section(short, f"{short}. {_ends(found)}", body, figures)
    arms = {arm.name: arm for arm in found.arms}
    control = arms[plan.CONTROL]
    more = _against_control(found, arms)
    exploratory = "Exploratory. " if name == "milder" else ""
    seeds = "; ".join(f"{name_of(arm.name)} {_trained(arm)}" for arm in found.arms)
    verdict = (
        f"{exploratory}Seeds that train: {seeds}. Of the five arms of the claim, at p < {LEVEL:g}: {more}. "
        f"{_needed(control)} {_ends(found)} These arms differ from the control in the loss, the norm, the scale "
        "and m (v1 and v2 have 1.4), not in one of them. What one of them does alone: with m = 4 and no lambda "
        f"{_trained(arms['fixed-norm-m4'])} train at a fixed norm and {_trained(control)} at a free one; at a "
        f"free norm {_trained(arms['a-softmax-no-margin'])} train without a margin."
    )
    short = f"{exploratory}The control trains in {_trained(control)} seeds; of the five arms of the claim {more}"
    return Section(short, verdict, body, figures)


def _arm_cells(found: StabilityAnswer, arm: Arm) -> tuple[str, ...]:
    cosines = "–" if arm.cosines is None else f"{number(arm.cosines[0])} to {number(arm.cosines[1])}"
    p = next((_p_words(test.p) for test in found.against_control if test.first == arm.name), "–")
    counts = (arm.trained, arm.stuck, arm.together, arm.diverged)
    return name_of(arm.name), *map(str, counts), cosines, str(arm.lenient), p


def _trained(arm: Arm) -> str:
    return f"{arm.trained} of {arm.seeds}"


def _against_control(found: StabilityAnswer, arms: Mapping[str, Arm]) -> str:
    """Say which arms train more often than the control, and which less."""
    clauses = []
    for word, sign in (("more", 1), ("less", -1)):
        names = [
            name_of(test.first)
            for test in found.against_control
            if test.p < LEVEL and sign * (arms[test.first].trained - arms[test.second].trained) > 0
        ]
        if names:
            clauses.append(f"{listed(names)} train{'s' * (len(names) == 1)} {word} often than it")
    return " and ".join(clauses) or "none trains more often than it for sure"


def _needed(control: Arm) -> str:
    """Say how many seeds have to train for a difference."""
    count = needed(control)
    if count is None:
        return f"Beside {_trained(control)} not even all would be a difference."
    return f"Beside {_trained(control)} at least {count} of {control.seeds} have to train for that."


def _gradient_words(found: StabilityAnswer) -> str:
    return "; ".join(
        f"{name_of(test.first)} with {name_of(test.second)}, p {_p_words(test.p, '= ')}"
        for test in found.by_gradient
    )


def _p_words(p: float, equals: str = "") -> str:
    """Return a p-value.

    >>> _p_words(0.0002), _p_words(0.0256, "= ")
    ('< 0.001', '= 0.026')
    """
    return "< 0.001" if p < 0.001 else f"{equals}{p:.3f}"


def _processors(found: StabilityAnswer) -> str:
    if found.processors == 1:
        return ""
    return " The runs were made on processors of more than one kind ([when](#changes))."


def _ends(found: StabilityAnswer) -> str:
    """Say which arms fail in one way in all seeds, and how many runs diverge with either norm."""
    ways = {
        "diverges": [name_of(arm.name) for arm in found.arms if arm.diverged == arm.seeds],
        "is stuck": [name_of(arm.name) for arm in found.arms if arm.stuck == arm.seeds],
    }
    told = [f"What {way} in all seeds: {listed(names)}." for way, names in ways.items() if names]
    counts = [
        f"{sum(arm.diverged for arm in arms)} of {sum(arm.seeds for arm in arms)}"
        for free in (False, True)
        for arms in [[arm for arm in found.arms if arm.name.startswith("a-softmax") is free]]
    ]
    return " ".join([*told, f"Of the runs with a fixed norm {counts[0]} diverge, with a free one {counts[1]}."])


def sizes(found: SizesAnswer) -> Section:
    """Return question 4."""
    verdicts, all_steps = [], []
    for series, steps in found.steps.items():
        named = [(step_words(one), one) for one, _ in steps]
        verdicts.append(f"{STEP_NAMES[series]} {_steps_sorted(named)}.")
        all_steps += [(words + HOW[series], one) for words, one in named]
    verdicts.append(together_words(all_steps, len(all_steps)))
    verdicts.append(failed_words((name_of(row.name), row.ending) for row in found.rows))
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
            "Means with their intervals, and each seed as a dot beside; hollow: a run failed. The paper says that "
            "error falls with m and with depth. Each step up, in points; "
            f"{together_note(len(all_steps))}."
        ),
        table(["series", "step", *compared_head(found.restless)], steps_rows),
        table(
            ["row", "each seed", *RATES],
            [(name_of(row.name), ", ".join(share(seed) for seed in row.seeds), *rates(row)) for row in found.rows],
        ),
        table(
            ["row", *HEALTH_NAMES, "own cosine", "last loss", "ended"],
            [
                (name_of(row.name), *health(row), number(row.cosine), number(row.loss), ended(row.ending))
                for row in found.rows
            ],
        ),
        paragraph(
            f"*Last loss*: with lambda that of a network that tells nobody apart is {math.log(found.people):.2f}, "
            "ln C. Only lambda is as published: gradient and prototypes are as in question 1."
        ),
    )
    figures = {"m": drawing.m_figure(found), "depth": drawing.depth_figure(found)}
    untested = [series for series, steps in found.steps.items() if all(one.failed for one, _ in steps)]
    told = [
        (step_words(one) + HOW[series], one)
        for series, steps in found.steps.items()
        if series not in untested
        for one, _ in steps
    ]
    short = _steps_sorted(told, points=False)
    if untested:
        short += f"; not tested, for runs fail: {listed([SHORT_SERIES[series] for series in untested])}"
    return Section(short[:1].upper() + short[1:], " ".join(filter(None, verdicts)), body, figures)


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
        untested="not tested",
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
    sentences.append(failed_words((name_of(ending.row), ending) for ending in found.endings))
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
            f"Hollow: a run failed. Theory asks for m = {TWO_CLASSES:.2f} for two classes in any dimension and "
            f"for {MANY_ORTHONORMAL:.2f} for many orthonormal prototypes. Strangers are those with two pictures "
            "or more, most of them two or three; of the people learned from up to ten pictures are looked at, "
            "which is harder to meet, so that the two are not held against each other. For a share of people "
            "the plan has no bounds of *no difference*, so here a comparison is a difference or undecided."
        ),
        table(["margin", "people", *(f"m = {m}" for m in MARGINS), "m = 4 less m = 1, points"], rows),
        "Medians over people of the widest angle within a person and the narrowest to anybody else, in degrees:",
        table(["margin", "people", *(f"m = {m}" for m in MARGINS)], angles),
    )
    told = f"The share who meet it, m = {MARGINS[-1]} less m = {MARGINS[0]}: {'; '.join(short)}"
    return Section(told, " ".join(sentences), body, {"criterion": drawing.criterion_figure(found)})


def _angles(medians: tuple[float | None, float | None]) -> str:
    return ", ".join(number(None if angle is None else math.degrees(angle), 1) for angle in medians)
