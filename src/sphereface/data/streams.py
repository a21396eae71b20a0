"""Files as readers of containers want them: opened without waiting, read once, hashed on the way."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path
from typing import BinaryIO, Protocol


class Source(Protocol):
    """What a reader of a container asks of an open file."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, fewer at the end only."""

    def readline(self, size: int, /) -> bytes:
        """Return the next line with its end, cut at ``size`` bytes."""


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading; a pipe, which might never answer, is refused.

    Raises:
        OSError: If it cannot be opened or is no regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is no regular file", str(path))
    return open(descriptor, "rb")  # noqa: PTH123 - a descriptor has no Path


class HashedFile:
    """An open file that is hashed while it is read, for a set of 30 GB should not be read twice.

    Attributes:
        sha256: Of what has been read.
        position: How many bytes have been read.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.position = 0

    def read(self, size: int, /) -> bytes:
        """Read as from the file."""
        return self._passed_on(self._file.read(size))

    def readline(self, size: int, /) -> bytes:
        """Read a line as from the file."""
        return self._passed_on(self._file.readline(size))

    def _passed_on(self, data: bytes) -> bytes:
        self.sha256.update(data)
        self.position += len(data)
        return data
