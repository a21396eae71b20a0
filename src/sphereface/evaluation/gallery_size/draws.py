"""The galleries of N people that can be drawn from one of M, all of them at once.

Non-mated search i, against whom k_i enrolled people reach the threshold, raises an alarm in the share
1 - C(M - k_i, N) / C(M, N) of these galleries; mated search i, whose person is met or beaten by r_i others,
stays first in the share C(M - 1 - r_i, N - 1) / C(M - 1, N - 1) of those that hold the person. Averages over
searches are what drawing galleries again and again would approach, without the draws. Beyond M, the rates are
those of :mod:`~sphereface.evaluation.gallery_size.tail`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError, DataError, NotEnoughDataError
from sphereface.evaluation.gallery_size.tail import beyond
from sphereface.evaluation.intervals import Floats
from sphereface.evaluation.search import SearchScores, alarms


def chances(enrolled: int, drawn: int, most: int) -> Floats:
    """Return, for k = 0 to ``most``, the chance that ``drawn`` of ``enrolled`` people hold one of k.

    This is 1 - C(M - k, N) / C(M, N), as a product of small steps: nothing overflows or cancels.

    >>> chances(4, 2, 3).round(4).tolist()
    [0.0, 0.5, 0.8333, 1.0]
    """
    left = np.maximum(enrolled - np.arange(most), drawn)
    with np.errstate(divide="ignore"):
        steps = np.log1p(-drawn / left)
    return np.concatenate([[0.0], -np.expm1(np.cumsum(steps))])


def alarm_rate(scores: SearchScores, people: int, threshold: float) -> float:
    """Return FPIR in a gallery of ``people`` at one threshold.

    Raises:
        ConfigurationError: If ``people`` is below 1.
        DataError: If the searches kept too few scores to tell.
        NotEnoughDataError: If nobody searched who is not enrolled.
    """
    require_scores(scores, people)
    reached = _reached(scores, threshold)
    enrolled = scores.gallery_people
    if people <= enrolled:
        return float(chances(enrolled, people, scores.best.shape[1])[reached].mean())
    return float(beyond(reached.mean() / enrolled, np.mean(reached > 0), enrolled, people)[0])


def lowest_threshold(scores: SearchScores) -> float:
    """Return the lowest threshold that the scores kept can tell of: the lowest of all where all were kept.

    Raises:
        NotEnoughDataError: If no stranger's search has a score.
    """
    last = scores.best[np.isfinite(scores.best[:, -1]), -1]
    if not last.size:
        raise NotEnoughDataError("no stranger's search has a score, so no threshold can be chosen")
    return float(last.min() if _complete(scores) else last.max())


def alarm_threshold(scores: SearchScores, people: int, target: float) -> float:
    """Return the smallest threshold whose FPIR in a gallery of ``people`` is at or below ``target``.

    It lies directly above a score that must be rejected. Beyond the gallery at hand the fitted rate need not
    fall with every step of the threshold; there it is one with a rate at or below the target directly below
    which the rate is above it.

    Raises:
        DataError: If the threshold lies below the scores that the searches kept.
        NotEnoughDataError, ConfigurationError: As :func:`alarm_rate`.
    """
    require_scores(scores, people)
    low, high = _ordinal(lowest_threshold(scores)), _ordinal(np.nextafter(scores.best.max(), np.float32(np.inf)))
    if alarm_rate(scores, people, _float(low)) <= target:
        if _complete(scores):
            return _float(low)
        raise DataError(
            f"each search kept its {scores.best.shape[1]} highest scores of {scores.gallery_people}, too few for "
            f"a rate of {target:g} among {people} people; search with fewer probes"
        )
    while high - low > 1:
        middle = (low + high) // 2
        if alarm_rate(scores, people, _float(middle)) <= target:
            high = middle
        else:
            low = middle
    return _float(high)


def _reached(scores: SearchScores, threshold: float) -> NDArray[np.int64]:
    """Return k_i: the number of enrolled people whose score reaches the threshold, shape (Q,)."""
    floor = np.float32(threshold)
    counts = np.zeros(len(scores.best), dtype=np.int64)
    for column in range(0, scores.best.shape[1], 64):
        hit = scores.best[:, column : column + 64] >= floor
        if not hit.any():
            break
        counts += hit.sum(axis=1)
    return counts


def _complete(scores: SearchScores) -> bool:
    """Return whether every usable enrolled person's score was kept."""
    return bool(scores.best.shape[1] >= scores.gallery_people - scores.failed_enrolments)


def require_size(scores: SearchScores, people: int) -> None:
    """Refuse a size that has no meaning, or of which one enrolled person says nothing."""
    if people < 1:
        raise ConfigurationError(f"a gallery holds 1 person or more, not {people}")
    if people > scores.gallery_people < 2:
        raise NotEnoughDataError("nothing can be said about larger galleries from one of a single person")


def require_scores(scores: SearchScores, people: int) -> None:
    """Refuse searches that cannot tell of another size, with the errors of :func:`alarm_rate`."""
    require_size(scores, people)
    alarms(scores)  # refuses where no stranger searched
    if not scores.best.size:
        raise DataError(
            "these searches kept only the highest score of each, which says nothing about galleries of another "
            "size; search again"
        )


def _ordinal(number: float | np.float32) -> int:
    """Return the place of a number among all float32, so that halving an interval never misses one."""
    bits = int(np.float32(number).view(np.int32))
    return bits if bits >= 0 else -(bits & 0x7FFFFFFF)


def _float(ordinal: int) -> float:
    bits = ordinal if ordinal >= 0 else -ordinal | -0x80000000
    return float(np.int32(bits).view(np.float32))
