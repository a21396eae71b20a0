"""A protocol's own list of pairs: first as file names, then as positions in the evaluated set."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import DataError


@dataclass(frozen=True, slots=True)
class NamedPair:
    """One comparison as a protocol file writes it.

    Attributes:
        image_a: File of the first image, relative to the dataset's folder, with forward slashes.
        image_b: File of the second image.
        person_a: Who is in the first image.
        person_b: Who is in the second image.
        same: True for a genuine pair.
        fold: The protocol's own fold from 0 upwards, or None where it has none.
    """

    image_a: str
    image_b: str
    person_a: str
    person_b: str
    same: bool
    fold: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PairList:
    """Pairs of positions in a set of N images; n pairs.

    A position of N or more is an image that the set does not have: ``missing[position - N]``. Such a pair
    has no score and is counted as an error.

    Attributes:
        title: What the list is, e.g. ``LFW View 1, development test``.
        images: N, the number of images the positions refer to.
        first: Shape (n,), int64.
        second: Shape (n,), int64.
        same: Shape (n,), bool: genuine or impostor.
        fold: Shape (n,), int64, the protocol's own folds from 0 upwards, or None.
        missing: Names of listed files that the set does not have.
        missing_people: Who would be in them.
    """

    title: str
    images: int
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    same: NDArray[np.bool_]
    fold: NDArray[np.int64] | None = None
    missing: tuple[str, ...] = ()
    missing_people: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.first)


def locate(
    pairs: Sequence[NamedPair], paths: Sequence[Path | str], *, title: str, without: Collection[str] = ()
) -> PairList:
    """Find the images of a list of named pairs in a set of N files.

    A file is found by the end of its path, ``Name/Name_0001.jpg``, whatever folder it lies in; one of another
    format, ``Name/Name_0001.png``, counts as it, for that is what aligning leaves. A listed file that is not in
    the set is kept as missing.

    Args:
        pairs: The protocol's pairs.
        paths: The N files of the evaluated set, in the order of its embeddings.
        title: What the list is, for the report.
        without: People whose pairs are left out (compared caseless, underscores as spaces), such as those the
            network was trained on.

    Raises:
        DataError: If no pair is left, none of the images is in the set, or two files end alike.

    >>> pair = NamedPair("A/A_0001.jpg", "B/B_0002.jpg", "A", "B", same=False)
    >>> found = locate([pair], ["faces/A/A_0001.jpg"], title="one pair")
    >>> found.first.tolist(), found.second.tolist(), found.missing
    ([0], [1], ('B/B_0002.jpg',))
    """
    unwanted = {_comparable(name) for name in without}
    kept = [p for p in pairs if not {_comparable(p.person_a), _comparable(p.person_b)} & unwanted]
    if not kept:
        raise DataError(f"no pair of '{title}' is left after leaving {len(unwanted)} people out")
    depths = {len(PurePosixPath(image).parts) for p in kept for image in (p.image_a, p.image_b)}
    position = _positions(paths, depths)
    other_formats = _other_formats(position)
    missing: dict[str, int] = {}
    missing_people: list[str] = []

    def find(image: str, person: str) -> int:
        number = position.get(image, other_formats.get(_stem(image)))
        if number is not None:
            return number
        if image not in missing:
            missing[image] = len(paths) + len(missing)
            missing_people.append(person)
        return missing[image]

    first = [find(p.image_a, p.person_a) for p in kept]
    second = [find(p.image_b, p.person_b) for p in kept]
    if min([*first, *second]) >= len(paths):
        raise DataError(
            f"none of the images of '{title}' is among the {len(paths)} evaluated files; "
            f"the list asks for files such as '{kept[0].image_a}'"
        )
    folds = [p.fold for p in kept if p.fold is not None]
    return PairList(
        title=title,
        images=len(paths),
        first=np.array(first, dtype=np.int64),
        second=np.array(second, dtype=np.int64),
        same=np.array([p.same for p in kept], dtype=bool),
        fold=np.array(folds, dtype=np.int64) if len(folds) == len(kept) else None,
        missing=tuple(missing),
        missing_people=tuple(missing_people),
    )


def _positions(paths: Sequence[Path | str], depths: set[int]) -> dict[str, int]:
    """Index every file by the last components of its path, as many as the list writes."""
    found: dict[str, int] = {}
    for number, path in enumerate(paths):
        parts = Path(path).parts
        for depth in depths:
            tail = "/".join(parts[-depth:])
            if found.setdefault(tail, number) != number:
                raise DataError(f"two evaluated files end in '{tail}', so a pair list cannot tell them apart")
    return found


def _other_formats(position: dict[str, int]) -> dict[str, int]:
    """Index files without their extension, leaving out what would be ambiguous."""
    found: dict[str, int] = {}
    ambiguous: set[str] = set()
    for tail, number in position.items():
        if found.setdefault(_stem(tail), number) != number:
            ambiguous.add(_stem(tail))
    return {stem: number for stem, number in found.items() if stem not in ambiguous}


def _stem(tail: str) -> str:
    return str(PurePosixPath(tail).with_suffix(""))


def _comparable(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").split())
