"""What each image is to an evaluation: a unit vector and a person, or a failure; and which images take part."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import DataError
from sphereface.names import texts_of

Embeddings = NDArray[np.floating[Any]]
Codes = NDArray[np.int32]
Mask = NDArray[np.bool_]

_BLOCK = 1 << 17  # numbers brought to unit norm at a time: what a core's cache holds


def checked(
    embeddings: Embeddings, identities: Sequence[str], failed: Mask | None = None
) -> tuple[NDArray[np.float32], Mask]:
    """Return the embeddings as float32 of unit norm and the mask of failed images, or say what is wrong.

    Args:
        embeddings: Shape (N, d), any norm but zero.
        identities: N names.
        failed: Shape (N,), bool: images that could not be embedded; their rows are ignored and come back as
            zeros.

    Raises:
        DataError: If the shapes do not match, or a row holds NaN, infinity or only zeros.
    """
    array = np.asarray(embeddings)
    if array.ndim != 2 or array.dtype.kind not in "fiu" or array.shape[1] == 0:
        raise DataError(
            f"embeddings must be numbers of shape (images, dimension), not {array.shape} {array.dtype}"
        )
    if len(array) != len(identities):
        raise DataError(f"there are {len(array)} embeddings but {len(identities)} identities; give one for each")
    failed = np.zeros(len(array), dtype=bool) if failed is None else np.asarray(failed, dtype=bool)
    if failed.shape != (len(array),):
        raise DataError(f"the mask of failed images has shape {failed.shape}, but there are {len(array)} images")
    vectors, norms = np.empty(array.shape, np.float32), np.empty(len(array))
    step = max(1, _BLOCK // array.shape[1])
    for start in range(0, len(array), step):
        rows = slice(start, start + step)
        # Squares overflow from 256 on in float16 and from 2e19 on in float32.
        block = np.where(failed[rows, None], 1.0, array[rows].astype(np.float64))
        length = np.linalg.norm(block, axis=1, keepdims=True)
        norms[rows] = length[:, 0]
        with np.errstate(divide="ignore", invalid="ignore"):  # such rows are refused below, all at once
            vectors[rows] = block / length
    bad = np.flatnonzero(~np.isfinite(norms) | (norms == 0))
    if bad.size:
        row = int(bad[0])
        what = "is the zero vector" if norms[row] == 0 else "holds NaN or infinity"
        raise DataError(
            f"{bad.size} of {len(array)} embeddings cannot be used: row {row} ('{identities[row]}') {what}; "
            "mark images that could not be embedded as failed"
        )
    vectors[failed] = 0.0
    return vectors, failed


def person_codes(identities: Sequence[str]) -> tuple[tuple[str, ...], Codes]:
    """Return the sorted names and, for each image, the position of its person among them.

    Raises:
        DataError: If a name is None, NaN or empty: all of whom nothing is known would count as one person.

    >>> person_codes(["b", "a", "b"])
    (('a', 'b'), array([1, 0, 1], dtype=int32))
    """
    people = texts_of("identity", identities)
    if "" in people:
        raise DataError(
            f"row {people.index('')} does not say who is in its picture ('identity' is empty), nor do "
            f"{people.count('') - 1:,} others; leave out who is not known, or give each a name"
        )
    names, codes = np.unique(np.array(people), return_inverse=True)
    return tuple(str(name) for name in names), codes.astype(np.int32)


def at_most(identities: Sequence[str], count: int | None, seed: int) -> NDArray[np.int64]:
    """Choose at most ``count`` images a person; returns positions in increasing order.

    The draw depends on the seed, the person's name and the order of that person's images, on nothing else:
    leaving other people out changes nothing, and two models are judged on the same images.

    >>> at_most(["a", "a", "a", "b"], 2, seed=0).tolist()
    [1, 2, 3]
    """
    names, codes = person_codes(identities)
    if count is None:
        return np.arange(len(codes))
    if count < 1:
        raise DataError(f"images_per_identity must be 1 or more, not {count}")
    order = np.argsort(codes, kind="stable")
    kept = []
    for name, images in zip(names, np.split(order, np.cumsum(np.bincount(codes))[:-1]), strict=True):
        if len(images) > count:
            generator = np.random.default_rng([seed, zlib.crc32(name.encode())])
            images = generator.permutation(images)[:count]
        kept.append(images)
    return np.sort(np.concatenate(kept))
