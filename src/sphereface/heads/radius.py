"""The radius rho: what multiplies the cosines, as a function of the embedding's norm.

Three choices (Liu et al. 2022, https://arxiv.org/abs/2109.05565): ``nfn`` takes the norm itself, ``hfn`` a
fixed scale, ``sfn`` the norm together with a penalty that draws it to the scale.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Radius = Literal["nfn", "hfn", "sfn"]
RADII: tuple[Radius, ...] = ("nfn", "hfn", "sfn")


def radius(kind: Radius, norm: Tensor, scale: float) -> Tensor:
    """Return rho for each embedding.

    Args:
        kind: ``nfn``, ``hfn`` or ``sfn``.
        norm: Norms of the embeddings, shape (N,).
        scale: The fixed scale of ``hfn``; not used by the others.

    >>> radius("hfn", torch.tensor([2.0, 3.0]), 30.0)
    tensor([30., 30.])
    """
    return torch.full_like(norm, scale) if kind == "hfn" else norm


def radius_penalty(kind: Radius, norm: Tensor, scale: float) -> Tensor:
    """Return mean | |x| - s | for ``sfn`` and 0 for the others, a scalar.

    The absolute value is the published code's; whether the paper squares it is unconfirmed.

    >>> radius_penalty("sfn", torch.tensor([28.0, 34.0]), 30.0)
    tensor(3.)
    """
    return (norm - scale).abs().mean() if kind == "sfn" else norm.new_zeros(())
