"""Section on question 6: is the length of an embedding its quality?"""

from __future__ import annotations

from evidence import drawing
from evidence.comparing import Comparison, Verdict
from evidence.quality import NormsAnswer
from evidence.section import SHORT, Section, blocks, calm_words, failed_words, judged, picture
from evidence.wording import (
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
    return Section("; ".join(short), verdict, body, figures)


def _cell(comparison: Comparison) -> str:
    return f"{judged(comparison)}{_survives(comparison)}"


def _survives(comparison: Comparison) -> str:
    return ", *together*" if comparison.survives and comparison.verdict is Verdict.DIFFERENCE else ""
