"""A search among input contracts: one thing is changed at a time, and on from what separates people better.

What is better is told by the paired interval of the rise of d', widened (Bonferroni) for all variants there could
be, tried or not. So the chance that anything is called better when nothing is stays below 5 %, however the search
finds its way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from sphereface.embedder.misreadings import Way
from sphereface.embedder.separation import Separation, separation
from sphereface.evaluation.results import Rate
from sphereface.evaluation.scores import score_list
from sphereface.evaluation.verification import verify
from sphereface.progress import SILENT, Progress

Colour = Literal["rgb", "bgr"]
Axis = Literal["reading", "colour", "scaling"]

AXES: Final[tuple[Axis, ...]] = get_args(Axis)
RELEVANT: Final = 0.1  # a smaller rise of d' is no fault, however sure it is
_LEVEL: Final = 0.05
_NO_SCORES: Final = Rate(0.5, 0.0, 1.0, 0.95, 0.0, "no two pictures of one person have an embedding")


class Scaling(NamedTuple):
    """How pixel values become the network's numbers: (x - mean) / std."""

    mean: float
    std: float


@dataclass(frozen=True)
class Variant:
    """A way from a file to the network.

    Attributes:
        reading: What the picture is taken for.
        colour: In which order the network gets the colours.
        scaling: None where the model scales by itself and cannot be told otherwise.
    """

    reading: Way
    colour: Colour
    scaling: Scaling | None

    def changes(self, other: Variant) -> tuple[Axis, ...]:
        """Return in what the two differ."""
        return tuple(axis for axis in AXES if getattr(self, axis) != getattr(other, axis))


@dataclass(frozen=True)
class Choices:
    """What can be changed, today's first.

    Attributes:
        reading: The ways to read a picture.
        colour: The orders of colours.
        scaling: The scalings, or None alone.
    """

    reading: tuple[Way, ...]
    colour: tuple[Colour, ...]
    scaling: tuple[Scaling | None, ...]

    @property
    def today(self) -> Variant:
        """The variant of today."""
        return Variant(self.reading[0], self.colour[0], self.scaling[0])

    @property
    def others(self) -> int:
        """Number of variants besides today's."""
        return len(self.reading) * len(self.colour) * len(self.scaling) - 1

    @property
    def confidence(self) -> float:
        """Of one paired interval, so that those of all variants hold together with 95 %."""
        return 1.0 - _LEVEL / max(self.others, 1)


@dataclass(frozen=True, eq=False)
class Trial:
    """A variant, and how well it separates people.

    Attributes:
        variant: What was tried.
        separation: d'.
        eer: Equal error rate over all pairs; a pair with a failed picture never matches.
        failed: Pictures without an embedding.
    """

    variant: Variant
    separation: Separation
    eer: Rate
    failed: int

    def beats(self, other: Trial, confidence: float) -> bool:
        """Whether d' is higher beyond chance and by a relevant amount, and the error rate is no higher.

        The error rate has a say because d' also changes with the shape of the scores' distributions.
        """
        rise = self.separation.rise_over(other.separation, confidence)
        assert self.eer.value is not None
        assert other.eer.value is not None
        return rise.low > 0.0 and rise.value >= RELEVANT and self.eer.value <= other.eer.value


def judge(variant: Variant, embeddings: NDArray[np.floating[Any]], people: NDArray[np.integer[Any]]) -> Trial:
    """Measure a variant.

    Args:
        variant: What was tried.
        embeddings: Shape (N, d), unit rows; NaN where a picture failed.
        people: Shape (N,): the person in each picture, 0 to P - 1, everybody with at least two pictures.
    """
    failed = ~np.isfinite(embeddings).all(axis=1)
    first, second = np.triu_indices(len(people), 1)
    same = people[first] == people[second]
    vectors = np.where(failed[:, None], 0.0, embeddings)
    scores = np.clip((vectors @ vectors.T)[first, second], -1.0, 1.0)
    scores[failed[first] | failed[second]] = -np.inf
    eer = _NO_SCORES
    if np.isfinite(scores[same]).any():
        names = tuple(map(str, range(int(people.max()) + 1)))
        eer = verify(score_list("all pairs", scores, same, first, second, people, names)).eer
    return Trial(variant, separation(embeddings, people), eer, int(failed.sum()))


def search(
    choices: Choices, measure: Callable[[Variant], Trial], floor: Separation, *, progress: Progress = SILENT
) -> tuple[list[Trial], Trial]:
    """Try every single change of today's variant, then further changes of the best while they raise d'.

    The way need not be proven step by step, for mending one of two faults may gain little. It may even gain
    nothing: where no trial exceeds the floor, all pairs of changes are tried too.

    Args:
        choices: What can be changed.
        measure: Tries a variant.
        floor: d' that any model exceeds.
        progress: Who listens.

    Returns:
        All trials in order, today's first; and the one to recommend (:func:`recommended`).
    """
    start = measure(choices.today)
    tried = {choices.today: start}

    def best_of(changed: Sequence[Variant]) -> Trial:
        with progress.task("trying contracts", len(changed), "contracts") as task:
            for variant in changed:
                if variant not in tried:
                    tried[variant] = measure(variant)
                task.advance()
        return max((tried[variant] for variant in changed), key=_coarse)

    best = best_of(_changed(start.variant, choices, 1))
    if not any(exceeds(trial, floor) for trial in tried.values()):
        best = max(best, best_of(_changed(start.variant, choices, 2)), key=_coarse)
    while best.separation.value >= start.separation.value + RELEVANT:
        further = _changed(best.variant, choices, 1)
        if not further:
            break
        start, best = best, best_of(further)
    trials = list(tried.values())
    return trials, recommended(trials, choices.confidence)


def _changed(start: Variant, choices: Choices, count: int) -> list[Variant]:
    """Return the variants with so many changes more, in what is still today's."""
    left = [axis for axis in AXES if getattr(start, axis) == getattr(choices.today, axis)]
    return [
        replace(start, **dict(zip(axes, options, strict=True)))
        for axes in combinations(left, count)
        for options in product(*(getattr(choices, axis)[1:] for axis in axes))
    ]


def recommended(tried: Sequence[Trial], confidence: float) -> Trial:
    """Return the trial that beats today's (the first) with as few changes as can be; today's if none does.

    More changes must beat fewer.
    """
    today = best = tried[0]
    for count in range(1, len(AXES) + 1):
        better = [
            trial
            for trial in tried
            if len(trial.variant.changes(today.variant)) == count and trial.beats(best, confidence)
        ]
        best = max(better, key=_coarse, default=best)
    return best


def exceeds(trial: Trial, floor: Separation) -> bool:
    """Say whether a trial's d' lies above the floor beyond chance (one comparison, at 95 %)."""
    return trial.separation.rise_over(floor, 0.95).low > 0.0


def _coarse(trial: Trial) -> float:
    """Order trials by d', but call those equal that hardly differ: then the first, more usual, option counts."""
    return round(trial.separation.value, 1)
