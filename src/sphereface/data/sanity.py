"""Shortcuts that must not work: stand-ins for an embedding that know nothing about faces.

If people could be told apart by the plain pixels, by the colour of their skin or by what is behind them, a
trained network would prove nothing. The journey feeds these to the evaluation and prints the error rates
beside the network's.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_CENTRE: Final = (
    slice(45, 95),
    slice(34, 79),
)  # rows and columns of cheeks, nose and mouth in a 112x112 crop
_BLOCK: Final = 4
_GREY: Final = 128


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(length, np.float32(1e-12)), dtype=np.float32)


def pixel_embedding(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Embed each picture as its own pixels, shrunk four times and freed of their mean.

    Args:
        images: Shape (N, 112, 112, 3), uint8.

    Returns:
        Shape (N, 2352), float32, unit rows.
    """
    count, height, width, channels = images.shape
    blocks = images.reshape(count, height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK, channels)
    small = blocks.mean(axis=(2, 4), dtype=np.float32).reshape(count, -1)
    return _unit(small - small.mean(axis=1, keepdims=True))


def colour_embedding(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Embed each picture as the brightness-free mean colour of the middle of the face.

    The shares of red and green in the mean colour, centred and whitened over the given pictures, are put on
    a sphere by inverse stereographic projection, which keeps their order of distances where it matters:
    nearby colours get a cosine near one.

    Args:
        images: Shape (N, 112, 112, 3), uint8; at least three.

    Returns:
        Shape (N, 3), float32, unit rows.
    """
    mean = images[:, _CENTRE[0], _CENTRE[1]].mean(axis=(1, 2), dtype=np.float64)
    shares = mean[:, :2] / np.maximum(mean.sum(axis=1, keepdims=True), 1e-9)
    shares = shares - shares.mean(axis=0)
    spread, axes = np.linalg.eigh(shares.T @ shares / len(shares))
    flat = shares @ axes / np.sqrt(np.maximum(spread, 1e-12)) / 3.0
    square = (flat**2).sum(axis=1, keepdims=True)
    return np.asarray(np.concatenate([2.0 * flat, 1.0 - square], axis=1) / (1.0 + square), dtype=np.float32)


def blanked(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return copies with face, hair and neck covered by one grey shape, the same for everyone.

    Args:
        images: Shape (N, 112, 112, 3), uint8.
    """
    rows, columns = np.mgrid[0:112, 0:112]
    head = ((columns - 55.5) / 54.0) ** 2 + ((rows - 56.0) / 66.0) ** 2 <= 1.0
    covered = images.copy()
    covered[:, head] = _GREY
    return covered
