"""Is one way of training better than another? Figures of repeated runs, compared over people and seeds.

A model judged once says nothing about the way it was trained: another seed gives another model. Runs of two ways
of training that share their seeds and are judged on the same people differ for three reasons: the ways, which
people happen to be judged, and which seeds happened to be drawn. The interval of a difference covers the last two.

Every figure comes with each person's *part* in it, the first-order change of the figure if that person counted
once more (the empirical influence, over the number of people); parts sum to about 0. With a_p and b_p the parts of
person p in the runs of seed s, and D_s the differences of the figures,

    V_people = P / (P - 1) sum over p of (mean over s of (a_p - b_p))²
    V_seeds  = 2 MS / S,

where MS is what is left of all runs' figures after each row's and each seed's mean are taken out, in mean square:
the usual two-way analysis of variance, pooled over the rows of a study. Chance that belongs to a person and a
seed together is in both, so the interval is rather too wide. Degrees of freedom are Satterthwaite's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sphereface.errors import DataError, NotEnoughDataError
from sphereface.evaluation.wilson import quantile

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PersonFigure:
    """A figure of one run.

    Attributes:
        value: The figure.
        parts: Shape (P,): each person's part in it, people in the same order in all runs.
    """

    value: float
    parts: Floats


@dataclass(frozen=True, slots=True)
class SeedNoise:
    """How much runs differ by their seed alone.

    Attributes:
        residual: Variance of a run's figure beyond its row's and its seed's mean.
        residual_freedom: Degrees of freedom behind it.
        within: Variance of a run's figure within its row.
        within_freedom: Degrees of freedom behind that.
    """

    residual: float
    residual_freedom: float
    within: float
    within_freedom: float


@dataclass(frozen=True, slots=True)
class Repeated:
    """A mean over seeds, or a difference of two, with its interval over people and seeds.

    Attributes:
        value: The mean, or the first row's less the second's.
        low: Lower end.
        high: Upper end.
        confidence: Of the interval, two-sided.
        people: Standard error that which people are judged is to blame for.
        seeds: Standard error that which seeds were drawn is to blame for.
    """

    value: float
    low: float
    high: float
    confidence: float
    people: float
    seeds: float

    @property
    def counts(self) -> bool:
        """Whether the interval excludes 0."""
        return not self.low <= 0.0 <= self.high


def error_rate(errors: ArrayLike, trials: ArrayLike) -> PersonFigure:
    """Return the share of trials that are errors, each trial belonging to one person.

    Args:
        errors: Shape (P,): errors of each person.
        trials: Shape (P,): trials of each person.

    Raises:
        DataError: If the shapes differ, or someone has more errors than trials.
        NotEnoughDataError: If there are no trials.

    >>> figure = error_rate([1, 0], [2, 2])
    >>> figure.value, figure.parts.tolist()
    (0.25, [0.125, -0.125])
    """
    wrong, all_trials = np.asarray(errors, np.float64), np.asarray(trials, np.float64)
    if wrong.shape != all_trials.shape or wrong.ndim != 1 or (wrong > all_trials).any() or (wrong < 0).any():
        raise DataError("errors and trials must be two lists of one number a person, no error without a trial")
    total = float(all_trials.sum())
    if total == 0:
        raise NotEnoughDataError("nobody has a trial, so there is no rate")
    rate = float(wrong.sum()) / total
    return PersonFigure(rate, (wrong - rate * all_trials) / total)


def rate_at_false_rate(missed: PersonFigure, false: PersonFigure, slope: float) -> PersonFigure:
    """Return a rate of misses whose threshold was chosen for a rate of false matches.

    A person who is often matched falsely raises the threshold and with it the misses of everybody: the part in the
    false rate counts, times the slope of the miss rate against it.

    Args:
        missed: Misses at the threshold (FNMR, FNIR).
        false: False matches at it, of the same people (FMR, FPIR). A pair of two people counts for both, in errors
            and in trials, and its ``parts`` are to be those of the rate per pair: twice those of
            :func:`error_rate` over such counts.
        slope: Change of the miss rate over the change of the false rate, along the threshold; 0 or less.

    Raises:
        DataError: If the people are not the same or the slope is above 0.
    """
    if missed.parts.shape != false.parts.shape:
        raise DataError(f"misses of {len(missed.parts)} people do not go with false matches of {len(false.parts)}")
    if not slope <= 0.0:
        raise DataError(f"misses fall where false matches rise, so the slope must be 0 or less, not {slope}")
    return PersonFigure(missed.value, missed.parts - slope * false.parts)


def seed_noise(figures: Sequence[Sequence[float]]) -> SeedNoise:
    """Measure how much figures move with the seed.

    Args:
        figures: One list a row, one figure a seed, the same seeds in the same order in all rows.

    Raises:
        DataError: If the rows do not have the same number of seeds.
        NotEnoughDataError: If there are fewer than two rows or seeds.

    >>> noise = seed_noise([[0.1, 0.2], [0.3, 0.4]])
    >>> round(noise.residual, 12), round(noise.within, 12)
    (0.0, 0.005)
    """
    if len({len(row) for row in figures}) > 1:
        raise DataError("rows are compared over the same seeds; some runs are missing")
    if len(figures) < 2 or len(figures[0]) < 2:
        raise NotEnoughDataError("what a seed does takes two rows and two seeds to tell")
    table = np.asarray(figures, dtype=np.float64)
    rows, seeds = table.shape
    within = table - table.mean(axis=1, keepdims=True)
    residual = within - within.mean(axis=0)
    freedom = (rows - 1) * (seeds - 1), rows * (seeds - 1)
    squares = [float((part**2).sum()) / count for part, count in zip((residual, within), freedom, strict=True)]
    return SeedNoise(squares[0], freedom[0], squares[1], freedom[1])


def repeated_mean(runs: Sequence[PersonFigure], noise: SeedNoise, *, confidence: float = 0.95) -> Repeated:
    """Return the mean of a row's runs.

    Args:
        runs: One figure a seed.
        noise: Of the study the row belongs to.
        confidence: Two-sided.

    Raises:
        DataError: If the runs were not judged on the same people.
    """
    parts = _mean_parts(runs)
    value = float(np.mean([run.value for run in runs]))
    return _repeated(value, parts, noise.within / len(runs), noise.within_freedom, confidence)


def repeated_difference(
    first: Sequence[PersonFigure], second: Sequence[PersonFigure], noise: SeedNoise, *, confidence: float = 0.95
) -> Repeated:
    """Return the difference of two rows' means.

    Args:
        first: One figure a seed.
        second: The other row's, the same seeds in the same order.
        noise: Of the study both rows belong to.
        confidence: Two-sided.

    Raises:
        DataError: If the rows do not have the same number of seeds, or not the same people.
    """
    if len(first) != len(second):
        raise DataError(f"rows are compared over the same seeds, but one has {len(first)} and one {len(second)}")
    parts = [_mean_parts(runs) for runs in (first, second)]
    if parts[0].shape != parts[1].shape:
        raise DataError("rows are compared on the same people, but these were judged on others")
    value = float(np.mean([one.value - two.value for one, two in zip(first, second, strict=True)]))
    variance = 2.0 * noise.residual / len(first)
    return _repeated(value, parts[0] - parts[1], variance, noise.residual_freedom, confidence)


def mean_difference(
    pairs: Sequence[tuple[Sequence[PersonFigure], Sequence[PersonFigure]]],
    noise: SeedNoise,
    *,
    confidence: float = 0.95,
) -> Repeated:
    """Return the mean of several rows' differences, as of one change made to each of several losses.

    Args:
        pairs: For each of K losses the runs with the change and without.
        noise: Of the study.
        confidence: Two-sided.

    Raises:
        DataError: As :func:`repeated_difference`.
    """
    each = [repeated_difference(first, second, noise, confidence=confidence) for first, second in pairs]
    parts = np.mean([_mean_parts(first) - _mean_parts(second) for first, second in pairs], axis=0)
    variance = 2.0 * noise.residual / len(pairs[0][0]) / len(pairs)
    value = float(np.mean([difference.value for difference in each]))
    return _repeated(value, parts, variance, noise.residual_freedom, confidence)


def _mean_parts(runs: Sequence[PersonFigure]) -> Floats:
    if len({run.parts.shape for run in runs}) != 1:
        raise DataError("the runs of a row were not judged on the same people")
    mean: Floats = np.mean([run.parts for run in runs], axis=0)
    return mean


def _repeated(value: float, parts: Floats, seeds: float, seeds_freedom: float, confidence: float) -> Repeated:
    squares = parts**2
    total = float(squares.sum())
    count = int(np.count_nonzero(parts))
    people = total * count / max(count - 1, 1)
    # Few people who make most of a difference know its variance badly; this is `count` if all are alike.
    excess = float((squares**2).sum()) - total**2 / max(count, 1)
    witnesses = min(2.0 * total**2 / excess, count) if excess > 0 else float(count)
    variance = people + seeds
    bound = people**2 / max(witnesses - 1.0, 1.0) + seeds**2 / max(seeds_freedom, 1.0)
    freedom = variance**2 / bound if bound > 0 else math.inf
    reach = quantile(confidence, freedom + 1.0) * math.sqrt(variance)
    return Repeated(value, value - reach, value + reach, confidence, math.sqrt(people), math.sqrt(seeds))
