"""Section on question 6: is the length of an embedding its quality?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evidence import drawing
from evidence.comparing import Comparison, Verdict
from evidence.plan import PUBLISHED
from evidence.quality import Blind, NormsAnswer
from evidence.section import SHORT, Section, blocks, calm_words, failed_words, judged, picture
from evidence.wording import (
    listed,
    loss_words,
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


def norms(found: NormsAnswer) -> Section:
    """Return question 6."""
    clauses = sorted_clauses(
        [(name_of(row.name), row.by_norm) for row in found.rows],
        "Without the 20 % shortest embeddings FNMR is lower:",
        "higher:",
        **SHORT,
    )
    sharper = sorted_clauses(
        [(name_of(row.name), row.between) for row in found.rows],
        "Leaving out the 20 % shortest does better than leaving out the 20 % least sharp:",
        "worse:",
        **SHORT,
    )
    rows = [
        (
            name_of(row.name),
            mean_words(row.headline),
            mean_words(row.without),
            *(_cell(one) for one in (row.by_norm, row.by_sharpness, row.between)),
            f"{share(row.kept[0])}, × {number(row.kept[1])}",
            number(row.correlation),
            number(row.cosine),
            number(row.uniformity),
        )
        for row in found.rows
    ]
    body = blocks(
        picture("discard", "What leaving out the shortest embeddings changes in FNMR, by the share left out"),
        paragraph(
            "Bars, drawn beside 20 %: the interval there. "
            f"Hollow and dotted: a run failed. {'; '.join(sharper)}. FNMR is taken at FMR 0.1 % of the pairs "
            "that are compared, the threshold chosen again for what is left; each difference within each run. "
            "*Threshold kept* is what is usually shown: FNMR without the 20 % shortest at the threshold of all "
            "pictures, and how many times FMR is then what it was. *Together*: the difference survives at 1 − "
            f"0.05/{found.compared}. Pictures left out at random would change nothing on average, for the "
            "threshold is chosen again. All are judged on pictures as they are; what is degraded are pictures "
            "in training."
        ),
        table(
            [
                "row",
                "FNMR, all",
                "without the 20 % shortest",
                "by norm, points",
                "by sharpness, points",
                "norm less sharpness, points",
                "threshold kept",
                "norm and sharpness, rank correlation",
                "own cosine",
                "uniformity",
            ],
            rows,
        ),
        paragraph(
            "With `radial` less without, both trained on degraded pictures: headline "
            f"{verdict_words(found.radial)}{_survives(found.radial)}; what leaving out by norm adds to FNMR "
            f"changes by {verdict_words(found.radial_by_norm)}{_survives(found.radial_by_norm)}."
        ),
    )
    body = blocks(body, *_blind(found))
    named = [(name_of(row.name), row.by_norm) for row in found.rows]
    together = together_words(named, found.compared, "none of these differs")
    failed = failed_words((name_of(row.name), row.ending) for row in found.rows)
    marked = [
        (f"{name} (by itself)" if one.verdict is Verdict.DIFFERENCE and not one.survives else name, one)
        for name, one in named
    ]
    short = sorted_clauses(marked, "Without the 20 % shortest embeddings FNMR is lower:", "higher:", **SHORT)
    figures = {"discard": drawing.discard_figure(found)}
    verdict = f"{'; '.join(clauses)}. {together} {calm_words(named, found.restless)} {failed}"
    if found.blind:
        short.append(_as_much(found.blind))
        verdict += f" Exploratory: {_as_much(found.blind)}."
    return Section("; ".join(short), verdict, body, figures)


def _as_much(blind: Sequence[Blind]) -> str:
    """Say whether losses that look at the norm gain more by it than those that do not see it."""
    ends = [number(100.0 * one.by_norm.difference.value, 1) for one in blind]
    more = [
        f"{name_of(one.first)} than {name_of(row.name)}"
        for row in blind
        for one in row.less
        if one.verdict is Verdict.DIFFERENCE and one.difference.value < 0
    ]
    names = listed([f"{name_of(row.name)} {end}" for row, end in zip(blind, ends, strict=True)])
    less = f"more for {listed(more)}" if more else "no loss that looks at it is shown to gain more"
    return f"so does it where the loss does not see the norm ({names} points): {less}"


def _blind(found: NormsAnswer) -> Iterator[str]:
    """Yield the controls."""
    if not found.blind:
        return
    looking = [name_of(one.first) for one in found.blind[0].less]
    yield paragraph(
        "Exploratory, asked when all had been seen: the same for losses of question 7 at a fixed norm, "
        "which cannot have taught the length anything, with the same network, steps and seeds and about the same "
        "error. "
        f"{listed(looking)} less each of them, in points; below 0 they gain more by leaving out the shortest."
    )
    yield table(
        [
            "loss that does not see the norm",
            "FNMR, all",
            "by norm, points",
            *(f"{one} less it" for one in looking),
        ],
        [
            (
                loss_words(*PUBLISHED[row.name]),
                mean_words(row.headline),
                judged(row.by_norm),
                *map(judged, row.less),
            )
            for row in found.blind
        ],
    )


def _cell(comparison: Comparison) -> str:
    return f"{judged(comparison)}{_survives(comparison)}"


def _survives(comparison: Comparison) -> str:
    return ", *together*" if comparison.survives and comparison.verdict is Verdict.DIFFERENCE else ""
