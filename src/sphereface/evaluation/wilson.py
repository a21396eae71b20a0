"""Wilson's interval of a rate, with Student's quantile where few people know the variance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]


def wilson(p: float | Floats, n: float | Floats, quantile: float | Floats) -> tuple[Floats, Floats]:
    """Return Wilson's score interval for a share ``p`` of ``n`` (effective) trials.

    Args:
        p: Observed shares.
        n: Trials; infinite n gives an interval of width 0.
        quantile: Of the normal (or Student's) distribution at (1 + confidence) / 2, e.g. 1.96.

    Reference: Wilson 1927, J. Am. Stat. Assoc. 22, 209-212.

    >>> [round(float(end), 4) for end in wilson(0.1, 100, 1.96)]
    [0.0552, 0.1744]
    """
    p, n, z = np.asarray(p, np.float64), np.asarray(n, np.float64), np.asarray(quantile, np.float64)
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return np.clip(centre - half, 0.0, 1.0), np.clip(centre + half, 0.0, 1.0)


def interval(p: float, effective: float, confidence: float, clusters: float = np.inf) -> tuple[float, float]:
    """Return the interval of a rate ``p`` with ``effective`` trials, the form every rate here uses.

    Wilson's interval with Student's quantile for ``clusters`` - 1 degrees of freedom (few people know their
    own variance badly). With no error at all the upper end is -log(1 - confidence) / n_eff, 3 / n_eff at
    95 %; with nothing but errors likewise the lower end.

    >>> [round(end, 4) for end in interval(0.0, 300.0, 0.95)]
    [0.0, 0.01]
    """
    if p in (0.0, 1.0):
        reach = min(1.0, -np.log1p(-confidence) / effective)
        return (0.0, float(reach)) if p == 0.0 else (float(1.0 - reach), 1.0)
    low, high = wilson(p, effective, quantile(confidence, clusters))
    return float(low), float(high)


def quantile(confidence: float, clusters: float = np.inf) -> float:
    """Return Student's two-sided quantile for this many independent clusters."""
    return float(stdtrit(min(max(clusters - 1.0, 1.0), 1e9), (1.0 + confidence) / 2.0))
