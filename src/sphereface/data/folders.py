"""The walk over a folder of folders (person / pictures), and the hash of every file found.

Only names and bytes are looked at here; nothing is decoded.
"""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sphereface.errors import DataError, reason_of
from sphereface.progress import SILENT, Progress

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".heic", ".heif"})

MANIFEST_NAME: Final = "manifest.jsonl"
"""In a folder of aligned crops, what became of every photograph (:mod:`sphereface.data.aligned_folder`)."""

TRACKS_NAME: Final = "tracks.jsonl"
"""In a folder of face tracks, where every crop comes from (:mod:`sphereface.data.video_tracks`)."""

_DEEPEST = 8  # folders inside each other that a protocol's pictures lie in
_CHUNK = 256  # files a thread takes at a time: the bookkeeping of one future per file costs more
_BLOCK = 1 << 20  # bytes read at once, so that a huge file costs time but no memory
_NAMED = 3  # how many offenders a message names before it only counts them


@dataclass(frozen=True)
class FolderListing:
    """Everything visible in a folder of folders; hidden files and folders are not.

    Attributes:
        root: The folder, absolute, links resolved.
        people: The pictures of every person by NFC name, in order; empty for a person without any.
        loose: Pictures that lie beside the folders of people and so belong to nobody.
        ignored: Files that are no pictures by their name, other than the two that this program writes.
        deeper: Folders inside folders of people, which nobody looks into.
    """

    root: Path
    people: dict[str, tuple[Path, ...]]
    loose: tuple[Path, ...]
    ignored: tuple[Path, ...]
    deeper: tuple[Path, ...]


def list_folder(folder: Path) -> FolderListing:
    """List a folder of folders, sorted, without opening a file.

    Raises:
        DataError: If the folder is missing, cannot be listed, is a file, holds nothing to use, or a name that
            is not UTF-8.
    """
    folder = Path(folder)
    if not folder.exists():
        raise DataError(f"there is no folder '{folder}'; check the path")
    if not folder.is_dir():
        raise DataError(f"'{folder}' is a file, but a dataset is a folder of folders (person / pictures)")
    root = folder.resolve()
    people: dict[str, tuple[Path, ...]] = {}
    names, loose, others = _sorted_out(root)
    ignored = [path for path in others if path.name not in (MANIFEST_NAME, TRACKS_NAME)]
    deeper: list[Path] = []
    for person in names:
        name = nfc(person.name)
        if not name.strip():
            raise DataError(f"a folder in '{folder}' has a blank name; rename it to the person's name")
        inner, pictures, others = _sorted_out(person)
        people[name] = (*people.get(name, ()), *pictures)
        ignored.extend(others)
        deeper.extend(inner)
    if not people and not loose:
        raise DataError(f"'{folder}' is empty; put one folder per person into it, with the person's images inside")
    return FolderListing(root, people, tuple(loose), tuple(ignored), tuple(deeper))


def person_folders(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Return the pictures of every person in one folder of folders, insisting on a usable dataset.

    Raises:
        DataError: As :func:`list_folder`, or if there are no folders of people, or people without a picture.
    """
    listing = list_folder(folder)
    if not listing.people:
        raise DataError(
            f"'{folder}' holds {len(listing.loose)} images but no folders of people; "
            "move each person's images into a folder with the person's name"
        )
    bare = [name for name, files in listing.people.items() if not files]
    if len(bare) == len(listing.people) and listing.deeper:
        raise DataError(
            f"the folders in '{folder}' hold folders, not images; "
            f"name the folder that holds the people, perhaps '{listing.deeper[0].parent}'"
        )
    if bare:
        raise DataError(
            f"no image in the folder of {first_few(bare)} in '{folder}'; remove such folders, "
            f"or run: sphereface dataset check '{folder}'"
        )
    return listing.people


def every_picture(folder: Path) -> tuple[Path, ...]:
    """Return every picture below a folder, however deep up to eight folders, sorted; nothing is opened.

    Links to other folders are followed; one that leads back to a folder it lies in is not, for it never ends.

    Raises:
        DataError: If the folder is missing, cannot be listed, or holds no picture.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"there is no folder '{folder}'; check the path")
    found: list[Path] = []
    waiting: list[tuple[Path, frozenset[tuple[int, int]]]] = [(folder.resolve(), frozenset())]
    while waiting:
        place, above = waiting.pop()
        own = _identity(place)
        if own in above:
            continue
        inner, pictures, _ = _sorted_out(place)
        found.extend(pictures)
        if len(above) < _DEEPEST:
            waiting.extend((other, above | {own}) for other in reversed(inner))
    if not found:
        raise DataError(f"there is no picture below '{folder}'; check the path")
    return tuple(found)


