"""Is one model better than another on the same protocol? Differences of figures, with their intervals.

Two models judged on the same pairs err on the same hard people, so that their difference is known far better than
either figure. Both are therefore resampled with one and the same draw of people, the thresholds chosen again in
each resample and for each model; the spread of the difference is that of the resampled differences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr

from sphereface.errors import DataError
from sphereface.evaluation.choices import Rule
from sphereface.evaluation.counting import false_matches, misses
from sphereface.evaluation.crowds import CrowdScores, crowd_rates, hits_within
from sphereface.evaluation.folds import fold_accuracy
from sphereface.evaluation.identification import false_alarms, missed_searches
from sphereface.evaluation.intervals import Floats, PersonRate, clustered, draw_people, supported
from sphereface.evaluation.resampled import crossing, judged_elsewhere, missed_at
from sphereface.evaluation.scores import PairScores
from sphereface.evaluation.search import SearchScores, alarms, first_rank_scores
from sphereface.evaluation.steps import Scores, curve_thresholds, equal_error_rate, rejected, threshold_at
from sphereface.evaluation.verification import check_settings
from sphereface.evaluation.wilson import quantile


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of two models on the same protocol.

    Attributes:
        figure: ``EER``, ``accuracy``, ``FNMR at FMR 0.001``, ``FNIR at FPIR 0.01``, ``rank 1``.
        first: The first model's, or None where the data cannot support it.
        second: The second model's.
        difference: first - second.
        low: Lower end of the interval of the difference; it covers the choice of thresholds.
        high: Upper end.
        p: Two-sided: how often models that are equally good differ by so much.
        confidence: Of the interval.
        reason: Why there is no difference to tell; empty otherwise.
    """

    figure: str
    first: float | None
    second: float | None
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    confidence: float
    reason: str = ""

    @property
    def counts(self) -> bool:
        """Whether the interval excludes 0; a difference that does not count is no difference."""
        return self.low is not None and self.high is not None and not self.low <= 0.0 <= self.high


def compare_pairs(
    first: PairScores,
    second: PairScores,
    *,
    fmr_targets: Sequence[float] = (1e-2, 1e-3, 1e-4),
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
    threshold_rule: Rule = "middle",
) -> list[Difference]:
    """Compare two models on the same pairs: EER, accuracy where there are folds, and FNMR at each FMR.

    Args:
        first: Scores of one model.
        second: Scores of another on the same pairs, in the same order.
        fmr_targets: Rates between 0 and 1.
        confidence: Of the two-sided intervals.
        resamples: Resamples of people.
        seed: Of the resamples.
        threshold_rule: How the folds choose their threshold.

    Raises:
        ConfigurationError: If a setting is out of range.
        DataError: If the pairs or the people are not the same.
    """
    check_settings(fmr_targets, confidence, resamples)
    for kind in ("genuine", "impostor"):
        ours, theirs = getattr(first, kind), getattr(second, kind)
        if not (np.array_equal(ours.first, theirs.first) and np.array_equal(ours.second, theirs.second)):
            raise DataError(
                f"the two models were not judged on the same {kind} pairs: {len(ours):,} of '{first.title}' and "
                f"{len(theirs):,} of '{second.title}'; leave images that either could not embed out of both, "
                "or use a list of pairs"
            )
    if first.names != second.names or not np.array_equal(first.people, second.people):
        raise DataError("the two models were not judged on the same people")
    deviations = draw_people(len(first.names), resamples, seed)
    scored = _scored_by_both(first, second)
    if scored is None:
        reason = "no impostor pair could be scored by both models"
        figures = ["EER", "accuracy", *(f"FNMR at FMR {target:g}" for target in fmr_targets)]
        unknown = [_difference(figure, (None, None), (), 0, confidence, reason) for figure in figures]
        return [found for found in unknown if first.folded or found.figure != "accuracy"]
    models = [_judged_by_pairs(scores, fmr_targets, deviations) for scores in scored]
    people = min(min(model.false.clusters, model.missed.clusters) for model in models)
    folds = [fold_accuracy(scores, threshold_rule) for scores in (first, second)]
    genuine, impostor = len(first.genuine), len(first.impostor)
    share = 0.5 if first.balanced else genuine / (genuine + impostor)
    errors = [share * model.missed_drawn + (1.0 - share) * model.false_drawn for model in models]
    differences = [
        _difference(
            "EER",
            [equal_error_rate(model.own, model.others)[0] for model in models],
            [crossing(model.false_drawn, model.missed_drawn) for model in models],
            people,
            confidence,
        ),
        _difference(
            "accuracy",
            [fold.value for fold in folds],
            [1.0 - judged_elsewhere(each) for each in errors],
            min(_witnesses(model, fold.threshold) for model, fold in zip(models, folds, strict=True)),
            confidence,
            folds[0].reason or folds[1].reason,
        ),
        *(_missed_at(f"FNMR at FMR {t:g}", models, t, "impostor scores", confidence) for t in fmr_targets),
    ]
    return [found for found in differences if first.folded or found.figure != "accuracy"]


