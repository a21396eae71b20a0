"""Pictures that were copied and then changed a little: re-encoded, resized, cropped, tinted, brightened, mirrored.

A picture is reduced to a grey thumbnail, and that to its slowest waves (a cosine transform, faded out towards the
edges, without its mean and its contrast). Copies are close together there, but so are many aligned faces of
different people. So of each close pair it is asked next how much of one picture remains when the other has
explained what it can, together with the six ways in which it changes first when it is moved, turned, stretched or
sheared. That is the tangent distance of Simard, LeCun and Denker 1993, *Efficient pattern recognition using a new
transformation distance*. The figures below were chosen on 28,577 aligned faces (``docs/datasets.md``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sphereface.data.close_pairs import Indices, Vectors, close_pairs
from sphereface.progress import SILENT, Progress

LARGEST_REMAINDER: Final = 0.015
"""Of a picture's variance, what may be left unexplained by another whose copy it is."""

_SIDE = 24
_WAVES = 144  # of a thumbnail, the slowest first
_COARSE_WAVES = 64  # candidates are found by
_SMALLEST_COSINE = 0.95  # of candidates
_LEAST_CONTRAST = 24.0  # length of a thumbnail's waves; noise of three grey levels has this
_PICTURES = 1024  # whose changes are held at once
_PAIRS = 8192  # compared at once


@dataclass(frozen=True)
class NearDuplicate:
    """Two pictures of which one is a copy of the other.

    Attributes:
        first: Position of the one.
        second: Position of the other, larger than ``first``.
        remainder: Share of the variance of one that the other leaves unexplained, at most
            :data:`LARGEST_REMAINDER`.
        mirrored: True if one of them has to be mirrored first.
    """

    first: int
    second: int
    remainder: float
    mirrored: bool


