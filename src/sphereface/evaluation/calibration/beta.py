"""Beta calibration: a curve that is Platt's line on the logit of the score, with two slopes.

Reference: Kull, Silva Filho and Flach 2017, AISTATS (PMLR 54), equation 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sphereface.errors import DataError
from sphereface.evaluation.calibration.likelihood import Floats, Mask, Scores, checked_scores, scored
from sphereface.evaluation.calibration.logistic import fit_increasing
from sphereface.evaluation.score_normalisation import Sides

_EDGE = 1e-6  # the logit ends here: two copies of one image have a cosine of 1


@dataclass(frozen=True, slots=True)
class Beta:
    """llr = a log p - b log(1 - p) + c, where p = (1 + cosine) / 2.

    Attributes:
        a: Not negative.
        b: Not negative.
        c: In nats.
    """

    a: float
    b: float
    c: float
    kind: ClassVar[str] = "beta"

    def __post_init__(self) -> None:
        if not (self.a >= 0 and self.b >= 0):
            raise DataError(f"a and b of a beta calibration must be 0 or more, not {self.a} and {self.b}")

    def log_likelihood_ratio(self, scores: Scores, sides: Sides | None = None) -> Floats:
        """Return the ratio of each cosine, shape (n,); see :class:`~.likelihood.Calibrator`.

        >>> Beta(a=1.0, b=1.0, c=0.0).log_likelihood_ratio(np.array([0.0, 0.5])).round(4).tolist()
        [0.0, 1.0986]
        """
        return np.asarray(beta_features(checked_scores(scores, -1.0)) @ np.array([self.a, self.b]) + self.c)


def beta_features(cosines: Floats) -> Floats:
    """Return log p and -log(1 - p) of each cosine, shape (n, 2).

    Raises:
        DataError: If a score is no cosine.
    """
    if cosines.size and max(cosines.max(), -cosines.min()) > 1.0 + 1e-6:
        raise DataError("beta calibration is for cosines from -1 to 1; calibrate normalised scores by platt")
    share = np.clip((1.0 + cosines) / 2.0, _EDGE, 1.0 - _EDGE)
    return np.column_stack([np.log(share), -np.log1p(-share)])


def fit_beta(scores: Scores, same: Mask, sides: Sides | None = None) -> Beta:
    """Fit by logistic regression in which both kinds weigh the same (:mod:`~.logistic`), a and b at least 0.

    Args:
        scores: Shape (n,), cosines; pairs at -inf teach nothing.
        same: Shape (n,): which pairs are genuine.
        sides: Not looked at.

    Raises:
        DataError: If a score is NaN or no cosine.
        NotEnoughDataError: If one kind has no score.
    """
    usable, _ = scored(scores, same)
    c, (a, b) = fit_increasing(beta_features(np.asarray(scores, np.float64)[usable]), same[usable])
    return Beta(float(a), float(b), c)
