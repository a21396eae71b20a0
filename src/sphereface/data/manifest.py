"""Who is in which picture: a folder of folders, read once, hashed, and split by person.

A dataset is ``FOLDER/person/picture``. The manifest is a value: every selection gives a new one whose labels
are contiguous again, so the number of classes is always ``len(manifest.identities)``.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sphereface.data.folders import every_picture, hash_files, nfc, person_folders
from sphereface.errors import DataError, nearest
from sphereface.names import comparable_name
from sphereface.progress import SILENT, Progress


@dataclass(frozen=True, eq=False)
class Manifest:
    """Pictures and the people in them.

    Attributes:
        identities: Names of the C people, sorted, unique, normalised to Unicode NFC.
        paths: The N files, absolute, sorted by person and then by name.
        labels: Shape (N,), int64: index of each file's person in ``identities``; every person occurs.
        hashes: SHA-256 of each file's bytes in hexadecimal.
    """

    identities: tuple[str, ...]
    paths: tuple[Path, ...]
    labels: NDArray[np.int64]
    hashes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.paths)

    @cached_property
    def data_hash(self) -> str:
        """SHA-256 over (person, file name, file hash), sorted: the same wherever the folder lies."""
        lines = sorted(
            f"{self.identities[label]}\0{nfc(path.name)}\0{file_hash}\n"
            for path, label, file_hash in zip(self.paths, self.labels, self.hashes, strict=True)
        )
        return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()

    @property
    def names(self) -> tuple[str, ...]:
        """What each file is called beside the others: its path below the folder of them all, ``person/1.jpg``."""
        above = os.path.commonpath([path.parent.parent for path in self.paths])
        return tuple(path.relative_to(above).as_posix() for path in self.paths)

    @property
    def people(self) -> tuple[str, ...]:
        """Who is in each file, N names."""
        return tuple(self.identities[label] for label in self.labels.tolist())

    def images_per_identity(self) -> NDArray[np.int64]:
        """Return the number of files of every person, shape (C,), int64."""
        return np.bincount(self.labels, minlength=len(self.identities)).astype(np.int64)

    def select(self, indices: Sequence[int] | NDArray[np.integer] | NDArray[np.bool_]) -> Manifest:
        """Return the manifest of these files only (positions or a mask), in the order of this manifest.

        Raises:
            DataError: If nothing is left.
        """
        chosen = np.zeros(len(self), dtype=bool)
        chosen[np.asarray(indices)] = True
        positions = np.flatnonzero(chosen)
        if positions.size == 0:
            raise DataError("this selection leaves no images; check the names and numbers it was made from")
        people, labels = np.unique(self.labels[positions], return_inverse=True)
        return Manifest(
            identities=tuple(self.identities[person] for person in people),
            paths=tuple(self.paths[position] for position in positions),
            labels=labels.astype(np.int64),
            hashes=tuple(self.hashes[position] for position in positions),
        )

    def only(self, names: Iterable[str]) -> Manifest:
        """Keep these people.

        Raises:
            DataError: If a name is not in the manifest; the message offers the nearest.
        """
        return self.select(np.isin(self.labels, self._numbers(names)))

    def without(self, names: Iterable[str]) -> Manifest:
        """Leave these people out; names the manifest does not have are ignored.

        Raises:
            DataError: If nobody is left.
        """
        unwanted = {nfc(name) for name in names}
        numbers = [number for number, name in enumerate(self.identities) if name in unwanted]
        return self.select(~np.isin(self.labels, numbers))

    def at_most(self, count: int, seed: int = 0) -> Manifest:
        """Keep at most ``count`` files of every person, drawn by hash so that other people change nothing.

        Raises:
            DataError: If ``count`` is below 1.
        """
        if count < 1:
            raise DataError(f"at_most needs a number of images from 1 upwards, not {count}")
        kept: list[int] = []
        ranks = [
            _keyed_hash(seed, self.identities[label], nfc(path.name), file_hash)
            for path, label, file_hash in zip(self.paths, self.labels, self.hashes, strict=True)
        ]
        by_person = np.argsort(self.labels, kind="stable")
        for positions in np.split(by_person, np.flatnonzero(np.diff(self.labels[by_person])) + 1):
            kept.extend(sorted(positions.tolist(), key=lambda position: ranks[position])[:count])
        return self.select(kept)

    def split(self, test_fraction: float, seed: int = 0) -> tuple[Manifest, Manifest]:
        """Split by person into (train, test); nobody is in both.

        A person's side depends on the seed and the name alone, so adding or removing people never moves
        another. The fraction is therefore met on average, not exactly.

        Raises:
            DataError: If the fraction is not between 0 and 1, or one side would be empty.

        >>> tree = Manifest(("a", "b", "c"), (Path("x"),) * 3, np.arange(3), ("0",) * 3)
        >>> train, test = tree.split(0.5, seed=0)
        >>> sorted(train.identities + test.identities)
        ['a', 'b', 'c']
        """
        if not 0.0 < test_fraction < 1.0:
            raise DataError(f"the test fraction must lie between 0 and 1, not {test_fraction}")
        border = int(test_fraction * 2**64)
        drawn = [
            number
            for number, name in enumerate(self.identities)
            if int.from_bytes(_keyed_hash(seed, comparable_name(name))[:8], "big") < border
        ]
        in_test = np.isin(self.labels, drawn)
        if in_test.all() or not in_test.any():
            raise DataError(
                f"splitting {len(self.identities)} people by {test_fraction} leaves one side empty; "
                "bring more people, or choose another fraction or seed"
            )
        return self.select(~in_test), self.select(in_test)

    def describe(self) -> str:
        """Say in one line what the manifest holds."""
        counts = self.images_per_identity()
        return (
            f"{len(self):,} images of {len(self.identities):,} people "
            f"({counts.min()} to {counts.max()} each, median {np.median(counts):g}), "
            f"data hash {self.data_hash[:12]}"
        )

    def _numbers(self, names: Iterable[str]) -> list[int]:
        known = {name: number for number, name in enumerate(self.identities)}
        numbers = []
        for name in map(nfc, names):
            if name not in known:
                raise DataError(f"there is nobody called '{name}' in this data.{nearest(name, known)}")
            numbers.append(known[name])
        return numbers


def read_manifest(*folders: Path, progress: Progress = SILENT) -> Manifest:
    """Read one or more folders of folders (person / pictures) and hash every file.

    Pictures are told by their extension (``IMAGE_SUFFIXES``); hidden files and folders, other files and
    deeper folders are passed over; symbolic links to files and folders are followed. Equal names in two
    folders are one person. Files are not decoded: ``check_dataset`` does that.

    Args:
        folders: At least one folder.
        progress: Told about every file hashed.

    Raises:
        DataError: If a folder is missing, is a file, holds no people, holds pictures without folders of
            people, or has people without any picture.
    """
    if not folders:
        raise DataError("no data folder was given; name at least one folder of folders (person / pictures)")
    people: dict[str, list[Path]] = {}
    for folder in folders:
        for name, files in person_folders(folder).items():
            people.setdefault(name, []).extend(files)
    identities = tuple(sorted(people))
    ordered = [sorted(people[name], key=lambda path: (nfc(path.name), str(path))) for name in identities]
    paths = tuple(path for files in ordered for path in files)
    labels = np.repeat(np.arange(len(identities), dtype=np.int64), [len(files) for files in ordered])
    return Manifest(identities, paths, labels, hash_files(paths, progress))


def read_pictures(*folders: Path, progress: Progress = SILENT) -> Manifest:
    """Read every picture below one or more folders, at any depth; the folder a picture lies in gives it its name.

    For the pictures of a protocol, whose own files say who is who.

    Args:
        folders: At least one folder.
        progress: Told about every file hashed.

    Raises:
        DataError: If a folder is missing, cannot be read or holds no picture.
    """
    paths = sorted(
        {path for folder in folders for path in every_picture(folder)},
        key=lambda path: (nfc(path.parent.name), nfc(path.name), str(path)),
    )
    identities, labels = np.unique([nfc(path.parent.name) for path in paths], return_inverse=True)
    return Manifest(
        tuple(map(str, identities)), tuple(paths), labels.astype(np.int64), hash_files(paths, progress)
    )


def name_digest(name: str) -> bytes:
    """Return the SHA-256 by which a name is recognised without being shown; equal names have equal ones.

    >>> name_digest("Ada_Lovelace") == name_digest("ada lovelace")
    True
    """
    return hashlib.sha256(comparable_name(name).encode("utf-8", "surrogateescape")).digest()


def overlapping_names(first: Iterable[str], second: Iterable[str]) -> list[tuple[str, str]]:
    """Return the pairs of names, one from each side, that compare equal by :func:`comparable_name`, sorted.

    >>> overlapping_names(["Tom_Ellis", "X"], ["tom ellis", "Y"])
    [('Tom_Ellis', 'tom ellis')]
    """
    by_key: dict[str, list[str]] = {}
    for name in second:
        by_key.setdefault(comparable_name(name), []).append(name)
    return sorted((name, other) for name in first for other in by_key.get(comparable_name(name), ()))


def _keyed_hash(seed: int, *parts: str) -> bytes:
    text = "\0".join([str(seed), *parts])
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
