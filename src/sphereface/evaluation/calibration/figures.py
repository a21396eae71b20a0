"""How good are log-likelihood ratios? Cllr and its minimum, Brier score, calibration error, reliability.

The first two judge ratios as they are. The others judge the probability at a stated prior, genuine pairs being
weighted to make up that share: how many of either kind a list happens to hold says nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError, DataError, NotEnoughDataError
from sphereface.evaluation.calibration.isotonic import pooled_blocks
from sphereface.evaluation.calibration.likelihood import Floats, Mask, probability
from sphereface.evaluation.calibration.people import JudgedPairs
from sphereface.evaluation.calibration.results import Reliability
from sphereface.evaluation.wilson import interval


def cllr(llr: Floats, same: Mask) -> float:
    """Return the cost of log-likelihood ratios in bits: 0 perfect, 1 as good as none at all.

    Half the mean of log2(1 + exp(-llr)) over genuine, plus half the mean of log2(1 + exp(llr)) over impostor
    pairs: the information still missing after the ratio, at even odds.

    Raises:
        DataError: If shapes differ or a ratio is NaN.
        NotEnoughDataError: If one kind is missing.

    Reference: Brümmer and du Preez 2006, Computer Speech and Language 20, 230-275.

    >>> cllr(np.zeros(3), np.array([True, False, False]))
    1.0
    """
    llr, same = _checked(llr, same)
    costs = cllr_costs(llr, same)
    return float((costs[same].mean() + costs[~same].mean()) / 2.0)


def cllr_costs(llr: Floats, same: Mask) -> Floats:
    """Return each pair's cost in bits, shape (n,)."""
    return np.asarray(np.logaddexp(0.0, np.where(same, -llr, llr)) / np.log(2.0))


def min_cllr(llr: Floats, same: Mask) -> float:
    """Return the Cllr after the best rising map of the ratios (or of any scores), in bits.

    No calibration by a rising map can do better on these pairs: Cllr less this is lost in calibration.

    Raises:
        DataError: If shapes differ or a ratio is NaN.
        NotEnoughDataError: If one kind is missing.

    >>> min_cllr(np.array([-5.0, 1.0, 2.0]), np.array([False, True, True]))
    0.0
    """
    llr, same = _checked(llr, same)
    blocks = pooled_blocks(llr, same)
    both = blocks.genuine + blocks.impostor
    with np.errstate(divide="ignore", invalid="ignore"):
        bits = [np.where(kind > 0, kind * np.log2(both / kind), 0.0) for kind in (blocks.genuine, blocks.impostor)]
    return float(np.sum(bits) / 2.0)


def brier(llr: Floats, same: Mask, prior: float = 0.5) -> float:
    """Return the mean squared error of the probability at a prior, genuine pairs weighing as much as the prior.

    Raises:
        ConfigurationError: If the prior is not between 0 and 1.
        DataError: If shapes differ or a ratio is NaN.
        NotEnoughDataError: If one kind is missing.

    >>> brier(np.zeros(2), np.array([True, False]), prior=0.5)
    0.25
    """
    llr, same = _checked(llr, same)
    errors = (probability(llr, prior) - same) ** 2
    return float(prior * errors[same].mean() + (1.0 - prior) * errors[~same].mean())


def expected_calibration_error(llr: Floats, same: Mask, prior: float = 0.5, bins: int = 15) -> float:
    """Return the mean distance between predicted and observed share over bins of equal mass.

    Pairs are ordered by probability and cut into ``bins`` of equal weight, equal probabilities staying
    together; each bin counts by its weight.

    Raises:
        ConfigurationError: If the prior is not between 0 and 1, or bins is below 1.
        DataError: If shapes differ or a ratio is NaN.
        NotEnoughDataError: If one kind is missing.

    >>> round(expected_calibration_error(np.full(2, np.log(3.0)), np.array([True, False]), bins=5), 4)
    0.25
    """
    llr, same = _checked(llr, same)
    pairs = JudgedPairs(llr, same, np.zeros(len(llr), np.int64), np.zeros(len(llr), np.int64))
    weight, predicted = pairs.weights(prior), probability(llr, prior)
    gaps = np.bincount(equal_mass_bins(llr, weight, bins), weight * (predicted - same))
    return float(np.abs(gaps).sum())


