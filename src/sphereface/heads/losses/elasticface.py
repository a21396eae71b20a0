"""ElasticFace: every sample draws its margin; ElasticFace+ gives the larger ones to the harder samples.

The draw is a function of a seed and of how many batches were seen, so that a resumed run draws what it would
have drawn. Margins are kept where psi is ordered, [0, pi / 2]: ten deviations from the default mean.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from sphereface.heads.losses.arcface import added
from sphereface.heads.losses.cosface import subtracted
from sphereface.heads.row import Psi, Row, Sample, Setting, Terms


class ElasticFace(nn.Module):
    """cos(theta + m_i) or cos(theta) - m_i with m_i ~ N(m, sigma).

    Args:
        form: ``hard`` adds to the angle (ElasticFace-Arc), ``cos`` subtracts from the cosine (-Cos).
        sort: Give the largest margin to the smallest cosine (ElasticFace+), as the paper says. The authors'
            code indexes with the sorting permutation where its inverse is meant, so that its margins have
            nothing to do with hardness.

    Attributes:
        drawn: Batches seen in training; in the state that is saved.
    """

    drawn: Tensor

    def __init__(self, *, form: str = "hard", sort: bool = False, **_: Any) -> None:
        super().__init__()
        self.psi: Psi = {"hard": added, "cos": subtracted}[form]
        self.sort = sort
        self.register_buffer("drawn", torch.zeros((), dtype=torch.int64))

    def forward(self, sample: Sample) -> Terms:
        """Draw a margin for every sample; without training the draw stays the same."""
        return Terms(self.psi(sample.theta, self.margins(sample)))

    def margins(self, sample: Sample) -> Tensor:
        """Return the margin of each sample, (N,)."""
        mean, deviation, seed = sample.values
        if sample.training:
            self.drawn += 1
        generator = torch.Generator().manual_seed(int(seed) * 0x9E3779B1 + int(self.drawn))
        noise = torch.randn(len(sample.theta), generator=generator, dtype=torch.float64).to(sample.theta)
        margins = (mean + deviation * noise).clamp(0.0, math.pi / 2.0)
        if not self.sort:
            return margins
        hardest_first = torch.argsort(sample.theta.detach(), descending=True)
        return torch.empty_like(margins).scatter_(0, hardest_first, margins.sort(descending=True).values)


def sorted_elasticface(**context: Any) -> ElasticFace:
    """Return the rule of ElasticFace+."""
    return ElasticFace(sort=True, **context)


def _settings(deviation: float) -> dict[str, Setting]:
    return {
        "margin": Setting(0.5, 0.0, math.pi / 2.0, "mean margin"),
        "deviation": Setting(deviation, 0.0, 1.0, "sigma, standard deviation of the margin"),
        "draw_seed": Setting(0.0, 0.0, 2.0**31, "seed of the draws", whole=True),
    }


_SOURCE = (
    "Boutros et al. 2022, https://arxiv.org/abs/2109.09416; s = 64, m = 0.5; fallback='cos' is the cosine form, "
    "for which the authors take m = 0.35"
)

ROW = Row(
    title="ElasticFace",
    year=2022,
    source=f"{_SOURCE} and sigma = 0.05 in both forms",
    formula=(r"\cos(\theta+m_i),\ m_i\sim N(m,\sigma)", r"\cos\theta"),
    scale=64.0,
    settings=_settings(0.05),
    rule=ElasticFace,
    neutral={"margin": 0.0},
    forms={"cos": subtracted},
    laws=frozenset({"ordered"}),  # each sample has its own margin; for one margin, those of its base
)

PLUS_ROW = replace(
    ROW,
    title="ElasticFace+",
    source=f"{_SOURCE}, sigma = 0.0175 (0.02 in the cosine form)",
    formula=(r"\cos(\theta+m_i),\ m_i\sim N(m,\sigma)\text{, the larger the harder}", r"\cos\theta"),
    settings=_settings(0.0175),
    rule=sorted_elasticface,
)
