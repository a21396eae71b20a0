"""The margin that training achieved: how much nearer images lie to their own prototype than to any other.

Takes numpy arrays or torch tensors and answers with plain floats, as ``health.py`` does. Cosines find the
nearest other prototype, in blocks of rows; both angles are then measured exactly.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace, device

from sphereface.errors import DataError
from sphereface.sphere.geometry import angle, unit

Array = Any  # numpy.ndarray or torch.Tensor

_ROWS = 512


@dataclass(frozen=True, slots=True)
class AchievedMargins:
    """Angular margins in radians, class by class; only classes with images, in rising order of their number.

    The margin of an image is its angle to the nearest other prototype minus that to its own one: negative where
    another class is nearer.

    Attributes:
        classes: Row of the prototype of each class.
        images: Images of each.
        minimum: Smallest margin among a class's images.
        median: Median of them.
    """

    classes: list[int]
    images: list[int]
    minimum: list[float]
    median: list[float]

    @property
    def won(self) -> float:
        """Share of classes all of whose images are nearer to their own prototype; NaN without classes."""
        return sum(value > 0.0 for value in self.minimum) / len(self.minimum) if self.minimum else math.nan

    @property
    def typical(self) -> float:
        """Median over classes of a class's median, so that each counts once; NaN without classes."""
        return statistics.median(self.median) if self.median else math.nan


def achieved_margins(embeddings: Array, labels: Any, prototypes: Array) -> AchievedMargins:
    """Return the achieved angular margin of every class.

    Args:
        embeddings: Shape (N, d), any lengths but zero.
        labels: Class of each, N whole numbers in [0, C).
        prototypes: Shape (C, d), any lengths, C at least 2, of the same kind as the embeddings.

    Raises:
        DataError: If shapes or labels do not fit; the message says which.

    >>> import numpy as np
    >>> found = achieved_margins(np.array([[1.0, 0.0], [1.0, 1.0]]), [0, 0], np.eye(2))
    >>> [round(math.degrees(value)) for value in (found.minimum[0], found.median[0])]
    [0, 45]
    """
    codes = [int(label) for label in (labels.tolist() if hasattr(labels, "tolist") else labels)]
    _check(embeddings, codes, prototypes)
    margins: dict[int, list[float]] = {}
    for start in range(0, len(codes), _ROWS):
        own = codes[start : start + _ROWS]
        for code, margin in zip(own, _margins(embeddings[start : start + _ROWS, :], own, prototypes), strict=True):
            margins.setdefault(code, []).append(margin)
    classes = sorted(margins)
    return AchievedMargins(
        classes=classes,
        images=[len(margins[code]) for code in classes],
        minimum=[min(margins[code]) for code in classes],
        median=[statistics.median(margins[code]) for code in classes],
    )


def _margins(embeddings: Array, own: list[int], prototypes: Array) -> list[float]:
    x, directions = unit(embeddings), unit(prototypes)
    xp = array_namespace(x, directions)
    rows = xp.asarray(own, device=device(x))
    cosine = x @ directions.T
    columns = xp.arange(directions.shape[0], device=device(x))
    others = xp.where(columns[None, :] == rows[:, None], -math.inf * xp.ones_like(cosine), cosine)
    nearest = xp.take(directions, xp.argmax(others, axis=1), axis=0)
    margins = angle(x, nearest) - angle(x, xp.take(directions, rows, axis=0))
    return [float(margin) for margin in margins.tolist()]


def _check(embeddings: Array, codes: list[int], prototypes: Array) -> None:
    if embeddings.ndim != 2 or prototypes.ndim != 2 or embeddings.shape[1] != prototypes.shape[1]:
        raise DataError(
            "embeddings and prototypes must have shapes (N, d) and (C, d) with one d, not "
            f"{tuple(embeddings.shape)} and {tuple(prototypes.shape)}"
        )
    if prototypes.shape[0] < 2:
        raise DataError("a margin needs 2 prototypes or more, not 1")
    if len(codes) != embeddings.shape[0]:
        raise DataError(f"there must be one label for each of {embeddings.shape[0]} embeddings, not {len(codes)}")
    wrong = [code for code in codes if not 0 <= code < prototypes.shape[0]]
    if wrong:
        raise DataError(f"labels must lie in [0, {prototypes.shape[0]}), but one of them is {wrong[0]}")
