"""How the margin grows during a run: lambda annealing, the ramp, and steps.

A schedule is a pure function of progress, the share of the run that is done, so that a resumed run and a
shorter run follow the same curve.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

_PUBLISHED_STEPS = 28_000


@dataclass(frozen=True)
class LambdaAnnealing:
    """The weight lambda of the plain cosine in A-Softmax, (lambda cos + psi) / (1 + lambda).

    lambda = max(lowest, base (1 + gamma iteration)^(-power)), the iteration counted as in a run of
    28,000 steps, so that ``lowest`` is reached after 6 % of any run, as in the published one.

    Source: the solver of the authors' released code.

    >>> LambdaAnnealing()(0.0), LambdaAnnealing()(0.06)
    (1000.0, 5.0)
    """

    base: float = 1000.0
    gamma: float = 0.12
    power: float = 1.0
    lowest: float = 5.0

    def __call__(self, progress: float) -> float:
        """Return lambda at this share of the run."""
        iteration = progress * _PUBLISHED_STEPS
        return max(self.lowest, self.base * math.pow(1.0 + self.gamma * iteration, -self.power))


@dataclass(frozen=True)
class MarginSchedule:
    """A loss's numbers at every share of the run: from neutral in a straight line, or in equal steps.

    Attributes:
        values: The numbers in the end.
        neutral: Where those that are scheduled start; None for a number that stays as it is.
        ramp: Share of the run over which they grow in a straight line.
        steps: Shares of the run at each of which they grow by an equal part; used instead of ``ramp``.

    >>> MarginSchedule((0.4,), (0.0,), ramp=0.5)(0.25)
    (0.2,)
    >>> MarginSchedule((1.4,), (1.0,), steps=(0.25, 0.75))(0.5)
    (1.2,)
    """

    values: tuple[float, ...]
    neutral: tuple[float | None, ...]
    ramp: float = 0.0
    steps: tuple[float, ...] = ()

    @property
    def moves(self) -> bool:
        """Whether the numbers depend on the share of the run."""
        pairs = zip(self.values, self.neutral, strict=True)
        return bool(self.ramp or self.steps) and any(start not in (None, value) for value, start in pairs)

    def __call__(self, progress: float) -> tuple[float, ...]:
        """Return the numbers at this share of the run."""
        grown = self._grown(progress)
        if grown >= 1.0:
            return self.values
        return tuple(
            value if start is None else start + (value - start) * grown
            for value, start in zip(self.values, self.neutral, strict=True)
        )

    def _grown(self, progress: float) -> float:
        if self.steps:
            return sum(progress >= step for step in self.steps) / len(self.steps)
        return 1.0 if progress >= self.ramp else progress / self.ramp


def remind(schedule: MarginSchedule, annealing: LambdaAnnealing | None, *, projected: bool) -> None:
    """Warn of a training loop that does not move what is to be moved, for it trains with another loss."""
    moving = [
        word
        for word, moves in (
            ("the margin's schedule", schedule.moves),
            ("lambda", annealing is not None),
            ("the projection of the prototypes", projected),
        )
        if moves
    ]
    if moving:
        warnings.warn(
            f"this head trains without {', '.join(moving)}: call head.advance(step / steps) before every step, or "
            "every schedule stands at its end and prototypes are never projected",
            stacklevel=6,  # where the head is called
        )
