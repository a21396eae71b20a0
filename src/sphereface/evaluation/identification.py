"""One-to-many search with people who are not in the gallery: FNIR at FPIR, CMC, mean rank, selectivity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError
from sphereface.evaluation.gallery_size.rates import alarms_among
from sphereface.evaluation.intervals import Floats, PersonRate, clustered, draw_people, supported, two_way
from sphereface.evaluation.resampled import missed_at
from sphereface.evaluation.results import ErrorCurve, Identification, Rate
from sphereface.evaluation.search import SearchScores, alarms, first_rank_scores
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

    Searches are grouped by the person who searches; alarms also by the enrolled person without whom there would
    be none, so that one enrolled person who resembles everybody widens the interval.

    Args:
        scores: The searches.
        fpir_targets: Rates between 0 and 1.
        confidence: Of the two-sided intervals.
        resamples: Resamples of people.
        seed: Of the resamples.

    Reference: ISO/IEC 19795-1; NIST FRVT part 2 (1:N), with R = 1.

    Raises:
        ConfigurationError: If a target, the confidence or the number of resamples is out of range.
        NotEnoughDataError: If there are no mated searches.
    """
    check_settings(fpir_targets, confidence, resamples)
    if not len(scores.non_mated_scores):
        return _closed_set(scores, fpir_targets, confidence)
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
        cmc=cumulative_matches(scores, ranks, confidence=confidence),
        mated_scores=_finite(scores.mated_scores),
        non_mated_scores=_finite(scores.non_mated_scores),
        failed_mated=int(np.isneginf(scores.mated_scores).sum()),
        failed_non_mated=int(np.isneginf(scores.non_mated_scores).sum()),
        failed_enrolments=scores.failed_enrolments,
        mean_rank=mean_rank(scores),
        selectivity={
            target: people_reached(scores, threshold)
            for target, threshold in thresholds.items()
            if scores.best.size
        },
    )


def _closed_set(scores: SearchScores, targets: Sequence[float], confidence: float) -> Identification:
    """Return what searches by enrolled people alone can tell: ranks, and nothing of false alarms."""
    reason = "not supported by this data: there are no searches by strangers"
    ranks = list(range(1, min(_RANKS, scores.gallery_people) + 1))
    nothing = np.zeros(0)
    return Identification(
        title=scores.title,
        gallery_people=scores.gallery_people,
        gallery_templates=scores.gallery_templates,
        mated_searches=len(first_rank_scores(scores)),
        non_mated_searches=0,
        non_mated_people=0,
        fnir_at_fpir={target: Rate(None, None, None, confidence, 0.0, reason) for target in targets},
        threshold_at_fpir={},
        curve=ErrorCurve(*[nothing] * 7),
        cmc_ranks=ranks,
        cmc=cumulative_matches(scores, ranks, confidence=confidence),
        mated_scores=_finite(scores.mated_scores),
        non_mated_scores=nothing,
        failed_mated=int(np.isneginf(scores.mated_scores).sum()),
        failed_enrolments=scores.failed_enrolments,
        mean_rank=mean_rank(scores),
    )


def false_alarms(scores: SearchScores, thresholds: Floats) -> PersonRate:
    """Return FPIR at K thresholds, clustered by the stranger and by the enrolled person.

    Where only the highest score of each search was kept, the enrolled person is the one who came first.
    """
    if scores.best.size:
        return alarms_among(scores, scores.gallery_people, thresholds)
    reached = _reached(alarms(scores), thresholds)
    return two_way(reached, scores.non_mated_people, scores.non_mated_nearest, len(scores.names))


def missed_searches(scores: SearchScores, thresholds: Floats) -> PersonRate:
    """Return FNIR (rank 1) at K thresholds, clustered by person."""
    missed = ~_reached(first_rank_scores(scores), thresholds)
    return _by_person(missed, scores)


def people_reached(scores: SearchScores, threshold: float) -> float:
    """Return the mean number of enrolled people who reach the threshold in a non-mated search."""
    return float((scores.best >= np.float32(threshold)).sum() / len(alarms(scores)))


def mean_rank(scores: SearchScores, people: int | None = None) -> float:
    """Return the mean rank of the own person in mated searches, among N ``people`` (by default all enrolled).

    Of r others who score at least as high as the own person, r (N - 1) / (M - 1) are met in a gallery of N. A
    search that failed has rank N + 1.
    """
    first_rank_scores(scores)
    enrolled = scores.gallery_people
    people = enrolled if people is None else people
    others = (scores.mated_ranks - 1) * ((people - 1) / max(enrolled - 1, 1))
    return float(np.where(np.isneginf(scores.mated_scores), people, others).mean() + 1.0)


def cumulative_matches(
    scores: SearchScores, ranks: Sequence[int], people: int | None = None, confidence: float = 0.95
) -> list[Rate]:
    """Return the share of mated searches whose person is within each rank, without a threshold (CMC).

    Args:
        scores: Searches of M people.
        ranks: From 1.
        people: N up to M: the average over all galleries of N people that hold the own one; by default M.
        confidence: Of the intervals, clustered by person.

    Raises:
        ConfigurationError: If N is not between 1 and M.
        NotEnoughDataError: If no enrolled person searched.
    """
    first_rank_scores(scores)
    enrolled = scores.gallery_people
    people = enrolled if people is None else people
    if not 1 <= people <= enrolled:
        raise ConfigurationError(f"ranks are known in galleries of 1 to {enrolled} people, not {people}")
    usable = np.isfinite(scores.mated_scores)
    others, which = np.unique(np.where(usable, scores.mated_ranks - 1, 0), return_inverse=True)
    if people == enrolled:
        chance = others[:, None] < np.asarray(ranks)
    else:
        from scipy.stats import hypergeom  # its import takes longer than most searches

        # Of the N - 1 others in the gallery, drawn from M - 1, fewer than the rank may score as high.
        chance = hypergeom.cdf(np.asarray(ranks) - 1, enrolled - 1, others[:, None], people - 1)
    return _by_person(usable[:, None] * chance[which], scores).rates(confidence)


def _by_person(events: NDArray[np.bool_] | Floats, scores: SearchScores) -> PersonRate:
    counts = np.zeros((len(scores.names), events.shape[1]))
    np.add.at(counts, scores.mated_people, events)
    return clustered(counts, np.bincount(scores.mated_people, minlength=len(scores.names)))


def _reached(scores: NDArray[np.float32], thresholds: Floats) -> NDArray[np.bool_]:
    return scores[:, None] >= thresholds.astype(scores.dtype)


def _finite(scores: NDArray[np.float32]) -> Floats:
    return scores[np.isfinite(scores)].astype(np.float64)
