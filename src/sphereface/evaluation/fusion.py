"""Several embeddings of the same images as one: a mirrored crop, other patches of the face, other models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError, DataError
from sphereface.evaluation.images import Embeddings, Mask
from sphereface.evaluation.intervals import Floats
from sphereface.evaluation.scores import PairScores


def fuse_flips(
    original: Embeddings, mirrored: Embeddings, how: Literal["sum", "concatenate"] = "sum"
) -> NDArray[np.floating]:
    """Join the embeddings of a crop and of its mirror image, by the word of an input contract.

    Lengths count, as in the field's code; the result has any norm, and is zero where both cancel out.

    Args:
        original: Shape (N, d).
        mirrored: Shape (N, d), the same images mirrored.
        how: ``sum``, shape (N, d), or ``concatenate``, shape (N, 2d), as SphereFace's own evaluation.

    Raises:
        DataError: If the shapes differ.
        ConfigurationError: If ``how`` is unknown.

    >>> fuse_flips(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])).tolist()
    [[1.0, 1.0]]
    """
    one, two = np.asarray(original), np.asarray(mirrored)
    if one.ndim != 2 or one.shape != two.shape:
        raise DataError(f"original and mirrored embeddings differ in shape: {one.shape} and {two.shape}")
    if how == "sum":
        return np.asarray(one + two)
    if how == "concatenate":
        return np.concatenate([one, two], axis=1)
    raise ConfigurationError(f"flips are fused by 'sum' or 'concatenate', not '{how}'")


def fuse_models(
    parts: Sequence[Embeddings], weights: Sequence[float] | None = None, *, failed: Mask | None = None
) -> Floats:
    """Concatenate the unit embeddings of several models or patches; the cosine is the mean of their cosines.

    Each part is scaled by the root of its weight, so that cos = sum of w_k cos_k exactly, with weights that sum
    to 1. Three patches of the face through three networks make the ensemble of the SphereFace paper (how it
    joined them is not written; concatenation is our reading).

    Args:
        parts: K arrays of shape (N, d_k), any norm but zero.
        weights: K numbers of at least 0, not all 0; equal if None.
        failed: Shape (N,): images that one of the models could not embed; their rows come back as zeros.

    Returns:
        Shape (N, sum of d_k), of unit norm.

    Raises:
        DataError: If the numbers of images differ, or a usable row is zero, NaN or infinite.
        ConfigurationError: If there is no part, or the weights do not fit.

    >>> fuse_models([np.array([[2.0, 0.0]]), np.array([[0.0, 3.0]])], [0.36, 0.64]).round(3).tolist()
    [[0.6, 0.0, 0.0, 0.8]]
    """
    arrays = [np.asarray(part, dtype=np.float64) for part in parts]
    shares = _shares(len(arrays), weights)
    if any(array.ndim != 2 or len(array) != len(arrays[0]) for array in arrays):
        raise DataError(f"the parts do not hold the same images: {[array.shape for array in arrays]}")
    left_out = np.zeros(len(arrays[0]), dtype=bool) if failed is None else np.asarray(failed, dtype=bool)
    if left_out.shape != (len(arrays[0]),):
        raise DataError(f"the mask of failed images has shape {left_out.shape}, not ({len(arrays[0])},)")
    scaled = []
    for number, (array, share) in enumerate(zip(arrays, shares, strict=True)):
        usable = np.where(left_out[:, None], 1.0, array)
        norms = np.linalg.norm(usable, axis=1, keepdims=True)
        bad = np.flatnonzero(~np.isfinite(norms) | (norms == 0))
        if bad.size:
            raise DataError(f"row {bad[0]} of part {number} is zero, NaN or infinite; mark the image as failed")
        scaled.append(np.where(left_out[:, None], 0.0, usable / norms * np.sqrt(share)))
    return np.concatenate(scaled, axis=1)


def fuse_scores(parts: Sequence[PairScores], weights: Sequence[float] | None = None) -> PairScores:
    """Average the scores of the same pairs; a pair that one part could not score has no score (-inf).

    For cosines this equals :func:`fuse_models`. Scores of models with different scales are better calibrated
    first: log-likelihood ratios may be averaged.

    Args:
        parts: K lists of the same pairs in the same order.
        weights: K numbers of at least 0, not all 0; equal if None.

    Raises:
        DataError: If the pairs differ.
        ConfigurationError: If there is no part, or the weights do not fit.
    """
    shares = _shares(len(parts), weights)
    kinds = {}
    for kind in ("genuine", "impostor"):
        own = [getattr(part, kind) for part in parts]
        if any(
            not (np.array_equal(other.first, own[0].first) and np.array_equal(other.second, own[0].second))
            for other in own
        ):
            raise DataError(f"the {kind} pairs of the parts are not the same pairs in the same order")
        missing = np.any([np.isneginf(other.scores) for other in own], axis=0)
        mean = np.zeros(len(own[0]))
        for other, share in zip(own, shares, strict=True):
            mean += share * np.where(missing, 0.0, other.scores)
        kinds[kind] = replace(own[0], scores=np.where(missing, -np.inf, mean))
    title = f"{parts[0].title}, mean of {len(parts)} scores"
    return replace(parts[0], title=title, genuine=kinds["genuine"], impostor=kinds["impostor"])


def _shares(count: int, weights: Sequence[float] | None) -> Floats:
    """Return ``count`` weights that sum to 1."""
    if count == 0:
        raise ConfigurationError("there is nothing to fuse: give one part or more")
    shares = np.ones(count) if weights is None else np.asarray(weights, dtype=np.float64)
    if shares.shape != (count,) or not np.isfinite(shares).all() or shares.min() < 0 or shares.sum() == 0:
        raise ConfigurationError(f"give {count} weights of at least 0, not all 0, rather than {weights}")
    return np.asarray(shares / shares.sum())
