"""Several lists of pairs of one protocol as one, for what is measured at one threshold for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from sphereface.evaluation.counting import false_matches
from sphereface.evaluation.intervals import supported
from sphereface.evaluation.scores import Pairs, PairScores
from sphereface.evaluation.steps import curve_thresholds, threshold_at


def together(lists: Sequence[PairScores]) -> PairScores:
    """Return the first list with the others of its protocol; a pair in two lists counts twice.

    All pairs of one's own pictures stay alone: the lists of a protocol beside them speak of other rows.

    Args:
        lists: One or more. The lists of a protocol are of the same images.
    """
    first = lists[0]
    if first.balanced:
        return first
    same = list(takewhile(lambda each: not each.balanced and _alike(first, each), lists))
    if len(same) == 1:
        return first
    return PairScores(
        f"{len(same)} lists together: {', '.join(each.title for each in same)}",
        _joined([each.genuine for each in same], first.people),
        _joined([each.impostor for each in same], first.people),
        first.people,
        first.names,
        balanced=False,
    )


def thresholds_at_fmr(scores: PairScores, targets: Sequence[float]) -> dict[float, float]:
    """Return the smallest threshold with FMR at or below each target that the pairs support."""
    scores = scores.scored()
    genuine, impostor = np.sort(scores.genuine.scores), np.sort(scores.impostor.scores)
    thresholds = {target: threshold_at(impostor, target) for target in targets}
    grid = curve_thresholds(genuine, impostor, extra=list(thresholds.values()))
    effective = false_matches(scores, grid).effective()
    return {
        target: threshold
        for target, threshold in thresholds.items()
        if not supported(float(effective[np.searchsorted(grid, threshold)]), target, "impostor scores")
    }


def _alike(one: PairScores, two: PairScores) -> bool:
    return one.names == two.names and np.array_equal(one.people, two.people)


def _joined(pairs: Sequence[Pairs], people: NDArray[np.int32]) -> Pairs:
    scores, first, second = (
        np.concatenate([getattr(each, column) for each in pairs]) for column in ("scores", "first", "second")
    )
    order = np.argsort(people[first], kind="stable")
    return Pairs(scores[order], first[order], second[order])
