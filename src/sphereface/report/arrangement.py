"""Many dimensions onto a globe: place unit vectors on a 3-D sphere so that angles stay as true as they can.

Points are moved until their distances through the ball come nearest to the true ones (metric scaling on the
sphere, Cox and Cox 1991), from several starts: the three directions that hold most of the vectors, and random
ones. Distances, not cosines: two people at a right angle may be shown opposite, but hardly on one spot, which
is as far from a right angle in cosine. Close pairs weigh more, exp(4 cos): there are few of them, and without
it every person would look more compact than they are. Names are never looked at, so nothing can be pulled
together that the embedding did not put together; LDA would part people it has seen even in noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from sphereface.evaluation.results import Floats


@dataclass(frozen=True, slots=True)
class Globe:
    """Points on the sphere of three dimensions and how true their angles are.

    Attributes:
        points: Shape (N, 3), unit norm.
        angle_error: Median difference between an angle on the globe and the true one, radians.
    """

    points: Floats
    angle_error: float


def unit_rows(vectors: NDArray[np.floating[Any]]) -> Floats:
    """Return rows scaled to length one; a zero row stays zero.

    >>> unit_rows(np.array([[3.0, 4.0]]))
    array([[0.6, 0.8]])
    """
    vectors = np.asarray(vectors, dtype=np.float64)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Floats = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    return unit


def place_on_globe(embeddings: NDArray[np.floating[Any]], starts: int = 5, rounds: int = 150) -> Globe:
    """Place embeddings (N, d) on a globe; the same input gives the same globe.

    Args:
        embeddings: Any norm but zero.
        starts: Arrangements to begin with; the one that ends nearest to the truth is kept.
        rounds: Steps of improvement for each.

    >>> globe = place_on_globe(np.eye(3))
    >>> bool(globe.angle_error < 1e-3)
    True
    """
    vectors = unit_rows(embeddings)
    true = vectors @ vectors.T
    weight = np.exp(4.0 * true)
    distance = np.sqrt(np.clip(2.0 - 2.0 * true, 0.0, None))

    def misfit(flattened: Floats) -> tuple[float, Floats]:
        raw = flattened.reshape(-1, 3)
        length = np.linalg.norm(raw, axis=1, keepdims=True)
        points = raw / length
        now = np.sqrt(np.clip(2.0 - 2.0 * (points @ points.T), 1e-12, None))
        pull = weight * (now - distance) / now
        np.fill_diagonal(pull, 0.0)
        toward = 4.0 * (pull.sum(axis=1, keepdims=True) * points - pull @ points)
        tangent = (toward - (toward * points).sum(axis=1, keepdims=True) * points) / length
        return float((pull * (now - distance) * now).sum()), tangent.ravel()

    random = np.random.default_rng(0)
    directions = [np.linalg.svd(vectors, full_matrices=False)[2][:3].T]
    directions += [random.standard_normal((vectors.shape[1], 3)) for _ in range(starts - 1)]
    found = []
    for three in directions:
        start = np.zeros((len(vectors), 3))
        start[:, : three.shape[1]] = vectors @ three
        start += 1e-3 * random.standard_normal(start.shape)  # a row without any part in them starts somewhere
        found.append(minimize(misfit, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": rounds}))
    points = unit_rows(min(found, key=lambda end: float(end.fun)).x.reshape(-1, 3))
    upper = np.triu_indices(len(points), 1)
    off = np.abs(np.arccos(np.clip(points @ points.T, -1, 1)) - np.arccos(np.clip(true, -1, 1)))[upper]
    return Globe(points, float(np.median(off)) if len(off) else 0.0)


def turn_towards_viewer(points: Floats, groups: NDArray[np.int64]) -> Floats:
    """Turn the globe so that as many groups as possible face the viewer, who looks along -z.

    The best of 400 evenly spread views: first the groups whose mean is in front, then how far in front
    the hindmost of those is.
    """
    count = 400
    turn = np.arange(count) * np.pi * (3 - np.sqrt(5))
    height = 1 - (2 * np.arange(count) + 1) / count
    views = np.stack(
        [np.sqrt(1 - height**2) * np.cos(turn), np.sqrt(1 - height**2) * np.sin(turn), height], axis=1
    )
    means = unit_rows(np.array([points[groups == group].mean(axis=0) for group in np.unique(groups)]))
    depth = views @ means.T
    front = depth > 0.25
    score = front.sum(axis=1) + 0.5 * np.where(front, depth, 1.0).min(axis=1)
    toward = views[int(score.argmax())]
    helper = np.array([0.0, 1.0, 0.0]) if abs(toward[1]) < 0.9 else np.array([1.0, 0.0, 0.0])
    right = np.cross(helper, toward)
    right /= np.linalg.norm(right)
    turned: Floats = points @ np.stack([right, np.cross(toward, right), toward], axis=1)
    return turned
