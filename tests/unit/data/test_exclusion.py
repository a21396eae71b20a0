"""Lists of people to leave out: names and hashes say the same, and nothing is left out by accident."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sphereface.data.exclusion import leave_out, name_hash, read_exclusions
from sphereface.data.manifest import Manifest
from sphereface.errors import DataError

PEOPLE = Manifest(("Ada_Lovelace", "Cem", "Zoë"), tuple(map(Path, "abc")), np.arange(3), ("0" * 64,) * 3)


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "list.txt"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("line", ["ada lovelace", "Ada_Lovelace", "  ADA  LOVELACE ", name_hash("Ada Lovelace")])
def test_names_and_hashes_in_any_spelling(tmp_path: Path, line: str) -> None:
    kept, gone = leave_out(PEOPLE, read_exclusions(write(tmp_path, f"# who is in both\n\n{line}\nNobody\n")))
    assert (kept.identities, gone) == (("Cem", "Zoë"), ("Ada_Lovelace",))


def test_a_mark_in_front_of_the_text_belongs_to_no_name(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(b"\xef\xbb\xbfCem\r\nZo\xc3\xab\r\n")
    assert leave_out(PEOPLE, read_exclusions(tmp_path / "list.txt"))[1] == ("Cem", "Zoë")


def test_an_empty_list_leaves_everybody(tmp_path: Path) -> None:
    kept, gone = leave_out(PEOPLE, read_exclusions(write(tmp_path, "# nobody\n")))
    assert (kept, gone) == (PEOPLE, ())


def test_mistakes_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 2.*64 small hexadecimal digits"):
        read_exclusions(write(tmp_path, "Ada\nsha256:ABC\n"))
    with pytest.raises(DataError, match=r"nowhere\.txt"):
        read_exclusions(tmp_path / "nowhere.txt")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="not UTF-8"):
        read_exclusions(tmp_path / "bytes.txt")
    with pytest.raises(DataError, match="none of the 1 people on the list"):
        leave_out(PEOPLE, read_exclusions(write(tmp_path, "Adda Lovelace\n")))
    with pytest.raises(DataError, match="holds everybody"):
        leave_out(PEOPLE, frozenset(map(name_hash, PEOPLE.identities)))
