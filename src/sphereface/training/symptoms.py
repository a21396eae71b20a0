"""What a loss that does not move is trying to say."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from sphereface.heads import Head, HeadResult

_NEAR = 0.01  # relative: a loss this near to a known level stands at it
_AT = 0.01  # absolute, for the constants
_UNDERFLOW = -math.log(1.1754943508222875e-38)  # the smallest normal float32: 87.336
_FLOOR = -math.log(1e-30)  # 69.078, the floor some sharded heads put under a probability
_LINES = 5  # of the journal


class Watch:
    """Looks at each line of the journal and speaks once when the loss stands still at a telling level."""

    def __init__(self) -> None:
        self._losses: deque[float] = deque(maxlen=_LINES)
        self._chances: deque[float | None] = deque(maxlen=_LINES)
        self._silent = False

    def __call__(self, result: HeadResult, head: Head) -> str:
        """Return a remark about the loss so far, or nothing."""
        self._losses.append(float(result.per_sample.mean()))
        self._chances.append(head.chance_loss())
        if self._silent:
            return ""
        remark = symptom(tuple(self._losses), tuple(self._chances))
        self._silent = bool(remark)
        return remark


def symptom(losses: Sequence[float], chances: Sequence[float | None]) -> str:
    """Return a sentence about losses that stand still at a level that means something; empty if they do not.

    Args:
        losses: Of the last lines of the journal, oldest first.
        chances: What a network that knows nothing would have had there; it rises while a margin grows.

    >>> symptom([9.27, 9.26, 9.27, 9.27, 9.26], [math.log(10_575)] * 5)[:46]
    'the loss has stayed at 9.26, which is what pur'
    >>> symptom([9.27, 8.9, 8.4, 8.1, 7.9], [math.log(10_575)] * 5)
    ''
    """
    if len(losses) < _LINES or not all(map(math.isfinite, losses)):
        return ""
    last, chance = losses[-1], chances[-1]
    if all(
        level is not None and abs(loss - level) <= _NEAR * level
        for loss, level in zip(losses, chances, strict=True)
    ):
        return (
            f"the loss has stayed at {last:.2f}, which is what pure chance gives ({chance:.2f}): nothing is "
            "learned yet. Try a lower optimiser.learning_rate or a warm-up, let the margin grow "
            "(head.settings.margin_ramp = 0.2), use a batch norm in the backbone, and check that folders are "
            "people"
        )
    if all(abs(loss - _UNDERFLOW) <= _AT for loss in losses):
        return (
            f"the loss has stayed at {last:.2f} = -ln(1.2e-38): the own class's probability is 0 in single "
            "precision. Lower the scale or the margin, or let the margin grow (head.settings.margin_ramp)"
        )
    if all(abs(loss - _FLOOR) <= _AT for loss in losses):
        return (
            f"the loss has stayed at {last:.2f} = -ln(1e-30): no prototype answers to these labels. "
            "Check that labels are whole numbers from 0 to C - 1"
        )
    return ""
