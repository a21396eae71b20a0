"""Readers of Labeled Faces in the Wild's pair files, View 1 (development) and View 2 (ten folds).

Reference: Huang, Ramesh, Berg and Learned-Miller 2007, University of Massachusetts technical report 07-49.
"""

from __future__ import annotations

from pathlib import Path

from sphereface.errors import DataError
from sphereface.evaluation.pair_list import NamedPair

_GENUINE_COLUMNS = 3
_IMPOSTOR_COLUMNS = 4
_LARGEST_FILE = 64 << 20


def read_lfw_view1(path: Path) -> list[NamedPair]:
    """Read ``pairsDevTrain.txt`` or ``pairsDevTest.txt``: a count n, n genuine pairs, n impostor pairs.

    View 1 has no folds of its own; folds are then made of people.

    Raises:
        DataError: If the file cannot be read, or a line has the wrong columns; the message gives its number.
    """
    lines = _lines(path)
    header = _numbers(path, lines, columns=1)
    return _pairs(path, lines, folds=1, each=header[0])


def read_lfw_view2(path: Path) -> list[NamedPair]:
    """Read ``pairs.txt``: the header ``10 300``, then in each fold 300 genuine and 300 impostor pairs.

    Raises:
        DataError: If the file cannot be read, or a line has the wrong columns; the message gives its number.
    """
    lines = _lines(path)
    folds, each = _numbers(path, lines, columns=2)
    return _pairs(path, lines, folds=folds, each=each, own_folds=True)


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """Return the number and the columns of every line that is not blank."""
    try:
        if Path(path).stat().st_size > _LARGEST_FILE:
            raise DataError(f"'{path}' is larger than any pair list; check the path")
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot read the pair list '{path}': {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"'{path}' is not a text file in UTF-8, so it cannot be a pair list") from error
    lines = [(number, line.split()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise DataError(f"the pair list '{path}' is empty")
    return lines


def _numbers(path: Path, lines: list[tuple[int, list[str]]], columns: int) -> list[int]:
    number, header = lines[0]
    wanted = "the number of pairs" if columns == 1 else "the numbers of folds and pairs, such as '10 300'"
    if len(header) != columns or not all(word.isascii() and word.isdigit() and int(word) for word in header):
        raise DataError(f"line {number} of '{path}' must hold {wanted}, not '{' '.join(header)[:80]}'")
    return [int(word) for word in header]


def _pairs(
    path: Path, lines: list[tuple[int, list[str]]], folds: int, each: int, own_folds: bool = False
) -> list[NamedPair]:
    body = lines[1:]
    if len(body) != 2 * folds * each:
        raise DataError(f"'{path}' announces {2 * folds * each} pairs, but {len(body)} lines follow")
    pairs = []
    for position, (number, words) in enumerate(body):
        fold, within = divmod(position, 2 * each)
        pairs.append(_pair(path, number, words, within < each, fold if own_folds else None))
    return pairs


def _pair(path: Path, number: int, words: list[str], same: bool, fold: int | None) -> NamedPair:
    columns = _GENUINE_COLUMNS if same else _IMPOSTOR_COLUMNS
    form = "Name 1 2" if same else "Name 1 Other 2"
    if len(words) != columns:
        kind = "a genuine" if same else "an impostor"
        raise DataError(
            f"line {number} of '{path}' has {len(words)} columns, but {kind} pair has {columns}: '{form}'"
        )
    person_a, person_b = words[0], words[0] if same else words[2]
    images = words[1], words[-1]
    if not all(image.isascii() and image.isdigit() for image in images):
        raise DataError(f"line {number} of '{path}' has '{' '.join(words)[:80]}' where '{form}' is expected")
    if not same and person_a == person_b:
        raise DataError(f"line {number} of '{path}' is an impostor pair, but names '{person_a}' twice")
    return NamedPair(
        _file(person_a, int(images[0])), _file(person_b, int(images[1])), person_a, person_b, same, fold
    )


def _file(name: str, image: int) -> str:
    """Return the file LFW stores an image in.

    >>> _file("Ada_Lovelace", 7)
    'Ada_Lovelace/Ada_Lovelace_0007.jpg'
    """
    return f"{name}/{name}_{image:04d}.jpg"
