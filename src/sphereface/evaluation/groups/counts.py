"""Errors at one threshold, kept person by person and couple by couple, so that people can be regrouped at will.

Accepted impostor pairs are few, so only they are listed; how many pairs two people have in all follows from their
numbers of images where all were compared with all, and is listed for a protocol's own pairs. Regrouping then
costs nothing like another pass over the scores.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from sphereface.evaluation.intervals import Floats, PersonRate, clustered, dyadic
from sphereface.evaluation.scores import Pairs, PairScores

Whole = NDArray[np.int64]

_CHUNK = 1 << 20  # pairs handled at a time
_WHOLE = 1 << 24  # up to here float32 counts every one


@dataclass(frozen=True, slots=True, eq=False)
class Couples:
    """C couples of people in order, the smaller code first, and a number of pairs of each. All of shape (C,)."""

    one: Whole
    two: Whole
    pairs: Whole


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Genuine and impostor pairs of two people of the same group, and the errors among them; shape (B, G)."""

    missed: Floats
    genuine: Floats
    accepted: Floats
    compared: Floats

    @property
    def fnmr(self) -> Floats:
        """Shape (B, G), NaN where a group has no genuine pair."""
        return _share(self.missed, self.genuine)

    @property
    def fmr(self) -> Floats:
        """Shape (B, G), NaN where a group has no impostor pair."""
        return _share(self.accepted, self.compared)


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """What P people did at one threshold.

    Attributes:
        missed: Shape (P,): genuine pairs below the threshold.
        genuine: Shape (P,): genuine pairs.
        accepted: Couples with accepted impostor pairs.
        images: Shape (P,): each person's images, where all were compared with all; otherwise None.
        compared: Couples with impostor pairs, where ``images`` is None.
    """

    missed: Whole
    genuine: Whole
    accepted: Couples
    images: Whole | None
    compared: Couples | None

    @property
    def size(self) -> int:
        """P, the number of people."""
        return len(self.genuine)

    def misses(self, chosen: NDArray[np.bool_]) -> PersonRate | None:
        """Return FNMR of the chosen people, shape (P,), clustered by person; None if they have no genuine pair."""
        missed, genuine = (np.where(chosen, counts, 0) for counts in (self.missed, self.genuine))
        return clustered(missed[:, None].astype(np.float64), genuine) if genuine.any() else None

    def false_matches(self, one: NDArray[np.bool_], two: NDArray[np.bool_]) -> PersonRate | None:
        """Return FMR of the pairs of a person of ``one`` with a person of ``two``, dyadic; None if there are none.

        The two masks, of shape (P,), are the same or have nobody in common.
        """
        accepted = _between(self.accepted, one, two)
        if self.images is None:
            assert self.compared is not None
            compared = _between(self.compared, one, two)
            totals = _by_person(compared, self.size)
            couples = float((compared.pairs.astype(np.float64) ** 2).sum())
            place = np.searchsorted(_keys(compared, self.size), _keys(accepted, self.size))
            trials = compared.pairs[place].astype(np.float64)
        else:
            mine, theirs = self.images * one, self.images * two
            both = np.array_equal(one, two)
            own = mine if both else 0 * mine
            totals = mine * (theirs.sum() - own) + (0 if both else theirs * mine.sum())
            couples = float((mine**2).sum() * (theirs**2).sum() - (own**4).sum()) / (2.0 if both else 1.0)
            trials = (self.images[accepted.one] * self.images[accepted.two]).astype(np.float64)
        if not totals.any():
            return None
        squares = float((accepted.pairs.astype(np.float64) ** 2).sum())
        products = float((accepted.pairs * trials).sum())
        errors = _by_person(accepted, self.size)[:, None].astype(np.float64)
        return dyadic(errors, totals, np.array([squares]), np.array([products]), couples)

    def by_group(self, labels: Whole, groups: int) -> Tally:
        """Count within each group.

        Args:
            labels: Shape (B, P): group of each person from 0 to G - 1, or -1, B times over.
            groups: G.
        """
        missed, genuine = (_sums(labels, counts, groups) for counts in (self.missed, self.genuine))
        if self.images is None:
            assert self.compared is not None
            compared = _within(self.compared, labels, groups)
        else:
            total, squares = (_sums(labels, values, groups) for values in (self.images, self.images**2))
            compared = (total**2 - squares) / 2.0
        return Tally(missed, genuine, _within(self.accepted, labels, groups), compared)


