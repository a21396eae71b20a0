"""When a difference counts, as the plan says, and the rows of a question that are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np

from evidence.summary import Summary
from sphereface.evaluation.repeated import PersonFigure, Repeated, RepeatedRuns, change_weights

CONFIDENCE = 0.95
FNMR_POINTS, ACCURACY_POINTS = 0.02, 0.01  # within these of 0 lies the whole interval of "no difference"
CEILING = 0.95  # of a miss rate: above it nothing can differ by much

Rows = Mapping[str, Sequence[Summary]]


class Verdict(StrEnum):
    """What the plan calls the outcome of a comparison."""

    DIFFERENCE = "a difference"
    SAME = "no difference"
    OPEN = "undecided"
    CEILING = "near the ceiling"


@dataclass(frozen=True)
class Comparison:
    """A difference and what it is worth.

    Attributes:
        first: Name of what the difference is of.
        second: Name of what is taken off.
        difference: First less second.
        verdict: As the plan defines it.
        survives: Whether it is a difference with an interval wide enough for all comparisons of the question to
            hold together; None where the plan does not ask.
        calm: The same difference and its verdict where the noise of seeds is pooled without the most restless row
            of the question; None where that row is compared, or too few are left.
    """

    first: str
    second: str
    difference: Repeated
    verdict: Verdict
    survives: bool | None = None
    calm: tuple[Repeated, Verdict] | None = None


def verdict(difference: Repeated, points: float | None) -> Verdict:
    """Return the plan's word for a difference.

    Args:
        difference: With its 95 % interval.
        points: How near to 0 "no difference" is; None for a figure for which the plan does not say.

    >>> [verdict(Repeated(0, low, high, 0.95, 0, 0), 0.02).value for low, high in ((1, 2), (-0.01, 0.02), (-1, 1))]
    ['a difference', 'no difference', 'undecided']
    """
    if difference.counts:
        return Verdict.DIFFERENCE
    if points is not None and -points <= difference.low and difference.high <= points:
        return Verdict.SAME
    return Verdict.OPEN


@dataclass(frozen=True)
class Pool:
    """Rows that share their seeds, by one figure.

    Attributes:
        runs: The figure of every run.
        points: How near to 0 "no difference" is.
        ceiling: Where nothing can differ by much, if the figure has a ceiling.
        crowded: Rows whose figure is a difference of two that both lie above theirs.
    """

    runs: RepeatedRuns
    points: float | None
    ceiling: float | None = None
    crowded: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        rows: Rows,
        figure: Callable[[Summary], PersonFigure],
        points: float | None = None,
        ceiling: float | None = None,
    ) -> Pool:
        """Take a figure of every run of rows that share their seeds."""
        runs = {row: [figure(summary) for summary in made] for row, made in rows.items()}
        return cls(RepeatedRuns(runs), points, ceiling)

    @classmethod
    def of_gains(
        cls,
        rows: Rows,
        before: Callable[[Summary], PersonFigure],
        after: Callable[[Summary], PersonFigure],
        points: float,
        ceiling: float,
    ) -> Pool:
        """Take what a figure gains within every run, from one way to measure it to another."""
        both = {row: [(before(run), after(run)) for run in made] for row, made in rows.items()}
        gains = {
            row: [PersonFigure(two.value - one.value, two.parts - one.parts) for one, two in runs]
            for row, runs in both.items()
        }
        crowded = frozenset(
            row
            for row, runs in both.items()
            if all(np.mean([one.value for one in side]) > ceiling for side in zip(*runs, strict=True))
        )
        return cls(RepeatedRuns(gains), points, crowded=crowded)

    def mean(self, row: str) -> Repeated:
        """Return the mean of a row over its seeds."""
        return self.runs.mean(row, confidence=CONFIDENCE)

    def values(self, row: str) -> tuple[float, ...]:
        """Return the figure of each of a row's runs."""
        return tuple(run.value for run in self.runs.rows[row])

    @cached_property
    def restless(self) -> str:
        """The row whose runs lie furthest apart."""
        return max(self.runs.rows, key=lambda row: float(np.var(self.values(row))))

    def inside(self, row: str, first: str, second: str, together: int = 0) -> Comparison:
        """Return the verdict on a figure that is itself a difference, taken within each run."""
        return self._judge(first, second, {row: 1.0}, together)

    def compare(self, first: str, second: str, together: int = 0) -> Comparison:
        """Compare two rows.

        Args:
            first: The row.
            second: The row it is compared with.
            together: How many comparisons are to hold together, if the plan asks.
        """
        return self._judge(first, second, {first: 1.0, second: -1.0}, together)

    def compare_change(
        self, first: str, second: str, pairs: Sequence[tuple[str, str]], together: int = 0
    ) -> Comparison:
        """Compare one change, made to each of several rows: ``pairs`` are rows with it and without."""
        return self._judge(first, second, change_weights(pairs), together)

    def compare_sums(self, first: str, second: str, weights: Mapping[str, float], together: int = 0) -> Comparison:
        """Judge a sum of rows' means, each times its weight."""
        return self._judge(first, second, weights, together)

    def _judge(self, first: str, second: str, weights: Mapping[str, float], together: int) -> Comparison:
        difference = self.runs.contrast(weights, confidence=CONFIDENCE)
        wide = 1.0 - (1.0 - CONFIDENCE) / max(together, 1)
        survives = self.runs.contrast(weights, confidence=wide).counts if together else None
        calm = None
        if self._calm is not None and self.restless not in weights:
            again = self._calm.contrast(weights, confidence=CONFIDENCE)
            calm = again, self._verdict(again, weights)
        return Comparison(first, second, difference, self._verdict(difference, weights), survives, calm)

    @cached_property
    def _calm(self) -> RepeatedRuns | None:
        others = {row: runs for row, runs in self.runs.rows.items() if row != self.restless}
        return RepeatedRuns(others) if len(others) > 1 else None

    def _verdict(self, difference: Repeated, rows: Iterable[str]) -> Verdict:
        found = verdict(difference, self.points)
        return Verdict.CEILING if found is Verdict.SAME and all(map(self._is_high, rows)) else found

    def _is_high(self, row: str) -> bool:
        above = self.ceiling is not None and float(np.mean(self.values(row))) > self.ceiling
        return above or row in self.crowded
