"""A folder of aligned crops, and the file in it that says of every photograph what became of it.

``manifest.jsonl`` begins with a line about the folder; then comes one line a photograph, written after its crops.
A line that a kill has torn does not count, and the last one about a photograph is the one that does. One program
at a time may write.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Final, NamedTuple

from sphereface.atomic import held, sync_folder, write_bytes, write_text
from sphereface.data.folders import MANIFEST_NAME
from sphereface.errors import DataError

UNFINISHED_CROP: Final = ".crop-{}.tmp"
"""Name of a crop that is being written, to be filled with something that no other program uses."""

_FORMAT = "sphereface-aligned"
_UNFINISHED = (UNFINISHED_CROP.format("*"), f".{MANIFEST_NAME}.*.tmp")
_SYNC_SECONDS = 5.0  # what a power cut may cost; a kill costs nothing that was written


class Stamp(NamedTuple):
    """By what a file is known to be the one of last time; both are None if there is no file.

    Attributes:
        bytes: Its size.
        modified_ns: When it was last changed, in nanoseconds.
    """

    bytes: int | None = None
    modified_ns: int | None = None


def stamp_of(path: Path) -> Stamp:
    """Look at a file from outside."""
    try:
        status = os.stat(path)  # noqa: PTH116 - as fast as it can be, for a hundred thousand files
    except OSError:
        return Stamp()
    return Stamp(status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of a line.

    Attributes:
        begin: Where it begins in the file, in bytes.
        end: Where the next one begins.
        stamp: Of the photograph, as :func:`stamp_of` gave it.
        outcome: What became of it.
        crops: Name and size in bytes of every crop, relative to the folder.
    """

    begin: int
    end: int
    stamp: Stamp
    outcome: str
    crops: tuple[tuple[str, int], ...]


class AlignedFolder:
    """A folder that is being written; made by :func:`open_aligned` only."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path: Final = path
        self._file = file
        self._synced = time.monotonic()

    def known(self) -> dict[str, Known]:
        """Return the last line about every photograph, by the photograph's name."""
        found: dict[str, Known] = {}
        with (self.path / MANIFEST_NAME).open("rb") as file:
            end = len(file.readline())
            for line in file:
                begin, end = end, end + len(line)
                try:
                    record = json.loads(line)
                    crops = tuple((_inside(face["crop"]), face["crop_bytes"]) for face in record["faces"])
                    stamp = Stamp(record["bytes"], record["modified_ns"])
                    found[_inside(record["file"])] = Known(begin, end, stamp, record["outcome"], crops)
                except (ValueError, KeyError, TypeError, RecursionError):
                    continue  # damaged: its photograph counts as a new one
        return found

    def append(self, line: bytes) -> None:
        """Write the line of a photograph whose crops are there; it ends with a line feed."""
        self._file.write(line)
        self._file.flush()
        if time.monotonic() - self._synced > _SYNC_SECONDS:
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()

    def finish(self, order: Sequence[str]) -> dict[str, Known]:
        """Leave one line a photograph, those of ``order`` in this order, made durable; return what is known."""
        os.fsync(self._file.fileno())
        known = self.known()
        manifest = self.path / MANIFEST_NAME
        with manifest.open("rb") as file:
            head = file.readline()
            ends = [len(head), *(known[name].end for name in order)]
            begins = [*(known[name].begin for name in order), manifest.stat().st_size]
            if ends == begins:
                return known
            lines = [head]
            for name in order:
                file.seek(known[name].begin)
                lines.append(file.read(known[name].end - known[name].begin))
        write_bytes(manifest, b"".join(lines))
        return known


@contextmanager
def open_aligned(path: Path, head: dict[str, Any]) -> Iterator[AlignedFolder]:
    """Open a folder of aligned crops for writing, or begin one.

    Args:
        path: The folder; made if it is missing.
        head: What the crops depend on, as nested dicts; a folder begun with other values is refused. The key
            ``sphereface`` is only written down.

    Raises:
        DataError: If the folder is in use, holds something else, or was begun with other values.
        OSError: If it cannot be written.
    """
    if path.exists() and not path.is_dir():
        raise DataError(f"'{path}' is a file; name a folder for the crops")
    path.mkdir(parents=True, exist_ok=True)
    advice = "wait until it has ended, or name another folder"
    with held(path, busy=DataError(f"another program is writing crops to '{path}'; {advice}")):
        _begin(path, {"format": _FORMAT, **head})
        _remove_unfinished(path)
        manifest = path / MANIFEST_NAME
        with manifest.open("r+b") as file:
            whole = sum(len(line) for line in file if line.endswith(b"\n"))
            if file.seek(whole) < manifest.stat().st_size:
                file.truncate()  # the last line, which a kill has torn
            yield AlignedFolder(path, file)


def _begin(path: Path, head: dict[str, Any]) -> None:
    """Write the first line, or insist that it is this one."""
    manifest = path / MANIFEST_NAME
    if not manifest.exists():
        strange = sorted(entry.name for entry in path.iterdir() if not entry.name.startswith("."))
        if strange:
            raise DataError(f"'{path}' holds other things ('{strange[0]}'); name a new folder for the crops")
        write_text(manifest, json.dumps(head, ensure_ascii=False) + "\n")
        sync_folder(path.parent)
        return
    with manifest.open("rb") as file:
        try:
            found = json.loads(file.readline())
        except ValueError:
            found = None
    if not isinstance(found, dict) or found.get("format") != _FORMAT:
        raise DataError(f"'{manifest}' was not written by 'sphereface align'; name a new folder for the crops")
    before, now = _leaves(found), _leaves(head)
    for key in {**before, **now}:
        if key != "sphereface" and before.get(key) != now.get(key):
            raise DataError(
                f"the crops in '{path}' were made with {key.removeprefix('settings.')} = {before.get(key)}, not "
                f"{now.get(key)}; use the same again, or name a new folder"
            )


def _inside(name: str) -> str:
    """Insist on a name that leads nowhere else: crops of photographs that are done again are removed."""
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise ValueError(name)
    return name


def _leaves(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return what nested dicts hold, by names such as ``settings.size``."""
    leaves: dict[str, Any] = {}
    for key, inner in value.items():
        name = prefix + key
        leaves |= _leaves(inner, f"{name}.") if isinstance(inner, dict) else {name: inner}
    return leaves


def _remove_unfinished(path: Path) -> None:
    """Remove what a killed program was about to write; none is at work, for the folder is locked."""
    for folder in (path, *(entry for entry in path.iterdir() if entry.is_dir() and not entry.is_symlink())):
        for pattern in _UNFINISHED:
            for unfinished in folder.glob(pattern):
                unfinished.unlink()
