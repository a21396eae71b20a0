"""What every section of the page is made of: a verdict, blocks of text and cells of tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict

from evidence.answers import HEALTH, Judged
from evidence.comparing import Comparison, Verdict
from evidence.wording import difference_words, mean_words, number

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


def marked(comparison: Comparison) -> str:
    """Return the verdict, bold where it is a difference."""
    words = comparison.verdict.value
    return f"**{words}**" if comparison.verdict is Verdict.DIFFERENCE else words


def judged(comparison: Comparison) -> tuple[str, str]:
    """Return the cells of a comparison and its verdict."""
    return difference_words(comparison.difference), marked(comparison)


def judged_together(comparison: Comparison) -> tuple[str, str, str]:
    """Return the cells of a comparison, its verdict, and whether it survives together with the others."""
    return *judged(comparison), "yes" if comparison.survives else "no"


def together_note(count: int) -> str:
    """Return what *together* says in a table of comparisons."""
    return f"*together*: whether a difference survives at 1 − 0.05/{count}"
