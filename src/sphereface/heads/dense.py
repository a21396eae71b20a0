"""The reference: the whole matrix of logits at once, differentiated by torch as often as one likes."""

from __future__ import annotations

import torch
from torch import Tensor

from sphereface.heads.others import Others
from sphereface.heads.prototypes import directions
from sphereface.heads.softplus import softplus
from sphereface.sphere.geometry import length


def dense(others: Others) -> Tensor:
    """Return what ``Others`` asks for, (N,), from the matrix of all logits."""
    logits = dense_logits(others)
    # The own class leaves the sum by being there with exp 0, not by subtraction, which would cancel.
    rest = logits.scatter(1, others.labels[:, None], -torch.inf)
    return softplus(rest).sum(dim=1) if others.logistic else torch.logsumexp(rest, dim=1)


def dense_logits(others: Others) -> Tensor:
    """Return z of every class as if none were the own one, (N, C).

    Every z is rho (cos + Delta), where Delta is what eta adds to the cosine: without the slope, Delta is held
    constant, and a neutral margin makes it 0 to rounding.
    """
    if others.lengths == "free" and others.eta is None:  # no detour by directions, which a zero vector lacks
        logits = cosines(others.u, others.prototypes) * others.rho[:, None]
        return logits if others.bias is None else logits + others.bias
    towards = directions(others.prototypes, others.lengths)
    cosine = cosines(others.u, towards.flatten(0, -2))
    if towards.ndim == 3:  # where two centres are equally near, the gradient is shared between them
        cosine = cosine.view(len(others.u), *towards.shape[:2]).amax(dim=2)
    values = cosine
    if others.eta is not None:
        seen = cosine if others.slope else cosine.detach()
        values = cosine + (others.eta(seen) - seen)
    logits = values * others.rho[:, None]
    if others.lengths == "free":
        logits = logits * length(others.prototypes)
    return logits if others.bias is None else logits + others.bias


def cosines(u: Tensor, v: Tensor) -> Tensor:
    """Return the product of every u (N, d) with every v (M, d): of unit vectors the cosine, (N, M)."""
    return u @ v.T
