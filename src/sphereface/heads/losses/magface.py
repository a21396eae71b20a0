"""MagFace: the margin grows with the norm of the embedding, which so becomes a measure of quality."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor, nn

from sphereface.heads.losses.arcface import added, added_easy
from sphereface.heads.row import Row, Sample, Setting, Terms


def margin_of_norm(norm: Tensor, values: tuple[float, ...]) -> Tensor:
    """Return m(a) = (u_m - l_m) / (u_a - l_a) (a - l_a) + l_m of norms a already clamped to [l_a, u_a], (N,).

    >>> import torch
    >>> margin_of_norm(torch.tensor([10.0, 110.0]), (10.0, 110.0, 0.45, 0.8, 35.0))
    tensor([0.4500, 0.8000])
    """
    low_norm, high_norm, low_margin, high_margin, _ = values
    return (high_margin - low_margin) / (high_norm - low_norm) * (norm - low_norm) + low_margin


class MagFace(nn.Module):
    """ArcFace with the margin m(a) of the norm a, plus a penalty that draws a up.

    The gradient by the norm stays in every gradient mode: detachment removes the slope in theta alone.
    """

    def __init__(self, *, form: str = "easy", **_: Any) -> None:
        super().__init__()
        self.psi = {"hard": added, "easy": added_easy}[form]

    def forward(self, sample: Sample) -> Terms:
        """Give each sample its own margin; g(a) = a / u_a^2 + 1 / a is the penalty."""
        low_norm, high_norm, _, _, weight = sample.values
        norm = sample.norm.clamp(low_norm, high_norm)
        penalty = weight * (norm / high_norm**2 + 1.0 / norm).mean()
        return Terms(self.psi(sample.theta, margin_of_norm(norm, sample.values)), penalty=penalty)


def falling(low_norm: float, high_norm: float, low_margin: float, high_margin: float, _: float) -> str:
    """Say what of the two ranges is the wrong way round; empty if nothing."""
    if not low_norm < high_norm:
        return "low_norm must be below high_norm"
    return "" if low_margin <= high_margin else "low_margin must not be above high_margin"


ROW = Row(
    title="MagFace",
    year=2021,
    source=(
        "Meng et al. 2021, https://arxiv.org/abs/2103.06627; norms 10 to 110, margins 0.45 to 0.8, weight 35 and "
        "the easy margin as in the authors' code"
    ),
    formula=(r"\cos(\theta+m(\lVert x\rVert))", r"\cos\theta"),
    scale=64.0,
    settings={
        "low_norm": Setting(10.0, 0.01, 1e4, "l_a, norm with the smallest margin"),
        "high_norm": Setting(110.0, 0.01, 1e4, "u_a, norm with the largest margin"),
        "low_margin": Setting(0.45, 0.0, math.pi / 2.0, "l_m in radians"),
        "high_margin": Setting(0.8, 0.0, math.pi / 2.0, "u_m in radians"),
        "norm_weight": Setting(35.0, 0.0, 1e6, "lambda_g, weight of the penalty on the norm"),
    },
    rule=MagFace,
    neutral={"low_margin": 0.0, "high_margin": 0.0},
    complaint=falling,
    forms={"easy": added_easy},
    form="easy",
    laws=frozenset({"ordered"}),  # the hard form is monotone and strict as well; the easy one rises once
)
