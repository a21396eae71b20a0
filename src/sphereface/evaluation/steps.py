"""Figures of two sorted arrays of scores: error rates, EER, AUC, thresholds. Exact, ties counted right.

FMR and FNMR are step functions of the threshold T: accept iff score >= T. Scores that are -inf (nothing could
be compared) are never accepted.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sphereface.errors import NotEnoughDataError

Scores = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]

_CHUNK = 1 << 17


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
    return threshold_in_tail(impostor, len(impostor), target)


def threshold_in_tail(tail: Scores, n: int, target: float) -> float:
    """Return :func:`threshold_at` where only the highest of n impostor scores are at hand.

    Args:
        tail: The highest scores, sorted; at least floor(target x n) + 1 of them, or all n.
        n: How many scores there are.
        target: A rate from 0 to 1.

    Raises:
        NotEnoughDataError: If the tail does not reach down to the threshold.

    >>> threshold_in_tail(np.array([0.2, 0.3]), 4, 0.25) == threshold_at(np.array([0.1, 0.2, 0.2, 0.3]), 0.25)
    True
    """
    allowed = int(target * n)
    while allowed < n and (allowed + 1) / n <= target:  # target * n may round to just below a whole number
        allowed += 1
    if allowed >= n == len(tail):
        return float(tail[0])
    if allowed >= len(tail):
        raise NotEnoughDataError(
            f"number {allowed + 1:,} from the top of {n:,} scores decides the threshold at a rate of {target:g}, "
            f"but only {len(tail):,} were kept; keep a longer tail"
        )
    return above(tail[len(tail) - allowed - 1])


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


@dataclass(frozen=True, slots=True, eq=False)
class FullCurve:
    """Both error rates at every threshold where one of them changes, as counts; they are exact.

    Attributes:
        thresholds: Shape (T,), increasing, in the scores' own precision: all distinct scores, and one above.
        accepted_impostors: Shape (T,): impostor scores at or above each threshold.
        rejected_genuine: Shape (T,): genuine scores below each threshold.
        impostors: Number of impostor scores.
        genuine: Number of genuine scores.
    """

    thresholds: Scores
    accepted_impostors: NDArray[np.integer[Any]]
    rejected_genuine: NDArray[np.integer[Any]]
    impostors: int
    genuine: int

    @property
    def false(self) -> Floats:
        """FMR, shape (T,), falling."""
        return np.asarray(self.accepted_impostors / self.impostors, dtype=np.float64)

    @property
    def missed(self) -> Floats:
        """FNMR, shape (T,), rising."""
        return np.asarray(self.rejected_genuine / self.genuine, dtype=np.float64)


def full_curve(genuine: Scores, impostor: Scores) -> FullCurve:
    """Return the whole step functions FMR and FNMR: exact, in the time of one sort.

    Args:
        genuine: At least one score, in any order.
        impostor: At least one score, in any order.

    >>> curve = full_curve(np.array([0.8, 0.4]), np.array([0.1, 0.4]))
    >>> curve.thresholds[:3].tolist(), curve.accepted_impostors.tolist(), curve.rejected_genuine.tolist()
    ([0.1, 0.4, 0.8], [2, 1, 0, 0], [0, 0, 1, 2])
    """
    scores = np.concatenate([genuine, impostor])
    scores.sort()
    usable = finite(scores)
    thresholds = np.empty(len(usable) + 1, scores.dtype)
    below: NDArray[Any] = np.empty(len(usable) + 1, np.int32 if len(scores) < 1 << 31 else np.int64)
    size = 0
    for start in range(0, len(usable), _CHUNK):  # in pieces that a core's cache holds
        part = usable[start : start + _CHUNK]
        last = usable[start - 1] if start else -np.inf
        new = np.flatnonzero(part != np.concatenate([[last], part[:-1]], dtype=part.dtype))
        here = slice(size, size + len(new))
        thresholds[here] = part[new]
        np.add(new, start + len(scores) - len(usable), out=below[here], casting="same_kind")
        size += len(new)
    thresholds[size] = above(usable[-1]) if len(usable) else 0.0
    below[size] = len(scores)
    thresholds, below = thresholds[: size + 1], below[: size + 1]
    # Of the kind with fewer scores the number below rises by one after each of their places.
    few = np.sort(min(genuine, impostor, key=len))
    places = np.searchsorted(thresholds, finite(few).astype(scores.dtype))
    counts = np.arange(len(few) - len(places), len(few) + 1, dtype=below.dtype)
    below_few: NDArray[Any] = np.repeat(counts, np.diff(places, prepend=-1, append=len(thresholds) - 1))
    below -= below_few
    missed, rejected_impostors = (below_few, below) if len(genuine) <= len(impostor) else (below, below_few)
    np.subtract(len(impostor), rejected_impostors, out=rejected_impostors)
    return FullCurve(thresholds, rejected_impostors, missed, len(impostor), len(genuine))


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
