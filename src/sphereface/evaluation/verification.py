"""One-to-one comparison: are these two images the same person?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sphereface.errors import ConfigurationError
from sphereface.evaluation.choices import Rule
from sphereface.evaluation.counting import false_matches, misses
from sphereface.evaluation.folds import fold_accuracy
from sphereface.evaluation.intervals import Floats, PersonRate, draw_people, rate_from_variance, supported
from sphereface.evaluation.resampled import area, crossing, judged_elsewhere, missed_at
from sphereface.evaluation.results import ErrorCurve, Rate, ScoredPair, ScoreHistogram, Verification
from sphereface.evaluation.scores import Pairs, PairScores
from sphereface.evaluation.steps import (
    Scores,
    area_under_curve,
    curve_thresholds,
    equal_error_rate,
    finite,
    rejected,
    threshold_at,
)

_BINS = 100
_HARDEST = 24


def verify(
    scores: PairScores,
    *,
    fmr_targets: Sequence[float] = (1e-2, 1e-3, 1e-4),
    confidence: float = 0.95,
    resamples: int = 400,
    seed: int = 0,
    threshold_rule: Rule = "middle",
) -> Verification:
    """Measure every figure of one-to-one comparison on these pairs, with intervals.

    EER: linear interpolation of the two step functions. AUC: ties counted half. FNMR at an FMR: at the
    smallest threshold whose FMR is at or below the target, no interpolation. Accuracy: see
    :func:`~sphereface.evaluation.folds.fold_accuracy`. Intervals: see
    :mod:`~sphereface.evaluation.intervals`; bands of the curve are for fixed thresholds, all other figures
    for thresholds that were estimated.

    Args:
        scores: Genuine and impostor pairs.
        fmr_targets: Rates between 0 and 1.
        confidence: Of the two-sided intervals.
        resamples: Resamples of people.
        seed: Of the resamples.
        threshold_rule: How the folds choose their threshold.

    Raises:
        ConfigurationError: If a target, the confidence or the number of resamples is out of range.
    """
    check_settings(fmr_targets, confidence, resamples)
    listed, scores = scores, scores.scored()
    genuine, impostor = np.sort(scores.genuine.scores), np.sort(scores.impostor.scores)
    thresholds = {target: threshold_at(impostor, target) for target in fmr_targets}
    grid = curve_thresholds(genuine, impostor, extra=list(thresholds.values()))
    false, missed = false_matches(scores, grid), misses(scores, grid)
    deviations = draw_people(len(scores.names), resamples, seed)
    false_drawn, missed_drawn = false.resample(deviations), missed.resample(deviations)
    pairs, least = len(genuine) + len(impostor), min(false.least, missed.least)
    people = min(false.clusters, missed.clusters)

    def figure(value: float, drawn: Floats, most: int = pairs, witnesses: float = people) -> Rate:
        return rate_from_variance(value, float(np.var(drawn, ddof=1)), most, least, confidence, witnesses)

    folds = fold_accuracy(listed, threshold_rule)
    accuracy = Rate(None, None, None, confidence, 0.0, folds.reason, "estimated")
    if folds.value is not None and folds.threshold is not None:
        weight = 0.5 if scores.balanced else len(genuine) / (len(genuine) + len(listed.impostor))
        errors = weight * missed_drawn + (1.0 - weight) * false_drawn
        at = min(int(np.searchsorted(grid, folds.threshold)), len(grid) - 1)
        witnesses = float(min(false.witnesses()[at], missed.witnesses()[at]))
        accuracy = figure(folds.value, judged_elsewhere(errors), witnesses=witnesses)
        accuracy = replace(accuracy, threshold="estimated")
    fnmr: dict[float, Rate] = {}
    effective = false.effective()
    for target, threshold in thresholds.items():
        evidence = float(effective[np.searchsorted(grid, threshold)])
        fnmr[target] = missed_rate(
            float(rejected(genuine, threshold)),
            missed_at(false_drawn, missed_drawn, target),
            missed,
            confidence,
            supported(evidence, target, "impostor scores"),
        )
    return Verification(
        title=scores.title,
        people=_people(listed),
        genuine_pairs=len(genuine),
        impostor_pairs=len(listed.impostor),
        eer=replace(
            figure(equal_error_rate(genuine, impostor)[0], crossing(false_drawn, missed_drawn)),
            threshold="estimated",
        ),
        auc=figure(
            area_under_curve(genuine, impostor),
            area(false_drawn, missed_drawn),
            most=len(genuine) * len(impostor),  # a share of comparisons between pairs, not of pairs
        ),
        accuracy=accuracy,
        accuracy_threshold=folds.threshold,
        fnmr_at_fmr=fnmr,
        threshold_at_fmr={t: threshold for t, threshold in thresholds.items() if fnmr[t].value is not None},
        curve=error_curve(grid, false, missed, confidence),
        histogram=_histogram(genuine, impostor),
        hardest_genuine=_hardest(scores.genuine, genuine, lowest=True),
        hardest_impostor=_hardest(scores.impostor, impostor, lowest=False),
        failed_pairs=listed.failed,
        balanced=scores.balanced,
        folded=scores.folded,
    )


def check_settings(targets: Sequence[float], confidence: float, resamples: int) -> None:
    """Refuse settings that have no meaning.

    Raises:
        ConfigurationError: If a target or the confidence is not between 0 and 1, or resamples is below 20.
    """
    for target in targets:
        if not 0.0 < target < 1.0:
            raise ConfigurationError(f"a target error rate must lie between 0 and 1, not {target}")
    if not 0.0 < confidence < 1.0:
        raise ConfigurationError(f"confidence must lie between 0 and 1, such as 0.95, not {confidence}")
    if resamples < 20:
        raise ConfigurationError(f"resamples must be 20 or more (400 is usual), not {resamples}")


def missed_rate(value: float, drawn: Floats, missed: PersonRate, confidence: float, reason: str = "") -> Rate:
    """Return FNMR or FNIR at a threshold that was estimated, or the reason why it is not supported."""
    if reason:
        return Rate(None, None, None, confidence, 0.0, reason, "estimated")
    variance = float(np.var(drawn, ddof=1))
    rate = rate_from_variance(value, variance, missed.trials, missed.least, confidence, missed.clusters)
    return replace(rate, threshold="estimated")


def error_curve(thresholds: Floats, false: PersonRate, missed: PersonRate, confidence: float) -> ErrorCurve:
    """Join two rates at the same thresholds into a curve with pointwise bands for fixed thresholds."""
    false_low, false_high = false.band(confidence)
    missed_low, missed_high = missed.band(confidence)
    return ErrorCurve(thresholds, false.rate, missed.rate, false_low, false_high, missed_low, missed_high)


def _people(scores: PairScores) -> int:
    """Return how many people occur in a pair."""
    seen = np.zeros(len(scores.people), dtype=bool)
    for side in (scores.genuine.first, scores.impostor.first, scores.impostor.second):
        seen[side] = True
    return int(np.unique(scores.people[seen]).size)


def _histogram(genuine: Scores, impostor: Scores) -> ScoreHistogram:
    """Count both kinds of sorted scores on common bins over the range of the finite ones."""
    both = [finite(scores) for scores in (genuine, impostor)]
    ends = [end for scores in both if len(scores) for end in (float(scores[0]), float(scores[-1]))]
    low, high = min(ends, default=-1.0), max(ends, default=1.0)
    edges = np.linspace(low, high if high > low else low + 1.0, _BINS + 1)
    # Sorted scores need no pass of their own: the counts are differences of ranks.
    ranks = [np.searchsorted(scores, edges[1:-1].astype(scores.dtype)) for scores in both]
    counts = [np.diff(rank, prepend=0, append=len(scores)) for rank, scores in zip(ranks, both, strict=True)]
    return ScoreHistogram(edges, counts[0].astype(np.int64), counts[1].astype(np.int64))


def _hardest(pairs: Pairs, ordered: Scores, *, lowest: bool) -> list[ScoredPair]:
    """Return the pairs that come nearest to being taken for the other kind, worst first.

    Args:
        pairs: All pairs of a kind.
        ordered: Their scores, sorted.
        lowest: Whether the lowest scores are the worst (genuine pairs) or the highest.
    """
    ordered = finite(ordered)
    if not len(ordered):
        return []
    if lowest:
        worst = np.flatnonzero((pairs.scores <= ordered[:_HARDEST][-1]) & (pairs.scores >= ordered[0]))
        worst = worst[np.argsort(pairs.scores[worst], kind="stable")]
    else:
        worst = np.flatnonzero(pairs.scores >= ordered[-_HARDEST:][0])
        worst = worst[np.argsort(-pairs.scores[worst], kind="stable")]
    return [
        ScoredPair(int(pairs.first[i]), int(pairs.second[i]), float(pairs.scores[i])) for i in worst[:_HARDEST]
    ]
