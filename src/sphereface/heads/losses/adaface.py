"""AdaFace: the margin depends on how good the picture is, judged by the norm of its embedding in the batch."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from sphereface.heads.row import Row, Sample, Setting, Terms

_LOWEST_NORM, _HIGHEST_NORM = 1e-3, 100.0
_STD_FLOOR = 1e-3


class AdaFace(nn.Module):
    """cos(theta - m z) - (m + m z), z the norm standardised by running mean and deviation and clipped to [-1, 1].

    z is a constant of the gradient in every mode. The angle is kept within [clip, pi - clip] and every cosine
    within 1 - clip of its ends, as in the authors' code; ``clip = 0`` switches both off.

    Attributes:
        mean: Running mean of the norms; starts at 20.
        deviation: Running standard deviation; starts at 100. Both are in the state that is saved.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, **_: Any) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(20.0, dtype=torch.float64))
        self.register_buffer("deviation", torch.tensor(100.0, dtype=torch.float64))

    def forward(self, sample: Sample) -> Terms:
        """Update the running figures, then give each sample its margin."""
        margin, concentration, momentum, clip = sample.values
        norm = sample.norm.detach().clamp(_LOWEST_NORM, _HIGHEST_NORM)
        if sample.training and len(norm) > 1:  # one sample has no deviation
            self.mean.lerp_(norm.mean().to(self.mean), momentum)
            self.deviation.lerp_(norm.std().to(self.deviation), momentum)
        spread = self.deviation.to(norm) + _STD_FLOOR
        quality = (concentration * (norm - self.mean.to(norm)) / spread).clamp(-1.0, 1.0)
        end = math.acos(1.0 - clip)  # where the clipped cosine of the own class lies
        theta = sample.theta.clamp(end, math.pi - end)
        angle = torch.clamp(theta - margin * quality, clip, math.pi - clip)
        own = torch.cos(angle) - margin * (1.0 + quality)
        others = None if clip == 0.0 else lambda cosine: cosine.clamp(clip - 1.0, 1.0 - clip)
        return Terms(own, others)


ROW = Row(
    title="AdaFace",
    year=2022,
    source=(
        "Kim et al. 2022, https://arxiv.org/abs/2204.00964; m = 0.4, h = 0.333, s = 64, momentum 0.01 and the "
        "clip at 0.001 as in the authors' code"
    ),
    formula=(r"\cos(\theta-m\hat z)-m(1+\hat z)", r"\cos\theta"),
    scale=64.0,
    settings={
        "margin": Setting(0.4, 0.0, 0.75),  # at 0.75 psi is still below eta for every quality
        "concentration": Setting(0.333, 0.0, 1e3, "h, how sharply norms are told apart"),
        "momentum": Setting(0.01, 0.0, 1.0, "share of a batch in the running figures"),
        "clip": Setting(1e-3, 0.0, 0.1, "how near to the ends an angle or cosine may come"),
    },
    rule=AdaFace,
    neutral={"margin": 0.0},
    laws=frozenset({"monotone"}),
)
