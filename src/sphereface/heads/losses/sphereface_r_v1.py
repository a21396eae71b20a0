"""SphereFace-R v1: the multiplicative margin, held at -1 beyond pi / m."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sphereface.heads.row import Row, Setting


def clamped(theta: Tensor, m: float = 1.4) -> Tensor:
    """Return cos(min(m theta, pi)): flat beyond pi / m, so there the full gradient has no pull.

    Args:
        theta: Angle to the own prototype.
        m: Margin, at least 1.

    Reference: Liu et al. 2022, https://arxiv.org/abs/2109.05565, and the authors' published code.

    >>> clamped(torch.tensor([0.0, 3.0]), m=2.0)
    tensor([ 1., -1.])
    """
    return torch.cos(torch.clamp(m * theta, max=math.pi))


def pieces(m: float) -> tuple[float, ...]:
    """Return where :func:`clamped` becomes flat, in units of pi."""
    return (1.0 / m,)


ROW = Row(
    title="SphereFace-R v1",
    year=2022,
    source="Liu et al. 2022, https://arxiv.org/abs/2109.05565; its own s and m are unconfirmed",
    formula=(r"\cos\min(m\theta,\pi)", r"\cos\theta"),
    scale=30.0,
    settings={"margin": Setting(1.4, 1.0, 100.0)},
    psi=clamped,
    neutral={"margin": 1.0},
    kinks=pieces,
    stepwise=True,
    laws=frozenset({"ordered", "monotone", "neutral"}),
)
