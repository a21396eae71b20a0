"""From images to templates: the mean within each medium, then across the media of a template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from sphereface.errors import DataError
from sphereface.evaluation.images import Embeddings, Mask
from sphereface.evaluation.intervals import Floats

_ROWS = 1024  # images summed at a time: 4 MB at 512 numbers, which a cache holds
_NO_DIRECTION = 1e-7  # of a template's longest image: a mean this short is rounding


@dataclass(frozen=True, slots=True, eq=False)
class Templates:
    """T templates.

    Attributes:
        embeddings: Shape (T, d), of unit norm; zeros where ``failed``.
        failed: Shape (T,): templates without a usable image, or whose images cancel out.
        images: Shape (T,): usable images behind each.
        media: Shape (T,): usable media behind each.
    """

    embeddings: Floats
    failed: Mask
    images: NDArray[np.int64]
    media: NDArray[np.int64]


def pool(
    embeddings: Embeddings,
    templates: ArrayLike,
    media: ArrayLike | None = None,
    *,
    weights: ArrayLike | None = None,
    keep_norm: bool = False,
    failed: Mask | None = None,
    count: int | None = None,
) -> Templates:
    """Average images to templates: t = unit(mean over media of mean over the medium's images of w x).

    A video is one medium, so that its thousand frames weigh as much as one photograph; a template of one
    video is the mean over its frames. Medium means are not scaled to length 1: a medium whose images disagree,
    or have small weights or norms, has less say. This is how IJB templates are made.

    Args:
        embeddings: Shape (N, d), any norm but zero.
        templates: N whole numbers from 0: the template of each image.
        media: N labels of any kind, or None where every image is a medium of its own. The same label in two
            templates means two media.
        weights: N finite numbers of at least 0, such as qualities or detector scores; None for 1 each.
        keep_norm: Whether an embedding counts by its norm too (norm-weighted), or by its direction alone.
        failed: Shape (N,): images that could not be embedded; their rows are ignored.
        count: T; the highest template code plus one, if None. Templates without an image come back failed.

    Raises:
        DataError: If the lengths differ, a code or weight is out of range, or a usable row is zero, NaN or
            infinite.

    >>> pool(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), [0, 0, 0], [7, 7, 8]).embeddings.round(3).tolist()
    [[0.707, 0.707]]
    """
    x = np.asarray(embeddings)
    if x.ndim != 2 or x.dtype.kind not in "fiu" or x.shape[1] == 0:
        raise DataError(f"embeddings must be numbers of shape (images, dimension), not {x.shape} {x.dtype}")
    n = len(x)
    codes = _codes(templates, n, count)
    size = max(int(codes.max(initial=-1)) + 1, count or 0)
    usable = np.ones(n, dtype=bool)
    if failed is not None:
        usable = ~_column(failed, n, "the mask of failed images").astype(bool)
    weight = np.ones(n) if weights is None else _column(weights, n, "weights").astype(np.float64)
    if bad := np.flatnonzero(usable & ~((weight >= 0) & np.isfinite(weight))).tolist():
        raise DataError(f"a weight must be finite and at least 0, but row {bad[0]} has {weight[bad[0]]}")
    rows = np.flatnonzero(usable)
    rows = rows[np.argsort(codes[rows], kind="stable")]
    labels = np.arange(n) if media is None else np.unique(_column(media, n, "media"), return_inverse=True)[1]
    _, medium, sizes = np.unique(codes[rows] * n + labels[rows], return_inverse=True, return_counts=True)
    first = np.unique(medium, return_index=True)[1]

    sums = np.zeros((size, x.shape[1]))
    longest = np.zeros(size)
    share = weight[rows] / sizes[medium]
    for start in range(0, len(rows), _ROWS):
        block = slice(start, start + _ROWS)
        vectors, norms = _vectors(x, rows[block])
        factor = share[block] if keep_norm else share[block] / norms
        own = codes[rows[block]]
        starts = np.flatnonzero(np.diff(own, prepend=-1))
        # A sparse product sums runs of rows many times faster than np.add.reduceat along the first axis.
        runs = csr_array((factor, np.arange(len(own)), np.append(starts, len(own))), shape=(len(starts), len(own)))
        sums[own[starts]] += runs @ vectors
        np.maximum.at(longest, own, factor * norms)
    lengths = np.linalg.norm(sums, axis=1)
    empty = lengths <= _NO_DIRECTION * longest
    return Templates(
        embeddings=np.where(empty[:, None], 0.0, sums / np.where(empty, 1.0, lengths)[:, None]),
        failed=empty,
        images=np.bincount(codes[rows], minlength=size),
        media=np.bincount(codes[rows][first], minlength=size),
    )


def _vectors(x: Embeddings, rows: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return these rows and their norms."""
    vectors = x[rows].astype(np.float64)
    norms = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
    bad = np.flatnonzero(~np.isfinite(norms) | (norms == 0))
    if bad.size:
        what = "is the zero vector" if norms[bad[0]] == 0 else "holds NaN or infinity"
        raise DataError(f"embedding {rows[bad[0]]} {what}; mark images that could not be embedded as failed")
    return vectors, norms


def _codes(templates: ArrayLike, n: int, count: int | None) -> NDArray[np.int64]:
    codes = _column(templates, n, "templates")
    if n and (codes.dtype.kind not in "iu" or codes.min() < 0):
        raise DataError("templates must be whole numbers from 0, one for each image")
    # Codes without gaps are below N; a stray one must not reserve memory.
    most = n if count is None else count
    if n and codes.max() >= most:
        raise DataError(
            f"template {codes.max()} is out of range: number the templates from 0 to {most - 1}, or give `count`"
        )
    return codes.astype(np.int64)


def _column(values: ArrayLike, n: int, what: str) -> NDArray[Any]:
    column = np.asarray(values)
    if column.shape != (n,):
        raise DataError(f"{what} must be {n} values, one for each image, not of shape {column.shape}")
    return column
