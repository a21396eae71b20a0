"""Which pictures do not belong to their label, told by sub-centres.

Trained with several prototypes a class, most pictures of a person gather around one, the dominant centre, and
wrong or hopeless pictures around another or around none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from sphereface.errors import ConfigurationError
from sphereface.heads.batch import wide_batch
from sphereface.heads.checks import check_number
from sphereface.sphere.geometry import angle, unit

_ROWS = 4096  # pictures compared with their centres at a time

Reason = Literal["far", "other centre"]


@dataclass(frozen=True)
class Outlier:
    """One picture that its class's dominant centre does not claim.

    Attributes:
        index: Row of the embeddings.
        label: Class it is filed under.
        angle: To the dominant centre of that class, radians.
        reason: ``far`` beyond the largest angle, ``other centre`` when another centre of the class is nearer.
    """

    index: int
    label: int
    angle: float
    reason: Reason


@dataclass(frozen=True)
class OutlierReport:
    """What sub-centres say about a data set.

    Attributes:
        outliers: Worst first.
        dominant: Dominant centre of each class, (C,); -1 for a class without pictures.
        share: Share of each class's pictures that are nearest to it, (C,); NaN without pictures.
    """

    outliers: tuple[Outlier, ...]
    dominant: Tensor
    share: Tensor


def find_outliers(
    embeddings: Tensor, labels: Tensor, prototypes: Tensor, *, largest_angle: float = math.radians(75.0)
) -> OutlierReport:
    """Find pictures that are nearer to another centre of their class, or far from the dominant one.

    Args:
        embeddings: Shape (N, d), any length but zero, of the whole training set.
        labels: Shape (N,), int64.
        prototypes: Shape (C, K, d), of a head with K >= 2 sub-centres.
        largest_angle: In radians; the authors drop what lies beyond 75 degrees, then train again.

    Raises:
        ConfigurationError: If the shapes do not fit, or an embedding is not finite or zero.

    Reference: Deng et al. 2020 (ECCV), section 3.4.

    >>> centres = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[-1.0, 0.0], [0.0, -1.0]]])
    >>> x = torch.tensor([[1.0, 0.1], [1.0, 0.2], [0.1, 1.0]])
    >>> [(o.index, o.reason) for o in find_outliers(x, torch.tensor([0, 0, 0]), centres).outliers]
    [(2, 'far')]
    """
    if prototypes.ndim != 3 or prototypes.shape[1] < 2:
        raise ConfigurationError(
            "outliers are told by sub-centres: prototypes must have shape (C, K, d) with K of 2 or more, "
            f"not {tuple(prototypes.shape)}; train with head.name = 'subcenter-arcface'"
        )
    classes, centres, dimension = prototypes.shape
    check_number("largest_angle", largest_angle, 0.0, math.pi)
    wide, _ = wide_batch(embeddings.detach(), labels, classes, dimension, prototypes)
    x, w = unit(wide), unit(prototypes.detach().to(wide))
    nearest = torch.empty_like(labels)
    for start in range(0, len(x), _ROWS):
        part = slice(start, start + _ROWS)
        nearest[part] = torch.einsum("nd,nkd->nk", x[part], w[labels[part]]).argmax(dim=1)
    votes = torch.zeros(classes, centres, dtype=torch.int64)
    votes.index_put_((labels.cpu(), nearest.cpu()), torch.ones(len(x), dtype=torch.int64), accumulate=True)
    dominant, total = votes.argmax(dim=1), votes.sum(dim=1)
    angles: Tensor = angle(x, w[labels, dominant.to(labels.device)[labels]])
    far = angles > largest_angle
    strays = nearest != dominant.to(labels.device)[labels]
    found = [
        Outlier(index, int(labels[index]), float(angles[index]), "far" if bool(far[index]) else "other centre")
        for index in torch.nonzero(far | strays)[:, 0].tolist()
    ]
    share = votes.amax(dim=1) / total
    return OutlierReport(
        outliers=tuple(sorted(found, key=lambda outlier: (-outlier.angle, outlier.index))),
        dominant=torch.where(total > 0, dominant, -1),
        share=share,
    )