def thumbnail(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Reduce a picture to what it is compared by.

    Args:
        pixels: Shape (H, W, 3), uint8, RGB.

    Returns:
        Shape (24, 24), uint8.
    """
    grey = Image.fromarray(pixels).convert("L")
    # Pillow's bilinear filter averages areas when it shrinks; the gap lets it halve large pictures first.
    return np.asarray(grey.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR, reducing_gap=3.0))


def find_near_duplicates(
    thumbnails: Sequence[NDArray[np.uint8]], progress: Progress = SILENT
) -> list[NearDuplicate]:
    """Find the pairs of pictures of which one is a copy of the other, in order; N pictures take N^1.5 steps.

    A picture without contrast is nobody's copy.

    Args:
        thumbnails: Of the pictures, (24, 24) each.
        progress: Told about every picture.
    """
    if not thumbnails:
        return []
    pictures = np.stack(thumbnails).reshape(-1, _SIDE * _SIDE)
    vectors, contrasts = _unit(_waves_of(pictures))
    seen = np.flatnonzero(contrasts >= _LEAST_CONTRAST)
    pictures, vectors = pictures[seen], vectors[seen]
    both = np.concatenate([vectors, vectors * _mirror_signs()])
    coarse, _ = _unit(both[:, :_COARSE_WAVES])
    first, second, mirrored = _each_once(
        *close_pairs(coarse[: len(seen)], coarse, _SMALLEST_COSINE, progress), count=len(seen)
    )
    remainders = np.minimum(
        _remainders(pictures, first, both, second + mirrored * len(seen)),
        _remainders(pictures, second, both, first + mirrored * len(seen)),
    )
    found: dict[tuple[int, int], NearDuplicate] = {}
    for index in np.flatnonzero(remainders <= LARGEST_REMAINDER).tolist():
        pair = int(seen[first[index]]), int(seen[second[index]])
        copy = NearDuplicate(*pair, float(remainders[index]), bool(mirrored[index]))
        if pair not in found or copy.remainder < found[pair].remainder:
            found[pair] = copy
    return [found[pair] for pair in sorted(found)]


def _each_once(asked: Indices, other: Indices, count: int) -> tuple[Indices, Indices, Indices]:
    """Turn queries, of which the second half are mirror images, into pairs (smaller, larger, mirrored)."""
    mirrored, one = np.divmod(asked, max(1, count))
    pairs = np.stack([np.minimum(one, other), np.maximum(one, other), mirrored])
    first, second, mirrored = np.unique(pairs[:, one != other], axis=1)
    return first, second, mirrored


def _remainders(
    pictures: NDArray[np.uint8], explaining: Indices, vectors: Vectors, explained: Indices
) -> NDArray[np.float32]:
    """Return for each of P pairs the share of a unit vector that a picture and its changes cannot make up.

    Args:
        pictures: Thumbnails in rows, (N, 576).
        explaining: Positions in them, (P,).
        vectors: Unit vectors of waves, (M, 144).
        explained: Positions in those, (P,).
    """
    changes = np.concatenate(list(_changes()), axis=1)  # (576, 7 * 144)
    used, place = np.unique(explaining, return_inverse=True)
    order = np.argsort(place, kind="stable")
    remainders = np.empty(len(explaining), dtype=np.float32)
    for start in range(0, len(used), _PICTURES):
        some = pictures[used[start : start + _PICTURES]].astype(np.float32)
        bases = _orthonormal((some @ changes).reshape(len(some), -1, _WAVES))
        low, high = np.searchsorted(place[order], [start, start + _PICTURES])
        for at in range(low, high, _PAIRS):
            pairs = order[at : min(at + _PAIRS, high)]
            parts = bases[place[pairs] - start] @ vectors[explained[pairs]][:, :, None]
            remainders[pairs] = 1.0 - np.square(parts).sum(axis=(1, 2))
    return remainders


def _orthonormal(rows: Vectors) -> Vectors:
    """Return rows that span the same and stand at right angles, for each of n sets of rows: (n, 7, 144)."""
    products = rows @ rows.transpose(0, 2, 1)
    size = np.trace(products, axis1=1, axis2=2)[:, None, None]
    products += 1e-6 * size * np.eye(rows.shape[1], dtype=np.float32)  # stripes do not change along themselves
    return (np.linalg.inv(np.linalg.cholesky(products)) @ rows).astype(np.float32, copy=False)


def _unit(vectors: Vectors) -> tuple[Vectors, NDArray[np.float32]]:
    """Return vectors of unit length, and the lengths they had."""
    lengths = np.linalg.norm(vectors, axis=1).astype(np.float32, copy=False)
    return vectors / np.maximum(lengths, np.float32(1e-9))[:, None], lengths


def _waves_of(pictures: NDArray[np.uint8]) -> Vectors:
    starts = range(0, len(pictures), _PICTURES)
    return np.concatenate(
        [pictures[start : start + _PICTURES].astype(np.float32) @ _changes()[0] for start in starts]
    )


@cache
def _changes() -> NDArray[np.float32]:
    """Return what leads from a thumbnail to the waves of itself and of its six changes, (7, 576, 144).

    A change of the first order moves every pixel along x or along y by the same, by x, or by y: together these
    are all small shifts, turns, stretches and shears. The waves of a constant are taken out of all seven.
    """
    pixels = np.eye(_SIDE * _SIDE).reshape(-1, _SIDE, _SIDE)
    down, across = np.gradient(pixels, axis=1), np.gradient(pixels, axis=2)
    place = (np.arange(_SIDE) + 0.5) / _SIDE * 2.0 - 1.0
    x, y = place[None, :], place[:, None]
    waves = _waves(np.stack([pixels, across, across * x, across * y, down, down * x, down * y]))
    constant = _waves(np.ones((_SIDE, _SIDE)))
    constant /= np.linalg.norm(constant)
    return (waves - (waves @ constant)[..., None] * constant).astype(np.float32)


def _waves(images: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the slowest waves of images of shape (..., 24, 24), as (..., 144)."""
    place = (np.arange(_SIDE) + 0.5) / _SIDE
    fade = np.sqrt(np.sin(np.pi * place))
    basis = np.cos(np.pi * np.arange(_SIDE)[:, None] * place) * np.sqrt(2.0 / _SIDE)
    basis[0] *= np.sqrt(0.5)
    rows, columns = _slowest()
    waves: NDArray[np.float64] = (basis @ (images * fade[:, None] * fade) @ basis.T)[..., rows, columns]
    return waves


def _mirror_signs() -> NDArray[np.float32]:
    """Return the factors that turn the waves of a picture into those of its mirror image, (144,)."""
    _, columns = _slowest()
    return np.where(columns % 2 == 1, np.float32(-1.0), np.float32(1.0))


def _slowest() -> tuple[Indices, Indices]:
    """Return row and column of the waves in use: by the sum of both frequencies, the slowest first."""
    rows, columns = np.divmod(np.arange(_SIDE * _SIDE), _SIDE)
    order = np.argsort(rows + columns, kind="stable")[:_WAVES]
    return rows[order], columns[order]
