"""CosFace (also AM-Softmax): the additive cosine margin."""

from __future__ import annotations

import torch
from torch import Tensor

from sphereface.heads.row import ALL_LAWS, Row, Setting


def subtracted(theta: Tensor, m: float | Tensor = 0.35) -> Tensor:
    """Return cos(theta) - m.

    Reference: Wang et al. 2018, eq. 4, https://arxiv.org/abs/1801.09414

    >>> subtracted(torch.zeros(1))
    tensor([0.6500])
    """
    return torch.cos(theta) - m


ROW = Row(
    title="CosFace",
    year=2018,
    source="Wang et al. 2018, https://arxiv.org/abs/1801.09414",
    formula=(r"\cos\theta-m", r"\cos\theta"),
    scale=64.0,
    settings={"margin": Setting(0.35, 0.0, 2.0)},
    psi=subtracted,
    neutral={"margin": 0.0},
    laws=ALL_LAWS,
)
