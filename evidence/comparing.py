"""When a difference counts, as the plan says, and the rows of a question that are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import numpy as np

from evidence.endings import failed_rows
from evidence.summary import Rows, Summary
from sphereface.evaluation.repeated import PersonFigure, Repeated, RepeatedRuns, change_weights

CONFIDENCE = 0.95
FNMR_POINTS, ACCURACY_POINTS = 0.02, 0.01  # within these of 0 lies the whole interval of "no difference"
CEILING = 0.95  # of a miss rate: above it nothing can differ by much


class Verdict(StrEnum):
    """What the plan calls the outcome of a comparison."""

    DIFFERENCE = "a difference"
    SAME = "no difference"
    OPEN = "undecided"
    CEILING = "near the ceiling"
    UNTESTED = "not tested"


@dataclass(frozen=True)
class Comparison:
    """A difference and what it is worth.

    Attributes:
        first: Name of what the difference is of.
        second: Name of what is taken off.
        difference: First less second.
        planned: The verdict as the plan defines it.
        failed: Whether a run of one of the rows failed: no loss is compared with another by it.
        points: How near to 0 "no difference" is, if the plan says.
        survives: Whether it is a difference with an interval wide enough for all comparisons of the question to
            hold together; None where the plan does not ask.
        calm: The same difference and its verdict where the noise of seeds is pooled without the most restless row
            of the question; None where that row is compared, or too few are left.
        calm_survives: As ``survives``, of ``calm``.
    """

    first: str
    second: str
    difference: Repeated
    planned: Verdict
    survives: bool | None = None
    calm: tuple[Repeated, Verdict] | None = None
    failed: bool = False
    points: float | None = None
    calm_survives: bool | None = None

    @property
    def verdict(self) -> Verdict:
        """The planned verdict, where there is something to compare."""
        return Verdict.UNTESTED if self.failed else self.planned

    @property
    def small(self) -> bool:
        """Whether the whole interval of a difference lies as near to 0 as that of no difference would."""
        return self.verdict is Verdict.DIFFERENCE and _is_near(self.difference, self.points)


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
    return Verdict.SAME if _is_near(difference, points) else Verdict.OPEN


def _is_near(difference: Repeated, points: float | None) -> bool:
    return points is not None and -points <= difference.low and difference.high <= points


@dataclass(frozen=True)
class Pool:
    """Rows that share their seeds, by one figure.

    Attributes:
        runs: The figure of every run.
        points: How near to 0 "no difference" is.
        ceiling: Where nothing can differ by much, if the figure has a ceiling.
        crowded: Rows whose figure is a difference of two that both lie above theirs.
        failed: Rows with a run that failed.
        same: Rows that came out with the weights of another one in every seed, and that one.
    """

    runs: RepeatedRuns
    points: float | None
    ceiling: float | None = None
    crowded: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    same: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        rows: Rows,
        figure: Callable[[Summary], PersonFigure],
        points: float | None = None,
        ceiling: float | None = None,
    ) -> Pool:
        """Take a figure of every run of rows that share their seeds."""
        same = same_rows(rows)
        runs = {row: [figure(summary) for summary in made] for row, made in rows.items() if row not in same}
        return cls(RepeatedRuns(runs), points, ceiling, failed=failed_rows(rows), same=same)

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
        return cls(RepeatedRuns(gains), points, crowded=crowded, failed=failed_rows(rows))

    def mean(self, row: str) -> Repeated:
        """Return the mean of a row over its seeds."""
        return self.runs.mean(self.same.get(row, row), confidence=CONFIDENCE)

    def values(self, row: str) -> tuple[float, ...]:
        """Return the figure of each of a row's runs."""
        return tuple(run.value for run in self.runs.rows[self.same.get(row, row)])

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
        failed = not self.failed.isdisjoint(weights)
        weights = self._merged(weights)
        difference = self.runs.contrast(weights, confidence=CONFIDENCE)
        wide = 1.0 - (1.0 - CONFIDENCE) / max(together, 1)
        survives = self.runs.contrast(weights, confidence=wide).counts if together else None
        calm, calm_survives = None, None
        if self._calm is not None and self.restless not in weights:
            again = self._calm.contrast(weights, confidence=CONFIDENCE)
            calm = again, self._verdict(again, weights)
            calm_survives = self._calm.contrast(weights, confidence=wide).counts if together else None
        planned = self._verdict(difference, weights)
        return Comparison(first, second, difference, planned, survives, calm, failed, self.points, calm_survives)

    def _merged(self, weights: Mapping[str, float]) -> dict[str, float]:
        """Return weights of the rows that there are: what is the same run counts once, with both weights."""
        merged: dict[str, float] = {}
        for row, weight in weights.items():
            kept = self.same.get(row, row)
            merged[kept] = merged.get(kept, 0.0) + weight
        return merged

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


def same_rows(rows: Rows) -> dict[str, str]:
    """Return rows that have the weights of an earlier one in every seed, and that one."""
    first: dict[tuple[str, ...], str] = {}
    same = {}
    for row, made in rows.items():
        weights = tuple(str(run.get("weights", run["run"])) for run in made)
        kept = first.setdefault(weights, row)
        if kept != row:
            same[row] = kept
    return same
