"""Sections on questions 4 and 5: m and depth, and the ideal criterion."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evidence import drawing
from evidence.comparing import Comparison
from evidence.drawing import TWO_CLASSES
from evidence.section import (
    HEALTH_NAMES,
    RATES,
    Section,
    blocks,
    compared,
    compared_head,
    ended,
    failed_words,
    hanging,
    health,
    picture,
    rates,
    together_note,
)
from evidence.sizes import MARGINS, CriterionAnswer, SizesAnswer
from evidence.wording import (
    difference_words,
    listed,
    mean_words,
    name_of,
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
    short = "; ".join([short, *hanging(told, found.restless)])
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
