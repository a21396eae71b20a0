"""From scores to the figures that are compared over seeds, each with every person's part in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError
from sphereface.evaluation.counting import false_matches
from sphereface.evaluation.folds import fold_accuracy
from sphereface.evaluation.identification import false_alarms
from sphereface.evaluation.intervals import supported
from sphereface.evaluation.repeated import PersonFigure, error_rate, rate_at_false_rate
from sphereface.evaluation.scores import PairScores
from sphereface.evaluation.search import SearchScores, alarms, first_rank_scores
from sphereface.evaluation.steps import threshold_at

NEIGHBOUR = 1.5
"""The slope of misses against false matches is taken between the false rate over this and times this."""


def missed_at_fmr(scores: PairScores, target: float = 1e-3) -> PersonFigure:
    """Return FNMR at the threshold that this model's own impostor pairs give for a false match rate.

    Args:
        scores: Genuine and impostor pairs.
        target: The false match rate, above 0 and below 2/3.

    Raises:
        ConfigurationError: If the rate is out of range.
    """
    own, others, people = scores.genuine, scores.impostor, len(scores.names)
    low, at, high = _thresholds(others.scores, target)
    accepted = others.scores >= np.float32(at)
    sides = [scores.people[side] for side in (others.first, others.second)]
    both = error_rate(
        sum(np.bincount(side[accepted], minlength=people) for side in sides),
        sum(np.bincount(side, minlength=people) for side in sides),
    )
    shown = scores.people[own.first]
    missed = error_rate(
        np.bincount(shown[own.scores < np.float32(at)], minlength=people), np.bincount(shown, minlength=people)
    )
    # A pair counts for both of its people, so that parts of the rate per pair are twice those per side.
    false = PersonFigure(both.value, 2.0 * both.parts)
    return rate_at_false_rate(missed, false, slope_between(own.scores, others.scores, low, high))


def missed_at_fpir(scores: SearchScores, target: float = 0.01) -> PersonFigure:
    """Return FNIR (rank 1) at the threshold that this model's own strangers give for a false positive rate.

    Args:
        scores: Mated searches and searches by strangers.
        target: The false positive identification rate, above 0 and below 2/3.

    Raises:
        ConfigurationError: If the rate is out of range.
        NotEnoughDataError: If nobody searched, or no stranger did.
    """
    own, others, people = first_rank_scores(scores), alarms(scores), len(scores.names)
    low, at, high = _thresholds(others, target)
    missed, false = (
        error_rate(np.bincount(who[wrong], minlength=people), np.bincount(who, minlength=people))
        for who, wrong in (
            (scores.mated_people, own < np.float32(at)),
            (scores.non_mated_people, others >= np.float32(at)),
        )
    )
    return rate_at_false_rate(missed, false, slope_between(own, others, low, high))


def right_over_folds(scores: PairScores) -> PersonFigure | None:
    """Return the ten-fold accuracy, its parts from wrong decisions at the folds' mean threshold.

    A pair of two people belongs to the first of them. None where the folds have nothing to learn from, or where
    genuine and impostor pairs are weighed as kinds.
    """
    folds = fold_accuracy(scores)
    if folds.value is None or folds.threshold is None or scores.balanced:
        return None
    threshold, people = np.float32(folds.threshold), len(scores.names)
    wrong, trials = np.zeros(people), np.zeros(people)
    for pairs, genuine in ((scores.genuine, True), (scores.impostor, False)):
        shown = scores.people[pairs.first]
        wrong += np.bincount(shown[(pairs.scores < threshold) == genuine], minlength=people)
        trials += np.bincount(shown, minlength=people)
    return PersonFigure(folds.value, -error_rate(wrong, trials).parts)


def unsupported(scores: PairScores | SearchScores, target: float) -> str:
    """Return why the data cannot say where a false rate of ``target`` lies, or an empty string."""
    if isinstance(scores, PairScores):
        threshold = threshold_at(np.sort(scores.impostor.scores), target)
        return supported(
            float(false_matches(scores, np.array([threshold])).effective()[0]), target, "impostor scores"
        )
    threshold = threshold_at(np.sort(alarms(scores)), target)
    return supported(
        float(false_alarms(scores, np.array([threshold])).effective()[0]), target, "non-mated searches"
    )


def slope_between(own: NDArray[np.floating], others: NDArray[np.floating], low: float, high: float) -> float:
    """Return how the rate of misses changes with the rate of false matches between two thresholds; 0 or less."""
    missed, false = (
        [float(np.mean(reached(values, threshold))) for threshold in (low, high)]
        for values, reached in ((own, _below), (others, _at_least))
    )
    return min(0.0, (missed[1] - missed[0]) / (false[1] - false[0])) if false[1] != false[0] else 0.0


def _below(scores: NDArray[np.floating], threshold: float) -> NDArray[np.bool_]:
    return scores < np.float32(threshold)


def _at_least(scores: NDArray[np.floating], threshold: float) -> NDArray[np.bool_]:
    return scores >= np.float32(threshold)


def _thresholds(others: NDArray[np.floating], target: float) -> tuple[float, float, float]:
    """Return the thresholds at the target times NEIGHBOUR, at the target, and at the target over it."""
    if not 0.0 < target * NEIGHBOUR < 1.0:
        raise ConfigurationError(f"a false rate to measure misses at lies above 0 and below 2/3, not at {target}")
    ordered = np.sort(others)
    low, at, high = (threshold_at(ordered, rate) for rate in (target * NEIGHBOUR, target, target / NEIGHBOUR))
    return low, at, high
