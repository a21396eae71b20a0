"""Intervals for error rates whose trials share people.

Every interval is Wilson's, with the effective number of trials n_eff = p (1 - p) / V in the place of n. What
differs is where the variance V of the rate comes from:

=============================  =======================================================================
rate at a fixed threshold      V from the residuals, summed by person. Genuine pairs and mated searches:
(bands of curves)              clusters. Impostor pairs have two people: the dyadic formula
                               [sum over people (their residuals)² - sum over couples (theirs)²] / n²
                               (Aronow, Samii and Assenova 2015; Fogliato, Patil and Perona 2023,
                               arXiv:2306.01198). Non-mated searches: by the stranger and by the enrolled
                               person who came first (Cameron, Gelbach and Miller 2011).
figure with a threshold        V over resamples of people, the threshold chosen again in each: EER, AUC,
that was estimated             accuracy, FNMR at an FMR, FNIR at an FPIR.
=============================  =======================================================================

Resampling people with weights w and giving a pair the weight w_a w_b is 1.6 to 1.9 times too wide wherever
couples, not people, carry the noise: on lists like LFW's, and at low rates. So each resample moves a curve by its
linear part only, sum over people of (w - 1) times their residuals, scaled at each threshold so that its variance
is V of the table's first row: one product of resamples x people x thresholds, for lists and for all pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from sphereface.evaluation.results import Rate
from sphereface.evaluation.wilson import interval

Floats = NDArray[np.float64]

STEADY_ERRORS = 30  # errors from which the variance estimated at a threshold is trusted by itself
SUPPORTED_ERRORS = 10  # effective expected errors below which a rate is not reported, see `supported`


def kish(totals: NDArray[np.integer] | Floats, couples: float | None = None) -> float:
    """Return the effective number of trials if all trials that share a person were decided together.

    This is the least that n trials can be worth, used where no error is there to measure correlation by.

    Args:
        totals: Trials of each person; a pair of two people counts for both.
        couples: For such pairs: the sum over couples of (trials of the couple)².

    >>> kish(np.array([2, 2, 2]))
    3.0
    """
    squares = float(np.sum(np.asarray(totals, np.float64) ** 2))
    trials = float(np.sum(totals))
    if couples is not None:
        trials, squares = trials / 2.0, squares - couples
    return trials**2 / squares if squares > 0 else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class PersonRate:
    """An error rate at K thresholds, and what each of P people has to do with it.

    Attributes:
        rate: Shape (K,).
        trials: n, the number of pairs or searches.
        residuals: Shape (P, K): (errors - rate x trials) of each person, a pair of two people in both.
        variance: Shape (K,): V, the variance of the rate at a fixed threshold.
        least: Effective number of trials if all trials that share a person were decided together.
        clusters: Number of people behind the variance.
        roles: How many people each trial counts for: 2 for impostor pairs.
    """

    rate: Floats
    trials: int
    residuals: Floats
    variance: Floats
    least: float
    clusters: int
    roles: int = 1

    def effective(self) -> Floats:
        """Return n_eff at every threshold, shape (K,), between ``least`` and ``trials``.

        With fewer than 30 errors (or non-errors) the variance is a poor witness of correlation; there the
        design effect n / n_eff is at least that of the nearest threshold with 30.
        """
        spread = self.rate * (1.0 - self.rate)
        with np.errstate(divide="ignore", invalid="ignore"):
            design = np.where(spread > 0, self.variance * self.trials / spread, 1.0)
        worst = self.trials / self.least if self.least > 0 else 1.0
        steady, nearest = self._steady()
        if nearest is not None:
            design = np.maximum(design, np.where(steady, 1.0, design[nearest]))
        else:
            design = np.where(self.errors > 0, design, worst)
        return np.asarray(self.trials / np.clip(design, 1.0, max(worst, 1.0)), dtype=np.float64)

    def witnesses(self) -> Floats:
        """Return the number of people who effectively bear witness to V at every threshold, shape (K,).

        V is known badly where a few people who resemble everybody make most of the errors. With q = residuals²
        these are Satterthwaite's degrees of freedom, 2 (sum q)² / variance of sum q: all people if all are alike.
        Of the fourth moments, p (1 - p) (1 - 6 p (1 - p)) a trial is that errors are 0 or 1: Wilson knows of it.
        With fewer than 30 errors the nearest threshold with 30 tells, or else all people are taken for alike.
        """
        spread = self.rate * (1.0 - self.rate)
        q = self.residuals**2
        binary = self.roles * self.trials * spread * (1.0 - 6.0 * spread)
        total = q.sum(axis=0) ** 2
        variance = (q**2).sum(axis=0) - binary - total / self.clusters
        people = np.divide(2.0 * total, variance, out=np.full_like(total, self.clusters), where=variance > 0)
        steady, nearest = self._steady()
        people = np.where(steady, people, self.clusters if nearest is None else people[nearest])
        return np.asarray(np.clip(people, 2.0, max(self.clusters, 2)), dtype=np.float64)

    @property
    def errors(self) -> Floats:
        """Errors or right answers, whichever are fewer, at every threshold, shape (K,)."""
        return np.asarray(np.minimum(self.rate, 1.0 - self.rate) * self.trials, dtype=np.float64)

    def _steady(self) -> tuple[NDArray[np.bool_], NDArray[np.int64] | None]:
        """Return which thresholds have 30 errors, and for each the nearest that has; None if there is none."""
        steady = self.errors >= STEADY_ERRORS
        if not steady.any():
            return steady, None
        known = np.flatnonzero(steady)
        return steady, known[np.abs(np.arange(len(steady))[:, None] - known).argmin(axis=1)]

    def band(self, confidence: float) -> tuple[Floats, Floats]:
        """Return the pointwise interval at every threshold, each of shape (K,)."""
        figures = zip(self.rate, self.effective(), self.witnesses(), strict=True)
        ends = [interval(float(p), float(n), confidence, float(people)) for p, n, people in figures]
        low, high = np.array(ends).reshape(-1, 2).T
        return low, high

    def rates(self, confidence: float, threshold: Literal["", "fixed", "estimated"] = "") -> list[Rate]:
        """Return the figure with its interval at every threshold, K of them.

        Args:
            confidence: Two-sided.
            threshold: Whether the thresholds were fixed beforehand, for the label.
        """
        columns = (self.rate, *self.band(confidence), self.effective())
        return [
            Rate(float(p), float(low), float(high), confidence, float(n), threshold=threshold)
            for p, low, high, n in zip(*columns, strict=True)
        ]

    def resample(self, deviations: Floats) -> Floats:
        """Return the rate in each resample of people, shape (B, K).

        Args:
            deviations: Shape (B, P): how often each person was drawn, minus one.
        """
        linear = deviations @ self.residuals / self.trials
        own = np.sqrt((self.residuals**2).sum(axis=0)) / self.trials
        target: Floats = np.sqrt(self.rate * (1.0 - self.rate) / self.effective())
        scale = np.divide(target, own, out=np.zeros_like(own), where=own > 0)
        return cast(Floats, np.clip(self.rate + linear * scale, 0.0, 1.0))


def draw_people(people: int, resamples: int, seed: int) -> Floats:
    """Return, for each resample, how often each person was drawn minus one: shape (resamples, people)."""
    generator = np.random.default_rng([seed, people])
    drawn = generator.multinomial(people, np.full(people, 1.0 / people), size=resamples)
    return drawn.astype(np.float64) - 1.0


def clustered(errors: Floats, totals: NDArray[np.integer] | Floats) -> PersonRate:
    """Build the rate whose trials each belong to one person: genuine pairs, mated searches.

    Args:
        errors: Shape (P, K): errors of each person at each threshold.
        totals: Shape (P,): trials of each person.
    """
    totals = np.asarray(totals, np.float64)
    n = int(totals.sum())
    rate = errors.sum(axis=0) / n
    residuals = errors - rate * totals[:, None]
    people = int((totals > 0).sum())
    variance = _left_out(residuals, totals, n) / n**2
    return PersonRate(rate, n, residuals, variance, kish(totals), people)


def dyadic(
    errors: Floats, totals: NDArray[np.integer] | Floats, squares: Floats, products: Floats, couples: float
) -> PersonRate:
    """Build the rate whose trials each belong to two people: impostor pairs.

    Args:
        errors: Shape (P, K): errors among the pairs of each person; a pair counts for both of its people.
        totals: Shape (P,): pairs of each person.
        squares: Shape (K,): sum over couples of (errors of the couple)².
        products: Shape (K,): sum over couples of errors x pairs of the couple.
        couples: Sum over couples of (pairs of the couple)².
    """
    totals = np.asarray(totals, np.float64)
    n = int(totals.sum()) // 2
    rate = errors.sum(axis=0) / (2 * n)
    residuals = errors - rate * totals[:, None]
    people = int((totals > 0).sum())
    within = squares - 2.0 * rate * products + rate**2 * couples
    # The difference of two sums is unsteady where couples, not people, carry the noise; the couples' own
    # variance is then the answer, and otherwise below it.
    variance = np.maximum(_left_out(residuals, totals, n) - within, within) / n**2
    return PersonRate(rate, n, residuals, variance, kish(totals, couples), people, roles=2)


def _left_out(residuals: Floats, totals: Floats, trials: int) -> Floats:
    """Return the sum over people of (residuals)², shape (K,), enlarged to what leaving each person out shows.

    A person pulls the rate towards their own, so that residuals are too small by the person's share of the
    trials: the jackknife divides by what is left without them (CR3: Bell and McCaffrey 2002).
    """
    people = int((totals > 0).sum())
    left = np.maximum(1.0 - totals / trials, 0.5)  # someone who is in most trials has nobody to be held against
    return np.asarray(((residuals / left[:, None]) ** 2).sum(axis=0) * (1.0 - 1.0 / people), dtype=np.float64)


def two_way(
    errors: NDArray[np.bool_], one: NDArray[np.integer], two: NDArray[np.integer], people: int
) -> PersonRate:
    """Build the rate of n trials that share people in two roles: non-mated searches.

    Args:
        errors: Shape (n, K).
        one: Shape (n,): the person by whom resamples are drawn, from 0 to ``people`` - 1.
        two: Shape (n,): the person in the other role.
        people: P.

    Reference: Cameron, Gelbach and Miller 2011, J. Bus. Econ. Stat. 29, 238-249.
    """

    def sums(codes: NDArray[np.integer]) -> PersonRate:
        size = int(codes.max()) + 1
        counts = np.zeros((size, errors.shape[1]))
        np.add.at(counts, codes, errors)
        return clustered(counts, np.bincount(codes, minlength=size))

    couples = np.unique(np.stack([one, two]), axis=1, return_inverse=True)[1].reshape(-1)
    by_one, by_two, by_couple = sums(one), sums(two), sums(couples)
    variance = by_one.variance + by_two.variance - by_couple.variance
    residuals = np.pad(by_one.residuals, ((0, people - len(by_one.residuals)), (0, 0)))
    return PersonRate(
        rate=by_one.rate,
        trials=by_one.trials,
        residuals=residuals,
        variance=np.maximum(variance, by_one.variance),
        least=min(by_one.least, by_two.least),
        clusters=min(by_one.clusters, by_two.clusters),
    )


def supported(effective: float, target: float, what: str) -> str:
    """Return why a rate at ``target`` is not supported by ``effective`` trials, or an empty string.

    Ten effective expected errors are asked for: the realised rate at such a threshold then lies between half
    and double the target in 95 % of cases (one standard deviation is 1 / sqrt(10) = 32 % of it).
    """
    if target * effective >= SUPPORTED_ERRORS:
        return ""
    return (
        f"not supported by this data: needs about {SUPPORTED_ERRORS / target:,.0f} {what}, "
        f"has {effective:,.0f} effective"
    )


def rate_from_variance(
    value: float, variance: float, most: float, least: float, confidence: float, clusters: float
) -> Rate:
    """Return a figure between 0 and 1 with Wilson's interval for this variance.

    Args:
        value: The figure.
        variance: Its variance over resamples; 0 where there was nothing to vary.
        most: n_eff is at most this, the raw number of trials.
        least: n_eff where the variance is 0.
        confidence: Two-sided.
        clusters: People behind the variance.
    """
    spread = value * (1.0 - value)
    effective = min(spread / variance, most) if variance > 0 and spread > 0 else least
    effective = max(effective, 1.0)
    low, high = interval(value, effective, confidence, clusters)
    return Rate(value, low, high, confidence, effective)
