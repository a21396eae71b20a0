"""What the runs answer to questions 3 and 3b: which losses train without batch norm at a high rate?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import fisher_exact

from evidence import plan
from evidence.outcome import COSINE, SHARE, outcome
from evidence.study import Study
from evidence.summary import Rows, Summary

CLAIMED = ("a-softmax-annealed", "v1-full", "v1-detached", "v2-full", "v2-detached")
LEVEL = 0.05 / len(CLAIMED)
TOGETHER = 0.95  # cosine to the own prototype above which everybody is in one place: no pictures are judged here
OF_GRADIENT = (("v1-full", "v1-detached"), ("v2-full", "v2-detached"))


@dataclass(frozen=True)
class Arm:
    """How the seeds of one arm ended.

    Attributes:
        name: Of the arm.
        trained: Seeds that learned to tell people apart.
        stuck: Seeds that did not.
        diverged: Seeds with a number that was not finite, or a loss far above chance.
        together: Of those that are stuck, seeds whose embeddings have drawn together.
        lenient: Seeds that learned if half the cosine is asked for, if half of what the loss must be below is,
            and if nothing is asked of the cosine.
        cosines: Of training images to their own prototype in the end, the lowest and the highest over seeds that
            did not diverge.
    """

    name: str
    trained: int
    stuck: int
    diverged: int
    together: int = 0
    lenient: tuple[int, int, int] = (0, 0, 0)
    cosines: tuple[float, float] | None = None

    @property
    def seeds(self) -> int:
        """All of them."""
        return self.trained + self.stuck + self.diverged


@dataclass(frozen=True)
class ExactTest:
    """Fisher's exact test, two-sided, of whether two arms train as often."""

    first: str
    second: str
    p: float


@dataclass(frozen=True)
class StabilityAnswer:
    """Question 3, or 3b.

    Attributes:
        tried: How the control ended on every rung it was tried on: backbone, rate, arm.
        arms: On the rung where it failed often enough; none if it never did.
        against_control: Each arm of the claim with the control; a p below ``LEVEL`` is a difference.
        by_gradient: The full gradient with the detached one, exploratory.
        processors: How many kinds of processor the runs were made on; one that is not named is one.
    """

    tried: tuple[tuple[str, float, Arm], ...]
    arms: tuple[Arm, ...]
    against_control: tuple[ExactTest, ...]
    by_gradient: tuple[ExactTest, ...]
    processors: int = 1

    @property
    def tested(self) -> bool:
        """Whether the control failed anywhere: else there was nothing to be stable against."""
        return bool(self.arms)


def stability(study: Study) -> StabilityAnswer | None:
    """Return what question 3 found."""
    ready = study.ready("stability")
    if ready is None:
        return None
    rows, _ = ready
    tried = [
        (backbone, rate, _arm(plan.CONTROL, rows[row]))
        for backbone, rate in plan.RUNGS
        if (row := plan.stress_row(plan.CONTROL, backbone, rate)) in rows
    ]
    return _answer(tried, rows)


def milder(study: Study) -> StabilityAnswer | None:
    """Return what question 3b found."""
    ready = study.ready("milder")
    if ready is None:
        return None
    rows, _ = ready
    backbone, rate = plan.MILDER
    control = _arm(plan.CONTROL, rows[plan.stress_row(plan.CONTROL, backbone, rate)])
    return _answer([(backbone, rate, control)], rows)


def _answer(tried: Sequence[tuple[str, float, Arm]], rows: Rows) -> StabilityAnswer:
    """Compare the arms on the last rung that was tried, if all of them were and the control failed there."""
    backbone, rate, control = tried[-1]
    at = {arm: rows.get(plan.stress_row(arm, backbone, rate)) for arm in plan.ARMS}
    arms = {arm: _arm(arm, made) for arm, made in at.items() if made is not None}
    if len(arms) < len(plan.ARMS) or not fails_often(control):
        return StabilityAnswer(tuple(tried), (), (), ())
    return StabilityAnswer(
        tuple(tried),
        tuple(arms.values()),
        tuple(_test(arms[name], arms[plan.CONTROL]) for name in CLAIMED),
        tuple(_test(arms[full], arms[detached]) for full, detached in OF_GRADIENT),
        len({run.get("processor") for made in at.values() for run in made or ()}),
    )


def fails_often(control: Arm) -> bool:
    """Say whether at least half of the control's seeds fail, so that there is something to be more stable than."""
    return 2 * control.trained <= control.seeds


def needed(control: Arm) -> int | None:
    """Return how many of as many seeds have to train for a difference from the control; None if all do not do."""
    counts = range(control.trained + 1, control.seeds + 1)
    enough = (count for count in counts if _test(Arm("", count, control.seeds - count, 0), control).p < LEVEL)
    return next(enough, None)


def _arm(name: str, made: Sequence[Summary]) -> Arm:
    ends = [outcome(summary) for summary in made]
    ended = [
        (end, summary["last"]["cosine"]) for summary, end in zip(made, ends, strict=True) if end != "diverged"
    ]
    count = Counter(ends)
    cosines = [cosine for _, cosine in ended]
    return Arm(
        name,
        count["trained"],
        count["stuck"],
        count["diverged"],
        sum(end == "stuck" and cosine > TOGETHER for end, cosine in ended),
        (_trained(made, COSINE / 2), _trained(made, COSINE, SHARE / 2), _trained(made, -1.0)),
        (min(cosines), max(cosines)) if cosines else None,
    )


def _trained(made: Sequence[Summary], cosine: float, share: float = SHARE) -> int:
    return sum(outcome(summary, cosine, share) == "trained" for summary in made)


def _test(first: Arm, second: Arm) -> ExactTest:
    table = [[arm.trained, arm.seeds - arm.trained] for arm in (first, second)]
    return ExactTest(first.name, second.name, float(fisher_exact(table).pvalue))
