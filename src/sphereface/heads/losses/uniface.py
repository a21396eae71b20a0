"""UniFace: one against all with a single bias b; -b / s is a threshold on the cosine for all people alike."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sphereface.heads.row import Logistic, Row, Setting


def subtracted_one(theta: Tensor, m: float = 0.4, *_: float) -> Tensor:
    """Return cos(theta) - m.

    >>> subtracted_one(torch.zeros(1))
    tensor([0.6000])
    """
    return torch.cos(theta) - m


def weight_own(m: float, others_weight: float) -> float:
    """Return 1: the own class is the unit."""
    return 1.0


def weight_others(m: float, others_weight: float) -> float:
    """Return l."""
    return others_weight


def first_bias(num_classes: int, scale: float, m: float, others_weight: float) -> float:
    """Return -log(10 C)."""
    return -math.log(10.0 * num_classes)


ROW = Row(
    title="UniFace",
    year=2023,
    source=(
        "Zhou et al. 2023 (ICCV), the authors' code: m = 0.4, s = 64, first bias -log(10 C); they clamp every "
        "logit to [-s, s], here the softplus is exact"
    ),
    formula=(r"\cos\theta-m", r"\cos\theta"),
    scale=64.0,
    settings={
        "margin": Setting(0.4, 0.0, 2.0),
        "others_weight": Setting(1.0, 1e-6, 1e6, "l, weight of the other classes"),
    },
    psi=subtracted_one,
    neutral={"margin": 0.0},
    link="logistic",
    logistic=Logistic(own=weight_own, others=weight_others, bias=first_bias),
    laws=frozenset({"ordered", "monotone", "strict"}),
)
