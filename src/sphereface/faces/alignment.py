"""From a picture and five landmarks to the aligned crop that networks are trained on."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sphereface.errors import DataError
from sphereface.faces.contract import Size
from sphereface.faces.opencv import cv2
from sphereface.faces.resizing import checked, resized
from sphereface.faces.template import TEMPLATES, Points, after, apply, scale_of, shape_of, similarity

__all__ = ["align", "similarity"]

_MOST_SAMPLES = 16  # a side, for one pixel of the crop; a larger face is made smaller first
_MARGIN = 2  # pixels of the picture that interpolation may reach for beyond the crop's corners


def align(pixels: NDArray[np.uint8], landmarks: ArrayLike, size: Size = "112x112") -> NDArray[np.uint8]:
    """Turn, scale and shift a picture so that its five landmarks come to lie on the template.

    Enlarging is bilinear. When the face is made smaller, each pixel of the crop is the mean of n x n
    bilinear samples, n the reduction rounded up: an area filter on the turned grid, without the coarse
    patterns (aliasing) that plain bilinear warping makes of hair, fabric and noise. ``docs/faces.md`` has the
    comparison with other filters. What lies outside the picture is black, as in the published data sets.

    Args:
        pixels: Shape (H, W, 3), uint8, RGB; not changed.
        landmarks: Shape (5, 2), x and y in pixels: the person's right eye, left eye, nose tip, right and left
            corner of the mouth (:mod:`sphereface.faces.template`).
        size: Height by width of the crop; ``112x96`` are columns 8 to 103 of ``112x112``.

    Returns:
        Shape (H, W, 3) of that size, uint8, RGB.

    Raises:
        DataError: If the picture or the landmarks cannot be used, or the crop lies outside the picture.

    >>> from sphereface.faces.template import ARCFACE_TEMPLATE
    >>> picture = np.arange(112 * 112 * 3, dtype=np.uint32).astype(np.uint8).reshape(112, 112, 3)
    >>> bool((align(picture, ARCFACE_TEMPLATE) == picture).all())
    True
    """
    if size not in TEMPLATES:
        raise DataError(f"an aligned crop is one of {', '.join(TEMPLATES)}, not '{size}'")
    matrix = similarity(landmarks, TEMPLATES[size])
    shape = shape_of(size)
    part, matrix = _needed_part(checked(pixels), matrix, shape)
    samples = _samples(matrix)
    if samples > _MOST_SAMPLES:
        longest = max(part.shape[:2])
        part, back = resized(part, max(1, longest * _MOST_SAMPLES // (2 * samples)))
        matrix = after(matrix, back)
        samples = min(_samples(matrix), _MOST_SAMPLES)  # a side rounded to one pixel must not undo the limit
    return _warp(part, matrix, shape, samples)


def _samples(matrix: Points) -> int:
    """How many pixels of the picture one pixel of the crop spans, rounded up."""
    # Landmarks measured on a crop of true size must not be blurred because of their last digit.
    return max(1, math.ceil(1.0 / scale_of(matrix) - 1e-3))


def _needed_part(
    pixels: NDArray[np.uint8], matrix: Points, shape: tuple[int, int]
) -> tuple[NDArray[np.uint8], Points]:
    """Cut out what the crop can see: the rest costs time, and OpenCV warps no side beyond 32,766 pixels."""
    height, width = shape
    corners = np.array([(x, y) for x in (-0.5, width - 0.5) for y in (-0.5, height - 0.5)])
    turn = matrix[:, :2]
    seen = (corners - matrix[:, 2]) @ np.linalg.inv(turn).T
    limit = np.array(pixels.shape[1::-1])
    low = np.clip(np.floor(seen.min(axis=0)) - _MARGIN, 0, limit).astype(np.int64)
    high = np.clip(np.ceil(seen.max(axis=0)) + _MARGIN + 1, 0, limit).astype(np.int64)
    if (low >= high).any():
        raise DataError(
            f"the landmarks lie outside the picture of {limit[0]}x{limit[1]} pixels (width by height); "
            "check that they belong to it"
        )
    part = pixels[low[1] : high[1], low[0] : high[0]]
    return part, np.column_stack([turn, apply(matrix, low[None])[0]])


def _warp(pixels: NDArray[np.uint8], matrix: Points, shape: tuple[int, int], samples: int) -> NDArray[np.uint8]:
    height, width = shape
    # Of n samples in a pixel the first lies (n - 1) / 2 samples from its centre.
    middle = 0.5 * samples - 0.5
    finer = after([(samples, 0.0, middle), (0.0, samples, middle)], matrix)
    wide = cv2.warpAffine(
        np.ascontiguousarray(pixels),
        finer,
        (width * samples, height * samples),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(0, 0, 0),
    )
    crop = wide if samples == 1 else cv2.resize(wide, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(crop, dtype=np.uint8)
