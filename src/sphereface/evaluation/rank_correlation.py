"""Do two numbers about each image rise together? Spearman's correlation, with an interval that knows people."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sphereface.errors import DataError
from sphereface.evaluation.intervals import Floats
from sphereface.evaluation.results import Rate
from sphereface.evaluation.wilson import quantile

_LEAST_PEOPLE = 10


def spearman(one: ArrayLike, two: ArrayLike, people: NDArray[np.integer], *, confidence: float = 0.95) -> Rate:
    """Return Spearman's rank correlation, ties at their mean rank, with an interval clustered by person.

    The variance is that of the linear part, ranks included, summed by person; the interval is symmetric in
    Fisher's z. The effective number of trials is that of independent images with this variance.

    Args:
        one: Shape (N,), finite.
        two: Shape (N,), finite.
        people: Shape (N,): who is in each image.
        confidence: Two-sided.

    Returns:
        A figure between -1 and 1; without value where one of the two is constant or there are fewer than ten
        people.

    Raises:
        DataError: If shapes differ or a number is not finite.

    Reference: Bonett and Wright 2000, Psychometrika 65, 23-28 (the variance of independent images).
    """
    x, y = (np.asarray(values, dtype=np.float64) for values in (one, two))
    if not x.shape == y.shape == people.shape == (len(x),):
        raise DataError(f"give one number of each kind for each image, not {x.shape} and {y.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise DataError("ranks need finite numbers; leave images without one out")
    codes = np.unique(people, return_inverse=True)[1]
    n, clusters = len(x), int(codes.max(initial=-1)) + 1
    if clusters < _LEAST_PEOPLE:
        reason = f"not supported by this data: needs {_LEAST_PEOPLE} people, has {clusters}"
        return Rate(None, None, None, confidence, 0.0, reason)
    f, g = _centred_ranks(x), _centred_ranks(y)
    spread = np.array([(f * f).mean(), (g * g).mean()])
    if not spread.all():
        return Rate(None, None, None, confidence, 0.0, "one of the two is the same for all images")
    c = (f * g).mean()
    rho = float(c / np.sqrt(spread.prod()))
    # What one more image like image i would change, its effect on the ranks of all others included.
    own = f * g + _above(x, g) + _above(y, f) - 3.0 * c
    of_x = f * f + 2.0 * _above(x, f) - 3.0 * spread[0]
    of_y = g * g + 2.0 * _above(y, g) - 3.0 * spread[1]
    influence = own / np.sqrt(spread.prod()) - rho / 2.0 * (of_x / spread[0] + of_y / spread[1])
    variance = float((np.bincount(codes, influence) ** 2).sum()) / n**2 * clusters / (clusters - 1)
    room = 1.0 - rho**2
    if variance <= 0 or room < 1e-12:
        return Rate(rho, rho, rho, confidence, float(n))
    reach = quantile(confidence, clusters) * np.sqrt(variance) / room
    low, high = np.tanh(np.arctanh(rho) + np.array([-reach, reach]))
    effective = min(float(n), room**2 * (1.0 + rho**2 / 2.0) / variance + 3.0)
    return Rate(rho, float(low), float(high), confidence, effective)


def _centred_ranks(values: Floats) -> Floats:
    """Return the share of values below each, ties counted half, minus a half."""
    ordered = np.sort(values)
    below = np.searchsorted(ordered, values, side="left") + np.searchsorted(ordered, values, side="right")
    return np.asarray(below / (2.0 * len(values)) - 0.5)


def _above(values: Floats, weights: Floats) -> Floats:
    """Return, for each image, the sum of weights of images with a higher value, ties counted half, over N."""
    place = np.unique(values, return_inverse=True)[1]
    sums = np.bincount(place, weights)
    higher = sums[::-1].cumsum()[::-1] - sums / 2.0
    return np.asarray(higher[place] / len(values))
