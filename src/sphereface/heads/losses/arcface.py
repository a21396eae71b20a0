"""ArcFace: the additive angular margin, with both published continuations."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sphereface.heads.row import ALL_LAWS, Row, Setting


def added(theta: Tensor, m: float | Tensor = 0.5) -> Tensor:
    """Return cos(theta + m), continued beyond pi - m by cos(theta) - m sin(m).

    The continuation is the authors' own. It keeps psi decreasing for every m up to pi / 2, but not
    continuous: at pi - m it steps down by cos(m) + m sin(m) - 1 (0.117 at m = 0.5).

    Args:
        theta: Angle to the own prototype.
        m: Margin in radians, in [0, pi / 2]; one number, or one a sample.

    Reference: Deng et al. 2019, eq. 3, https://arxiv.org/abs/1801.07698

    >>> added(torch.zeros(1))
    tensor([0.8776])
    """
    sine = torch.sin(m) if isinstance(m, Tensor) else math.sin(m)
    beyond = torch.cos(theta) - m * sine
    return torch.where(theta + m <= math.pi, torch.cos(theta + m), beyond)


def added_easy(theta: Tensor, m: float | Tensor = 0.5) -> Tensor:
    """Return cos(theta + m) where cos(theta) > 0, cos(theta) elsewhere: ArcFace's "easy margin".

    Jumps up by sin(m) at 90 degrees.

    Reference: Deng et al. 2019, the authors' code.

    >>> added_easy(torch.tensor([0.0, 3.0]))
    tensor([ 0.8776, -0.9900])
    """
    return torch.where(torch.cos(theta) > 0, torch.cos(theta + m), torch.cos(theta))


def pieces(m: float) -> tuple[float, ...]:
    """Return where the easy and the hard continuation begin, in units of pi."""
    return (0.5, 1.0 - m / math.pi)


ROW = Row(
    title="ArcFace",
    year=2019,
    source="Deng et al. 2019, https://arxiv.org/abs/1801.07698",
    formula=(r"\cos(\theta+m),\text{ beyond }\pi-m\text{: }\cos\theta-m\sin m", r"\cos\theta"),
    scale=64.0,
    settings={"margin": Setting(0.5, 0.0, math.pi / 2.0, "margin in radians")},
    psi=added,
    neutral={"margin": 0.0},
    forms={"easy": added_easy},
    kinks=pieces,
    laws=ALL_LAWS,  # of the hard form; the easy one rises once, by sin(m)
)
