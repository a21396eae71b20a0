"""How many dimensions an embedding really uses."""

from __future__ import annotations

import math
from typing import Any

from array_api_compat import array_namespace

from sphereface.sphere.geometry import unit

Array = Any  # numpy.ndarray or torch.Tensor


def effective_rank(embeddings: Array) -> float:
    """Return exp of the entropy of the singular values, scaled to sum 1, of the (N, d) unit vectors.

    From 1, all vectors on one line, to min(N, d), all directions used alike. Few images cannot show many
    dimensions: compare figures of like N only.

    Args:
        embeddings: Shape (N, d), any norm but zero.

    Reference: Roy and Vetterli 2007, The effective rank, EUSIPCO.

    >>> import numpy as np
    >>> round(effective_rank(np.eye(5)), 6)
    5.0
    """
    x = unit(embeddings)
    xp = array_namespace(x)
    if not x.shape[0]:
        return math.nan
    # Singular values are the roots of the smaller Gram matrix's eigenvalues, at a fraction of the cost.
    gram = x.T @ x if x.shape[0] >= x.shape[1] else x @ x.T
    values = xp.sqrt(xp.clip(xp.linalg.eigvalsh(gram), 0.0, None)).tolist()
    total = sum(values)
    return math.exp(-sum(value / total * math.log(value / total) for value in values if value > 0))
