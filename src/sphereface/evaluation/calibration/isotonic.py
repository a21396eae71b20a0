"""Isotonic calibration: any rising function of the score, by pooling adjacent violators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.optimize import isotonic_regression

from sphereface.errors import DataError
from sphereface.evaluation.calibration.likelihood import Floats, Mask, Scores, checked_scores, scored
from sphereface.evaluation.score_normalisation import Sides


@dataclass(frozen=True, slots=True, eq=False)
class Isotonic:
    """Linear between knots, level beyond the first and the last.

    Attributes:
        knots: Shape (K,), increasing: scores.
        levels: Shape (K,), not decreasing: the ratio at each, in nats.
    """

    knots: Floats
    levels: Floats
    kind: ClassVar[str] = "isotonic"

    def __post_init__(self) -> None:
        knots, levels = (np.asarray(values, np.float64) for values in (self.knots, self.levels))
        if knots.ndim != 1 or not 1 <= len(knots) == levels.size or not (knots[1:] > knots[:-1]).all():
            raise DataError("isotonic calibration needs increasing knots and as many levels")
        if not (np.isfinite(knots) & np.isfinite(levels)).all() or (levels[1:] < levels[:-1]).any():
            raise DataError("the levels of an isotonic calibration must be finite and must not fall")
        object.__setattr__(self, "knots", knots)
        object.__setattr__(self, "levels", levels)

    def log_likelihood_ratio(self, scores: Scores, sides: Sides | None = None) -> Floats:
        """Return the ratio of each score, shape (n,); see :class:`~.likelihood.Calibrator`.

        >>> fitted = Isotonic(np.array([0.0, 1.0]), np.array([-2.0, 2.0]))
        >>> fitted.log_likelihood_ratio(np.array([-np.inf, 0.75])).tolist()
        [-2.0, 1.0]
        """
        return np.interp(checked_scores(scores, -np.inf), self.knots, self.levels)


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """The levels of the best rising function, each of shape (K,).

    Attributes:
        low: Lowest score of each block.
        high: Highest score of each block.
        genuine: Share of all genuine pairs in it.
        impostor: Share of all impostor pairs in it.
    """

    low: Floats
    high: Floats
    genuine: Floats
    impostor: Floats


def pooled_blocks(scores: Floats, same: Mask, extra: float = 0.0) -> Blocks:
    """Pool adjacent violators, both kinds weighing the same; equal scores are never parted.

    Args:
        scores: Shape (n,), infinities allowed.
        same: Shape (n,), both kinds present.
        extra: Genuine pairs added to the lowest and impostor pairs added to the highest score.

    >>> blocks = pooled_blocks(np.array([0.1, 0.2, 0.3, 0.4]), np.array([False, True, False, True]))
    >>> blocks.low.tolist(), blocks.genuine.tolist(), blocks.impostor.tolist()
    ([0.1, 0.2, 0.4], [0.0, 0.5, 0.5], [0.5, 0.5, 0.0])
    """
    values, place = np.unique(scores, return_inverse=True)
    genuine = np.bincount(place, same, len(values)).astype(np.float64)
    impostor = np.bincount(place, ~same, len(values)).astype(np.float64)
    genuine[0] += extra
    impostor[-1] += extra
    genuine, impostor = genuine / genuine.sum(), impostor / impostor.sum()
    weight = genuine + impostor
    starts = isotonic_regression(genuine / weight, weights=weight).blocks
    return Blocks(
        values[starts[:-1]],
        values[starts[1:] - 1],
        np.add.reduceat(genuine, starts[:-1]),
        np.add.reduceat(impostor, starts[:-1]),
    )


def fit_isotonic(scores: Scores, same: Mask, sides: Sides | None = None) -> Isotonic:
    """Fit the best rising function, both kinds weighing the same.

    Pooling alone would claim certainty at both ends, where only one kind was seen. By the rule of Laplace
    one more genuine pair is imagined at the lowest score and one more impostor pair at the highest: with G
    genuine and I impostor pairs no ratio leaves -log((G + 1) I / (I + 1)) to log((I + 1) G / (G + 1)).

    Args:
        scores: Shape (n,), of any range; pairs at -inf teach nothing.
        same: Shape (n,): which pairs are genuine.
        sides: Not looked at.

    Raises:
        DataError: If a score is NaN or +inf.
        NotEnoughDataError: If one kind has no score.

    Reference: Zadrozny and Elkan 2002, KDD; Brümmer and du Preez 2006 (both kinds weighing the same).
    """
    usable, _ = scored(scores, same)
    blocks = pooled_blocks(np.asarray(scores, np.float64)[usable], same[usable], extra=1.0)
    level = np.log(blocks.genuine) - np.log(blocks.impostor)
    knots = np.stack([blocks.low, blocks.high], axis=1)
    kept = np.stack([np.ones(len(level), bool), blocks.high > blocks.low], axis=1)
    return Isotonic(knots[kept], np.maximum.accumulate(np.repeat(level, 2).reshape(-1, 2)[kept]))
