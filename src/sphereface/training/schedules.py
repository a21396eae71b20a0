"""The learning rate as a pure function of progress, the share of the run that is done."""

from __future__ import annotations

import math

from sphereface.training.recipe import Optimiser


def learning_rate(optimiser: Optimiser, progress: float) -> float:
    """Return the rate at this share of the run, in [0, 1).

    >>> learning_rate(Optimiser(learning_rate=0.1, schedule="cosine"), 0.5)
    0.05
    >>> round(learning_rate(Optimiser(schedule="steps", milestones=(0.5,)), 0.5), 4)
    0.01
    """
    peak = optimiser.learning_rate
    if progress < optimiser.warmup:
        return peak * progress / optimiser.warmup
    if optimiser.schedule == "cosine":
        share = (progress - optimiser.warmup) / (1.0 - optimiser.warmup)
        return peak * (1.0 + math.cos(math.pi * share)) / 2.0
    passed = sum(progress >= milestone for milestone in optimiser.milestones)
    return peak / optimiser.factor**passed
