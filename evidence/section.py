"""What every section of the page is made of: a verdict, blocks of text and cells of tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypedDict

from evidence.answers import HEALTH, Judged
from evidence.comparing import Comparison, Verdict
from evidence.endings import Ending
from evidence.wording import difference_words, listed, mean_words, name_of, number, word_of

OF = "headline, FNMR at FMR 0.1 %"
RATES = (OF, "FNMR at FMR 1 %", "accuracy, View 1", "search, FNIR at FPIR 1 %")


class Neutral(TypedDict):
    """How clauses begin that are about what does not differ."""

    same: str
    undecided: str
    ceiling: str
    untested: str


SORTED: Neutral = {
    "same": "No difference:",
    "undecided": "Undecided:",
    "ceiling": "Near the ceiling:",
    "untested": "Not tested:",
}
SHORT: Neutral = {
    "same": "no difference:",
    "undecided": "undecided:",
    "ceiling": "near the ceiling:",
    "untested": "not tested:",
}


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
    """Return a comparison and its verdict as a cell; where it is not tested, what the plan would have said."""
    words = word_of(comparison)
    if comparison.failed:
        words += f" ({comparison.planned.value})"
    elif comparison.verdict is Verdict.DIFFERENCE:
        words = f"**{words}**"
    return f"{difference_words(comparison.difference)}, {words}"


def ended(ending: Ending) -> str:
    """Return how a row's runs ended, as a cell.

    >>> ended(Ending("row", 3, 2, 0)), ended(Ending("row", 3, 0, 0))
    ('2 of 3 drawn together', 'learned')
    """
    words = [f"{count} of {ending.runs} {how}" for count, how in _ways(ending) if count]
    return ", ".join(words) or "learned"


def _ways(ending: Ending) -> tuple[tuple[int, str], ...]:
    return (ending.together, "drawn together"), (ending.at_chance, "at chance")


def failed_words(ended_rows: Iterable[tuple[str, Ending]]) -> str:
    """Return a sentence on the rows of which a run failed.

    >>> failed_words([("A", Ending("a", 3, 2, 0)), ("B", Ending("b", 3, 0, 0))])
    'Failed: A (2 of 3 drawn together); comparisons with it are [not tested](#when-a-difference-counts).'
    """
    told = [f"{name} ({ended(ending)})" for name, ending in ended_rows if ending.failed]
    if not told:
        return "No run [failed](#when-a-difference-counts)."
    them = "it" if len(told) == 1 else "these"
    return f"Failed: {'; '.join(told)}; comparisons with {them} are [not tested](#when-a-difference-counts)."


def compared_head(restless: str) -> tuple[str, ...]:
    """Return the heading of ``compared``; ``restless`` is the row whose noise is left out in one column."""
    return OF, "together", f"the same, noise without {name_of(restless)}", RATES[1]


def compared(headline: Comparison, easier: Comparison) -> tuple[str, ...]:
    """Return one comparison by both figures: the headline, what it is worth, and FNMR at FMR 1 %."""
    together = ("yes" if headline.survives else "no") if headline.verdict is Verdict.DIFFERENCE else "–"
    return judged(headline), together, _without_noise(headline), judged(easier)


def _without_noise(comparison: Comparison) -> str:
    if comparison.calm is None or comparison.failed:
        return "–"
    difference, planned = comparison.calm
    return judged(replace(comparison, difference=difference, planned=planned))


def calm_words(named: Sequence[tuple[str, Comparison]], restless: str) -> str:
    """Return a sentence on which verdicts hang on the noise of the row whose runs lie furthest apart."""
    other = [
        f"{name} {word_of(replace(one, difference=one.calm[0], planned=one.calm[1]))}"
        for name, one in named
        if one.calm is not None and not one.failed and one.calm[1] is not one.planned
    ]
    without = f"With the noise of seeds pooled without {name_of(restless)}, whose runs lie furthest apart,"
    return f"{without} {f'these would be other words: {listed(other)}' if other else 'every verdict is the same'}."


def hanging(named: Sequence[tuple[str, Comparison]], restless: str) -> Iterator[str]:
    """Yield a clause on the verdicts that would be another without the noise of the most restless row."""
    clauses = []
    for word, sign in (("lower", -1.0), ("higher", 1.0)):
        names = [
            name if one.calm_survives else f"{name} (by itself)"
            for name, one in named
            if one.calm is not None
            and one.verdict not in (Verdict.DIFFERENCE, Verdict.UNTESTED)
            and one.calm[1] is Verdict.DIFFERENCE
            and sign * one.calm[0].value > 0
        ]
        if names:
            clauses.append(f"{listed(names)} would be {word}")
    if clauses:
        yield f"without the noise of {name_of(restless)}, {' and '.join(clauses)}"


def together_note(count: int) -> str:
    """Return what two columns of ``compared`` say."""
    return (
        f"*together*: whether a difference survives at 1 − 0.05/{count}; *noise without* a row: the same with the "
        "noise of seeds pooled without the row whose runs lie furthest apart (the first verdict is the answer)"
    )
