"""Circle loss at the level of classes: each logit weighs itself by how far it is from where it should be."""

from __future__ import annotations

import torch
from torch import Tensor

from sphereface.heads.row import Row, Setting


def weighed(theta: Tensor, m: float = 0.25) -> Tensor:
    """Return a (cos(theta) - (1 - m)) with the weight a = max(0, 1 + m - cos(theta)), a constant of the gradient.

    >>> weighed(torch.tensor([0.0]))
    tensor([0.0625])
    """
    cosine = torch.cos(theta)
    return torch.clamp(1.0 + m - cosine.detach(), min=0.0) * (cosine - (1.0 - m))


def weighed_others(cosine: Tensor, m: float = 0.25) -> Tensor:
    """Return a (cos(theta) - m) with the weight a = max(0, cos(theta) + m), a constant of the gradient.

    >>> weighed_others(torch.tensor([0.0]))
    tensor([-0.0625])
    """
    return torch.clamp(cosine.detach() + m, min=0.0) * (cosine - m)


ROW = Row(
    title="Circle loss",
    year=2020,
    source="Sun et al. 2020, https://arxiv.org/abs/2002.10857, class level; s = 256, m = 0.25",
    formula=(
        r"[1+m-\cos\theta]_+\,(\cos\theta-1+m)",
        r"[\cos\theta+m]_+\,(\cos\theta-m)",
    ),
    scale=256.0,
    settings={"margin": Setting(0.25, 0.0, 0.5)},  # beyond 0.5 psi exceeds eta near 0
    psi=weighed,
    eta=weighed_others,
    laws=frozenset({"ordered", "monotone", "strict"}),
)