def compare_searches(
    first: SearchScores,
    second: SearchScores,
    *,
    fpir_targets: Sequence[float] = (0.01, 0.1),
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> list[Difference]:
    """Compare two models on the same searches in the same gallery: rank 1, and FNIR (rank 1) at each FPIR.

    Without searches by strangers there is no FPIR, and rank 1 is all.

    Args:
        first: Searches with one model.
        second: The same searches with another, in the same order.
        fpir_targets: Rates between 0 and 1.
        confidence: Of the two-sided intervals.
        resamples: Resamples of people.
        seed: Of the resamples.

    Raises:
        ConfigurationError: If a setting is out of range.
        DataError: If the searches or the people are not the same.
        NotEnoughDataError: If there are no mated searches.
    """
    check_settings(fpir_targets, confidence, resamples)
    if (
        first.names != second.names
        or first.gallery_people != second.gallery_people
        or not np.array_equal(first.mated_people, second.mated_people)
        or not np.array_equal(first.non_mated_people, second.non_mated_people)
    ):
        raise DataError(
            "the two models were not judged on the same searches; give both the same split into gallery and probes"
        )
    deviations = draw_people(len(first.names), resamples, seed)
    found = [_first_ranks([_found_first(scores) for scores in (first, second)], deviations, confidence)]
    if not len(first.non_mated_people):
        return found
    models = [_judged_by_searches(scores, fpir_targets, deviations) for scores in (first, second)]
    named = [(f"FNIR at FPIR {target:g}", target) for target in fpir_targets]
    return found + [_missed_at(name, models, t, "non-mated searches", confidence) for name, t in named]


def compare_crowds(
    first: CrowdScores,
    second: CrowdScores,
    *,
    fmr_targets: Sequence[float] = (1e-2, 1e-3, 1e-4),
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> list[Difference]:
    """Compare two models that searched the same crowd: rank 1, and FNMR at each FMR over probes and distractors.

    Args:
        first: Searches with one model.
        second: The same searches with another, in the same order.
        fmr_targets: Rates between 0 and 1, none above those the tails were kept for.
        confidence: Of the two-sided intervals.
        resamples: Resamples of the people who search.
        seed: Of the resamples.

    Raises:
        ConfigurationError: If a setting is out of range.
        DataError: If the searches, the people or the crowds are not the same.
    """
    check_settings(fmr_targets, confidence, resamples)
    if (
        first.names != second.names
        or first.distractors != second.distractors
        or not np.array_equal(first.people, second.people)
    ):
        raise DataError("the two models did not search the same crowd for the same people")
    deviations = draw_people(len(first.names), resamples, seed)
    models = [_judged_in_a_crowd(scores, fmr_targets, deviations) for scores in (first, second)]
    return [
        _first_ranks([hits_within(scores, [1]) for scores in (first, second)], deviations, confidence),
        *(_missed_at(f"FNMR at FMR {t:g}", models, t, "impostor scores", confidence) for t in fmr_targets),
    ]


class _Model(NamedTuple):
    own: Scores  # sorted: genuine pairs, or mated searches
    others: Scores  # sorted: impostor pairs, or non-mated searches; or the highest of them
    thresholds: dict[float, float]  # by target; none where too few of the others are known
    grid: Floats  # K thresholds
    false: PersonRate
    missed: PersonRate
    false_drawn: Floats  # (B, K)
    missed_drawn: Floats  # (B, K)


def _scored_by_both(first: PairScores, second: PairScores) -> list[PairScores] | None:
    """Return both without the impostor pairs that one of them has no score for; None if none is left."""
    lost = np.isneginf(first.impostor.scores) | np.isneginf(second.impostor.scores)
    if lost.all():
        return None
    return [replace(each, impostor=each.impostor.only(~lost)) for each in (first, second)]


def _judged_by_pairs(scores: PairScores, targets: Sequence[float], deviations: Floats) -> _Model:
    own, others = np.sort(scores.genuine.scores), np.sort(scores.impostor.scores)
    thresholds = {target: threshold_at(others, target) for target in targets}
    grid = curve_thresholds(own, others, extra=list(thresholds.values()))
    rates = false_matches(scores, grid), misses(scores, grid)
    return _Model(own, others, thresholds, grid, *rates, *(rate.resample(deviations) for rate in rates))


def _judged_by_searches(scores: SearchScores, targets: Sequence[float], deviations: Floats) -> _Model:
    own, others = np.sort(first_rank_scores(scores)), np.sort(alarms(scores))
    thresholds = {target: threshold_at(others, target) for target in targets}
    grid = curve_thresholds(np.sort(scores.mated_scores), others, extra=list(thresholds.values()))
    rates = false_alarms(scores, grid), missed_searches(scores, grid)
    return _Model(own, others, thresholds, grid, *rates, *(rate.resample(deviations) for rate in rates))


def _judged_in_a_crowd(scores: CrowdScores, targets: Sequence[float], deviations: Floats) -> _Model:
    known = crowd_rates(scores, targets)
    drawn = known.false.resample(deviations), known.missed.resample(deviations)
    return _Model(scores.genuine, scores.tail, *known, *drawn)


def _found_first(scores: SearchScores) -> PersonRate:
    """Return the share of mated searches whose own person comes first, clustered by person."""
    hits = np.isfinite(first_rank_scores(scores))
    people = len(scores.names)
    counts = np.bincount(scores.mated_people[hits], minlength=people)
    return clustered(counts[:, None].astype(np.float64), np.bincount(scores.mated_people, minlength=people))


def _first_ranks(rates: Sequence[PersonRate], deviations: Floats, confidence: float) -> Difference:
    values = [float(rate.rate[0]) for rate in rates]
    drawn = [rate.resample(deviations)[:, 0] for rate in rates]
    return _difference("rank 1", values, drawn, rates[0].clusters, confidence)


def _witnesses(model: _Model, threshold: float | None) -> float:
    """Return how many people bear witness to the variances near a threshold."""
    at = 0 if threshold is None else min(int(np.searchsorted(model.grid, threshold)), len(model.grid) - 1)
    return float(min(rate.witnesses()[at] for rate in (model.false, model.missed)))


def _missed_at(figure: str, models: Sequence[_Model], target: float, what: str, confidence: float) -> Difference:
    """Compare the missed rate at each model's own threshold for a false rate."""
    if any(target not in model.thresholds for model in models):
        reason = "not measured: too few of the highest scores were kept"
        return _difference(figure, (None, None), (), 0, confidence, reason)
    values, reason = [], ""
    for model in models:
        threshold = model.thresholds[target]
        evidence = float(model.false.effective()[np.searchsorted(model.grid, threshold)])
        reason = reason or supported(evidence, target, what)
        values.append(float(rejected(model.own, threshold)))
    drawn = [missed_at(model.false_drawn, model.missed_drawn, target) for model in models]
    people = min(model.missed.clusters for model in models)
    return _difference(figure, values, drawn, people, confidence, reason)


def _difference(
    figure: str,
    values: Sequence[float | None],
    drawn: Sequence[Floats],
    people: float,
    confidence: float,
    reason: str = "",
) -> Difference:
    """Judge a difference by the spread of the resampled ones, with Student's quantiles for so many people."""
    one, two = values
    if reason or one is None or two is None:
        return Difference(figure, None, None, None, None, None, None, confidence, reason)
    difference, spread = one - two, float(np.std(drawn[0] - drawn[1], ddof=1))
    if spread == 0.0:
        if difference != 0.0:
            reason = "not supported by this data: the difference does not vary between resamples of people"
            return Difference(figure, one, two, None, None, None, None, confidence, reason)
        return Difference(figure, one, two, 0.0, 0.0, 0.0, 1.0, confidence)
    reach = quantile(confidence, people) * spread
    p = 2.0 * float(stdtr(max(people - 1.0, 1.0), -abs(difference) / spread))
    low, high = max(-1.0, difference - reach), min(1.0, difference + reach)
    return Difference(figure, one, two, difference, low, high, p, confidence)
