"""SphereFace with any margin m >= 1, at a fixed scale: the multiplicative angular margin."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sphereface.heads.row import ALL_LAWS, Row, Setting


def multiplied(theta: Tensor, m: float = 4.0) -> Tensor:
    """Return (-1)^k cos(m theta) - 2k with k = floor(m theta / pi): the multiplicative angular margin.

    Continuous and decreasing for every m >= 1, whole or not: -(2m - 1) at pi when m is whole.

    Args:
        theta: Angle to the own prototype.
        m: Margin, at least 1; 1 is no margin.

    Reference: Liu et al. 2017, eq. 7, https://arxiv.org/abs/1704.08063

    >>> multiplied(torch.tensor([0.0, torch.pi]), m=4.0)
    tensor([ 1., -7.])
    """
    k = torch.floor(m * theta.detach() / math.pi)
    sign = 1.0 - 2.0 * torch.remainder(k, 2.0)
    return sign * torch.cos(m * theta) - 2.0 * k


def pieces(m: float, *_: float) -> tuple[float, ...]:
    """Return where the pieces of :func:`multiplied` meet, in units of pi."""
    return tuple(k / m for k in range(1, int(m) + 1))


FORMULA = r"(-1)^k\cos m\theta-2k"

ROW = Row(
    title="SphereFace",
    year=2022,
    source="Liu et al. 2017 and 2022, https://arxiv.org/abs/2109.05565; s = 30, m = 1.5 as in opensphere",
    formula=(FORMULA, r"\cos\theta"),
    scale=30.0,
    settings={"margin": Setting(1.5, 1.0, 100.0)},
    psi=multiplied,
    neutral={"margin": 1.0},
    kinks=pieces,
    laws=ALL_LAWS,
)
