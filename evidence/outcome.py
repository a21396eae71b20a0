"""How a run of question 3 ended: trained, stuck or diverged."""

from __future__ import annotations

import math
from typing import Literal

from evidence.summary import Summary

Outcome = Literal["trained", "stuck", "diverged"]
COSINE = 0.1  # of training images to their own prototype, below which nothing was learned
SHARE = 0.1  # of ln C by which the loss must be below that of a network that tells nobody apart


def outcome(summary: Summary, cosine: float = COSINE, share: float = SHARE) -> Outcome:
    """Return how a run ended, by the means over its last 50 steps.

    Args:
        summary: Of the run.
        cosine: Asked for, of training images to their own prototype.
        share: Of ln C, by which the loss must be below that of a network that tells nobody apart.

    Where the norm is free a network that tells nobody apart has a loss of ln C, and the bounds are 0.9 and 2 ln C.
    At a fixed norm a margin lifts that level, which falls as everybody draws together: the loss must be as far
    below that of a network that gives everybody one embedding, as near to the prototypes as this one's are.
    """
    last, level = summary["last"], math.log(summary["learners"]["people"])
    if summary["stopped"] or last["loss"] > summary["chance"] + level:
        return "diverged"
    stuck = last["cosine"] < cosine or last["loss"] > summary["collapsed"] - share * level
    return "stuck" if stuck else "trained"
