"""A folder that is there whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sphereface.atomic import sync_folder
from sphereface.errors import DataError


def insist_on_new(destination: Path) -> None:
    """Let pass what is not there yet, or an empty folder.

    Raises:
        DataError: If something is there.
    """
    if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
        raise DataError(f"'{destination}' is there already and not empty; name a new folder")
    if destination.is_mount():
        raise DataError(f"'{destination}' is a whole file system; name a new folder in it")


@contextmanager
def appearing(destination: Path) -> Iterator[Path]:
    """Give a hidden folder that becomes ``destination`` when the block ends well, and vanishes when it fails.

    Raises:
        DataError: If something is there already, or another program is at it.
        OSError: If the disk is full or the folder cannot be written.
    """
    insist_on_new(destination)
    destination.parent.mkdir(parents=True, exist_ok=True)
    hidden = destination.with_name(f".{destination.name}.unfinished")
    try:
        hidden.mkdir()
    except FileExistsError:
        raise DataError(
            f"'{hidden}' is there: another program fills it, or was killed while it did; if none is running, "
            "delete that folder"
        ) from None
    try:
        yield hidden
        os.sync()  # once for all: an fsync for each of many thousand files would take long
        hidden.replace(destination)
        sync_folder(destination.parent)
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        raise
