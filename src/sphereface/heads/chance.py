"""The loss of a network that knows nothing: where a run stands that has learned nothing yet, or given up."""

from __future__ import annotations

import math

import torch
from torch import nn

from sphereface.heads.row import Row, Sample, Terms
from sphereface.heads.softplus import softplus

_CHANCES = 256  # samples behind the level; an even number


def chance(
    row: Row,
    rule: nn.Module,
    classes: int,
    scale: float,
    values: tuple[float, ...],
    annealing: float,
    bias: float,
) -> float:
    """Return the mean loss of embeddings at 90 degrees to every prototype.

    Averaged over angles on both sides of 90 degrees, for a form of psi may jump there and a margin may be
    drawn.

    Args:
        row: The loss.
        rule: Its rule, with what it remembers.
        classes: C.
        scale: The fixed radius.
        values: The row's settings as the schedules have them now.
        annealing: lambda.
        bias: Of a one-against-all loss.
    """
    sides = torch.tensor([-1e-3, 1e-3]).repeat(_CHANCES // 2)
    terms: Terms = rule(
        Sample(
            theta=math.pi / 2.0 + sides,
            norm=torch.full_like(sides, scale),
            labels=torch.zeros(_CHANCES, dtype=torch.int64),
            directions=lambda: torch.eye(1),  # one alone: it repels nobody
            others_at=torch.zeros_like,
            values=values,
            training=False,
        )
    )
    rho = terms.radius if terms.radius is not None else torch.full_like(sides, scale)
    own = rho * terms.own / (1.0 + annealing)
    eta = torch.zeros_like(sides)[:, None]
    other = rho * (eta if terms.others is None else terms.others(eta))[:, 0]
    if row.logistic is None:
        return float(softplus(other - own + math.log(classes - 1)).mean())
    at_own, at_others = softplus(-own - bias), softplus(other + bias)
    return float(
        (row.logistic.own(*values) * at_own + (classes - 1) * row.logistic.others(*values) * at_others).mean()
    )