def calibration_error(pairs: JudgedPairs, prior: float, bins: int) -> tuple[float, float, float]:
    """Return the expected calibration error, its variance, and what noise alone would make of it.

    The variance holds the signs of the gaps fixed. Noise alone would make each gap half-normal, with a mean
    of sqrt(2 / pi) standard deviations.
    """
    column = equal_mass_bins(pairs.llr, pairs.weights(prior), bins)
    error = probability(pairs.llr, prior) - pairs.same
    gaps, variances = pairs.sums(error, prior, column, int(column.max()) + 1)
    _, variance = pairs.sums(np.sign(gaps)[column] * error, prior)
    return float(np.abs(gaps).sum()), float(variance[0]), float(np.sqrt(2.0 / np.pi * variances).sum())


def reliability(pairs: JudgedPairs, prior: float, bins: int, confidence: float) -> Reliability:
    """Return predicted and observed shares in bins of equal mass, with Wilson's intervals by person.

    Where a bin shows one kind only, its interval is the rule of three for the fewest trials it can be worth.
    """
    weight, predicted = pairs.weights(prior), probability(pairs.llr, prior)
    column = equal_mass_bins(pairs.llr, weight, bins)
    count = np.bincount(column)
    mass: Floats = np.bincount(column, weight).astype(np.float64)
    observed: Floats = np.clip(np.bincount(column, weight * pairs.same) / mass, 0.0, 1.0)
    observed[np.bincount(column, ~pairs.same) == 0] = 1.0
    _, variance = pairs.sums(pairs.same - observed[column], prior, column, len(mass))
    least = np.maximum(pairs.least_trials(prior) * mass, 1.0)
    spread = observed * (1.0 - observed)
    trials = np.divide(spread * mass**2, variance, out=np.full_like(mass, np.inf), where=variance > 0)
    trials = np.where(spread > 0, np.clip(trials, 1.0, count), least)
    ends = [interval(float(p), float(n), confidence, pairs.people) for p, n in zip(observed, trials, strict=True)]
    low, high = np.array(ends).T
    return Reliability(np.bincount(column, weight * predicted) / mass, observed, low, high, mass)


def equal_mass_bins(values: Floats, weight: Floats, bins: int) -> NDArray[np.int64]:
    """Return each value's bin, shape (n,), from 0 and without gaps; equal values are never parted.

    Raises:
        ConfigurationError: If ``bins`` is below 1.

    >>> equal_mass_bins(np.array([3.0, 1.0, 2.0, 2.0]), np.full(4, 0.25), 2).tolist()
    [1, 0, 0, 0]
    """
    if bins < 1:
        raise ConfigurationError(f"bins must be 1 or more, not {bins}")
    _, place = np.unique(values, return_inverse=True)
    mass = np.bincount(place, weight)
    middle = (np.cumsum(mass) - mass / 2.0) / mass.sum()
    # A middle on the border of two bins goes to the lower one, whatever rounding made of it.
    chosen = np.clip(np.ceil(middle * bins - 1e-9) - 1, 0, bins - 1).astype(np.int64)
    return np.asarray(np.unique(chosen, return_inverse=True)[1][place])


def _checked(llr: Floats, same: Mask) -> tuple[Floats, Mask]:
    llr, same = np.asarray(llr, np.float64), np.asarray(same, bool)
    if llr.ndim != 1 or llr.shape != same.shape:
        raise DataError(f"there are ratios of shape {llr.shape}, but labels of shape {same.shape}")
    if np.isnan(llr).any():
        raise DataError(f"ratio {int(np.isnan(llr).argmax())} is NaN")
    if same.all() or not same.any():
        raise NotEnoughDataError("both genuine and impostor pairs are needed to judge a calibration")
    return llr, same
