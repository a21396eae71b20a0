"""What is wrong with a dataset, found before training on it: every file is opened and decoded once."""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sphereface.data.check_result import DatasetCheck, Duplicate, NearDuplicateGroup, UnreadableFile
from sphereface.data.folders import hash_files, list_folder
from sphereface.data.manifest import overlapping_names
from sphereface.data.near_duplicates import NearDuplicate, find_near_duplicates, thumbnail
from sphereface.errors import ImageError
from sphereface.faces.image import read_image
from sphereface.progress import SILENT, Progress

ALIGNED_SIZES = ((112, 112), (112, 96))  # height, width

_CHUNK = 64  # files a thread takes at a time


@dataclass(frozen=True, eq=False)
class _Looked:
    """What one look at a file gave: an outcome other than ``ok`` comes with a message and nothing else."""

    person: str
    name: str  # relative to the dataset's folder
    outcome: str = "ok"
    message: str = ""
    size: tuple[int, int] = (0, 0)
    pixel_hash: str = ""
    thumbnail: NDArray[np.uint8] | None = None


def check_dataset(folder: Path, against: Path | None = None, progress: Progress = SILENT) -> DatasetCheck:
    """Decode every picture of a folder of folders and report what would spoil training or a judgement.

    Args:
        folder: The dataset: person / pictures.
        against: Another dataset that must share neither people nor files with this one, say the test set.
        progress: Told about every file.

    Returns:
        The findings. Every visible file is in exactly one of ``readable``, ``unreadable``, ``loose`` and
        ``ignored``.

    Raises:
        DataError: If a folder is missing, empty, or a file.
    """
    listing = list_folder(folder)
    files = [(person, path) for person, paths in listing.people.items() for path in paths]
    looked = _look_at_all(files, listing.root, progress, "Checking images")
    good = [look for look in looked if look.outcome == "ok"]
    readable = Counter(look.person for look in good)
    sizes = Counter(look.size for look in good if look.size not in ALIGNED_SIZES)
    overlaps: list[tuple[str, str]] = []
    theirs: list[_Looked] = []
    if against is not None:
        other = list_folder(against)
        overlaps = overlapping_names(listing.people, other.people)
        other_files = [(person, path) for person, paths in other.people.items() for path in paths]
        looked_there = _look_at_all(other_files, other.root, progress, "Checking the other images")
        theirs = [look for look in looked_there if look.outcome == "ok"]
    near, near_shared = _near_duplicates(_one_of_each(good), _one_of_each(theirs), progress)
    return DatasetCheck(
        folder=str(folder),
        against=None if against is None else str(against),
        people=len(listing.people),
        files=len(files),
        readable=len(good),
        unreadable=tuple(
            UnreadableFile(look.name, look.outcome, look.message) for look in looked if look.outcome != "ok"
        ),
        loose=_relative(listing.loose, listing.root),
        ignored=_relative(listing.ignored, listing.root),
        deeper=_relative(listing.deeper, listing.root),
        people_without_readable=tuple(person for person in listing.people if readable[person] == 0),
        people_with_one=tuple(person for person in listing.people if readable[person] == 1),
        duplicates=tuple(_duplicates(good, listing.root)),
        similar_names=tuple(
            pair for pair in overlapping_names(listing.people, listing.people) if pair[0] < pair[1]
        ),
        overlaps=tuple(overlaps),
        shared_files=tuple(_shared_files(good, theirs)),
        near_duplicates=tuple(near),
        near_shared=tuple(near_shared),
        unaligned_sizes={f"{height}x{width}": count for (height, width), count in sizes.most_common()},
        unaligned_example=next((look.name for look in good if look.size not in ALIGNED_SIZES), None),
    )


def _look_at_all(files: list[tuple[str, Path]], root: Path, progress: Progress, title: str) -> list[_Looked]:
    chunks = [files[start : start + _CHUNK] for start in range(0, len(files), _CHUNK)]
    looked: list[_Looked] = []
    threads = min(8, os.cpu_count() or 1)
    with progress.task(title, len(files)) as task, ThreadPoolExecutor(threads) as pool:
        for done in pool.map(lambda chunk: [_look(person, path, root) for person, path in chunk], chunks):
            looked.extend(done)
            task.advance(len(done))
    return looked


