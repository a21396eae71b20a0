"""Figures of two sorted arrays of scores: error rates, EER, AUC, thresholds. Exact, ties counted right.

FMR and FNMR are step functions of the threshold T: accept iff score >= T. Scores that are -inf (nothing could
be compared) are never accepted.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Scores = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]


def accepted(scores: Scores, thresholds: ArrayLike) -> Floats:
    """Return the share of sorted ``scores`` that are >= each threshold.

    >>> accepted(np.array([0.1, 0.5, 0.5, 0.9]), [0.5, 0.6]).tolist()
    [0.75, 0.25]
    """
    below = np.searchsorted(scores, np.asarray(thresholds, dtype=scores.dtype), side="left")
    return np.asarray((len(scores) - below) / len(scores), dtype=np.float64)


def rejected(scores: Scores, thresholds: ArrayLike) -> Floats:
    """Return the share of sorted ``scores`` that are < each threshold."""
    below = np.searchsorted(scores, np.asarray(thresholds, dtype=scores.dtype), side="left")
    return np.asarray(below / len(scores), dtype=np.float64)


def threshold_at(impostor: Scores, target: float) -> float:
    """Return the smallest threshold whose false rate is at or below ``target``.

    It lies directly above the highest score that must be rejected: the next representable number. All scores
    tied there are rejected together. At a target of 1 every score may be accepted, and it is the lowest one.

    Args:
        impostor: Sorted scores, shape (n,): impostor pairs, or the highest score of each non-mated search.
        target: A rate from 0 to 1.

    >>> impostor = np.array([0.1, 0.2, 0.2, 0.3])
    >>> accepted(impostor, threshold_at(impostor, 0.5)).item()
    0.25
    """
    n = len(impostor)
    allowed = int(target * n)
    while allowed < n and (allowed + 1) / n <= target:  # target * n may round to just below a whole number
        allowed += 1
    if allowed >= n:
        return float(impostor[0])
    return above(impostor[n - allowed - 1])


def finite(scores: Scores) -> Scores:
    """Return sorted scores without the -inf of what could not be compared."""
    return scores[np.searchsorted(scores, scores.dtype.type(-np.inf), side="right") :]


def above(score: np.floating[Any]) -> float:
    """Return the next number above ``score`` in its own precision, so that ``score`` is rejected."""
    return float(np.nextafter(score, score.dtype.type(np.inf)))


def equal_error_rate(genuine: Scores, impostor: Scores) -> tuple[float, float]:
    """Return the EER and the threshold of the crossing.

    FMR and FNMR are joined by straight lines between consecutive thresholds (all distinct scores, and one
    above them all), and the EER is where the lines cross.

    Args:
        genuine: Sorted scores, at least one.
        impostor: Sorted scores, at least one.

    >>> equal_error_rate(np.array([0.4, 0.8]), np.array([0.1, 0.6]))
    (0.5, 0.6)
    >>> equal_error_rate(np.array([0.5]), np.array([0.5]))[0]
    0.5
    """

    def rates(threshold: float) -> tuple[float, float]:
        return float(accepted(impostor, threshold)), float(rejected(genuine, threshold))

    def crossed(score: Any) -> bool:
        false, missed = rates(score)
        return false <= missed

    after, before = above(max(genuine[-1], impostor[-1])), -np.inf
    for scores in (genuine, impostor):
        index = bisect_left(scores, True, key=crossed)
        if index < len(scores):
            after = min(after, float(scores[index]))
    for scores in (genuine, impostor):
        index = int(np.searchsorted(scores, scores.dtype.type(after), side="left"))
        if index > 0:
            before = max(before, float(scores[index - 1]))
    (false0, missed0), (false1, missed1) = rates(before), rates(after)
    gap0, gap1 = false0 - missed0, missed1 - false1
    share = gap0 / (gap0 + gap1)
    rate = false0 + share * (false1 - false0)
    return float(rate), float(after if not np.isfinite(before) else before + share * (after - before))


def area_under_curve(genuine: Scores, impostor: Scores) -> float:
    """Return the probability that a genuine score beats an impostor score, ties counted half.

    >>> area_under_curve(np.array([0.5, 0.9]), np.array([0.1, 0.5]))
    0.875
    """
    lower = np.searchsorted(impostor, genuine, side="left").sum(dtype=np.int64)
    upper = np.searchsorted(impostor, genuine, side="right").sum(dtype=np.int64)
    return float((int(lower) + int(upper)) / (2 * len(genuine) * len(impostor)))


def curve_thresholds(genuine: Scores, impostor: Scores, size: int = 300, extra: ArrayLike = ()) -> Floats:
    """Choose at most about ``size`` increasing thresholds that show both curves, tails included.

    With few distinct scores these are all of them. Otherwise ranks are spaced evenly over the genuine
    scores and geometrically towards the ends of both, where the small rates are. The last threshold lies
    above every score; ``extra`` ones are added.
    """
    genuine, impostor = finite(genuine), finite(impostor)
    top = [above(scores[-1]) for scores in (genuine, impostor) if len(scores)]
    if len(genuine) + len(impostor) > size:
        genuine = genuine[_spread(len(genuine), size // 5, size // 5, size // 10)]
        impostor = impostor[_spread(len(impostor), size // 10, size // 10, size // 3)]
    ends = np.array([max(top, default=0.0)])
    return np.unique(np.concatenate([genuine, impostor, np.asarray(extra, dtype=np.float64), ends]))


def _spread(n: int, even: int, low: int, high: int) -> NDArray[np.int64]:
    """Return ranks of n sorted scores: some evenly spaced, some geometrically towards either end."""
    if n == 0:
        return np.zeros(0, dtype=np.int64)
    ranks = np.concatenate(
        [
            np.linspace(0, n - 1, even),
            np.geomspace(1, n, low) - 1,
            n - np.geomspace(1, n, high),
        ]
    )
    return np.unique(np.clip(np.round(ranks), 0, n - 1).astype(np.int64))
