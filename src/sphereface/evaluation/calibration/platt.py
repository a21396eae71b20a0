"""Platt's calibration: the log-likelihood ratio is a straight line in the score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sphereface.errors import DataError
from sphereface.evaluation.calibration.likelihood import Floats, Mask, Scores, checked_scores, scored
from sphereface.evaluation.calibration.logistic import fit_increasing
from sphereface.evaluation.score_normalisation import Sides


@dataclass(frozen=True, slots=True)
class Platt:
    """llr = slope x score + offset.

    Attributes:
        slope: Not negative.
        offset: In nats.
        lowest: Scores below count as this one, and so do failed comparisons.
    """

    slope: float
    offset: float
    lowest: float = -1.0
    kind: ClassVar[str] = "platt"

    def __post_init__(self) -> None:
        if not self.slope >= 0:
            raise DataError(f"the slope of a Platt calibration must be 0 or more, not {self.slope}")

    def log_likelihood_ratio(self, scores: Scores, sides: Sides | None = None) -> Floats:
        """Return the ratio of each score, shape (n,); see :class:`~.likelihood.Calibrator`.

        >>> Platt(slope=10.0, offset=-3.0).log_likelihood_ratio(np.array([0.5, -np.inf])).tolist()
        [2.0, -13.0]
        """
        return np.asarray(self.slope * checked_scores(scores, self.lowest) + self.offset)


def fit_platt(scores: Scores, same: Mask, sides: Sides | None = None) -> Platt:
    """Fit by logistic regression in which both kinds weigh the same (:mod:`~.logistic`); no penalty.

    Args:
        scores: Shape (n,), of any range; pairs at -inf teach nothing.
        same: Shape (n,): which pairs are genuine.
        sides: Not looked at.

    Raises:
        DataError: If a score is NaN or +inf.
        NotEnoughDataError: If one kind has no score.
    """
    usable, lowest = scored(scores, same)
    offset, slope = fit_increasing(np.asarray(scores, np.float64)[usable, None], same[usable])
    return Platt(float(slope[0]), offset, lowest)
