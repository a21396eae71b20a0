"""The angle of a cosine, for the other classes: acos with a slope that stays finite."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor


class _Arccosine(torch.autograd.Function):
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


def arccosine(cosine: Tensor) -> Tensor:
    """Return acos(cosine), its derivative bounded where acos has none.

    The own class's angle is measured more exactly (``sphere.geometry.angle``); that takes N x d work, which
    N x C angles cannot afford.

    >>> c = torch.tensor([1.0, -1.0], requires_grad=True)
    >>> arccosine(c).sum().backward()
    >>> bool(torch.isfinite(c.grad).all())
    True
    """
    angle: Tensor = _Arccosine.apply(cosine)  # type: ignore[no-untyped-call]
    return angle
