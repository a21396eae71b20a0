"""Reader of one's own list of pairs: a CSV with the columns image_a, image_b, same and, if wanted, fold."""

from __future__ import annotations

import csv
import io
from pathlib import Path, PurePosixPath

from sphereface.errors import DataError, nearest
from sphereface.evaluation.pair_list import NamedPair
from sphereface.evaluation.protocol import Protocol, UnitTable
from sphereface.evaluation.protocols import assemble
from sphereface.evaluation.protocols.listed_pairs import unit_pairs
from sphereface.evaluation.protocols.text_files import read_text, wrong

_NEEDED = ("image_a", "image_b", "same")
_KNOWN = (*_NEEDED, "fold")
_TRUTH = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def read_pairs(files: Path) -> Protocol:
    """Read a CSV of pairs (:func:`read_pairs_csv`) as a protocol.

    Raises:
        DataError: As :func:`read_pairs_csv`.
    """
    table = UnitTable()
    listed = unit_pairs(Path(files).name, read_pairs_csv(files), table)
    return assemble("pairs", table.units(), pairs=(listed,))


def read_pairs_csv(path: Path) -> list[NamedPair]:
    """Read a CSV of pairs; the first line names the columns.

    Images are files as ``person/picture.jpg``, with forward slashes; the folder names the person. ``same`` is
    1 or 0 (or true/false, yes/no). ``fold`` is a whole number from 0 upwards, in all lines or in none.

    Raises:
        DataError: If the file cannot be read, a column is missing or unknown, or a line does not fit; the
            message gives its number.
    """
    try:
        reader = csv.reader(io.StringIO(read_text(Path(path)), newline=""), strict=True)
        columns = [name.strip() for name in next(reader, [])]
        _check_columns(path, columns)
        pairs = [_pair(path, reader.line_num, columns, row) for row in reader if row]
    except csv.Error as error:
        raise DataError(f"'{path}' is not a CSV file in UTF-8 ({error})") from error
    if not pairs:
        raise DataError(f"the pair list '{path}' names no pair")
    return pairs


def _check_columns(path: Path, columns: list[str]) -> None:
    for name in columns:
        if name not in _KNOWN:
            raise DataError(
                f"'{path}' has an unknown column '{name[:40]}'.{nearest(name, _KNOWN)} "
                f"The first line must name the columns {', '.join(_NEEDED)} and, if wanted, fold"
            )
    missing = [name for name in _NEEDED if name not in columns]
    if missing or len(set(columns)) != len(columns):
        fault = f"lacks the column '{missing[0]}'" if missing else "names a column twice"
        raise DataError(f"the first line of '{path}' {fault}; it must read {','.join(_NEEDED)}[,fold]")


def _pair(path: Path, number: int, columns: list[str], row: list[str]) -> NamedPair:
    if len(row) != len(columns):
        raise wrong(path, number, f"has {len(row)} columns, but the first line names {len(columns)}")
    cells = dict(zip(columns, (cell.strip() for cell in row), strict=True))
    same = _TRUTH.get(cells["same"].lower())
    if same is None:
        raise wrong(path, number, f"has same = '{cells['same'][:40]}'; it must be 1 or 0")
    fold = cells.get("fold")
    if fold is not None and not (fold.isascii() and fold.isdigit() and len(fold) < 5):
        raise wrong(path, number, f"has fold = '{fold[:40]}'; it must be a small whole number from 0")
    if cells["image_a"] == cells["image_b"]:
        raise wrong(path, number, f"compares '{cells['image_a'][:80]}' with itself")
    people = []
    for column in ("image_a", "image_b"):
        image = PurePosixPath(cells[column])
        if len(image.parts) < 2 or not image.parent.name:
            raise wrong(path, number, f"has {column} = '{cells[column][:80]}'; it must be person/picture.jpg")
        people.append(image.parent.name)
    if same != (people[0] == people[1]):
        claim = "one person" if same else "two people"
        raise wrong(path, number, f"says {claim}, but shows '{people[0]}' and '{people[1]}'")
    return NamedPair(
        cells["image_a"], cells["image_b"], people[0], people[1], same, None if fold is None else int(fold)
    )
