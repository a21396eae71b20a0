"""From logits to a loss per sample: cross-entropy, or one class against all others."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return log sum_j exp(z_j) - z_y of each sample, (N,).

    Args:
        logits: Shape (N, C).
        labels: Shape (N,), int64.
    """
    return functional.cross_entropy(logits, labels, reduction="none")


def one_against_all(logits: Tensor, labels: Tensor, own: float, others: float) -> Tensor:
    """Return own softplus(-z_y) + others sum_{j != y} softplus(z_j) of each sample, (N,).

    Args:
        logits: Shape (N, C), bias included.
        labels: Shape (N,), int64.
        own: Weight of the own class.
        others: Weight of each other class.

    >>> one_against_all(torch.zeros(1, 3), torch.tensor([0]), 1.0, 0.5)
    tensor([1.3863])
    """
    at_own = logits.gather(1, labels[:, None])
    # The own class leaves the sum by being there with softplus 0, not by subtraction, which would cancel.
    rest = softplus(logits.scatter(1, labels[:, None], -torch.inf)).sum(dim=1)
    return own * softplus(-at_own[:, 0]) + others * rest


def softplus(z: Tensor) -> Tensor:
    """Return log(1 + e^z), element by element, exact where torch's own softplus gives up the 1 (above 20).

    >>> softplus(torch.zeros(1))
    tensor([0.6931])
    """
    return -functional.logsigmoid(-z)
