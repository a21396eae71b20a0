"""What every calibrator gives: a log-likelihood ratio; and what it takes to make a probability of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from sphereface.errors import ConfigurationError, DataError, NotEnoughDataError
from sphereface.evaluation.score_normalisation import Sides

Floats = NDArray[np.float64]
Scores = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]


class Calibrator(Protocol):
    """A map from scores to log-likelihood ratios.

    Attributes:
        kind: The name of the map.
    """

    kind: ClassVar[str]

    def log_likelihood_ratio(self, scores: Scores, sides: Sides | None = None) -> Floats:
        """Return log p(score | same person) - log p(score | two people), natural logarithm.

        Args:
            scores: Shape (n,); -inf where a comparison failed, which gives the lowest ratio.
            sides: The images behind the scores; needed by kinds that look at neighbourhoods.

        Returns:
            Shape (n,), finite.

        Raises:
            DataError: If a score is NaN or +inf, or ``sides`` is needed and absent.
        """
        ...


Fit = Callable[[Scores, Mask, Sides], Calibrator]


def probability(log_likelihood_ratio: Floats, prior: float) -> Floats:
    """Return the probability of one person behind both images, given the share of such pairs beforehand.

    The prior is the user's to state: 1/2 at a door where one visitor in two is an impostor, 1/N in a search
    of N people who are known to be there. No calibrator can know it.

    Raises:
        ConfigurationError: If the prior is not between 0 and 1.

    >>> probability(np.array([0.0, 4.6]), prior=0.01).round(2).tolist()
    [0.01, 0.5]
    """
    return np.asarray(expit(np.asarray(log_likelihood_ratio, np.float64) + log_odds(prior)))


def log_odds(prior: float) -> float:
    """Return log(prior / (1 - prior)), refusing what is not between 0 and 1."""
    if not 0.0 < prior < 1.0:
        raise ConfigurationError(f"a prior must lie between 0 and 1, such as 0.5, not {prior}")
    return float(np.log(prior) - np.log1p(-prior))


def checked_scores(scores: Scores, lowest: float) -> Floats:
    """Return the scores as float64, none below ``lowest``: where a failed comparison (-inf) then lies.

    Raises:
        DataError: If a score is NaN or +inf.
    """
    values = np.asarray(scores, np.float64)
    bad = np.flatnonzero(np.isnan(values) | np.isposinf(values))
    if bad.size:
        raise DataError(
            f"score {bad[0]} of {values.size} is {values.flat[bad[0]]}; scores must be numbers or -inf"
        )
    return np.maximum(values, lowest)


def scored(scores: Scores, same: Mask) -> tuple[Mask, float]:
    """Return which pairs have a score to learn from, and the lowest score that will be told from lower ones.

    That is -1, the lowest cosine, or the lowest score seen where scores were normalised and go below.

    Raises:
        DataError: If shapes differ, or a score is NaN or +inf.
        NotEnoughDataError: If no genuine or no impostor pair has a score.
    """
    values = checked_scores(scores, -np.inf)
    if values.ndim != 1 or np.shape(same) != values.shape:
        raise DataError(f"there are scores of shape {values.shape}, but labels of shape {np.shape(same)}")
    usable = np.isfinite(values)
    for kind, labelled in (("genuine", same), ("impostor", ~same)):
        if not (usable & labelled).any():
            raise NotEnoughDataError(f"no {kind} pair has a score; calibration needs both kinds")
    return usable, min(-1.0, float(values[usable].min()))
