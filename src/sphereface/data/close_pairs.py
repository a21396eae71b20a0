"""Which unit vectors lie close together: nearly all such pairs, without comparing each with each.

A sample of the vectors are posts, and every vector is at home at the post nearest to it. Two close vectors see the
posts at nearly the same distances, so a query is compared only with the homes of those posts that are hardly
farther away than its nearest one. The number of posts grows with the square root of N, the work with N^1.5.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sphereface.progress import SILENT, Progress

Vectors = NDArray[np.float32]
Indices = NDArray[np.int64]

MOST_PARTNERS: Final = 32
"""Of a query. Thousands of frames of one film would otherwise be as many pairs as their number squared."""

_SLACK = 0.15  # how much farther away than the nearest post another may be, as the length of a chord
_BLOCK = 1 << 22  # cosines held at once


def close_pairs(
    vectors: Vectors, queries: Vectors, smallest_cosine: float, progress: Progress = SILENT
) -> tuple[Indices, Indices]:
    """Find the vectors close to each query, at most the 32 closest.

    Args:
        vectors: Shape (N, d), unit length.
        queries: Shape (Q, d), unit length.
        smallest_cosine: Of a pair that is wanted.
        progress: Told about every vector.

    Returns:
        Indices of queries, (P,), and of vectors, (P,): ordered by query, and the same for the same input. Every
        pair is close enough; a few close ones are missing, most of them near the border.
    """
    posts = _posts(vectors)
    members = _by_post(np.concatenate([np.arange(0), *_nearest(vectors, posts)]), len(posts))
    asking, asked = _visits(queries, posts)
    best = np.full((len(queries), MOST_PARTNERS), -np.inf, dtype=np.float32)
    partners = np.zeros((len(queries), MOST_PARTNERS), dtype=np.int32)
    with progress.task("Comparing images", len(vectors)) as task:
        for at_home, visits in zip(members, _by_post(asked, len(posts)), strict=True):
            for part in _parts(len(visits), len(at_home)):
                visitors = asking[visits[part]]
                cosines = queries[visitors] @ vectors[at_home].T
                # Most visits are in vain; only the others are worth putting in order.
                least = np.maximum(best[visitors].min(axis=1), smallest_cosine)
                lucky = np.flatnonzero(cosines.max(axis=1, initial=-np.inf) >= least)
                _keep_best(best, partners, visitors[lucky], cosines[lucky], at_home)
            task.advance(len(at_home))
    query, place = np.nonzero(best >= smallest_cosine)
    return query, partners[query, place].astype(np.int64)


def _keep_best(
    best: Vectors, partners: NDArray[np.int32], queries: Indices, cosines: Vectors, vectors: Indices
) -> None:
    """Put the closest of these vectors among the closest so far of these queries, in place."""
    candidates = np.concatenate([best[queries], cosines], axis=1)
    names = np.concatenate([partners[queries], np.broadcast_to(vectors, cosines.shape)], axis=1)
    kept = np.argpartition(candidates, -MOST_PARTNERS, axis=1)[:, -MOST_PARTNERS:]
    best[queries] = np.take_along_axis(candidates, kept, axis=1)
    partners[queries] = np.take_along_axis(names, kept, axis=1)


def _posts(vectors: Vectors) -> Vectors:
    count = min(len(vectors), 2 * math.isqrt(len(vectors)))
    return vectors[np.random.default_rng(0).choice(len(vectors), count, replace=False)]


def _nearest(vectors: Vectors, posts: Vectors) -> Iterator[Indices]:
    """Yield for some vectors at a time which post is the nearest."""
    for part in _parts(len(vectors), len(posts)):
        yield (vectors[part] @ posts.T).argmax(axis=1)


def _visits(queries: Vectors, posts: Vectors) -> tuple[Indices, Indices]:
    """Return which query has to look into the home of which post, as two arrays of equal length."""
    found = [(np.arange(0), np.arange(0))]
    for part in _parts(len(queries), len(posts)):
        away = np.sqrt(np.maximum(2.0 - 2.0 * (queries[part] @ posts.T), 0.0))
        query, post = np.nonzero(away <= away.min(axis=1, initial=np.inf, keepdims=True) + _SLACK)
        found.append((query + part.start, post))
    return np.concatenate([query for query, _ in found]), np.concatenate([post for _, post in found])


def _by_post(post: Indices, count: int) -> list[Indices]:
    """Return for each post the positions that name it."""
    order = np.argsort(post, kind="stable")
    return np.split(order, np.searchsorted(post[order], np.arange(1, count))) if count else []


def _parts(rows: int, columns: int) -> Iterator[slice]:
    """Cut rows so that a table of them and of so many columns stays within what is held at once."""
    step = max(1, _BLOCK // max(1, columns))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))
