"""Means over pairs of both kinds, with the variance that people in several pairs give them.

A figure of calibration is share x mean over genuine pairs + (1 - share) x mean over impostor pairs. Its variance
is the dyadic one of :mod:`~sphereface.evaluation.intervals`, of both kinds together: a person's residuals are
summed over all pairs they are in, squared and added; couples, counted twice there, are subtracted once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sphereface.evaluation.calibration.likelihood import Floats, Mask
from sphereface.evaluation.intervals import kish
from sphereface.evaluation.results import Rate
from sphereface.evaluation.wilson import quantile


@dataclass(frozen=True, slots=True, eq=False)
class JudgedPairs:
    """Log-likelihood ratios of n pairs with what is true of them.

    Attributes:
        llr: Shape (n,), finite.
        same: Shape (n,): which pairs are genuine; both kinds are present.
        first: Shape (n,): code of the first image's person.
        second: Shape (n,).
        failed: How many of the pairs had no score; they have the lowest ratio.
        people: Number of people in the pairs.
        couple: Shape (impostor pairs,): number of each one's two people, from 0.
    """

    llr: Floats
    same: Mask
    first: NDArray[np.integer]
    second: NDArray[np.integer]
    failed: int = 0
    people: int = field(init=False)
    couple: NDArray[np.intp] = field(init=False)

    def __post_init__(self) -> None:
        one, two = (side[~self.same].astype(np.int64) for side in (self.first, self.second))
        code = np.minimum(one, two) * (np.maximum(one, two).max(initial=0) + 1) + np.maximum(one, two)
        object.__setattr__(self, "couple", np.unique(code, return_inverse=True)[1])
        object.__setattr__(self, "people", int(np.union1d(self.first, self.second).size))

    def weights(self, share: float) -> Floats:
        """Return what each pair weighs, shape (n,), so that genuine pairs make up ``share`` of 1."""
        genuine = int(self.same.sum())
        return np.where(self.same, share / genuine, (1.0 - share) / (len(self.same) - genuine))

    def least_trials(self, share: float) -> float:
        """Return the number of trials all pairs are worth if those that share a person were decided together."""
        own = np.bincount(self.first[self.same])
        ends = np.bincount(np.concatenate([self.first[~self.same], self.second[~self.same]]))
        couples = np.bincount(self.couple).astype(np.float64)
        strangers = kish(ends, float(couples @ couples)) or 1.0
        return 1.0 / max(share / kish(own), (1.0 - share) / strangers)

    def sums(
        self, values: Floats, share: float, column: NDArray[np.integer] | None = None, columns: int = 1
    ) -> tuple[Floats, Floats]:
        """Return the weighted sum of the values in each column and its variance, both of shape (columns,).

        Args:
            values: Shape (n,).
            share: What genuine pairs weigh together.
            column: Shape (n,): where each pair belongs; all in one column by default.
            columns: How many there are.
        """
        column = np.zeros(len(values), dtype=np.int64) if column is None else column
        weight = self.weights(share)
        amount = weight * values
        size = int(max(self.first.max(), self.second.max())) + 1
        total, residuals, presence = np.zeros(columns), np.zeros((size, columns)), np.zeros(size)
        within = []
        genuine, impostor = np.flatnonzero(self.same), np.flatnonzero(~self.same)
        for chosen, part, ends, clusters in (
            (genuine, share, [self.first[genuine]], self.first[genuine]),
            (impostor, 1.0 - share, [self.first[impostor], self.second[impostor]], self.couple),
        ):
            own, own_weight, own_column = amount[chosen], weight[chosen], column[chosen]
            mean = np.bincount(own_column, own, columns)
            total += mean
            for end in ends:
                held = np.bincount(end, own_weight, size)
                presence += held
                place = end.astype(np.int64) * columns + own_column
                residuals += np.bincount(place, own, size * columns).reshape(size, columns)
                residuals -= held[:, None] * mean / part
            held = np.bincount(clusters, own_weight)
            squares = []
            for number in range(columns):
                here = own_column == number
                of_cluster = np.bincount(clusters[here], own[here], len(held))
                squares.append(((of_cluster - held * mean[number] / part) ** 2).sum())
            within.append(np.array(squares))
        left = np.maximum(1.0 - presence, 0.5)  # as in intervals: a person pulls the figure towards their own
        by_person = ((residuals / left[:, None]) ** 2).sum(axis=0) * (1.0 - 1.0 / self.people)
        return total, np.maximum(by_person - within[1], within[0] + within[1])


def cost(value: float, variance: float, confidence: float, people: int) -> Rate:
    """Return a figure that is not negative, with Student's interval for this many people."""
    reach = quantile(confidence, people) * float(np.sqrt(variance))
    return Rate(value, max(0.0, value - reach), value + reach, confidence, float(people))
