"""Readers of Labeled Faces in the Wild's pair files, View 1 (development) and View 2 (ten folds).

Reference: Huang, Ramesh, Berg and Learned-Miller 2007, University of Massachusetts technical report 07-49.
"""

from __future__ import annotations

from pathlib import Path

from sphereface.errors import DataError
from sphereface.evaluation.pair_list import NamedPair
from sphereface.evaluation.protocol import Protocol, UnitTable
from sphereface.evaluation.protocols import assemble
from sphereface.evaluation.protocols.listed_pairs import numbered_pair, unit_pairs
from sphereface.evaluation.protocols.text_files import Row, read_rows, whole, wrong


def read_view1(files: Path) -> Protocol:
    """Read ``pairsDevTrain.txt`` or ``pairsDevTest.txt``.

    Raises:
        DataError: As :func:`read_lfw_view1`.
    """
    return _protocol("lfw-view1", read_lfw_view1(files), f"LFW View 1 ({Path(files).name})")


def read_view2(files: Path) -> Protocol:
    """Read ``pairs.txt``.

    Raises:
        DataError: As :func:`read_lfw_view2`.
    """
    return _protocol("lfw-view2", read_lfw_view2(files), "LFW View 2")


def read_lfw_view1(path: Path) -> list[NamedPair]:
    """Read ``pairsDevTrain.txt`` or ``pairsDevTest.txt``: a count n, n genuine pairs, n impostor pairs.

    View 1 has no folds of its own; folds are then made of people.

    Raises:
        DataError: If the file cannot be read, or a line has the wrong columns; the message gives its number.
    """
    (each,), rows = _read(path, "the number of pairs", 1)
    return _pairs(path, rows, folds=1, each=each)


def read_lfw_view2(path: Path) -> list[NamedPair]:
    """Read ``pairs.txt``: the header ``10 300``, then in each fold 300 genuine and 300 impostor pairs.

    Raises:
        DataError: If the file cannot be read, or a line has the wrong columns; the message gives its number.
    """
    (folds, each), rows = _read(path, "the numbers of folds and pairs, such as '10 300'", 2)
    return _pairs(path, rows, folds=folds, each=each, own_folds=True)


def _protocol(name: str, pairs: list[NamedPair], title: str) -> Protocol:
    table = UnitTable()
    listed = unit_pairs(title, pairs, table)
    return assemble(name, table.units(), pairs=(listed,))


def _read(path: Path, header: str, columns: int) -> tuple[list[int], list[Row]]:
    """Return the numbers of the first line and the other lines."""
    rows = list(read_rows(Path(path)))
    if not rows:
        raise DataError(f"'{path}' holds nothing but comments; its first line must hold {header}")
    number, words = rows.pop(0)
    if len(words) != columns or not all(word.isascii() and word.isdigit() and word.strip("0") for word in words):
        raise wrong(path, number, f"must hold {header}, not '{' '.join(words)[:80]}'")
    return [whole(path, number, word) for word in words], rows


def _pairs(path: Path, rows: list[Row], folds: int, each: int, own_folds: bool = False) -> list[NamedPair]:
    if len(rows) != 2 * folds * each:
        raise DataError(f"'{path}' announces {2 * folds * each} pairs, but {len(rows)} lines follow")
    pairs = []
    for position, (number, words) in enumerate(rows):
        fold, within = divmod(position, 2 * each)
        kind, columns, form = (
            ("a genuine", 3, "Name 1 2") if within < each else ("an impostor", 4, "Name 1 Other 2")
        )
        if len(words) != columns:
            raise wrong(path, number, f"has {len(words)} columns, but {kind} pair has {columns}: '{form}'")
        pairs.append(numbered_pair(path, (number, words), fold if own_folds else None))
    return pairs
