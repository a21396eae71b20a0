"""The table for a paper: every figure of every model, as it was measured."""

from __future__ import annotations

import csv
import dataclasses
import io
import re

import pytest

from sphereface.report.comparison import compared, table_csv, table_latex
from sphereface.report.content import ReportInput


@pytest.fixture
def lines(models_input: ReportInput) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table_csv(models_input))))


def test_every_figure_of_every_model_is_a_line(models_input: ReportInput, lines: list[dict[str, str]]) -> None:
    """Two galleries of 3 targets and a rank; two lists of EER, AUC, accuracy and 3 targets; a crowd; a probe."""
    assert len(lines) == 3 * (2 * 4 + 2 * 6 + 2 + 2)
    assert {line["model"] for line in lines} == set(models_input.labels)
    assert {line["citation"] for line in lines} == {"A. Author: A made-up protocol. Nowhere 2020."}
    for at, model in enumerate(models_input.models):
        for pairs in model.verifications:
            own = next(
                line for line in lines
                if (line["model"], line["list"], line["figure"]) == (models_input.labels[at], pairs.title, "EER")
            )  # fmt: skip
            assert [float(own[name]) for name in ("value", "low", "high", "n")] == [
                pairs.eer.value, pairs.eer.low, pairs.eer.high, pairs.eer.n,
            ]  # fmt: skip


def test_a_rate_without_a_value_has_its_reason(lines: list[dict[str, str]]) -> None:
    unsupported = [line for line in lines if not line["value"]]
    assert len(unsupported) == 3 * 4
    assert all(line["reason"] for line in unsupported)
    assert {line["threshold"] for line in lines} == {"", "fixed", "estimated"}


def test_figures_are_found_by_name_not_by_place(models_input: ReportInput) -> None:
    """A model measured at other targets: what both have is set side by side, the rest is said to be missing."""
    other = models_input.others[0]
    pairs = other.verification
    fewer = dataclasses.replace(pairs, fnmr_at_fmr={1e-3: pairs.fnmr_at_fmr[1e-3]})
    other = dataclasses.replace(other, verifications=(fewer, *other.verifications[1:]))
    rows = compared(dataclasses.replace(models_input, others=[other]))
    own = {row.figure.replace("\u00a0", " "): row.rates[1] for row in rows if row.title == pairs.title}
    assert own["FNMR at FMR 0.1 %"] == pairs.fnmr_at_fmr[1e-3]
    assert own["FNMR at FMR 1 %"].reason == "not measured"


def test_the_latex_is_whole_and_escaped(models_input: ReportInput) -> None:
    text = table_latex(models_input)
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == 2 + 2 + 1 + 1
    assert r"wide \& 50 \% worse" in text
    assert not re.search(r"(?<!\\)[%&#_](?! )", text.replace("% needs", "").replace("~\\%", ""))
    for table in text.split(r"\begin{table}")[1:]:
        columns = len(re.search(r"\{tabular\}\{(lr*)\}", table).group(1))
        rows = table.split(r"\toprule")[1].split(r"\bottomrule")[0].replace(r"\midrule", "").strip().split("\n")
        rows = [row for row in rows if row]
        assert {row.count(" & ") for row in rows} == {columns - 1}
        assert len(rows) == 1 + 3
        assert "Nowhere 2020" in table
        assert r"95~\% intervals" in table
    assert "Threshold estimated on the people judged: FNMR at FMR" in text


def test_an_interval_stands_beside_every_value(models_input: ReportInput) -> None:
    text = table_latex(models_input)
    accuracy = models_input.evaluation.verifications[1].accuracy
    assert (accuracy.value, round(accuracy.low or 0, 3), round(accuracy.high or 0, 3)) == (0.951, 0.931, 0.966)
    assert r"95.1 {\scriptsize [93.1, 96.6]}" in text
