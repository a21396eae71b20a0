"""A batch as every loss takes it: checked once, and in float32 or wider."""

from __future__ import annotations

import torch
from torch import Tensor

from sphereface.heads.checks import check_batch, check_embeddings, check_tensor
from sphereface.sphere.geometry import length


def without_autocast(embeddings: Tensor) -> torch.autocast:
    """Return a context in which torch computes in the formats of its operands, for a loss is no place to round.

    Raises:
        ConfigurationError: If these are no tensor.
    """
    check_tensor("embeddings", embeddings)
    return torch.autocast(embeddings.device.type, enabled=False)


def wide_batch(
    embeddings: Tensor, labels: Tensor, num_classes: int, embedding_dim: int, *beside: Tensor
) -> tuple[Tensor, Tensor]:
    """Check a batch and return its embeddings in the format to compute in, (N, d), and their lengths, (N,).

    Args:
        embeddings: Shape (N, d), any length but zero.
        labels: Shape (N,), int64 in [0, C).
        num_classes: C.
        embedding_dim: d.
        *beside: What else is computed with; the widest format counts, and float32 at least.

    Raises:
        ConfigurationError: If shapes, dtypes or labels do not fit, or an embedding is not finite or zero; the
            message says which.

    >>> x, norm = wide_batch(torch.tensor([[3.0, 4.0]]).bfloat16(), torch.tensor([0]), 2, 2)
    >>> x.dtype, norm
    (torch.float32, tensor([5.]))
    """
    check_batch(embeddings, labels, num_classes, embedding_dim)
    return wide_embeddings(embeddings, *beside)


def wide_embeddings(embeddings: Tensor, *beside: Tensor) -> tuple[Tensor, Tensor]:
    """Return embeddings (N, d) in the format to compute in, as :func:`wide_batch`, and their lengths, (N,).

    Raises:
        ConfigurationError: If one is not finite or zero.
    """
    wide = torch.float32
    for tensor in (embeddings, *beside):
        wide = torch.promote_types(wide, tensor.dtype)
    x = embeddings.to(wide)
    norm: Tensor = length(x)
    check_embeddings(x, norm)
    return x, norm
