"""Files that are either the old ones or the new ones, never half of each.

A crash, a full disk or a kill at any moment leaves the previous content in place. The recipe is always the
same: write a hidden file beside the target, fsync it, rename it over the target, fsync the folder.
Failures of the disk are passed on as ``OSError``: the caller knows what the file meant.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_UNFINISHED = re.compile(r"\..+\.[0-9a-f]{12}\.tmp")


def write_bytes(path: Path, data: bytes | bytearray | memoryview) -> None:
    """Put ``data`` at ``path`` in one step, durable when this returns; missing folders are made.

    Raises:
        OSError: If the folder cannot be written or the disk is full; the old file is then untouched.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_bytes(Path(folder) / "a.bin", b"new")
    ...     (Path(folder) / "a.bin").read_bytes(), len(list(Path(folder).iterdir()))
    (b'new', 1)
    """
    path = Path(path)
    if not path.name or path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    path = path.resolve() if path.is_symlink() else path  # a link stays, and what it leads to is written
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "not a plain file", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:  # a full disk does not say what was written
            error.filename = str(path)
        raise
    sync_folder(path.parent)


def clear_unfinished(folder: Path) -> None:
    """Remove what killed writers left behind in a folder that nobody else writes to now."""
    for left in folder.glob(".*.tmp"):
        if _UNFINISHED.fullmatch(left.name):
            left.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Put ``text`` at ``path`` as UTF-8 with plain line ends, like :func:`write_bytes`."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Put ``value`` at ``path`` as readable JSON, like :func:`write_bytes`.

    Keys keep their order, letters stay as they are, and NaN or infinity is refused: no other reader
    would take them.

    Raises:
        ValueError: If ``value`` holds NaN or an infinity.
        TypeError: If ``value`` holds something JSON has no word for.
    """
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


@contextmanager
def held(folder: Path, *, busy: Exception | None = None) -> Iterator[None]:
    """Let nobody else who asks hold a folder meanwhile: for what is read, changed and written back.

    It is let go with the process that holds it, however that ends.

    Args:
        folder: The folder; it must be there.
        busy: What to raise where somebody else holds it; None waits.

    Raises:
        OSError: If the folder cannot be opened.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
        except BlockingIOError:
            if busy is None:
                raise
            raise busy from None
        yield
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable: a rename survives a power cut only after this."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
