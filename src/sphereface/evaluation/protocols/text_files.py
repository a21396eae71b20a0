"""Protocol files as rows of words or columns of a MATLAB file, with limits and with errors that name the line."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from sphereface.errors import DataError, reason_of

LARGEST: Final = 256 << 20
"""Bytes of a list that is read as a whole."""

LARGEST_MAT: Final = 16 << 20
"""Bytes of a MATLAB file, which may be packed; the protocols' own have some two."""

_MAT_HEADER: Final = 128  # bytes before the first variable, of which the last two say the order of bytes
_PACKED: Final = 15  # kind of a variable that is packed by zlib
_BLOCK: Final = 1 << 20  # bytes unpacked at a time

Row = tuple[int, list[str]]


def read_text(path: Path) -> str:
    """Return what a file says.

    Raises:
        DataError: If it cannot be read, is larger than any list, is not UTF-8, or is empty.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise DataError(f"'{path}' is larger than any protocol's list ({LARGEST >> 20} MB); check the path")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot read the protocol file '{path}': {reason_of(error)}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"'{path}' is not a text file in UTF-8, so it cannot be a protocol's list") from error
    if not text.strip():
        raise DataError(f"the protocol file '{path}' is empty")
    return text


def read_rows(path: Path, *columns: int, separator: str | None = None, header: bool = False) -> Iterator[Row]:
    """Yield the number and the words of every line that is neither blank nor a ``#`` comment.

    Args:
        path: The file.
        columns: How many words a line may have; any number, if none is said.
        separator: Between words; white space, if None.
        header: Whether the first line may name the columns: it is passed over unless it begins with a number.

    Raises:
        DataError: As :func:`read_text`, or if a line has another number of columns.
    """
    rows = (
        (number, [word.strip() for word in line.split(separator)])
        for number, line in enumerate(read_text(path).splitlines(), 1)
        if line.strip() and not line.startswith("#")
    )
    for at, (number, words) in enumerate(rows):
        if header and at == 0 and not words[0].isdigit():
            continue
        if columns and len(words) not in columns:
            wanted = " or ".join(map(str, columns))
            raise wrong(
                path, number, f"has {len(words)} columns where {wanted} are expected: '{' '.join(words)[:80]}'"
            )
        yield number, words


def wrong(path: Path, number: int, fault: str) -> DataError:
    """Return the error that a line ``fault``, such as "has two columns"."""
    return DataError(f"line {number:,} of '{path}' {fault}")


def whole(path: Path, number: int, word: str) -> int:
    """Return a word as a whole number from 0 upwards.

    Raises:
        DataError: If it is none.
    """
    if not (word.isascii() and word.isdigit() and len(word) < 16):
        raise wrong(path, number, f"has '{word[:40]}' where a whole number is expected")
    return int(word)


def is_same(path: Path, number: int, word: str) -> bool:
    """Return whether a label says one person (1) or two (0 or -1).

    Raises:
        DataError: If it says neither.
    """
    if word not in ("1", "0", "-1"):
        raise wrong(path, number, f"has '{word[:40]}' where 1 (one person) or 0 (two people) is expected")
    return word == "1"


def within(folder: Path, *places: str) -> Path:
    """Return the first of some files or folders that is there, looked for in a folder.

    Raises:
        DataError: If none is.
    """
    for place in places:
        if (folder / place).exists():
            return folder / place
    raise DataError(f"there is no '{places[0]}' in '{folder}'; name the folder that holds it")


def read_mat(path: Path, *variables: str) -> list[Any]:
    """Return variables of a MATLAB file without axes of length 1: cells as arrays of objects, structs as records.

    Raises:
        DataError: If it cannot be read, is too large, or lacks a variable.
    """
    from scipy.io import loadmat  # only these files need it

    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_MAT + 1)
    except OSError as error:
        raise DataError(f"cannot read the protocol file '{path}': {reason_of(error)}") from error
    if len(data) > LARGEST_MAT:
        raise DataError(f"'{path}' is larger than any protocol's list ({LARGEST_MAT >> 20} MB); check the path")
    try:
        if _unpacks_beyond(data, LARGEST):
            raise DataError(f"'{path}' unpacks to more than any protocol's list ({LARGEST >> 20} MB)")
        found = loadmat(io.BytesIO(data), squeeze_me=True, variable_names=variables)
    except DataError:
        raise
    except Exception as error:  # scipy raises whatever a damaged file makes it stumble over
        raise DataError(f"'{path}' is not a MATLAB file that can be read ({error})") from error
    for name in variables:
        if name not in found:
            raise DataError(f"'{path}' lacks the variable '{name}'; is it the protocol's own file?")
    return [found[name] for name in variables]


def _unpacks_beyond(data: bytes, most: int) -> bool:
    """Say whether the packed variables of a MATLAB file (version 5) have more bytes than that together.

    Raises:
        zlib.error: If one is damaged.
    """
    if 0 in data[:4]:  # version 4, in which nothing is packed
        return False
    order: Literal["little", "big"] = "little" if data[_MAT_HEADER - 2 : _MAT_HEADER] == b"IM" else "big"
    at, size = _MAT_HEADER, 0
    while at + 8 <= len(data):
        kind, length = (int.from_bytes(data[start : start + 4], order) for start in (at, at + 4))
        at += 8
        if kind == _PACKED:
            packed, unpacking = data[at : at + length], zlib.decompressobj()
            while packed and not unpacking.eof:
                size += len(unpacking.decompress(packed, _BLOCK))
                if size > most:
                    return True
                packed = unpacking.unconsumed_tail
        at += length
    return False


def texts(values: Any) -> list[str]:
    """Return a MATLAB cell column as texts.

    >>> texts(np.array(["a.jpg", "b.jpg"], dtype=object))
    ['a.jpg', 'b.jpg']
    """
    return [str(value).strip() for value in np.atleast_1d(values).ravel().tolist()]
