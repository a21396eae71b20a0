"""The tables of the documentation: every loss and every regularizer is in them, with a test that exists."""

from __future__ import annotations

from pathlib import Path

import pytest

from sphereface.heads.build_regularizer import REGULARIZERS
from sphereface.heads.catalogue import equation_test, loss_notes, loss_table, regularizer_table
from sphereface.heads.table import HEADS

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", HEADS)
def test_the_test_of_a_row_exists_builds_it_and_is_linked(name: str) -> None:
    path = REPOSITORY / equation_test(name)
    assert f'"{name}"' in path.read_text()
    (note,) = (note for note in loss_notes().split("\n\n") if note.startswith(f"`{name}`\n"))
    assert f"Test: [{path.name}](../{equation_test(name)})." in note
    assert (REPOSITORY / "docs" / f"../{equation_test(name)}").is_file()


@pytest.mark.parametrize(
    ("table", "names"), [(loss_table, HEADS), (regularizer_table, REGULARIZERS)], ids=["losses", "regularizers"]
)
def test_a_table_has_one_row_each_and_all_cells(table, names) -> None:
    head, rule, *rows = table().splitlines()
    assert [row.split("`")[1] for row in rows] == list(names)
    assert {line.count("|") for line in (head, rule, *rows)} == {6}


@pytest.mark.parametrize("name", REGULARIZERS)
def test_a_regularizer_s_row_says_what_its_entry_says(name: str) -> None:
    entry = REGULARIZERS[name]
    (row,) = (row for row in regularizer_table().splitlines() if row.startswith(f"| `{name}`"))
    assert entry.title in row
    assert f" | ${entry.formula}$ | {entry.weight:g} | " in row
    for key, setting in entry.settings.items():
        assert f"`{key}` {setting.default:g}: {setting.words} (" in row
    assert entry.source.partition(",")[0] in row
