"""NormFace (also COCO): softmax over cosines at a fixed scale, without a margin."""

from __future__ import annotations

import torch
from torch import Tensor

from sphereface.heads.row import ALL_LAWS, Row


def no_margin(theta: Tensor, *_: float) -> Tensor:
    """Return cos(theta): no margin.

    >>> no_margin(torch.zeros(1))
    tensor([1.])
    """
    return torch.cos(theta)


ROW = Row(
    title="NormFace",
    year=2017,
    source="Wang et al. 2017, https://arxiv.org/abs/1704.06369; s = 30 as in opensphere",
    formula=(r"\cos\theta", r"\cos\theta"),
    scale=30.0,
    psi=no_margin,
    laws=ALL_LAWS,
)
