"""Section on all networks of four layers together, whichever question they were made for."""

from __future__ import annotations

from collections.abc import Sequence

from evidence.across import FEW, PLAIN, AcrossAnswer, SmallRow
from evidence.across_drawing import across_figure
from evidence.comparing import Comparison
from evidence.section import RATES, SHORT, Section, blocks, calm_words, judged, picture
from evidence.wording import (
    loss_words,
    mean_words,
    name_of,
    paragraph,
    share,
    sorted_clauses,
    together_words,
)
from sphereface.card.markdown import table

_NUMBER = {"gradients": "2", "sizes": "4", "norms": "6", "budget": "7"}


def across(found: AcrossAnswer) -> Section:
    """Return the section."""
    named = [
        (loss_words(row.run.head, row.run.settings), row.against) for row in found.rows if row.against is not None
    ]
    plain = name_of(PLAIN.removesuffix(f"-{FEW}steps"))
    clauses = sorted_clauses(named, f"Lower error than {plain}, which has no margin:", "higher:", **SHORT)
    survive = together_words(named, len(named))
    verdict = (
        f"Exploratory: asked when all had been seen. {'; '.join(clauses)}. {survive} "
        f"{calm_words(named, found.restless)}{_so(named)}"
    )
    body = blocks(
        picture("across", f"Headline of the small networks less that of {plain}, with intervals"),
        paragraph(
            f"All rows of questions 2, 4, 6 and 7 with SFNet-4 and {FEW:,} steps, the best first, but for "
            f"{found.failed} of which a run failed, those with projected prototypes and those trained on degraded "
            "pictures. The same seeds, people and "
            "steps; no gradient is clipped in question 2, at a length of 5 in the others. They were made on two "
            "kinds of processor; HFN of question 6 and SphereFace-R v1 of question 7 are the same settings on "
            f"either. Nothing is tuned here. *Trial*: FNMR of the tuning trial with this loss, after 300 steps. "
            f"Less {plain}, in points; *together*: at 1 − 0.05/{len(named)}."
        ),
        table(
            ["loss", "question", "trial", *RATES[:2], "less, headline", "together", "less, FNMR at FMR 1 %"],
            [_cells(row) for row in found.rows],
        ),
    )
    better = [(name, one) for name, one in named if one.survives]
    short = sorted_clauses(better, f"Exploratory. Lower error than {plain}:", "higher:", **SHORT)
    return Section(short[0], verdict, body, {"across": across_figure(found)})


def _so(named: Sequence[tuple[str, Comparison]]) -> str:
    """Say what that means for question 1, where some margin does better for sure."""
    if not any(one.survives and one.difference.value < 0 for _, one in named):
        return ""
    return (
        " So whether a margin helps here hangs on its scale and gradient: question 1 asked at settings that "
        "trials of half as many steps chose. Whether it lasts is looked at in "
        "[7](#7-does-the-answer-depend-on-the-budget)."
    )


def _cells(row: SmallRow) -> tuple[str, ...]:
    against, easier = row.against, row.easier
    compared = ("–", "–", "–")
    if against is not None and easier is not None:
        compared = (judged(against), "yes" if against.survives else "no", judged(easier))
    rates = mean_words(row.judged.headline), mean_words(row.judged.easier)
    return (
        loss_words(row.run.head, row.run.settings),
        _NUMBER[row.run.question],
        share(row.trial),
        *rates,
        *compared,
    )