def count(scores: PairScores, threshold: float) -> Counts:
    """Count the errors of all pairs at a threshold: accept iff score >= threshold."""
    scores = scores.scored()
    size = len(scores.names)
    owner = scores.people[scores.genuine.first]
    below = scores.genuine.scores < scores.genuine.scores.dtype.type(threshold)
    accepted = scores.impostor.scores >= scores.impostor.scores.dtype.type(threshold)
    images = _images(scores)
    return Counts(
        missed=np.bincount(owner[below], minlength=size),
        genuine=np.bincount(owner, minlength=size),
        accepted=_couples(scores, np.flatnonzero(accepted)),
        images=images,
        compared=_couples(scores, np.arange(len(accepted))) if images is None else None,
    )


def _images(scores: PairScores) -> Whole | None:
    """Return each person's images in impostor pairs if every image was compared with all of other people."""
    pairs, people = scores.impostor, scores.people
    times = np.zeros(len(people), dtype=np.int64)
    for chunk in _chunks(pairs):
        for side in (pairs.first[chunk], pairs.second[chunk]):
            times += np.bincount(side, minlength=len(people))
    seen = times > 0
    images = np.bincount(people[seen], minlength=len(scores.names))
    return images if np.array_equal(times[seen], (images.sum() - images[people])[seen]) else None


def _couples(scores: PairScores, chosen: Whole) -> Couples:
    """Return the couples behind these impostor pairs."""
    size = len(scores.names)
    one, two = (
        scores.people[side[chosen]].astype(np.int64) for side in (scores.impostor.first, scores.impostor.second)
    )
    keys, pairs = np.unique(one * size + two, return_counts=True)
    return Couples(keys // size, keys % size, pairs)


def _chunks(pairs: Pairs) -> list[slice]:
    return [slice(start, start + _CHUNK) for start in range(0, len(pairs), _CHUNK)]


def _between(couples: Couples, one: NDArray[np.bool_], two: NDArray[np.bool_]) -> Couples:
    kept = (one[couples.one] & two[couples.two]) | (two[couples.one] & one[couples.two])
    return Couples(couples.one[kept], couples.two[kept], couples.pairs[kept])


def _by_person(couples: Couples, size: int) -> Whole:
    """Return the pairs of each person; a pair counts for both of its people."""
    sides = (np.bincount(side, couples.pairs, minlength=size) for side in (couples.one, couples.two))
    return np.asarray(sum(sides), dtype=np.int64)


def _within(couples: Couples, labels: Whole, groups: int) -> Floats:
    """Return the pairs within each group, shape (B, G)."""
    size = labels.shape[1]
    kind = np.float32 if _by_person(couples, size).max(initial=0) < _WHOLE else np.float64
    inside = (labels.T[:, :, None] == np.arange(groups)).astype(kind).reshape(size, -1)
    starts = np.searchsorted(couples.one, np.arange(size + 1))
    table = csr_array((couples.pairs.astype(kind), couples.two, starts), shape=(size, size))
    pairs = ((table @ inside) * inside).sum(axis=0, dtype=np.float64)
    return np.asarray(pairs.reshape(-1, groups), dtype=np.float64)


def _keys(couples: Couples, size: int) -> Whole:
    return couples.one * size + couples.two


def _sums(labels: Whole, values: Whole, groups: int) -> Floats:
    """Return the sum of people's values over each group, shape (B, G)."""
    row, person = np.nonzero(labels >= 0)
    codes = row * groups + labels[row, person]
    sums = np.bincount(codes, values[person], minlength=len(labels) * groups)
    return np.asarray(sums.reshape(-1, groups), dtype=np.float64)


def _share(errors: Floats, trials: Floats) -> Floats:
    return np.asarray(np.divide(errors, trials, out=np.full(trials.shape, np.nan), where=trials > 0))
