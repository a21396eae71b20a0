"""How the margin grows during a run: lambda annealing and the margin ramp.

A schedule is a pure function of progress, the share of the run that is done, so that a resumed run and a
shorter run follow the same curve.
"""

from __future__ import annotations

import math
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
class MarginRamp:
    """A margin that grows in a straight line from its neutral value over the first ``share`` of a run.

    >>> ramp = MarginRamp(neutral=0.0, margin=0.4, share=0.5)
    >>> ramp(0.25), ramp(1.0)
    (0.2, 0.4)
    """

    neutral: float
    margin: float
    share: float = 0.0

    def __call__(self, progress: float) -> float:
        """Return the margin at this share of the run."""
        if progress >= self.share:
            return self.margin
        return self.neutral + (self.margin - self.neutral) * progress / self.share
