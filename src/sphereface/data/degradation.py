"""Degradations of a known level, as a pure function of pictures and uniform random numbers.

What a camera may do to a face (blur, size, occlusion), with the level told, so that a network can learn to say
how good a picture is (``regularizers``: ``radial``). Levels are our scale: 0 is untouched, 1 the strongest of
each kind; equal levels of two kinds are not equally harmful.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from sphereface.errors import ConfigurationError

Images = NDArray[np.uint8]
Draws = NDArray[np.float64]

DEGRADATION_DRAWS = 6  # uniform numbers a picture gets: 0 whether, 1 which, 2 level, 3 aspect, 4-5 place

_BLUR = 0.03  # standard deviation at level 1 as a share of the height: 3.4 of 112 pixels
_SMALLEST = 0.125  # side at level 1 as a share of the picture's: 14 of 112 pixels
_COVERED = 0.4  # area at level 1 as a share of the picture's, the most that random erasing takes
_ASPECT = (0.5, 2.0)  # height over width of what covers
_GREY = 127  # the middle of the range, which an input contract maps close to zero


def degrade(images: Images, draws: Draws, share: float) -> tuple[Images, NDArray[np.float32]]:
    """Degrade a share of the pictures, each in one of three ways, equally often.

    Args:
        images: Shape (N, H, W, 3), uint8, RGB; never changed in place.
        draws: Shape (N, DEGRADATION_DRAWS), uniform in [0, 1).
        share: Part of the pictures, 0 to 1.

    Returns:
        The pictures, a new array, and their levels, (N,), float32: uniform in (0, 1] where degraded, else 0.

    Raises:
        ConfigurationError: If ``share`` is not in [0, 1].

    >>> picture = np.full((1, 112, 96, 3), 200, dtype=np.uint8)
    >>> degraded, levels = degrade(picture, np.array([[0.1, 0.9, 0.25, 0.5, 0.5, 0.5]]), 0.3)
    >>> levels.tolist(), round(float((degraded == 127).mean()), 2)  # three quarters of 0.4 are covered
    ([0.75], 0.3)
    """
    if not 0.0 <= share <= 1.0:
        raise ConfigurationError(f"degrade must be a share from 0 to 1, not {share}")
    levels = np.where(draws[:, 0] < share, 1.0 - draws[:, 2], 0.0)
    kinds = (draws[:, 1] * len(_KINDS)).astype(np.int64)
    degraded = images.copy()
    for number in np.flatnonzero(levels).tolist():
        change = _KINDS[kinds[number]]
        degraded[number] = change(images[number], float(levels[number]), draws[number, 3:6])
    return degraded, levels.astype(np.float32)


def blur(picture: Images, level: float) -> Images:
    """Blur a picture (H, W, 3) with a Gaussian of standard deviation 0.03 H level, repeating the border.

    Pillow's Gaussian is three passes of a box: within 3 % of the true one.
    """
    soft = Image.fromarray(picture).filter(ImageFilter.GaussianBlur(_BLUR * picture.shape[0] * level))
    return np.asarray(soft, dtype=np.uint8)


def shrink(picture: Images, level: float) -> Images:
    """Shrink a picture (H, W, 3) to 8^-level of its sides, by averages, and enlarge it again, linearly."""
    height, width = picture.shape[:2]
    factor = _SMALLEST**level
    small = (max(1, round(factor * width)), max(1, round(factor * height)))
    shrunk = Image.fromarray(picture).resize(small, Image.Resampling.BOX)
    return np.asarray(shrunk.resize((width, height), Image.Resampling.BILINEAR), dtype=np.uint8)


def occlude(picture: Images, level: float, draws: Draws) -> Images:
    """Cover a share 0.4 level of a picture (H, W, 3) with a grey rectangle.

    Args:
        picture: Shape (H, W, 3).
        level: In (0, 1].
        draws: Shape (3,): aspect, vertical and horizontal place.
    """
    height, width = picture.shape[:2]
    area = _COVERED * level * height * width
    aspect = _ASPECT[0] * (_ASPECT[1] / _ASPECT[0]) ** float(draws[0])
    tall = min(max(1, round((area * aspect) ** 0.5)), height)
    wide = min(max(1, round((area / aspect) ** 0.5)), width)
    top, left = int(draws[1] * (height - tall + 1)), int(draws[2] * (width - wide + 1))
    covered = picture.copy()
    covered[top : top + tall, left : left + wide] = _GREY
    return covered


_KINDS = (
    lambda picture, level, _: blur(picture, level),
    lambda picture, level, _: shrink(picture, level),
    occlude,
)
