"""The two images that decide about each image: its farthest own one and the nearest of somebody else."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace, device

from sphereface.sphere.geometry import angle, unit

Array = Any  # numpy.ndarray or torch.Tensor

_ROWS = 512


@dataclass(frozen=True, slots=True)
class Neighbours:
    """For each of N images, in radians; NaN, and the image itself, where there is no such image.

    Attributes:
        farthest_own: Position of the image of the same person at the largest angle.
        own_angle: That angle.
        nearest_other: Position of the image of another person at the smallest angle.
        other_angle: That angle.
    """

    farthest_own: list[int]
    own_angle: list[float]
    nearest_other: list[int]
    other_angle: list[float]


def neighbours(embeddings: Array, people: Any) -> Neighbours:
    """Find them all in one pass over blocks of rows, so that no N x N matrix is held.

    Args:
        embeddings: Shape (N, d), any norm but zero: a numpy array or a torch tensor.
        people: N whole numbers that say who is in each image.

    >>> import numpy as np
    >>> found = neighbours(np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]), [0, 0, 1])
    >>> found.farthest_own, found.nearest_other
    ([1, 0, 2], [2, 2, 1])
    """
    x = unit(embeddings)
    xp = array_namespace(x)
    codes = xp.asarray(people, device=device(x))
    everybody = xp.arange(x.shape[0], device=device(x))
    sides: tuple[list[Array], list[Array]] = ([], [])
    found: tuple[list[Array], list[Array]] = ([], [])
    for start in range(0, x.shape[0], _ROWS):
        own = everybody[start : start + _ROWS]
        cosine = x[start : start + _ROWS, :] @ x.T
        infinite = math.inf * xp.ones_like(cosine)
        same = codes[start : start + _ROWS][:, None] == codes[None, :]
        itself = own[:, None] == everybody[None, :]
        for side, values in enumerate(
            (xp.where(same & ~itself, -cosine, -infinite), xp.where(same, -infinite, cosine))
        ):
            exists = xp.max(values, axis=1) > -math.inf
            sides[side].append(xp.where(exists, xp.argmax(values, axis=1), own))
            found[side].append(exists)
    chosen = [xp.concat(parts) if parts else everybody for parts in sides]
    # Cosines find the image; its angle is measured anew, because acos loses all digits near 0.
    angles = [angle(x, xp.take(x, other, axis=0)).tolist() for other in chosen]
    known = [[bool(value) for part in parts for value in part.tolist()] for parts in found]
    own_angle, other_angle = (
        [value if there else math.nan for value, there in zip(values, is_known, strict=True)]
        for values, is_known in zip(angles, known, strict=True)
    )
    return Neighbours(chosen[0].tolist(), own_angle, chosen[1].tolist(), other_angle)
