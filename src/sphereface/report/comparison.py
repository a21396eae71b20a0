"""Every figure of every model side by side: rows for the page, CSV and LaTeX for a paper."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from sphereface.evaluation.evaluation import Evaluation
from sphereface.evaluation.results import Rate
from sphereface.report.content import ReportInput
from sphereface.report.wording import NBSP, percent, percent_range, plain_percent

if TYPE_CHECKING:
    from sphereface.evaluation.paired import Difference

_COLUMNS = (
    "protocol", "list", "figure", "model", "value", "low", "high", "confidence", "n", "threshold", "reason",
    "citation",
)  # fmt: skip
_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
    "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", NBSP: "~", "\n": " ",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of one list of pairs or searches, for each model.

    Attributes:
        title: The list.
        figure: What it is.
        rates: One for each model, in the report's order.
    """

    title: str
    figure: str
    rates: tuple[Rate, ...]


def compared(report: ReportInput) -> list[Compared]:
    """Return every figure of the evaluation, with the rates of all models."""
    tables = [list(_figures(model)) for model in report.models]
    known = [{(title, figure): rate for title, figure, rate in table} for table in tables]
    absent = Rate(None, None, None, 0.95, 0.0, "not measured")
    return [
        Compared(title, figure, tuple(table.get((title, figure), absent) for table in known))
        for title, figure, _ in tables[0]
    ]


def by_list(rows: Iterable[Compared]) -> list[tuple[str, list[Compared]]]:
    """Return the rows of each list under its title, in their order."""
    return [(title, list(group)) for title, group in groupby(rows, lambda row: row.title)]


def _figures(evaluation: Evaluation) -> Iterator[tuple[str, str, Rate]]:
    """Yield (list, figure, rate), open-set first."""
    for search in evaluation.identifications:
        yield from _targets(search.title, "FNIR at FPIR", search.fnir_at_fpir)
        if search.cmc:
            yield search.title, "rank 1", search.cmc[0]
    for crowd in evaluation.crowds:
        if crowd.cmc:
            yield crowd.title, f"rank 1 among {crowd.distractors:,}", crowd.cmc[0]
        yield from _targets(crowd.title, "FNMR at FMR", crowd.fnmr_at_fmr)
    for pairs in evaluation.verifications:
        yield pairs.title, "EER", pairs.eer
        yield from _targets(pairs.title, "FNMR at FMR", pairs.fnmr_at_fmr)
        if pairs.folded:
            yield pairs.title, "accuracy over folds", pairs.accuracy
        yield pairs.title, "AUC", pairs.auc
    for told in evaluation.classes:
        yield told.title, "accuracy", told.accuracy
        yield told.title, "accuracy, mean over classes", told.balanced_accuracy


def _targets(title: str, what: str, rates: Mapping[float, Rate]) -> Iterator[tuple[str, str, Rate]]:
    for target, rate in rates.items():
        yield title, f"{what} {plain_percent(target)}", rate


@dataclass(frozen=True, slots=True)
class DifferenceInWords:
    """A paired difference as the page prints it: percentage points, or the reason why there is none."""

    figure: str
    first: str
    second: str
    difference: str
    interval: str
    p: str
    counts: bool
    reason: str


def difference_in_words(found: Difference) -> DifferenceInWords:
    """Return the texts of a paired difference."""
    if found.difference is None or found.low is None or found.high is None or found.p is None:
        return DifferenceInWords(found.figure, "", "", "", "", "", False, found.reason or "no difference to tell")
    decimals = max(0, 1 - math.floor(math.log10(max(found.high - found.low, 1e-6) * 100)))
    difference, low, high = (_points(share, decimals) for share in (found.difference, found.low, found.high))
    one, two = (f"{percent(share)}{NBSP}%" if share is not None else "–" for share in (found.first, found.second))
    p = "< 0.001" if found.p < 1e-3 else f"{found.p:.2g}" if found.p < 0.1 else f"{found.p:.2f}"
    return DifferenceInWords(found.figure, one, two, difference, f"{low} to {high}", p, found.counts, "")


def _points(share: float, decimals: int) -> str:
    """Return a difference of shares in percentage points, with its sign.

    >>> _points(-0.042, 1), _points(0.001, 2)
    ('−4.2', '+0.10')
    """
    return f"{share * 100:+.{decimals}f}".replace("-", "−")


def table_csv(report: ReportInput) -> str:
    """Return one line a figure and model, rates as shares; one the data cannot support is empty with a reason."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    protocol, citation = _source(report)
    for row in compared(report):
        for model, rate in zip(report.labels, row.rates, strict=True):
            numbers = (rate.value, rate.low, rate.high, rate.confidence, rate.n, rate.threshold, rate.reason)
            figure = row.figure.replace(NBSP, " ")
            writer.writerow(
                [protocol, row.title, figure, model, *("" if n is None else n for n in numbers), citation]
            )
    return text.getvalue()


def table_latex(report: ReportInput) -> str:
    """Return a table for each list, a row a model, every figure in percent with its interval."""
    tables = [_table(report, title, rows) for title, rows in by_list(compared(report))]
    return "\n".join(["% needs \\usepackage{booktabs}", *tables])


def _table(report: ReportInput, title: str, rows: Sequence[Compared]) -> str:
    body = "\n".join(
        " & ".join([_latex(model), *(_cell(row.rates[at]) for row in rows)]) + r" \\"
        for at, model in enumerate(report.labels)
    )
    protocol, citation = _source(report)
    sure = next((rate.confidence for row in rows for rate in row.rates), 0.95)
    words = [f"{protocol}: {title}" if protocol else title, citation]
    words.append(f"In percent, {sure * 100:g}{NBSP}% intervals in brackets; – where the data supports no figure")
    estimated = sorted({row.figure for row in rows for rate in row.rates if rate.threshold == "estimated"})
    if estimated:
        words.append(f"Threshold estimated on the people judged: {', '.join(estimated)}")
    caption = _latex(" ".join(f"{word.rstrip('.')}." for word in words if word))
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{caption}}}",
            r"\centering\small",
            rf"\begin{{tabular}}{{l{'r' * len(rows)}}}",
            r"\toprule",
            " & ".join(["model", *(_latex(row.figure) for row in rows)]) + r" \\",
            r"\midrule",
            body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _cell(rate: Rate) -> str:
    if rate.value is None:
        return "–"
    interval = percent_range(rate).replace(" to ", ", ")
    return percent(rate.value) + (rf" {{\scriptsize [{interval}]}}" if interval else "")


def _latex(text: str) -> str:
    r"""Return text that LaTeX prints as it is.

    >>> _latex("50 % of a_b")
    '50 \\% of a\\_b'
    """
    return "".join(_LATEX.get(letter, letter) for letter in text)


def _source(report: ReportInput) -> tuple[str, str]:
    source = report.evaluation.source
    return (source.title, source.citation) if source else ("", "")
