"""When a difference counts, as the plan says, and the rows of a question that are compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from evidence.summary import Summary
from sphereface.evaluation.repeated import PersonFigure, Repeated, RepeatedRuns

CONFIDENCE = 0.95
FNMR_POINTS, ACCURACY_POINTS = 0.02, 0.01  # within these of 0 lies the whole interval of "no difference"

Rows = Mapping[str, Sequence[Summary]]


class Verdict(StrEnum):
    """What the plan calls the outcome of a comparison."""

    DIFFERENCE = "a difference"
    SAME = "no difference"
    OPEN = "undecided"


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
    """

    first: str
    second: str
    difference: Repeated
    verdict: Verdict
    survives: bool | None = None


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
    """

    runs: RepeatedRuns
    points: float | None

    @classmethod
    def of(cls, rows: Rows, figure: Callable[[Summary], PersonFigure], points: float | None = None) -> Pool:
        """Take a figure of every run of rows that share their seeds."""
        return cls(
            RepeatedRuns({row: [figure(summary) for summary in made] for row, made in rows.items()}), points
        )

    def mean(self, row: str) -> Repeated:
        """Return the mean of a row over its seeds."""
        return self.runs.mean(row, confidence=CONFIDENCE)

    def values(self, row: str) -> tuple[float, ...]:
        """Return the figure of each of a row's runs."""
        return tuple(run.value for run in self.runs.rows[row])

    def inside(self, row: str, first: str, second: str, together: int = 0) -> Comparison:
        """Return the verdict on a figure that is itself a difference, taken within each run."""
        return self._judge(first, second, partial(self.runs.mean, row), together)

    def compare(self, first: str, second: str, together: int = 0) -> Comparison:
        """Compare two rows.

        Args:
            first: The row.
            second: The row it is compared with.
            together: How many comparisons are to hold together, if the plan asks.
        """
        return self._judge(first, second, partial(self.runs.difference, first, second), together)

    def compare_change(
        self, first: str, second: str, pairs: Sequence[tuple[str, str]], together: int = 0
    ) -> Comparison:
        """Compare one change, made to each of several rows: ``pairs`` are rows with it and without."""
        return self._judge(first, second, partial(self.runs.change, pairs), together)

    def compare_sums(self, first: str, second: str, weights: Mapping[str, float], together: int = 0) -> Comparison:
        """Judge a sum of rows' means, each times its weight."""
        return self._judge(first, second, partial(self.runs.contrast, weights), together)

    def _judge(self, first: str, second: str, taken: Callable[..., Repeated], together: int) -> Comparison:
        """Return the verdict on a difference, which is taken with a confidence."""
        difference = taken(confidence=CONFIDENCE)
        survives = taken(confidence=1.0 - (1.0 - CONFIDENCE) / together).counts if together else None
        return Comparison(first, second, difference, verdict(difference, self.points), survives)
