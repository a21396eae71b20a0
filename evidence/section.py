"""What every section of the page is made of: a verdict, blocks of text and cells of tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict

from evidence.answers import HEALTH, Judged
from evidence.comparing import Comparison, Verdict
from evidence.wording import difference_words, mean_words, name_of, number
from sphereface.evaluation.repeated import Repeated

OF = "headline, FNMR at FMR 0.1 %"
RATES = (OF, "FNMR at FMR 1 %", "accuracy, View 1", "search, FNIR at FPIR 1 %")


class Neutral(TypedDict):
    """How clauses begin that are about what does not differ."""

    same: str
    undecided: str


SORTED: Neutral = {"same": "No difference:", "undecided": "Undecided:"}
SHORT: Neutral = {"same": "no difference:", "undecided": "undecided:"}


@dataclass(frozen=True)
class Section:
    """What a question's runs say once they are all done.

    Attributes:
        short: A few words, for the table on top of the page.
        verdict: Some sentences.
        body: Markdown, with figures where ``figures`` has them.
        figures: SVG by name.
    """

    short: str
    verdict: str
    body: str
    figures: Mapping[str, str] = field(default_factory=dict)


def picture(name: str, words: str) -> str:
    """Return a figure of the page, with the words for those who do not see it."""
    return f"![{words}](../pictures/evidence/{name}.svg)"


def blocks(*texts: str) -> str:
    """Return blocks of Markdown one after the other."""
    return "\n\n".join(texts)


HEALTH_NAMES = ("alignment", "uniformity", "angular Fisher score", "effective rank")


def rates(row: Judged) -> list[str]:
    """Return the cells under ``RATES``."""
    return [mean_words(rate) for rate in (row.headline, row.easier, row.accuracy, row.search)]


def health(row: Judged) -> list[str]:
    """Return the cells under ``HEALTH_NAMES``."""
    return [number(row.health[name], 1 if name == "effective_rank" else 3) for name in HEALTH]


def judged(comparison: Comparison) -> str:
    """Return a comparison and its verdict as a cell."""
    return _cell(comparison.difference, comparison.verdict)


def _cell(difference: Repeated, verdict: Verdict) -> str:
    words = f"**{verdict.value}**" if verdict is Verdict.DIFFERENCE else verdict.value
    return f"{difference_words(difference)}, {words}"


def compared_head(restless: str) -> tuple[str, ...]:
    """Return the heading of ``compared``; ``restless`` is the row whose noise is left out in one column."""
    return OF, "together", f"the same, noise without {name_of(restless)}", RATES[1]


def compared(headline: Comparison, easier: Comparison) -> tuple[str, ...]:
    """Return one comparison by both figures: the headline, what it is worth, and FNMR at FMR 1 %."""
    together = ("yes" if headline.survives else "no") if headline.verdict is Verdict.DIFFERENCE else "–"
    return judged(headline), together, "–" if headline.calm is None else _cell(*headline.calm), judged(easier)


def together_note(count: int) -> str:
    """Return what two columns of ``compared`` say."""
    return (
        f"*together*: whether a difference survives at 1 − 0.05/{count}; *noise without* a row: the same with the "
        "noise of seeds pooled without the row whose runs lie furthest apart (the first verdict is the answer)"
    )
