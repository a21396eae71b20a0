"""When a difference counts, as the plan says, and the rows of a question that are compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from evidence.summary import Summary
from sphereface.evaluation.repeated import (
    PersonFigure,
    Repeated,
    SeedNoise,
    mean_difference,
    repeated_difference,
    repeated_mean,
    seed_noise,
)

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
    """Rows that share their seeds, by one figure, and what a seed does to it.

    Attributes:
        figures: One figure a seed of each row.
        noise: Pooled over all of the rows.
        points: How near to 0 "no difference" is.
    """

    figures: Mapping[str, Sequence[PersonFigure]]
    noise: SeedNoise
    points: float | None

    @classmethod
    def of(cls, rows: Rows, figure: Callable[[Summary], PersonFigure], points: float | None = None) -> Pool:
        """Take a figure of every run of rows that share their seeds."""
        figures = {row: [figure(summary) for summary in made] for row, made in rows.items()}
        noise = seed_noise([[run.value for run in runs] for runs in figures.values()])
        return cls(figures, noise, points)

    def mean(self, row: str) -> Repeated:
        """Return the mean of a row over its seeds."""
        return repeated_mean(self.figures[row], self.noise)

    def values(self, row: str) -> tuple[float, ...]:
        """Return the figure of each of a row's runs."""
        return tuple(run.value for run in self.figures[row])

    def inside(self, row: str, first: str, second: str) -> Comparison:
        """Return the verdict on a figure that is itself a difference, taken within each run."""
        mean = self.mean(row)
        return Comparison(first, second, mean, verdict(mean, self.points))

    def compare(self, first: str, second: str, together: int = 0) -> Comparison:
        """Compare two rows.

        Args:
            first: The row.
            second: The row it is compared with.
            together: How many comparisons are to hold together, if the plan asks.
        """
        runs = self.figures[first], self.figures[second]
        difference = repeated_difference(*runs, self.noise, confidence=CONFIDENCE)
        survives = None
        if together:
            survives = repeated_difference(
                *runs, self.noise, confidence=1.0 - (1.0 - CONFIDENCE) / together
            ).counts
        return Comparison(first, second, difference, verdict(difference, self.points), survives)

    def compare_change(self, first: str, second: str, pairs: Sequence[tuple[str, str]]) -> Comparison:
        """Compare one change, made to each of several rows: ``pairs`` are rows with it and without."""
        runs = [(self.figures[changed], self.figures[plain]) for changed, plain in pairs]
        difference = mean_difference(runs, self.noise, confidence=CONFIDENCE)
        return Comparison(first, second, difference, verdict(difference, self.points))
