"""Long tables of whole numbers, read in blocks: IJB-C lists 15.7 million pairs of templates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import DataError, reason_of
from sphereface.evaluation.protocols.text_files import wrong

_BLOCK: Final = 16 << 20  # bytes read at a time
_LARGEST: Final = 4 << 30
_DIGITS: Final = 18  # more do not fit into 64 bits
_SPACE, _NEWLINE, _ZERO, _NINE = b" \n09"


def read_numbers(path: Path, columns: int) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of a text file of whole numbers, separated by one space, some hundred thousand at a time.

    Args:
        path: The file.
        columns: How many numbers a line has.

    Raises:
        DataError: If the file cannot be read, is empty or too large, or a line has something else.
    """
    line = 0
    for block in _blocks(path):
        rows = _parse(block, columns)
        if rows is None:
            raise _fault(path, line, block, columns)
        line += len(rows)
        yield rows
    if not line:
        raise DataError(f"the protocol file '{path}' is empty")


def _blocks(path: Path) -> Iterator[bytes]:
    """Yield whole lines that end in a newline."""
    try:
        if path.stat().st_size > _LARGEST:
            raise DataError(f"'{path}' is larger than any protocol's list ({_LARGEST >> 30} GB); check the path")
        with path.open("rb") as file:
            rest = b""
            while block := file.read(_BLOCK):
                whole, newline, rest = (rest + block).rpartition(b"\n")
                if newline:
                    yield (whole + newline).replace(b"\r", b"")
            if rest.strip():
                yield rest.replace(b"\r", b"") + b"\n"
    except OSError as error:
        raise DataError(f"cannot read the protocol file '{path}': {reason_of(error)}") from error


def _parse(block: bytes, columns: int) -> NDArray[np.int64] | None:
    """Return the rows, or None where a line is anything but digits with single spaces between them."""
    text = np.frombuffer(block, dtype=np.uint8)
    gaps = np.flatnonzero(text < _ZERO)
    lengths = np.diff(gaps, prepend=-1) - 1
    expected = np.full(columns, _SPACE, dtype=np.uint8)
    expected[-1] = _NEWLINE
    if (
        len(gaps) % columns
        or text.max() > _NINE
        or lengths.min() < 1
        or lengths.max() > _DIGITS
        or (text[gaps].reshape(-1, columns) != expected).any()
    ):
        return None
    return np.fromstring(block, dtype=np.int64, sep=" ").reshape(-1, columns)


def _fault(path: Path, before: int, block: bytes, columns: int) -> DataError:
    for number, line in enumerate(block.split(b"\n")[:-1], before + 1):
        if _parse(line + b"\n", columns) is None:
            shown = line[:80].decode("ascii", "replace")
            return wrong(
                path, number, f"must hold {columns} whole numbers with a space between them, not '{shown}'"
            )
    raise AssertionError("a block is refused only for one of its lines")
