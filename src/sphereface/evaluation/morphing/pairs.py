"""Which two people are morphed: everybody with everybody, people of one group, or nearest neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError
from sphereface.evaluation.groups.labels import person_labels

Kind = Literal["all", "same group", "nearest"]
Whole = NDArray[np.int64]

_ROWS = 512  # rows of the cosine matrix held at a time


def morph_pairs(
    kind: Kind,
    vectors: NDArray[np.floating[Any]],
    names: Sequence[str],
    *,
    groups: Mapping[str, str] | None = None,
    most_pairs: int = 100_000,
    seed: int = 0,
) -> tuple[Whole, Whole, int]:
    """Return both people of each pair, the first with the smaller position, sorted by it; and how many there are.

    Args:
        kind: ``all`` pairs; pairs of the ``same group``; everybody with the ``nearest`` other person.
        vectors: Shape (P, d): the unit vector by which each person is found.
        names: P names.
        groups: Label of each person by name, needed for ``same group``; "" or none is a missing one.
        most_pairs: So many are drawn where there are more.
        seed: Of the draw.

    Raises:
        ConfigurationError: If the kind is unknown, groups are missing, or ``most_pairs`` is below 1.
        DataError: If the labels fit nobody.

    >>> one, two, total = morph_pairs("all", np.eye(3), ["a", "b", "c"])
    >>> one.tolist(), two.tolist(), total
    ([0, 0, 1], [1, 2, 2], 3)
    """
    if most_pairs < 1:
        raise ConfigurationError(f"most_pairs must be 1 or more, not {most_pairs}")
    size = len(names)
    generator = np.random.default_rng([seed, size])
    if kind == "nearest":
        other = _nearest(vectors)
        sides = np.sort(np.stack([np.arange(size), other]), axis=0)
        sides = np.unique(sides, axis=1)
        total = sides.shape[1]
        if total > most_pairs:
            sides = sides[:, np.sort(generator.choice(total, most_pairs, replace=False))]
        return sides[0], sides[1], total
    if kind == "all":
        labels = np.zeros(size, dtype=np.int64)
    elif kind == "same group":
        if groups is None:
            raise ConfigurationError("pairs of the same group need a group for each person; give `groups`")
        labels = person_labels(groups, np.arange(size), tuple(names), np.ones(size, dtype=bool))[1]
    else:
        raise ConfigurationError(f"pairs are 'all', 'same group' or 'nearest', not '{kind}'")
    members = [np.flatnonzero(labels == label) for label in range(int(labels.max(initial=-1)) + 1)]
    counts = np.array([len(group) * (len(group) - 1) // 2 for group in members], dtype=np.int64)
    ends = np.cumsum(counts)
    total = int(counts.sum())
    drawn = np.arange(total) if total <= most_pairs else generator.choice(total, most_pairs, replace=False)
    group = np.searchsorted(ends, drawn, side="right")
    low, high = _of_triangle(drawn - (ends - counts)[group])
    people = np.concatenate(members) if members else np.zeros(0, dtype=np.int64)
    start = np.cumsum([0, *(len(group) for group in members)])[group]
    one, two = people[start + low], people[start + high]
    order = np.lexsort((two, one))
    return one[order], two[order], total


def _of_triangle(index: Whole) -> tuple[Whole, Whole]:
    """Return the (index)-th of the pairs (0, 1), (0, 2), (1, 2), (0, 3), ..."""
    high = ((1.0 + np.sqrt(1.0 + 8.0 * index)) / 2.0).astype(np.int64)
    high -= high * (high - 1) // 2 > index  # the root may be rounded up
    return index - high * (high - 1) // 2, high


def _nearest(vectors: NDArray[np.floating[Any]]) -> Whole:
    """Return the position of everybody's nearest other."""
    nearest = np.zeros(len(vectors), dtype=np.int64)
    for start in range(0, len(vectors), _ROWS):
        cosines = vectors[start : start + _ROWS] @ vectors.T
        rows = np.arange(len(cosines))
        cosines[rows, start + rows] = -np.inf
        nearest[start : start + _ROWS] = cosines.argmax(axis=1)
    return nearest
