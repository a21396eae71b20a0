"""The margins: what each loss does to the angle of the own class (psi) and of the others (eta).

Every large-margin loss here is one sentence, cross-entropy over the logits rho psi(theta_y) for the own
class and rho eta(theta_j) for the others (Liu et al. 2022, https://arxiv.org/abs/2109.05565). A function
in this file is one psi or one eta; ``heads/table.py`` joins them to rows. psi takes the angle in radians;
eta takes the cosine, because for nearly every row it is the identity and an N x C matrix of angles would
be wasted.

All are pure, element by element, any shape, and finite with their derivative on [0, pi] or [-1, 1].
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor


def no_margin(theta: Tensor, m: float = 0.0) -> Tensor:
    """Return cos(theta): the normalised softmax.

    Reference: Wang et al. 2017 (NormFace), https://arxiv.org/abs/1704.06369

    >>> no_margin(torch.zeros(1))
    tensor([1.])
    """
    return torch.cos(theta)


def sphereface(theta: Tensor, m: float = 4.0) -> Tensor:
    """Return (-1)^k cos(m theta) - 2k with k = floor(m theta / pi): the multiplicative angular margin.

    Continuous and decreasing for every m >= 1, whole or not: -(2m - 1) at pi when m is whole.

    Args:
        theta: Angle to the own prototype.
        m: Margin, at least 1; 1 is no margin.

    Reference: Liu et al. 2017, eq. 7, https://arxiv.org/abs/1704.08063

    >>> sphereface(torch.tensor([0.0, torch.pi]), m=4.0)
    tensor([ 1., -7.])
    """
    k = torch.floor(m * theta.detach() / math.pi)
    sign = 1.0 - 2.0 * torch.remainder(k, 2.0)
    return sign * torch.cos(m * theta) - 2.0 * k


def sphereface_r_v1(theta: Tensor, m: float = 1.4) -> Tensor:
    """Return cos(min(m theta, pi)): SphereFace-R v1. Flat beyond pi / m.

    Args:
        theta: Angle to the own prototype.
        m: Margin, at least 1.

    Reference: Liu et al. 2022, https://arxiv.org/abs/2109.05565, and the authors' published code.

    >>> sphereface_r_v1(torch.tensor([0.0, 3.0]), m=2.0)
    tensor([ 1., -1.])
    """
    return torch.cos(torch.clamp(m * theta, max=math.pi))


def sphereface_r_v2_others(cosine: Tensor, m: float = 1.4) -> Tensor:
    """Return cos(theta / m) for the other classes: SphereFace-R v2 moves the margin there.

    Args:
        cosine: Cosine to the other prototypes.
        m: Margin, at least 1.

    Reference: Liu et al. 2022, https://arxiv.org/abs/2109.05565, and the authors' published code.

    >>> sphereface_r_v2_others(torch.tensor([-1.0]), m=2.0).round(decimals=4)
    tensor([-0.])
    """
    return torch.cos(angle_of_cosine(cosine) / m)


def cosface(theta: Tensor, m: float = 0.35) -> Tensor:
    """Return cos(theta) - m: the additive cosine margin.

    Reference: Wang et al. 2018, eq. 4, https://arxiv.org/abs/1801.09414

    >>> cosface(torch.zeros(1))
    tensor([0.6500])
    """
    return torch.cos(theta) - m


def arcface(theta: Tensor, m: float = 0.5) -> Tensor:
    """Return cos(theta + m), continued beyond pi - m by cos(theta) - m sin(m): the additive angular margin.

    The continuation is the authors' own. It keeps psi decreasing for every m up to pi / 2, but not
    continuous: at pi - m it steps down by cos(m) + m sin(m) - 1 (0.117 at m = 0.5).

    Args:
        theta: Angle to the own prototype.
        m: Margin in radians, in [0, pi / 2].

    Reference: Deng et al. 2019, eq. 3, https://arxiv.org/abs/1801.07698

    >>> arcface(torch.zeros(1))
    tensor([0.8776])
    """
    beyond = torch.cos(theta) - m * math.sin(m)
    return torch.where(theta + m <= math.pi, torch.cos(theta + m), beyond)


def arcface_easy(theta: Tensor, m: float = 0.5) -> Tensor:
    """Return cos(theta + m) where cos(theta) > 0, cos(theta) elsewhere: ArcFace's "easy margin".

    Jumps up by sin(m) at 90 degrees.

    Reference: Deng et al. 2019, the authors' code.

    >>> arcface_easy(torch.tensor([0.0, 3.0]))
    tensor([ 0.8776, -0.9900])
    """
    return torch.where(torch.cos(theta) > 0, torch.cos(theta + m), torch.cos(theta))


class _AngleOfCosine(torch.autograd.Function):
    """acos with its slope bounded: the derivative -1 / sin(theta) is cut off near 0 and pi."""

    @staticmethod
    def forward(ctx: Any, cosine: Tensor) -> Tensor:
        clipped = cosine.clamp(-1.0, 1.0)
        ctx.save_for_backward(clipped)
        return torch.acos(clipped)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (cosine,) = ctx.saved_tensors
        # The smallest sine that a rounded cosine can tell from 0: beyond it the slope is noise, and
        # the projection onto the sphere multiplies it by sin(theta) anyway.
        floor = math.sqrt(torch.finfo(cosine.dtype).eps)
        sine = torch.sqrt((1.0 - cosine) * (1.0 + cosine)).clamp(min=floor)
        return -gradients[0] / sine


def angle_of_cosine(cosine: Tensor) -> Tensor:
    """Return acos(cosine), its derivative bounded where acos has none.

    >>> c = torch.tensor([1.0, -1.0], requires_grad=True)
    >>> angle_of_cosine(c).sum().backward()
    >>> bool(torch.isfinite(c.grad).all())
    True
    """
    angle: Tensor = _AngleOfCosine.apply(cosine)  # type: ignore[no-untyped-call]
    return angle
