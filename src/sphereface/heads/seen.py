"""A batch as a head sees it, and what the head returns of it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sphereface.heads.others import Others


@dataclass(frozen=True)
class HeadResult:
    """What a head returns.

    Attributes:
        loss: Scalar to minimise.
        per_sample: Loss of each sample without penalties, (N,), detached.
        target_angle: Angle of each embedding to its own prototype in radians, (N,), detached.
    """

    loss: Tensor
    per_sample: Tensor
    target_angle: Tensor

    @property
    def target_cosine(self) -> Tensor:
        """Cosine of each embedding to its own prototype, (N,)."""
        return torch.cos(self.target_angle)


@dataclass(frozen=True)
class Seen:
    """A batch as a head sees it.

    Attributes:
        own: Own logits, bias included, (N,).
        others: The question about all other classes.
        theta: Own angles, (N,).
        norm: Lengths of the embeddings, (N,).
        penalty: Added to the loss, ().
    """

    own: Tensor
    others: Others
    theta: Tensor
    norm: Tensor
    penalty: Tensor | None
