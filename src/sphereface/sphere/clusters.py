"""K-means on the sphere: points belong to the centre they make the smallest angle with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ROUNDS = 100


def spherical_k_means(
    points: Floats, clusters: int, *, seed: int = 0, starts: int = 1
) -> tuple[Floats, NDArray[np.int64]]:
    """Return unit centres, shape (K, d), and the cluster of each point, shape (N,).

    The best of some starts by the sum of cosines to the centres. Centres start far from each other, and one that
    loses all its points takes over the point that fits worst.

    Args:
        points: Shape (N, d), of unit norm, at least K of them.
        clusters: K, at least 1.
        seed: Of the starts.
        starts: How many.

    References: Dhillon and Modha 2001, Machine Learning 42, 143-175; Arthur and Vassilvitskii 2007, SODA.

    >>> spherical_k_means(np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]), 2, starts=5)[1].tolist()
    [1, 0, 0]
    """
    generator = np.random.default_rng([seed, clusters])
    found = [_one_run(points, _start(points, clusters, generator)) for _ in range(starts)]
    centres, own, _ = max(found, key=lambda run: run[2])
    return centres, own


def _start(points: Floats, clusters: int, generator: np.random.Generator) -> Floats:
    """Draw centres among the points, each with a chance that grows with its distance from those before."""
    chosen = [int(generator.integers(len(points)))]
    apart = np.full(len(points), np.inf)
    for _ in range(1, clusters):
        apart = np.minimum(apart, np.maximum(1.0 - points @ points[chosen[-1]], 0.0))
        apart[chosen] = 0.0
        chance = apart if apart.any() else np.ones(len(points))
        chosen.append(int(generator.choice(len(points), p=chance / chance.sum())))
    return points[chosen]


def _one_run(points: Floats, centres: Floats) -> tuple[Floats, NDArray[np.int64], float]:
    """Move centres to the mean directions of their points until no point changes sides."""
    own = np.full(len(points), -1)
    for _ in range(_ROUNDS):
        cosines = points @ centres.T
        nearest = cosines.argmax(axis=1)
        fit = cosines[np.arange(len(points)), nearest]
        for empty in np.setdiff1d(np.arange(len(centres)), nearest):
            worst = int(np.where(np.bincount(nearest, minlength=len(centres))[nearest] > 1, fit, np.inf).argmin())
            nearest[worst], fit[worst] = empty, 1.0
        if np.array_equal(nearest, own):
            break
        own = nearest
        sums = np.zeros_like(centres)
        np.add.at(sums, own, points)
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(norms > 0, sums / np.where(norms > 0, norms, 1.0), centres)
    return centres, own, float(fit.sum())