def _look(person: str, path: Path, root: Path) -> _Looked:
    name = str(path.relative_to(root))
    try:
        pixels = read_image(path)
    except ImageError as error:
        return _Looked(person, name, error.outcome, str(error))
    height, width = pixels.shape[:2]
    pixel_hash = hashlib.sha256(f"{height}x{width}:".encode())
    pixel_hash.update(pixels.data)
    return _Looked(
        person, name, size=(height, width), pixel_hash=pixel_hash.hexdigest(), thumbnail=thumbnail(pixels)
    )


def _duplicates(good: list[_Looked], root: Path) -> Iterable[Duplicate]:
    """Yield groups of files that show the same pixels; equal bytes are a case of it."""
    groups: defaultdict[str, list[_Looked]] = defaultdict(list)
    for look in good:
        groups[look.pixel_hash].append(look)
    for group in groups.values():
        if len(group) > 1:
            hashes = hash_files([root / look.name for look in group])
            same: Literal["bytes", "pixels"] = "bytes" if len(set(hashes)) == 1 else "pixels"
            people = tuple(sorted({look.person for look in group}))
            yield Duplicate(tuple(look.name for look in group), people, same)


def _shared_files(ours: list[_Looked], theirs: list[_Looked]) -> list[tuple[str, str]]:
    """Return (our file, their file) for every picture of ours whose pixels are among theirs."""
    first = {look.pixel_hash: look.name for look in reversed(theirs)}
    return [(look.name, first[look.pixel_hash]) for look in ours if look.pixel_hash in first]


def _one_of_each(looked: list[_Looked]) -> list[_Looked]:
    """Leave out pictures whose very pixels came before: they are told apart from those that are nearly alike."""
    first = {look.pixel_hash: look for look in reversed(looked)}
    return [look for look in looked if first[look.pixel_hash] is look]


def _near_duplicates(
    ours: list[_Looked], theirs: list[_Looked], progress: Progress
) -> tuple[list[NearDuplicateGroup], list[tuple[str, str]]]:
    """Return groups of our files that are nearly alike, and (our file, their file) for every such file of ours."""
    both = [*ours, *theirs]
    found = find_near_duplicates([look.thumbnail for look in both if look.thumbnail is not None], progress)
    groups = []
    for copies in _linked(copy for copy in found if copy.second < len(ours)):
        looks = [
            both[index] for index in sorted({index for copy in copies for index in (copy.first, copy.second)})
        ]
        people = tuple(sorted({look.person for look in looks}))
        mirrored = any(copy.mirrored for copy in copies)
        groups.append(NearDuplicateGroup(tuple(look.name for look in looks), people, mirrored))
    shared: dict[str, str] = {}
    for copy in sorted(found, key=lambda copy: (copy.first, copy.remainder)):
        one, other = both[copy.first], both[copy.second]
        if copy.first < len(ours) <= copy.second and one.pixel_hash != other.pixel_hash:
            shared.setdefault(one.name, other.name)
    return groups, list(shared.items())


def _linked(copies: Iterable[NearDuplicate]) -> list[list[NearDuplicate]]:
    """Put pairs that hang together, directly or by others, into one list."""
    above: dict[int, int] = {}

    def top(index: int) -> int:
        while above.setdefault(index, index) != index:
            above[index] = above[above[index]]
            index = above[index]
        return index

    pairs = list(copies)
    for copy in pairs:
        above[top(copy.second)] = top(copy.first)
    groups: defaultdict[int, list[NearDuplicate]] = defaultdict(list)
    for copy in pairs:
        groups[top(copy.first)].append(copy)
    return list(groups.values())


def _relative(paths: Iterable[Path], root: Path) -> tuple[str, ...]:
    return tuple(str(path.relative_to(root)) for path in paths)
