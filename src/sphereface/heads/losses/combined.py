"""The combined margin of ArcFace's paper, cos(m1 theta + m2) - m3, correct for every m1, m2 and m3."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sphereface.heads.row import ALL_LAWS, Row, Setting


def combined(theta: Tensor, m1: float = 1.0, m2: float = 0.3, m3: float = 0.2) -> Tensor:
    """Return (-1)^k cos(phi) - 2k - m3 with phi = m1 theta + m2 and k = floor(phi / pi).

    Continuous and decreasing. It contains A-Softmax (m2 = m3 = 0) and CosFace (m1 = 1, m2 = 0) exactly, and
    differs from ArcFace's own continuation only beyond pi - m2.

    Args:
        theta: Angle to the own prototype.
        m1: Multiplicative margin, at least 1: below 1, psi exceeds the cosine at large angles unless m2 or m3
            makes up for it, which the head checks.
        m2: Additive angular margin in radians.
        m3: Additive cosine margin.

    Reference: Deng et al. 2019, eq. 4, https://arxiv.org/abs/1801.07698; the continuation beyond pi is ours.

    >>> combined(torch.tensor([0.0, torch.pi]), 2.0, 0.0, 0.0)
    tensor([ 1., -3.])
    """
    phi = m1 * theta + m2
    k = torch.floor(phi.detach() / math.pi)
    sign = 1.0 - 2.0 * torch.remainder(k, 2.0)
    return sign * torch.cos(phi) - 2.0 * k - m3


def pieces(m1: float, m2: float, m3: float) -> tuple[float, ...]:
    """Return where the pieces of :func:`combined` meet, in units of pi."""
    shift = m2 / math.pi
    return tuple((k - shift) / m1 for k in range(1, int(m1 + shift) + 1))


def easier(m1: float, m2: float, m3: float) -> str:
    """Say where psi exceeds the plain cosine, which would make the own class easier; empty if nowhere."""
    theta = torch.linspace(0.0, math.pi, 4097, dtype=torch.float64, device="cpu")
    excess = combined(theta, m1, m2, m3) - torch.cos(theta)
    worst = int(excess.argmax())
    if excess[worst] <= 1e-9:
        return ""
    return (
        f"at {float(theta[worst]):.2f} rad the own class's value exceeds the plain cosine by "
        f"{float(excess[worst]):.3f}, which is no margin; raise one of m1, m2, m3"
    )


ROW = Row(
    title="Combined margin",
    year=2019,
    source="Deng et al. 2019, eq. 4, https://arxiv.org/abs/1801.07698; (1, 0.3, 0.2) as in the authors' presets",
    formula=(r"(-1)^k\cos\varphi-2k-m_3,\ \varphi=m_1\theta+m_2", r"\cos\theta"),
    scale=64.0,
    settings={
        "m1": Setting(1.0, 0.5, 100.0, "multiplicative margin"),
        "m2": Setting(0.3, 0.0, math.pi / 2.0, "additive angular margin in radians"),
        "m3": Setting(0.2, 0.0, 2.0, "additive cosine margin"),
    },
    psi=combined,
    neutral={"m1": 1.0, "m2": 0.0, "m3": 0.0},
    complaint=easier,
    kinks=pieces,
    laws=ALL_LAWS,  # at settings that are ordered; others are refused
)
