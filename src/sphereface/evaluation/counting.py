"""Count errors by person: one pass over pairs gives an error rate at all thresholds, with its variance."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sphereface.evaluation.intervals import Floats, PersonRate, clustered, dyadic
from sphereface.evaluation.scores import Pairs, PairScores

_CHUNK = 1 << 20  # pairs handled at a time


def misses(scores: PairScores, thresholds: Floats) -> PersonRate:
    """Return FNMR at K thresholds, clustered by person."""
    pairs = scores.genuine
    bins = _bins(pairs, thresholds)
    people = scores.people[pairs.first]
    size, steps = len(scores.names), len(thresholds) + 1
    counts = np.bincount(people.astype(np.int64) * steps + bins, minlength=size * steps).reshape(size, steps)
    # bins <= k: the score lies below threshold k.
    return clustered(np.cumsum(counts, axis=1)[:, :-1].astype(np.float64), counts.sum(axis=1))


def false_matches(scores: PairScores, thresholds: Floats) -> PersonRate:
    """Return FMR at K thresholds with the dyadic variance.

    The sum over couples of (accepted pairs)² is found without a people x people table: if the scores of a
    couple are ranked from the highest, the pair of rank r adds 2 r - 1 to the square at every threshold that
    accepts it, because 1 + 3 + ... + (2 k - 1) = k².
    """
    size, steps = len(scores.names), len(thresholds) + 1
    by_person = np.zeros((size, steps), dtype=np.int64)
    squares, products = np.zeros(steps), np.zeros(steps)
    couples = 0.0
    for pairs in _chunks(scores):
        bins = _bins(pairs, thresholds)
        one, two = (scores.people[side].astype(np.int64) for side in (pairs.first, pairs.second))
        for side in (one, two):
            start = int(side.min())
            counts = np.bincount((side - start) * steps + bins)
            by_person.reshape(-1)[start * steps : start * steps + len(counts)] += counts
        # Sorted by couple, and within it from the highest bin to the lowest.
        keys = ((one - one.min()) * size + two) * steps + (steps - 1 - bins)
        if keys.max() < 1 << 32:
            keys = keys.astype(np.uint32)  # sorts and divides several times faster
        couple, step = np.divmod(np.sort(keys), steps)
        starts = np.flatnonzero(np.concatenate([[True], couple[1:] != couple[:-1]]))
        lengths = np.diff(starts, append=len(couple))
        rank = np.arange(len(couple)) - np.repeat(starts, lengths) + 1
        squares += np.bincount(step, weights=2.0 * rank - 1.0, minlength=steps)
        products += np.bincount(step, weights=np.repeat(lengths, lengths), minlength=steps)
        couples += float(np.sum(lengths.astype(np.float64) ** 2))
    totals = by_person.sum(axis=1)
    accepted = np.cumsum(by_person[:, ::-1], axis=1)[:, ::-1][:, 1:]  # bins > k: the score reaches threshold k
    squares, products = (np.cumsum(sums)[:-1][::-1] for sums in (squares, products))
    return dyadic(accepted.astype(np.float64), totals, squares, products, couples)


def _bins(pairs: Pairs, thresholds: Floats) -> NDArray[np.int64]:
    """Return how many of the thresholds each score reaches, from 0 to K."""
    edges = thresholds.astype(pairs.scores.dtype)
    return np.searchsorted(edges, pairs.scores, side="right").astype(np.int64)


def _chunks(scores: PairScores) -> Iterator[Pairs]:
    """Cut the impostor pairs into pieces that never part the pairs of one couple."""
    pairs, people = scores.impostor, scores.people
    start = 0
    while start < len(pairs):
        stop = min(start + _CHUNK, len(pairs))
        last = people[pairs.first[stop - 1]]
        stop = bisect_right(pairs.first, last, lo=stop, key=lambda image: people[image])
        yield Pairs(pairs.scores[start:stop], pairs.first[start:stop], pairs.second[start:stop])
        start = stop
