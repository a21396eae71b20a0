"""Read a figure off B resampled curves at once: the threshold is chosen again in each.

Curves are sampled at K increasing thresholds: ``false`` falls, ``missed`` rises, both of shape (B, K). The
figures serve for their spread only; point estimates come from all scores (:mod:`steps`).
"""

from __future__ import annotations

import numpy as np

from sphereface.evaluation.intervals import Floats


def crossing(false: Floats, missed: Floats) -> Floats:
    """Return the equal error rate of every resample, shape (B,).

    >>> crossing(np.array([[1.0, 0.4, 0.0]]), np.array([[0.0, 0.2, 1.0]])).round(4).tolist()
    [0.3333]
    """
    gap = np.pad(false - missed, ((0, 0), (1, 1)), constant_values=((0, 0), (1.0, -1.0)))
    false = np.pad(false, ((0, 0), (1, 1)), constant_values=((0, 0), (1.0, 0.0)))
    after = np.argmax(gap <= 0, axis=1)
    rows = np.arange(len(gap))
    gap0, gap1 = gap[rows, after - 1], gap[rows, after]
    share = gap0 / (gap0 - gap1)
    return np.asarray(false[rows, after - 1] + share * (false[rows, after] - false[rows, after - 1]))


def missed_at(false: Floats, missed: Floats, target: float) -> Floats:
    """Return the missed rate where the false rate comes down to ``target``, shape (B,).

    Between two thresholds it is interpolated, lest the grid add a spread of its own.

    >>> missed_at(np.array([[1.0, 0.4, 0.0]]), np.array([[0.0, 0.2, 1.0]]), 0.2).round(4).tolist()
    [0.6]
    """
    false = np.pad(false, ((0, 0), (1, 1)), constant_values=((0, 0), (1.0, 0.0)))
    missed = np.pad(missed, ((0, 0), (1, 1)), constant_values=((0, 0), (0.0, 1.0)))
    after = np.maximum(np.argmax(false <= target, axis=1), 1)
    rows = np.arange(len(false))
    false0, false1 = false[rows, after - 1], false[rows, after]
    share = np.where(false0 > false1, (false0 - target) / np.where(false0 > false1, false0 - false1, 1.0), 1.0)
    return np.asarray(missed[rows, after - 1] + share * (missed[rows, after] - missed[rows, after - 1]))


def area(false: Floats, missed: Floats) -> Floats:
    """Return the area under every resampled ROC curve by trapezoids, shape (B,).

    >>> area(np.array([[1.0, 0.5, 0.0]]), np.array([[0.0, 0.0, 1.0]])).tolist()
    [0.75]
    """
    false = np.pad(false, ((0, 0), (1, 1)), constant_values=((0, 0), (1.0, 0.0)))
    hit = 1.0 - np.pad(missed, ((0, 0), (1, 1)), constant_values=((0, 0), (0.0, 1.0)))
    return np.asarray(((false[:, :-1] - false[:, 1:]) * (hit[:, :-1] + hit[:, 1:]) / 2.0).sum(axis=1))


def judged_elsewhere(errors: Floats) -> Floats:
    """Return the error of every resample at the threshold that is best in another one, shape (B,).

    As in the folds of an accuracy, what chooses the threshold is not what judges it, so that the noise of
    the choice is in the spread.

    >>> judged_elsewhere(np.array([[0.1, 0.3], [0.4, 0.2]])).tolist()
    [0.3, 0.4]
    """
    chosen = np.roll(errors.argmin(axis=1), 1)
    return np.asarray(errors[np.arange(len(errors)), chosen])
