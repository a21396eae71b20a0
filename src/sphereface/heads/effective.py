"""How much of A-Softmax's margin is left while lambda holds it back, angle by angle.

The target (lambda cos(theta) + psi(theta)) / (1 + lambda) asks an image at theta for what no margin would ask of
it at arccos(target). The ratio of the two angles is the margin that is in force: m where lambda is 0, 1 where
it is infinite, and in between not one number but a curve. With the published lambda = 5 and m = 4 it is 1.87
near 0 and 1.33 to 1.36 from 60 to 90 degrees, where most of a training run takes place.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sphereface.heads.checks import check_number
from sphereface.heads.curves import annealed, curves

_SMALLEST = 1e-3  # arccos near 1 has no digits; the curve is level there (its slope at 0 is 0)


def annealed_target(theta: Tensor, margin: float = 4.0, weight: float = 5.0) -> Tensor:
    """Return (lambda cos(theta) + psi(theta)) / (1 + lambda), psi that of A-Softmax with any m >= 1.

    Args:
        theta: Angles to the own prototype in radians, in [0, pi], shape (n,).
        margin: m, at least 1.
        weight: lambda, at least 0.

    Raises:
        ConfigurationError: If the margin or lambda is out of range.

    Reference: Liu et al. 2017, https://arxiv.org/abs/1704.08063; lambda as in the authors' released layer.

    >>> annealed_target(torch.tensor([torch.pi / 2]))
    tensor([-0.5000])
    """
    check_number("lambda", weight, 0.0, 1e9)
    psi = curves("sphereface", theta, margin=margin).psi
    return annealed(psi, theta, weight)


def effective_margin(theta: Tensor, margin: float = 4.0, weight: float = 5.0) -> Tensor:
    """Return arccos(target) / theta, NaN where the target is below -1 and no angle has it for a cosine.

    At 0 it is sqrt((lambda + m²) / (1 + lambda)), its limit.

    Args:
        theta: Angles to the own prototype in radians, in [0, pi], shape (n,). Computed and returned in float64.
        margin: m, at least 1.
        weight: lambda, at least 0.

    Raises:
        ConfigurationError: If an angle, the margin or lambda is out of range.

    Source: ours; see docs/margins.md.

    >>> effective_margin(torch.deg2rad(torch.tensor([0.0, 45.0, 90.0, 120.0]))).round(decimals=2)
    tensor([1.8700, 1.4400, 1.3300,    nan], dtype=torch.float64)
    """
    wide = theta.detach().to(torch.float64)
    if wide.numel():
        for angle in (float(wide.min()), float(wide.max())):
            check_number("theta", angle, 0.0, math.pi + 1e-6)
    wide = wide.clamp(_SMALLEST, math.pi)
    target = annealed_target(wide, margin, weight)
    # A target that rounding alone carries beyond -1 (m = 1 at pi) is -1.
    inside = torch.where((target < -1.0) & (target > -1.0 - 1e-12), -torch.ones_like(target), target)
    return torch.where(inside >= -1.0, torch.acos(inside.clamp(-1.0, 1.0)) / wide, torch.nan)


def effective_margin_at(angle: float, margin: float = 4.0, weight: float = 5.0) -> float:
    """Return the effective margin at one angle, such as the median angle of a training step; may be NaN.

    Args:
        angle: In radians, in [0, pi].
        margin: m, at least 1.
        weight: lambda, at least 0.

    Raises:
        ConfigurationError: If an angle, the margin or lambda is out of range.

    >>> round(effective_margin_at(math.radians(30.0)), 2)
    1.68
    """
    return float(effective_margin(torch.tensor([angle], dtype=torch.float64), margin, weight)[0])


def last_defined_angle(margin: float = 4.0, weight: float = 5.0) -> float:
    """Return the largest angle with an effective margin, in radians: where the target reaches -1.

    Raises:
        ConfigurationError: If the margin or lambda is out of range.

    >>> round(math.degrees(last_defined_angle()), 1)
    113.1
    """
    low, high = 0.0, math.pi
    if not math.isnan(effective_margin_at(high, margin, weight)):
        return high
    for _ in range(60):  # the target falls with the angle
        middle = 0.5 * (low + high)
        low, high = (low, middle) if math.isnan(effective_margin_at(middle, margin, weight)) else (middle, high)
    return low
