"""Open-set identification as a function of the number of people enrolled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sphereface.errors import DataError
from sphereface.evaluation.gallery_size.draws import (
    alarm_rate,
    alarm_threshold,
    lowest_threshold,
    require_scores,
)
from sphereface.evaluation.gallery_size.rates import alarms_among, misses_among
from sphereface.evaluation.gallery_size.tail import independent
from sphereface.evaluation.identification import mean_rank, people_reached
from sphereface.evaluation.intervals import Floats, PersonRate, draw_people, supported
from sphereface.evaluation.resampled import missed_at
from sphereface.evaluation.results import Rate
from sphereface.evaluation.search import SearchScores
from sphereface.evaluation.steps import above
from sphereface.evaluation.verification import check_settings, missed_rate
from sphereface.evaluation.wilson import interval

LARGEST = 1_000_000

_GRID, _AROUND = 32, 4.0  # thresholds from four times the target down to a quarter


@dataclass(frozen=True, slots=True)
class SizedIdentification:
    """Open-set search in a gallery of N people.

    Attributes:
        gallery_people: N.
        kind: ``exact`` up to the gallery at hand: the average over all galleries of N of its people. ``tail fit``
            beyond it: the mixture over strangers of :mod:`~sphereface.evaluation.gallery_size.tail`.
        target: The FPIR aimed at; None where the threshold was given.
        threshold: Accept iff score >= threshold; None where the target is not supported.
        fpir: At the threshold.
        fnir: Rank 1, at the threshold.
        independence_bound: 1 - (1 - FMR)^N: what FPIR would be were all strangers alike, which it never exceeds.
        selectivity: Mean number of people who reach the threshold in a non-mated search.
        mean_rank: Of the own person in mated searches, without a threshold; N + 1 where the search failed.
    """

    gallery_people: int
    kind: Literal["exact", "tail fit"]
    target: float | None
    threshold: float | None
    fpir: Rate
    fnir: Rate
    independence_bound: float | None
    selectivity: float | None
    mean_rank: float


def by_gallery_size(
    scores: SearchScores,
    sizes: Sequence[int] = (),
    *,
    target: float = 0.01,
    threshold: float | None = None,
    confidence: float = 0.95,
    resamples: int = 400,
    seed: int = 0,
) -> list[SizedIdentification]:
    """Measure open-set identification in galleries of other sizes.

    Args:
        scores: Searches of one gallery.
        sizes: Numbers of people; by default 1, 2, 5, 10... up to the gallery at hand, it, and 2, 5, 10... times it
            up to a million.
        target: The FPIR at each size; each then has its own threshold.
        threshold: Hold this one at all sizes instead.
        confidence: Of the two-sided intervals.
        resamples: Resamples of people behind the intervals at an estimated threshold.
        seed: Of the resamples.

    Raises:
        ConfigurationError: If a size, the target, the confidence or the number of resamples is out of range.
        NotEnoughDataError: If there are no mated or no non-mated searches, or of a larger gallery than one person.
        DataError: If the searches kept the highest score of each only. Where they kept too few for a size, that
            size has no rate and says so.
    """
    check_settings([target], confidence, resamples)
    deviations = draw_people(len(scores.names), resamples, seed)
    at_size = []
    for people in sizes or default_sizes(scores.gallery_people):
        require_scores(scores, people)
        if threshold is None:
            at_size.append(_at_target(scores, people, target, confidence, deviations))
        else:
            at_size.append(_at_threshold(scores, people, threshold, confidence))
    return at_size


def default_sizes(enrolled: int) -> list[int]:
    """Return 1, 2, 5, 10... below M, then M, then 2 M, 5 M, 10 M... up to a million.

    >>> default_sizes(60)[:10]
    [1, 2, 5, 10, 20, 50, 60, 120, 300, 600]
    """
    steps = [digit * 10**power for power in range(7) for digit in (1, 2, 5)]
    more = [step * enrolled for step in steps[1:] if step * enrolled <= LARGEST] if enrolled > 1 else []
    return [*(step for step in steps if step < enrolled), enrolled, *more]


def thresholds_around(scores: SearchScores, people: int, target: float) -> Floats:
    """Return increasing thresholds about the one at which FPIR in a gallery of ``people`` is ``target``."""
    exact = alarm_threshold(scores, people, target)
    lowest = lowest_threshold(scores)
    most = min(_AROUND * target, 0.9)
    low = lowest if alarm_rate(scores, people, lowest) <= most else alarm_threshold(scores, people, most)
    high = alarm_threshold(scores, people, target / _AROUND)
    ends = [exact, above(max(scores.best.max(), scores.mated_scores.max(initial=-1.0)))]
    return np.unique(np.concatenate([np.linspace(low, high, _GRID).astype(np.float32), ends]).astype(np.float64))


def _at_target(
    scores: SearchScores, people: int, target: float, confidence: float, deviations: Floats
) -> SizedIdentification:
    try:
        grid = thresholds_around(scores, people, target)
        threshold = alarm_threshold(scores, people, target)
    except DataError as error:  # the searches kept too few scores of this size
        refused = Rate(None, None, None, confidence, 0.0, f"not supported by this data: {error}")
        return _assembled(scores, people, target, None, refused, refused)
    at = int(np.searchsorted(grid, threshold))
    false, missed = alarms_among(scores, people, grid), misses_among(scores, people, grid)
    reason = supported(float(false.effective()[at]), target, "non-mated searches in galleries of this size")
    if reason:
        refused = Rate(None, None, None, confidence, 0.0, reason)
        return _assembled(scores, people, target, None, refused, refused)
    drawn = missed_at(false.resample(deviations), missed.resample(deviations), target)
    fnir = missed_rate(float(missed.rate[at]), drawn, missed, confidence)
    return _assembled(scores, people, target, threshold, _rate(false, at, confidence), fnir)


def _at_threshold(scores: SearchScores, people: int, threshold: float, confidence: float) -> SizedIdentification:
    grid = np.array([threshold])
    false, missed = (rate(scores, people, grid) for rate in (alarms_among, misses_among))
    return _assembled(scores, people, None, threshold, *(_rate(rate, 0, confidence) for rate in (false, missed)))


def _rate(rate: PersonRate, at: int, confidence: float) -> Rate:
    value, effective = float(rate.rate[at]), float(rate.effective()[at])
    low, high = interval(value, effective, confidence, rate.clusters)
    return Rate(value, low, high, confidence, effective)


def _assembled(
    scores: SearchScores, people: int, target: float | None, threshold: float | None, fpir: Rate, fnir: Rate
) -> SizedIdentification:
    share = None if threshold is None else people_reached(scores, threshold) / scores.gallery_people
    return SizedIdentification(
        gallery_people=people,
        kind="exact" if people <= scores.gallery_people else "tail fit",
        target=target,
        threshold=threshold,
        fpir=fpir,
        fnir=fnir,
        independence_bound=None if share is None else float(independent(share, people)),
        selectivity=None if share is None else people * share,
        mean_rank=mean_rank(scores, people),
    )
