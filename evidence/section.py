"""What every section of the page is made of: a verdict, blocks of text and cells of tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evidence.answers import HEALTH, Judged
from evidence.comparing import Comparison, Verdict
from evidence.wording import mean_words, number

OF = "headline, FNMR at FMR 0.1 %"
SORTED = {"same": "No difference:", "undecided": "Undecided:"}


@dataclass(frozen=True)
class Section:
    """What a question's runs say once they are all done.

    Attributes:
        verdict: One or two sentences.
        body: Markdown, with figures where ``figures`` has them.
        figures: SVG by name.
    """

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


def rates(row: Judged) -> tuple[str, str, str]:
    """Return the cells of a row's three rates."""
    return mean_words(row.headline), mean_words(row.accuracy), mean_words(row.search)


def health(row: Judged) -> list[str]:
    """Return the cells under ``HEALTH_NAMES``."""
    return [number(row.health[name], 1 if name == "effective_rank" else 3) for name in HEALTH]


def marked(comparison: Comparison) -> str:
    """Return the verdict, bold where it is a difference."""
    words = comparison.verdict.value
    return f"**{words}**" if comparison.verdict is Verdict.DIFFERENCE else words
