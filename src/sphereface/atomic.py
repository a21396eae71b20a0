"""Files that are either the old ones or the new ones, never half of each.

A crash, a full disk or a kill at any moment leaves the previous content in place. The recipe is always the
same: write a hidden file beside the target, fsync it, rename it over the target, fsync the folder.
Failures of the disk are passed on as ``OSError``: the caller knows what the file meant.
"""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


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
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


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


def replace_folder(temporary: Path, final: Path) -> None:
    """Put the finished folder ``temporary`` at ``final`` in one step, whatever stood there before.

    Both must lie on one file system (make ``temporary`` beside ``final``). On Linux the two folders are
    swapped by one system call and the old one is then removed. Where that call does not exist, the old
    folder is moved aside first, and a crash between the two renames leaves it under a hidden name.

    Raises:
        OSError: If a folder cannot be moved; ``final`` is then the old folder.
    """
    temporary, final = Path(temporary), Path(final)
    if not temporary.is_dir():
        raise NotADirectoryError(f"{temporary} is not a folder")
    for folder, _, names in os.walk(temporary):
        for name in names:
            _sync(Path(folder, name))
        sync_folder(Path(folder))
    if not os.path.lexists(final):
        temporary.rename(final)
        sync_folder(final.parent)
        return
    if _exchange(temporary, final):
        old = temporary
    else:
        old = final.with_name(f".{final.name[:100]}.{secrets.token_hex(6)}.old")
        final.rename(old)
        try:
            temporary.rename(final)
        except OSError:
            old.rename(final)
            raise
    sync_folder(final.parent)
    if old.is_dir() and not old.is_symlink():
        shutil.rmtree(old, ignore_errors=True)
    else:
        old.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable: a rename survives a power cut only after this."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync(file: Path) -> None:
    if file.is_symlink() or not file.is_file():
        return
    with file.open("rb") as handle:
        os.fsync(handle.fileno())


def _exchange(first: Path, second: Path) -> bool:
    """Swap two names by renameat2(2); False where the system or file system cannot."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    result = renameat2(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE)
    return bool(result == 0)
