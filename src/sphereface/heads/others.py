"""A batch against all classes but its own: the part of a loss that grows with the number of classes.

``dense`` and ``fused`` answer the same question with the same numbers; a head asks one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

Lengths = Literal["reparametrised", "projected", "free"]


@dataclass(frozen=True)
class Others:
    """What is asked of each sample i, over all classes j but its own.

    For the softmax log sum_j exp(z_ij), for one class against all others sum_j log(1 + exp(z_ij)), with
    z_ij = rho_i eta(cos theta_ij), times |W_j| where lengths are ``free``, plus the bias.

    Attributes:
        u: Embeddings at length 1, (N, d).
        prototypes: As they are learned, (C, d), or (C, K, d) where the nearest of K counts.
        labels: Own classes, (N,), int64.
        rho: Radius, (N,), not negative.
        eta: Function of cosines (N, any number of classes); None is the cosine itself. What else it depends on
            is a constant of the gradient.
        slope: Whether the gradient sees the slope of eta; else it sees the plain cosine.
        lengths: ``reparametrised``: prototypes are taken at length 1; ``projected``: the same, with the length a
            constant of the gradient; ``free``: their length counts.
        logistic: Whether it is one class against all others.
        bias: Added to every z, (); None for none.
    """

    u: Tensor
    prototypes: Tensor
    labels: Tensor
    rho: Tensor
    eta: Callable[[Tensor], Tensor] | None
    slope: bool
    lengths: Lengths
    logistic: bool
    bias: Tensor | None = None
