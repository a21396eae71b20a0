"""CurricularFace: easy negatives first; hard ones count more as training goes on."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from sphereface.heads.losses.arcface import added
from sphereface.heads.row import Row, Sample, Setting, Terms


class CurricularFace(nn.Module):
    """A negative is hard where cos(theta_j) > cos(theta_y + m); it becomes cos(theta_j) (t + cos(theta_j)).

    Attributes:
        curriculum: t, a running mean of the own cosines that starts at 0; in the state that is saved.
    """

    curriculum: Tensor

    def __init__(self, **_: Any) -> None:
        super().__init__()
        self.register_buffer("curriculum", torch.zeros((), dtype=torch.float64))

    def forward(self, sample: Sample) -> Terms:
        """Update t, then weigh the hard negatives by it."""
        margin, momentum = sample.values
        if sample.training:
            mean = torch.cos(sample.theta.detach()).mean().to(self.curriculum)
            self.curriculum.lerp_(mean, momentum)
        # The authors compare with cos(theta + m) itself, not with its continuation beyond pi - m.
        border = torch.cos(sample.theta.detach() + margin)[:, None]
        curriculum = self.curriculum.to(sample.theta, copy=True)  # as it is now, whenever others is asked

        def others(cosine: Tensor) -> Tensor:
            return torch.where(cosine > border, cosine * (curriculum + cosine), cosine)

        return Terms(added(sample.theta, margin), others)


def pieces(m: float, _: float) -> tuple[float, ...]:
    """Return where the continuation of the own class begins, in units of pi."""
    return (1.0 - m / math.pi,)


ROW = Row(
    title="CurricularFace",
    year=2020,
    source="Huang et al. 2020, https://arxiv.org/abs/2004.00288; s = 64, m = 0.5 and momentum 0.01 as published",
    formula=(
        r"\cos(\theta+m)",
        r"\cos\theta\,(t+\cos\theta)\text{ where }\cos\theta>\cos(\theta_y+m)\text{, else }\cos\theta",
    ),
    scale=64.0,
    settings={
        "margin": Setting(0.5, 0.0, math.pi / 2.0, "margin in radians"),
        "momentum": Setting(0.01, 0.0, 1.0, "share of a batch in the running mean t"),
    },
    rule=CurricularFace,
    neutral={"margin": 0.0},
    kinks=pieces,
    laws=frozenset({"monotone", "strict"}),
)
