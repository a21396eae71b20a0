"""From scores to the figures that are compared over seeds, each with every person's part in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError
from sphereface.evaluation.counting import false_matches
from sphereface.evaluation.folds import fold_accuracy
from sphereface.evaluation.identification import false_alarms
from sphereface.evaluation.intervals import supported
from sphereface.evaluation.repeated import Floats, PersonFigure, error_rate, rate_at_false_rate
from sphereface.evaluation.scores import PairScores
from sphereface.evaluation.search import SearchScores, alarms, first_rank_scores
from sphereface.evaluation.steps import threshold_at

Counts = NDArray[np.integer] | NDArray[np.floating]

_LEAST = 1e-12
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
    own, others, people = scores.genuine, scores.scored().impostor, len(scores.names)
    low, at, high = thresholds_around(others.scores, target)
    accepted = others.scores >= np.float32(at)
    sides = [scores.people[side] for side in (others.first, others.second)]
    shown = scores.people[own.first]
    return missed_by_counts(
        np.bincount(shown[own.scores < np.float32(at)], minlength=people),
        np.bincount(shown, minlength=people),
        [np.bincount(side[accepted], minlength=people) for side in sides],
        [np.bincount(side, minlength=people) for side in sides],
        [int((own.scores < np.float32(t)).sum()) for t in (low, high)],
        [int((others.scores >= np.float32(t)).sum()) for t in (low, high)],
    )


def missed_at_fpir(scores: SearchScores, target: float = 0.01) -> PersonFigure:
    """Return FNIR (rank 1) at the threshold that this model's own strangers give for a false positive rate.

    A false alarm belongs to the stranger and to the enrolled person who came first.

    Args:
        scores: Mated searches and searches by strangers.
        target: The false positive identification rate, above 0 and below 2/3.

    Raises:
        ConfigurationError: If the rate is out of range.
        NotEnoughDataError: If nobody searched, or no stranger did.
    """
    own, others, people = first_rank_scores(scores), alarms(scores), len(scores.names)
    low, at, high = thresholds_around(others, target)
    alarm, sides = others >= np.float32(at), (scores.non_mated_people, scores.non_mated_nearest)
    return missed_by_counts(
        np.bincount(scores.mated_people[own < np.float32(at)], minlength=people),
        np.bincount(scores.mated_people, minlength=people),
        [np.bincount(side[alarm], minlength=people) for side in sides],
        [np.bincount(side, minlength=people) for side in sides],
        [int((own < np.float32(t)).sum()) for t in (low, high)],
        [int((others >= np.float32(t)).sum()) for t in (low, high)],
    )


def missed_by_counts(
    missed: Counts,
    tried: Counts,
    false: Sequence[Counts],
    false_tried: Sequence[Counts],
    missed_near: Sequence[int],
    false_near: Sequence[int],
) -> PersonFigure:
    """Return a rate of misses at a false rate from counts, which is all that a summary of a run need keep.

    Args:
        missed: Shape (P,): misses of each person at the threshold.
        tried: Shape (P,): pairs or searches of each.
        false: In each role that a person can have in a false match (two, for a pair), such matches of each, (P,).
        false_tried: Likewise, how often each was in that role.
        missed_near: Misses of all at the thresholds around (:func:`thresholds_around`).
        false_near: False matches of all there.
    """
    rate = error_rate(missed, tried)
    roles = [error_rate(found, total) for found, total in zip(false, false_tried, strict=True)]
    trials = float(np.sum(false_tried[0]))
    rise = (false_near[1] - false_near[0]) / trials
    slope = 0.0 if rise == 0 else min(0.0, (missed_near[1] - missed_near[0]) / float(np.sum(tried)) / rise)
    parts: Floats = np.sum([role.parts for role in roles], axis=0)
    return rate_at_false_rate(rate, PersonFigure(roles[0].value, parts), slope)


def thresholds_around(others: NDArray[np.floating], target: float) -> tuple[float, float, float]:
    """Return the thresholds at the target times NEIGHBOUR, at the target, and at the target over it, rising.

    Raises:
        ConfigurationError: If the rate is not above 0 and below 2/3.
    """
    check_false_rate(target)
    ordered = np.sort(others)
    low, at, high = (threshold_at(ordered, rate) for rate in (target * NEIGHBOUR, target, target / NEIGHBOUR))
    return low, at, high


def check_false_rate(target: float) -> None:
    """Insist on a false rate that misses can be measured at.

    Raises:
        ConfigurationError: If it is not above 0 and below 2/3.
    """
    if not _LEAST <= target * NEIGHBOUR < 1.0:
        raise ConfigurationError(f"a false rate to measure misses at lies above 0 and below 2/3, not at {target}")


def right_over_folds(scores: PairScores) -> PersonFigure | None:
    """Return the ten-fold accuracy, its parts from wrong decisions at the folds' mean threshold.

    A pair of two people belongs to the first of them. None where the folds have nothing to learn from, or where
    genuine and impostor pairs are weighed as kinds.
    """
    if scores.balanced:
        return None
    folds = fold_accuracy(scores)
    if folds.value is None or folds.threshold is None:
        return None
    threshold, people = np.float32(folds.threshold), len(scores.names)
    wrong, trials = np.zeros(people), np.zeros(people)
    for pairs, genuine in ((scores.genuine, True), (scores.impostor, False)):
        shown = scores.people[pairs.first]
        mistaken = ((pairs.scores < threshold) == genuine) | np.isneginf(pairs.scores)
        wrong += np.bincount(shown[mistaken], minlength=people)
        trials += np.bincount(shown, minlength=people)
    return PersonFigure(folds.value, -error_rate(wrong, trials).parts)


def unsupported(scores: PairScores | SearchScores, target: float) -> str:
    """Return why the data cannot say where a false rate of ``target`` lies, or an empty string."""
    if isinstance(scores, PairScores):
        scores = scores.scored()
        threshold = threshold_at(np.sort(scores.impostor.scores), target)
        return supported(
            float(false_matches(scores, np.array([threshold])).effective()[0]), target, "impostor scores"
        )
    threshold = threshold_at(np.sort(alarms(scores)), target)
    return supported(
        float(false_alarms(scores, np.array([threshold])).effective()[0]), target, "non-mated searches"
    )
