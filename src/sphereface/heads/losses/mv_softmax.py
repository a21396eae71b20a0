"""MV-Softmax: negatives that beat the own class, margin included, are pushed harder."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from sphereface.heads.losses.arcface import added
from sphereface.heads.losses.cosface import subtracted
from sphereface.heads.row import ALL_LAWS, Row, Sample, Setting, Terms


class MVSoftmax(nn.Module):
    """A negative with cos(theta_j) > psi(theta_y) becomes t cos(theta_j) + t - 1."""

    def __init__(self, *, form: str = "hard", **_: Any) -> None:
        super().__init__()
        self.psi = {"hard": subtracted, "arc": added}[form]

    def forward(self, sample: Sample) -> Terms:
        """Find the negatives that win against the own class and stretch them."""
        margin, weight = sample.values
        own = self.psi(sample.theta, margin)
        border = own.detach()[:, None]

        def others(cosine: Tensor) -> Tensor:
            return torch.where(cosine > border, weight * cosine + (weight - 1.0), cosine)

        return Terms(own, others)


ROW = Row(
    title="MV-Softmax",
    year=2020,
    source=(
        "Wang et al. 2020, https://arxiv.org/abs/1912.00833; m = 0.35, t = 1.12, s = 32 as in FaceX-Zoo. "
        "fallback='arc' takes cos(theta + m) for the own class"
    ),
    formula=(r"\cos\theta-m", r"t\cos\theta+t-1\text{ where }\cos\theta>\psi(\theta_y)\text{, else }\cos\theta"),
    scale=32.0,
    settings={
        "margin": Setting(0.35, 0.0, math.pi / 2.0),
        "weight": Setting(1.12, 1.0, 10.0, "t, how much a winning negative is stretched"),
    },
    rule=MVSoftmax,
    neutral={"margin": 0.0, "weight": 1.0},
    forms={"arc": added},
    laws=ALL_LAWS,
)
