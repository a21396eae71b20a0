"""Encoded pictures arrive in a folder of folders byte for byte, and those that cannot be taken are counted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

from sphereface.data.recordio import LARGEST_PICTURE

REFUSALS: Final = {
    "empty": "nothing in it",
    "too-large": f"larger than {LARGEST_PICTURE // 1_000_000} MB",
    "no-image": "no picture of a known format",
    "header": "too short for the header of an image record",
    "label": "a label that is neither a whole number nor usable as the name of a folder",
    "repeated": "person and number of an earlier one",
    "unlisted": "not in the index",
    "line": "not 'number TAB label TAB path'",
    "path": "a path that leads out of the list's folder",
    "missing": "no such file",
    "unreadable": "a file that cannot be read",
}
"""Why a picture was not taken."""

MOST_LISTED: Final = 10_000
"""Refused places that are remembered one by one; all are counted."""

_SIGNATURES = (
    (b"\xff\xd8\xff", ".jpg"),
    (b"\x89PNG\r\n\x1a\n", ".png"),
    (b"BM", ".bmp"),
    (b"GIF87a", ".gif"),
    (b"GIF89a", ".gif"),
    (b"II*\0", ".tif"),
    (b"MM\0*", ".tif"),
    (b"II+\0", ".tif"),
    (b"MM\0+", ".tif"),
)


class Intake:
    """A folder of folders that fills, and the count of what was not taken.

    Attributes:
        folder: Where the folders of people are made.
        people: Folders made.
        pictures: Files written.
        refused: How many were refused, by key of :data:`REFUSALS`.
        listed: The first of them, as (place, reason).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.people = 0
        self.pictures = 0
        self.refused: Counter[str] = Counter()
        self.listed: list[tuple[str, str]] = []

    def store(self, person: str, stem: str, content: bytes, where: str) -> str | None:
        """Write a picture to ``person/stem.jpg``, with the extension of what it is.

        Args:
            person: Name of the folder.
            stem: Name of the file without its extension.
            content: The encoded picture.
            where: Its place in the source, for the list of those that were refused.

        Returns:
            The file's name relative to ``folder``, or None if the picture was refused.

        Raises:
            OSError: If the disk is full or the folder cannot be written.
        """
        if fault := fault_of(content):
            self.refuse(where, fault)
            return None
        name = f"{person}/{stem}{picture_suffix(content)}"
        try:
            _write_new(self.folder / name, content)
        except FileNotFoundError:  # asking for every picture whether its folder is there would take longer
            (self.folder / person).mkdir(parents=True)
            self.people += 1
            _write_new(self.folder / name, content)
        except FileExistsError:
            self.refuse(where, "repeated")
            return None
        self.pictures += 1
        return name

    def refuse(self, where: str, reason: str) -> None:
        """Count a place that gives no picture; ``reason`` is a key of :data:`REFUSALS`."""
        assert reason in REFUSALS, reason
        self.refused[reason] += 1
        if len(self.listed) < MOST_LISTED:
            self.listed.append((where, reason))


def fault_of(content: bytes) -> str:
    """Return why these bytes cannot be taken as a picture, a key of :data:`REFUSALS`, or an empty string.

    >>> fault_of(b""), fault_of(b"GIF89a..."), fault_of(b"text")
    ('empty', '', 'no-image')
    """
    if not content:
        return "empty"
    if len(content) > LARGEST_PICTURE:
        return "too-large"
    return "" if picture_suffix(content) else "no-image"


def picture_suffix(content: bytes) -> str:
    """Return the extension for an encoded picture by its first bytes, or an empty string."""
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return ".webp"
    return next((suffix for signature, suffix in _SIGNATURES if content.startswith(signature)), "")


def _write_new(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
