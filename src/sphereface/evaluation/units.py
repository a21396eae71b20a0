"""Find the units of a protocol among the embeddings at hand, and make one embedding of each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import DataError
from sphereface.evaluation.choices import Weighting
from sphereface.evaluation.embedding_set import EmbeddingSet
from sphereface.evaluation.images import checked
from sphereface.evaluation.protocol import NOBODY, Positions, Units
from sphereface.evaluation.templates import Templates, pool
from sphereface.names import comparable_name


@dataclass(frozen=True, slots=True, eq=False)
class UnitEmbeddings:
    """U embeddings.

    Attributes:
        embeddings: Shape (U, d), of unit norm; zeros where ``failed``.
        failed: Shape (U,): units without a usable picture.
        rows: Shape (U,): a row of the set that shows the unit, -1 where there is none.
        missing: Pictures (or videos) the protocol names and the set does not have.
    """

    embeddings: NDArray[np.float32]
    failed: NDArray[np.bool_]
    rows: Positions
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """Where n pictures of units are.

    Attributes:
        unit: Shape (n,): the unit each belongs to.
        rows: Shape (n,): its row, -1 where it is missing.
        media: Shape (n,): a code of its medium.
        wanted: What the protocol calls it, n names; of a video its folder.
    """

    unit: Positions
    rows: Positions
    media: NDArray[np.int64]
    wanted: Sequence[str]

    @property
    def missing(self) -> tuple[str, ...]:
        """What the protocol names and is not there, each once."""
        return tuple(dict.fromkeys(self.wanted[at] for at in np.flatnonzero(self.rows < 0).tolist()))


def locate_units(units: Units, names: Sequence[str]) -> Located:
    """Find the pictures of every unit among named rows.

    Raises:
        DataError: If none of them is there, or a name fits two rows.
    """
    if units.folders:
        below = _below(names, {name.count("/") + 1 for name in units.names})
        rows_of = [below.get(name, [-1]) for name in units.names]
        unit = np.repeat(np.arange(len(units)), [len(rows) for rows in rows_of])
        rows = np.array([row for rows in rows_of for row in rows], dtype=np.int64)
        found = Located(unit, rows, unit, [units.names[at] for at in unit.tolist()])
    elif units.members is None:
        every = np.arange(len(units))
        found = Located(every, find_rows(units.names, names), every, units.names)
    else:
        members = units.members
        media = np.unique(np.array(members.media or members.images), return_inverse=True)[1]
        found = Located(members.unit, find_rows(members.images, names), media, members.images)
    if not (found.rows >= 0).any():
        raise DataError(
            f"none of the {len(found.rows):,} pictures of the protocol is among the {len(names):,} at hand; it "
            f"asks for names such as '{found.wanted[0]}', and the first one here is '{names[0]}'"
        )
    return found


def embed_units(units: Units, faces: EmbeddingSet, weighting: Weighting = "equal") -> UnitEmbeddings:
    """Return the embedding of every unit; what is missing comes back failed, never left out.

    Args:
        units: What the protocol compares.
        faces: The embeddings at hand. Where it says who is in a picture, that has to agree with the protocol.
        weighting: How pictures count within their template.

    Raises:
        DataError: If none of the pictures is there, a picture shows somebody else than the protocol says, or
            the weighting asks for a quality that is not known.
    """
    located = locate_units(units, faces.names)
    found = located.rows >= 0
    unit, rows = located.unit[found], located.rows[found]
    _check_people(units, unit, faces, rows)
    shown = np.full(len(units), -1, dtype=np.int64)
    shown[unit[::-1]] = rows[::-1]
    if units.members is None and not units.folders:
        failed = (shown < 0) | faces.failed[shown]
        vectors, failed = checked(faces.embeddings[shown], units.people, failed)
        return UnitEmbeddings(vectors, failed, shown, located.missing)
    pooled = _pooled(faces, rows, unit, located.media[found], len(units), weighting)
    return UnitEmbeddings(pooled.embeddings.astype(np.float32), pooled.failed, shown, located.missing)


def pool_templates(faces: EmbeddingSet, weighting: Weighting = "equal") -> EmbeddingSet:
    """Return one row for each template of a set that has templates.

    Raises:
        DataError: If the weighting asks for a quality that is not known.
    """
    names, first, unit = np.unique(np.array(faces.templates), return_index=True, return_inverse=True)
    every = np.arange(len(faces))
    media = np.unique(np.array(faces.media), return_inverse=True)[1] if faces.media else every
    pooled = _pooled(faces, every, unit, media, len(names), weighting)
    groups = tuple(faces.groups[row] for row in first.tolist()) if faces.groups else ()
    return replace(
        faces,
        embeddings=pooled.embeddings.astype(np.float32),
        identities=tuple(faces.identities[row] for row in first.tolist()),
        names=tuple(map(str, names)),
        failed=pooled.failed,
        templates=(),
        media=(),
        groups=groups,
        quality=None,
    )


def _pooled(
    faces: EmbeddingSet,
    rows: Positions,
    unit: Positions,
    media: NDArray[np.int64],
    count: int,
    weighting: Weighting,
) -> Templates:
    if weighting == "quality" and faces.quality is None:
        raise DataError("pictures cannot be weighted by quality, for these embeddings come without one")
    return pool(
        faces.embeddings[rows],
        unit,
        media,
        weights=faces.quality[rows] if weighting == "quality" and faces.quality is not None else None,
        keep_norm=weighting == "norm",
        failed=faces.failed[rows],
        count=count,
    )


def find_rows(wanted: Sequence[str], names: Sequence[str]) -> Positions:
    """Return the row of each wanted name, -1 where there is none.

    A name is found by the end of a path, ``Name/Name_0001.jpg``, whatever folder it lies in; a file of another
    format, ``Name/Name_0001.png``, counts as it, for that is what aligning leaves.

    Raises:
        DataError: If two rows end alike and one of them is wanted.

    >>> find_rows(["a/1.jpg", "a/2.jpg"], ["faces/a/2.png", "faces/a/1.jpg"]).tolist()
    [1, 0]
    """
    asked = set(wanted)
    exact, loose = _ends(names, {name.count("/") + 1 for name in asked}, asked, {_stem(name) for name in asked})
    found = np.empty(len(wanted), dtype=np.int64)
    for at, name in enumerate(wanted):
        rows = exact.get(name) or loose.get(_stem(name), [])
        if len(rows) > 1:
            raise DataError(
                f"'{name}' can be '{names[rows[0]]}' or '{names[rows[1]]}'; judge one folder of them at a time"
            )
        found[at] = rows[0] if rows else -1
    return found


def _ends(
    names: Sequence[str], depths: Iterable[int], asked: Collection[str], stems: Collection[str]
) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    exact: dict[str, list[int]] = {}
    loose: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        for tail in {"/".join(name.rsplit("/", depth)[-depth:]) for depth in depths}:
            if tail in asked:
                exact.setdefault(tail, []).append(row)
            elif (stem := _stem(tail)) in stems:
                loose.setdefault(stem, []).append(row)
    return exact, loose


def _below(names: Sequence[str], depths: Iterable[int]) -> dict[str, list[int]]:
    """Return the rows in every folder, by the last parts of the folder's path."""
    found: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        folder = name.rpartition("/")[0]
        for tail in {"/".join(folder.rsplit("/", depth)[-depth:]) for depth in depths}:
            found.setdefault(tail, []).append(row)
    return found


def _stem(name: str) -> str:
    """Return a name without its extension."""
    folder, slash, file = name.rpartition("/")
    return f"{folder}{slash}{file.rpartition('.')[0] or file}"


def _check_people(units: Units, unit: Positions, faces: EmbeddingSet, rows: Positions) -> None:
    for at, row in zip(unit.tolist(), rows.tolist(), strict=True):
        person, known = units.people[at], faces.identities[row]
        if (
            known
            and person != known
            and not person.startswith(NOBODY)
            and comparable_name(person) != comparable_name(known)
        ):
            raise DataError(f"'{faces.names[row]}' shows '{known}', but the protocol says '{person}'")
