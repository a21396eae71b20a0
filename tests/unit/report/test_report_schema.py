"""``docs/report-json.md`` against reports: every key is documented, of its type, and every documented key seen."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

from sphereface.evaluation.results import Rate, ScoredPair
from sphereface.evaluation.summary import SCHEMA
from sphereface.report.content import ReportInput
from sphereface.report.writing import report_data

PAGE = Path(__file__).parents[3] / "docs" / "report-json.md"
SCALARS: dict[str, tuple[type, ...]] = {
    "text": (str,), "count": (int,), "number": (int, float), "yes/no": (bool,),
}  # fmt: skip
JOINED = {"report": "evaluation", "ranked rate": "rate", "shortcut": "rate"}

Tables = dict[str, dict[str, str]]


def read_tables(text: str) -> Tables:
    """Return each section's keys with their types."""
    tables: Tables = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| [^|]+ \|$", section, flags=re.MULTILINE)
        tables[section.split("\n")[0]] = dict(rows)
    for name, other in JOINED.items():
        tables[name] |= tables[other]
    return tables


def check(value: Any, kind: str, tables: Tables, where: str, seen: set[tuple[str, str]]) -> None:
    """Hold a value against its type, and what is in it against theirs."""
    if kind.endswith(" or null"):
        if value is None:
            return
        kind = kind.removesuffix(" or null")
    if kind == "anything":
        return
    if kind.startswith("list of "):
        assert isinstance(value, list), where
        for item in value:
            check(item, kind.removeprefix("list of "), tables, f"{where}[]", seen)
    elif kind.endswith((" by target", " by name")):
        assert isinstance(value, dict), where
        for key, item in value.items():
            if kind.endswith("target"):
                assert re.fullmatch(r"0\.\d+", key), f"{where}: {key}"
            check(item, re.sub(r" by \w+$", "", kind), tables, f"{where}.{key}", seen)
    elif kind in SCALARS:
        assert isinstance(value, SCALARS[kind]), f"{where} is {value!r}, not {kind}"
        assert kind == "yes/no" or not isinstance(value, bool), where
    else:
        table = tables[kind]
        assert isinstance(value, dict), where
        assert set(value) <= set(table), f"{where}: not documented: {set(value) - set(table)}"
        needed = {key for key, type_ in table.items() if not type_.startswith("optional ")}
        assert needed <= set(value), f"{where}: documented and not there: {needed - set(value)}"
        for key, item in value.items():
            seen.add((kind, key))
            check(item, table[key].removeprefix("optional "), tables, f"{where}.{key}", seen)


@pytest.fixture(scope="module")
def tables() -> Tables:
    return read_tables(PAGE.read_text(encoding="utf-8"))


def filled(report: ReportInput) -> ReportInput:
    """Return the report with the health that only some data have."""
    health = report.evaluation.health
    assert health is not None
    pair, rate = ScoredPair(1, 2, 0.5), Rate(0.2, 0.1, 0.3, 0.95, 40)
    health = dataclasses.replace(
        health, energy={0: -0.3, 2: 0.5}, effective_rank=31.0, concentration=40.0, person_criterion=rate,
        norm_quality=rate, widest=[pair], nearest=[pair],
    )  # fmt: skip
    return dataclasses.replace(report, evaluation=dataclasses.replace(report.evaluation, health=health))


def test_every_key_is_documented_and_every_documented_key_is_there(
    tables: Tables, report_input: ReportInput, models_input: ReportInput
) -> None:
    seen: set[tuple[str, str]] = set()
    for report in (report_input, filled(models_input)):
        data = json.loads(json.dumps(report_data(report), allow_nan=False))
        check(data, "report", tables, "report", seen)
    documented = {(name, key) for name, table in tables.items() for key in table}
    inherited = {(name, key) for name in ("ranked rate", "shortcut") for key in tables["rate"]}
    assert documented - inherited == seen - inherited


def test_the_page_speaks_of_this_schema(tables: Tables) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert f": schema {SCHEMA}." in text
    assert text.rstrip().split("\n")[-1].startswith(f"| {SCHEMA} |")
    assert len(tables["evaluation"]) == 12


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data.update(novelty=1), "not documented: {'novelty'}"),
        (lambda data: data.pop("headline"), "documented and not there: {'headline'}"),
        (lambda data: data["verification"][0].update(people="ninety"), "is 'ninety', not count"),
        (lambda data: data["verification"][0]["fnmr_at_fmr"].update({"1e-3": {}}), "1e-3"),
        (lambda data: data["others"][0]["identification"][0]["curve"].update(fmr=[]), "not documented: {'fmr'}"),
    ],
)
def test_the_test_can_fail(tables: Tables, models_input: ReportInput, change: Any, words: str) -> None:
    data = json.loads(json.dumps(report_data(models_input)))
    change(data)
    with pytest.raises(AssertionError, match=re.escape(words)):
        check(data, "report", tables, "report", set())
