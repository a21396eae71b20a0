"""log(1 + e^z): what a sample is charged for a logit."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def softplus(z: Tensor) -> Tensor:
    """Return log(1 + e^z), element by element, exact where torch's own softplus gives up the 1 (above 20).

    >>> import torch
    >>> softplus(torch.zeros(1))
    tensor([0.6931])
    """
    return -functional.logsigmoid(-z)
