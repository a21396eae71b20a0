"""Groups of people from a CSV: given, never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from sphereface.data.group_file import read_groups
from sphereface.errors import DataError


def test_names_are_read_as_they_are_everywhere(tmp_path: Path) -> None:
    path = tmp_path / "groups.csv"
    path.write_text("\ufeffperson, group\nZoe\u0308,east\n\nBo, west\nBo,west\n", "utf-8")
    assert read_groups(path) == {"Zo\u00eb": "east", "Bo": "west"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,group\nBo,west\n", "must read person,group"),
        ("", "must read person,group"),
        ("person,group\n", "names nobody"),
        ("person,group\nBo\n", "line 2 .* has 1 columns"),
        ("person,group\nBo,west\nBo,east\n", "line 3 .* puts 'Bo' into a second group"),
        ('person,group\n"Bo,west\n', "not a CSV file"),
    ],
)
def test_bad_files_are_answered_in_words(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "groups.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(DataError, match=words):
        read_groups(path)


def test_missing_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read the groups"):
        read_groups(tmp_path / "gone.csv")
    (tmp_path / "binary.csv").write_bytes(b"person,group\n\xff\xfe,x\n")
    with pytest.raises(DataError, match="UTF-8"):
        read_groups(tmp_path / "binary.csv")
