"""SphereFace+: A-Softmax, and prototypes that repel each other (minimum hyperspherical energy)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from sphereface.heads.losses import a_softmax
from sphereface.heads.losses.sphereface import multiplied, pieces
from sphereface.heads.row import Row, Sample, Setting, Terms

_NEAREST_SQUARE = 1e-6  # two prototypes this near count as this near, so that the energy stays finite


def energy(points: Tensor, power: int, half_space: bool = False) -> Tensor:
    """Return the mean of |x - y|^-s over pairs of unit vectors, or of -log |x - y| for s = 0.

    Args:
        points: Shape (C, d), at length 1; at least two.
        power: s: 0, 1 or 2.
        half_space: Count a pair by the nearer of y and -y as well: lines repel, not only points.

    Reference: Liu et al. 2018, https://arxiv.org/abs/1805.09298, eq. 1 and section 4.2.

    >>> energy(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), 1)
    tensor(0.5000)
    """
    cosine = points @ points.T
    sides = (cosine, -cosine) if half_space else (cosine,)
    pairs = len(points) * (len(points) - 1) / 2 * len(sides)
    total = cosine.new_zeros(())
    for side in sides:
        square = (2.0 - 2.0 * side).clamp(min=_NEAREST_SQUARE)
        each = -0.5 * torch.log(square) if power == 0 else square ** (-0.5 * power)
        total = total + each.triu(1).sum()
    return total / pairs


class SphereFacePlus(nn.Module):
    """The multiplicative margin and the energy of the prototypes as a penalty."""

    def __init__(self, **_: Any) -> None:
        super().__init__()

    def forward(self, sample: Sample) -> Terms:
        """Let the prototypes repel each other: all, or where there are many those of the batch's classes."""
        margin, weight, power, half_space = sample.values
        penalty = None
        if weight > 0.0 and len(points := sample.directions()) > 1:
            penalty = weight * energy(points, int(power), bool(half_space))
        return Terms(multiplied(sample.theta, margin), penalty=penalty)


ROW = Row(
    title="SphereFace+",
    year=2018,
    source=(
        "Liu et al. 2018, https://arxiv.org/abs/1805.09298; the weight of the energy, 1, is opensphere's default "
        "(the authors advise 1 to 10 with batches of 256)"
    ),
    formula=(a_softmax.ROW.formula[0] + r"\text{, plus }\lambda_E E_s(W)", r"\cos\theta"),
    scale=None,
    settings={
        **a_softmax.ROW.settings,
        "energy_weight": Setting(1.0, 0.0, 1e6, "weight of the energy of the prototypes"),
        "energy_power": Setting(0.0, 0.0, 2.0, "s of the energy: 0, 1 or 2", whole=True),
        "half_space": Setting(0.0, 0.0, 1.0, "1: the half-space energy, 0: the full one", whole=True),
    },
    rule=SphereFacePlus,
    neutral=a_softmax.ROW.neutral,
    kinks=pieces,
    annealed=a_softmax.ROW.annealed,
    normalised=False,
    laws=frozenset({"ordered", "monotone", "strict"}),
)