def is_image_name(name: str) -> bool:
    """Say whether a file of this name counts as a picture.

    >>> [is_image_name(name) for name in ("a.JPG", ".a.jpg", "a.txt")]
    [True, False, False]
    """
    return not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES


def hash_files(paths: Sequence[Path], progress: Progress = SILENT) -> tuple[str, ...]:
    """Return the SHA-256 of every file in hexadecimal, read by a few threads.

    Raises:
        DataError: If a file cannot be read, is not a regular file, or has vanished.
    """
    chunks = [paths[start : start + _CHUNK] for start in range(0, len(paths), _CHUNK)]
    hashes: list[str] = []
    with progress.task("Reading files", len(paths)) as task, ThreadPoolExecutor(4) as pool:
        for done in pool.map(lambda chunk: [_hash_file(path) for path in chunk], chunks):
            hashes.extend(done)
            task.advance(len(done))
    return tuple(hashes)


def nfc(name: str) -> str:
    """Return a name in Unicode normal form C, so that one name typed in two ways is one name."""
    return unicodedata.normalize("NFC", name)


def first_few(names: Sequence[str], count: int = _NAMED) -> str:
    """Quote the first names and count the others.

    >>> first_few(["Ann", "Ben", "Cem", "Dan", "Eva"])
    "'Ann', 'Ben', 'Cem' and 2 more"
    """
    quoted = ", ".join(f"'{name}'" for name in names[:count])
    return f"{quoted} and {len(names) - count} more" if len(names) > count else quoted


def counted(things: Sequence[object], one: str, many: str) -> str:
    """Count things in the right number.

    >>> counted("a", "file is", "files are"), counted("ab", "file is", "files are")
    ('1 file is', '2 files are')
    """
    return f"{len(things):,} {one if len(things) == 1 else many}"


def remarks(found: Iterable[tuple[Sequence[str], str, str, str]]) -> tuple[str, ...]:
    """Return a sentence for each (names, one, many, meaning) with any names: how many, the first, and so what."""
    return tuple(
        f"{counted(names, one, many)} ({first_few(names)}): {meaning}."
        for names, one, many, meaning in found
        if names
    )


def _sorted_out(folder: Path) -> tuple[list[Path], list[Path], list[Path]]:
    """Return what is visible in a folder as (folders, pictures, other files), each sorted by NFC name."""
    try:
        with os.scandir(folder) as found:
            entries = [(entry.name, _is_folder(entry)) for entry in found if not entry.name.startswith(".")]
    except OSError as error:
        raise _unreadable(folder, error) from error
    if strange := [name for name, _ in entries if not _is_text(name)]:
        raise DataError(f"a name in '{folder}' is not UTF-8 ({strange[0]!a}); rename it")
    entries.sort(key=lambda entry: (nfc(entry[0]), entry[0]))
    folders = [folder / name for name, is_folder in entries if is_folder]
    pictures = [folder / name for name, is_folder in entries if not is_folder and is_image_name(name)]
    others = [folder / name for name, is_folder in entries if not is_folder and not is_image_name(name)]
    return folders, pictures, others


def _identity(folder: Path) -> tuple[int, int]:
    """Return what is one and the same for a folder, by whatever path it is reached."""
    try:
        found = folder.stat()
    except OSError as error:
        raise _unreadable(folder, error) from error
    return found.st_dev, found.st_ino


def _unreadable(folder: Path, error: OSError) -> DataError:
    return DataError(f"the folder '{folder}' cannot be read ({reason_of(error)}); check its permissions")


def _is_text(name: str) -> bool:
    """Say whether a file name can be written down; undecodable bytes reach Python as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that points at itself; it counts as a file and is reported as unreadable
        return False


def _hash_file(path: Path) -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
            raise DataError(f"'{path}' is a pipe, socket or device, not an image file; remove it")
        digest = hashlib.sha256()
        with path.open("rb", buffering=0) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        return digest.hexdigest()
    except OSError as error:
        reason = reason_of(error)
        raise DataError(f"'{path}' cannot be read ({reason}); restore or remove it") from error
