"""RecordIO, the container of MXNet's image sets (``.rec`` with ``.idx``), and lists of pictures (``.lst``).

Everything streams: one record or line is in memory at a time. The container and its header are documented in
dmlc-core, https://github.com/dmlc/dmlc-core/blob/main/include/dmlc/recordio.h, and in ``mxnet.recordio``; how
face sets use them is InsightFace's: records without a picture hold the ranges of records of each person.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from sphereface.data.streams import Source, open_regular
from sphereface.errors import DataError

MAGIC: Final = 0xCED7230A
LARGEST_PICTURE: Final = 50_000_000
"""Of one record or file in bytes; a larger one is passed over without being held in memory."""

_MAGIC = struct.pack("<I", MAGIC)
_HEAD = struct.Struct("<II")  # magic, continuation flag in 3 bits and length in 29
_IMAGE_HEAD = struct.Struct("<IfQQ")  # flag, label, id, id2
_LONGEST_LINE = 1 << 16
_LONGEST_NUMBER = 18  # digits, so that it fits into 63 bits
_WITHOUT_INDEX = "move it away, for the records can be read without it"
_NUMBER = re.compile(r"-?\d{1,18}(\.\d*)?")


@dataclass(frozen=True, slots=True)
class Entry:
    """What a container holds in one place: a picture, or why there is none.

    Attributes:
        where: The place, for people.
        outcome: ``picture``, ``bookkeeping`` (a range of records, which folders make superfluous), or why
            nothing can be taken from here.
        number: The record's or line's own number.
        label: Whose picture it is: a number, or a name in a list that has names.
        content: The picture as it is stored.
    """

    where: str
    outcome: str
    number: int = 0
    label: float | str = 0.0
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class Record:
    """A record, its parts joined: where it begins and ends in bytes, and its content, None if too large."""

    start: int
    end: int
    content: bytes | None


def read_records(file: Source, name: str, largest: int = LARGEST_PICTURE) -> Iterator[Record]:
    """Walk over the records of a container, in the order of the file.

    Args:
        file: Read from its first byte to its last.
        name: What to call it in messages.
        largest: A record of more bytes is read past, and has no content.

    Raises:
        DataError: If the container is damaged or ends within a record.
    """
    position = 0
    while (record := _next_record(file, name, position, largest)) is not None:
        yield record
        position = record.end


def _next_record(file: Source, name: str, start: int, largest: int) -> Record | None:
    # A writer cuts a record wherever its content has the magic number at a multiple of four, and leaves the
    # number out: flag 1 begins such a record, 2 goes on, 3 ends it. Flag 0 is a record in one piece.
    parts: list[bytes] = []
    size, position, allowed = 0, start, (0, 1)
    while True:
        head = file.read(_HEAD.size)
        if not head and position == start:
            return None
        if len(head) < _HEAD.size:
            raise _cut_short(name, start)
        magic, word = _HEAD.unpack(head)
        flag, length = word >> 29, word & 0x1FFFFFFF
        if magic != MAGIC or flag not in allowed:
            fault = "there is no record" if magic != MAGIC else f"the parts of a record do not fit (flag {flag})"
            raise DataError(
                f"'{name}' is no RecordIO file, or damaged: at byte {position:,} {fault}; fetch it again"
            )
        size += length + (len(_MAGIC) if flag > 1 else 0)
        padded = (length + 3) & ~3
        if size > largest:
            _skip(file, name, start, padded)
        else:
            body = file.read(padded)
            if len(body) < padded:
                raise _cut_short(name, start)
            parts.append(body[:length])
        position += _HEAD.size + padded
        if flag in (0, 3):
            return Record(start, position, None if size > largest else _MAGIC.join(parts))
        allowed = (2, 3)


def _skip(file: Source, name: str, start: int, count: int) -> None:
    while count:
        passed = len(file.read(min(count, 1 << 20)))
        if not passed:
            raise _cut_short(name, start)
        count -= passed


def _cut_short(name: str, start: int) -> DataError:
    return DataError(f"'{name}' is cut short: it ends within the record at byte {start:,}; fetch it again")


def read_index(file: Source, name: str) -> Iterator[tuple[int, int]]:
    """Read an index: (number of a record, its first byte), in the order of the file.

    Raises:
        DataError: If a line is not two whole numbers with a tabulator between them.
    """
    for line_number, line in _lines(file, name):
        numbers = line.split(b"\t")
        if len(numbers) != 2 or not all(n.isdigit() and len(n) <= _LONGEST_NUMBER for n in numbers):
            raise DataError(
                f"line {line_number:,} of the index '{name}' is not 'number TAB byte'; {_WITHOUT_INDEX}"
            )
        yield int(numbers[0]), int(numbers[1])


def record_entries(
    file: Source, name: str, index: Source | None = None, largest: int = LARGEST_PICTURE
) -> Iterator[Entry]:
    """Read what the records of an image set hold.

    Args:
        file: The ``.rec`` file, read from its first byte to its last.
        name: What to call it in messages.
        index: The ``.idx`` file, which numbers the records; without it they are numbered from 0.
        largest: A record of more bytes is not held in memory.

    Raises:
        DataError: If the container is damaged, or the index is not its.
    """
    listed = None if index is None else read_index(index, f"{Path(name).stem}.idx")
    wanted = None if listed is None else next(listed, None)
    for position, record in enumerate(read_records(file, name, largest)):
        if listed is None:
            yield _entry(position, record)
        elif wanted is None or wanted[1] > record.start:
            yield Entry(f"record at byte {record.start:,}", "unlisted")
        elif wanted[1] < record.start:
            break
        else:
            yield _entry(wanted[0], record)
            wanted = next(listed, None)
    if wanted is not None:
        raise DataError(
            f"'{name}' and its index do not fit: the index has record {wanted[0]} at byte {wanted[1]:,}, the file "
            f"does not. If the file is whole, {_WITHOUT_INDEX}"
        )


def _entry(number: int, record: Record) -> Entry:
    where, content = f"record {number} at byte {record.start:,}", record.content
    if content is None:
        return Entry(where, "too-large")
    if not content:
        return Entry(where, "empty")
    if len(content) < _IMAGE_HEAD.size:
        return Entry(where, "header")
    count, label, identifier, _ = _IMAGE_HEAD.unpack_from(content)
    begin = _IMAGE_HEAD.size + 4 * count  # if there are several labels, they follow as numbers of four bytes
    if begin > len(content):
        return Entry(where, "header")
    labels = struct.unpack_from(f"<{min(count, 2)}f", content, _IMAGE_HEAD.size) or (label,)
    if begin == len(content):
        # A range of records: of a person, or, in the record with id 0, of all these ranges. Large numbers are
        # rounded, so both ends may look alike.
        is_range = count == 2 and (labels[0] <= labels[1] or identifier == 0)
        return Entry(where, "bookkeeping" if is_range else "empty")
    return Entry(where, "picture", number, labels[0], content[begin:])


def list_entries(file: Source, name: str, folder: Path, largest: int = LARGEST_PICTURE) -> Iterator[Entry]:
    """Read the pictures that a list names.

    Lines are ``number TAB label TAB path`` (more labels may stand before the path), or, as InsightFace's
    aligned sets have it, ``1 TAB path TAB label``, which are numbered from 1. A label is a number or a name.
    Paths are relative to ``folder``; links in it are followed.

    Args:
        file: The ``.lst`` file, read from its first byte to its last.
        name: What to call it in messages.
        folder: Where the paths begin.
        largest: A picture of more bytes is not read.

    Raises:
        DataError: If it is no text.
    """
    for line_number, line in _lines(file, name):
        where = f"line {line_number:,}"
        try:
            columns = line.decode("utf-8").split("\t")
        except UnicodeDecodeError:
            columns = []
        if len(columns) < 3 or not columns[0].isdecimal() or len(columns[0]) > _LONGEST_NUMBER:
            yield Entry(where, "line")
            continue
        number, label, path = int(columns[0]), columns[1], columns[-1]
        if not _NUMBER.fullmatch(label) and _NUMBER.fullmatch(columns[2]):
            number, label, path = line_number, columns[2], columns[1]
        outcome, content = _read_listed(folder, path, largest)
        yield Entry(where, outcome, number, float(label) if _NUMBER.fullmatch(label) else label, content)


def _read_listed(folder: Path, path: str, largest: int) -> tuple[str, bytes]:
    relative = PurePosixPath(path)
    if relative.is_absolute() or ".." in relative.parts or "\0" in path:
        return "path", b""
    try:
        with open_regular(folder / relative) as file:
            size = os.fstat(file.fileno()).st_size
            return ("too-large", b"") if size > largest else ("picture", file.read(size))
    except (FileNotFoundError, NotADirectoryError):
        return "missing", b""
    except OSError:
        return "unreadable", b""


def _lines(file: Source, name: str) -> Iterator[tuple[int, bytes]]:
    """Yield (number from 1, line without its end) of the lines that are not blank."""
    number = 0
    while line := file.readline(_LONGEST_LINE):
        number += 1
        if len(line) == _LONGEST_LINE:
            raise DataError(f"'{name}' is no text: line {number:,} has no end; name another file")
        line = line.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n")
        if line.strip():
            yield number, line
