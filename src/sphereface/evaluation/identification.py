"""One-to-many search with people who are not in the gallery: FNIR at FPIR, CMC."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import NotEnoughDataError
from sphereface.evaluation.intervals import Floats, PersonRate, clustered, draw_people, supported, two_way
from sphereface.evaluation.resampled import missed_at
from sphereface.evaluation.results import Identification, Rate
from sphereface.evaluation.search import SearchScores
from sphereface.evaluation.steps import curve_thresholds, rejected, threshold_at
from sphereface.evaluation.verification import check_settings, error_curve, missed_rate

_RANKS = 20


def identify(
    scores: SearchScores,
    *,
    fpir_targets: Sequence[float] = (0.01, 0.1),
    confidence: float = 0.95,
    resamples: int = 400,
    seed: int = 0,
) -> Identification:
    """Measure open-set identification on these searches, with intervals.

    FPIR(T): share of non-mated searches in which anyone scores >= T. FNIR(T): share of mated searches whose
    own person is not first or scores < T. Failed searches stay in both denominators: a mated one is a miss, a
    non-mated one raises no alarm. FNIR at an FPIR: at the smallest T with FPIR at or below the target.

    Searches are grouped by the person who searches; alarms also by the enrolled person who came first, so
    that one enrolled person who resembles everybody widens the interval.

    Args:
        scores: The searches.
        fpir_targets: Rates between 0 and 1.
        confidence: Of the two-sided intervals.
        resamples: Resamples of people.
        seed: Of the resamples.

    Reference: ISO/IEC 19795-1; NIST FRVT part 2 (1:N), with R = 1.

    Raises:
        ConfigurationError: If a target, the confidence or the number of resamples is out of range.
        NotEnoughDataError: If there are no mated or no non-mated searches.
    """
    check_settings(fpir_targets, confidence, resamples)
    highest = np.sort(alarms(scores))
    hits = np.sort(first_rank_scores(scores))
    thresholds = {target: threshold_at(highest, target) for target in fpir_targets}
    grid = curve_thresholds(np.sort(scores.mated_scores), highest, extra=list(thresholds.values()))
    false, missed = false_alarms(scores, grid), missed_searches(scores, grid)
    deviations = draw_people(len(scores.names), resamples, seed)
    false_drawn, missed_drawn = false.resample(deviations), missed.resample(deviations)
    effective = false.effective()
    fnir: dict[float, Rate] = {}
    for target, threshold in thresholds.items():
        evidence = float(effective[np.searchsorted(grid, threshold)])
        fnir[target] = missed_rate(
            float(rejected(hits, threshold)),
            missed_at(false_drawn, missed_drawn, target),
            missed,
            confidence,
            supported(evidence, target, "non-mated searches"),
        )
    ranks = list(range(1, min(_RANKS, scores.gallery_people) + 1))
    return Identification(
        title=scores.title,
        gallery_people=scores.gallery_people,
        gallery_templates=scores.gallery_templates,
        mated_searches=len(scores.mated_scores),
        non_mated_searches=len(scores.non_mated_scores),
        non_mated_people=int(np.unique(scores.non_mated_people).size),
        fnir_at_fpir=fnir,
        threshold_at_fpir={t: threshold for t, threshold in thresholds.items() if fnir[t].value is not None},
        curve=error_curve(grid, false, missed, confidence),
        cmc_ranks=ranks,
        cmc=_cumulative_matches(scores, ranks, confidence),
        mated_scores=_finite(scores.mated_scores),
        non_mated_scores=_finite(scores.non_mated_scores),
        failed_mated=int(np.isneginf(scores.mated_scores).sum()),
        failed_non_mated=int(np.isneginf(scores.non_mated_scores).sum()),
        failed_enrolments=scores.failed_enrolments,
    )


def alarms(scores: SearchScores) -> NDArray[np.float32]:
    """Return the score at which each non-mated search raises an alarm, shape (Q,).

    Raises:
        NotEnoughDataError: If nobody searched who is not enrolled.
    """
    if not len(scores.non_mated_scores):
        raise NotEnoughDataError("there are no searches by strangers, so no false positive rate can be measured")
    return scores.non_mated_scores


def first_rank_scores(scores: SearchScores) -> NDArray[np.float32]:
    """Return the score up to which each mated search is a hit: -inf where the own person is not first.

    Raises:
        NotEnoughDataError: If no enrolled person searched.
    """
    if not len(scores.mated_scores):
        raise NotEnoughDataError(
            "there are no searches by enrolled people, so no miss rate can be measured; "
            "enrolled people need at least two images"
        )
    return np.where(scores.mated_ranks == 1, scores.mated_scores, np.float32(-np.inf))


def false_alarms(scores: SearchScores, thresholds: Floats) -> PersonRate:
    """Return FPIR at K thresholds, clustered by the stranger and by the enrolled person who came first."""
    reached = _reached(alarms(scores), thresholds)
    return two_way(reached, scores.non_mated_people, scores.non_mated_nearest, len(scores.names))


def missed_searches(scores: SearchScores, thresholds: Floats) -> PersonRate:
    """Return FNIR (rank 1) at K thresholds, clustered by person."""
    missed = ~_reached(first_rank_scores(scores), thresholds)
    return _by_person(missed, scores)


def _cumulative_matches(scores: SearchScores, ranks: list[int], confidence: float) -> list[Rate]:
    usable = np.isfinite(scores.mated_scores)
    within = usable[:, None] & (scores.mated_ranks[:, None] <= np.array(ranks))
    rate = _by_person(within, scores)
    low, high = rate.band(confidence)
    return [
        Rate(float(p), float(a), float(b), confidence, float(n))
        for p, a, b, n in zip(rate.rate, low, high, rate.effective(), strict=True)
    ]


def _by_person(events: NDArray[np.bool_], scores: SearchScores) -> PersonRate:
    counts = np.zeros((len(scores.names), events.shape[1]))
    np.add.at(counts, scores.mated_people, events)
    return clustered(counts, np.bincount(scores.mated_people, minlength=len(scores.names)))


def _reached(scores: NDArray[np.float32], thresholds: Floats) -> NDArray[np.bool_]:
    return scores[:, None] >= thresholds.astype(scores.dtype)


def _finite(scores: NDArray[np.float32]) -> Floats:
    return scores[np.isfinite(scores)].astype(np.float64)
