"""Changes made to training pictures, as pure functions of pictures and uniform random numbers.

Every function takes (N, H, W, 3) uint8 RGB and numbers drawn for each picture's own position in the run
(:func:`sphereface.data.sampling.sample_draws`), and returns a new array. The mirror image is all that
SphereFace was trained with (Liu et al. 2017, section 4.1); the others are offered and off by default.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError

Images = NDArray[np.uint8]
Draws = NDArray[np.float64]

DRAWS = 12  # uniform numbers a picture gets: 0 mirror, 1-2 shift, 3-5 colour, 6-10 erase, 11 spare

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601, weights of R, G and B
_ERASED_AREA = (
    0.02,
    0.2,
)  # share of the picture; Zhong et al. 2020 erase up to 0.4, too much of a tight crop
_ERASED_ASPECT = (0.3, 3.3)
_ERASED_VALUE = 127  # the middle of the range, which an input contract maps close to zero


@dataclass(frozen=True)
class Augmentation:
    """How strongly training pictures are changed beyond the mirror image; the defaults change nothing.

    Attributes:
        shift: Largest shift in pixels, along both axes.
        colour: Largest relative change of brightness, contrast and saturation, below 1.
        erase: Share of the pictures of which a rectangle is painted over, 0 to 1.
    """

    shift: int = 0
    colour: float = 0.0
    erase: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.shift <= 16:
            raise ConfigurationError(f"shift must be 0 to 16 pixels, not {self.shift}")
        if not 0.0 <= self.colour < 1.0:
            raise ConfigurationError(f"colour must be at least 0 and below 1, not {self.colour}")
        if not 0.0 <= self.erase <= 1.0:
            raise ConfigurationError(f"erase must be a share from 0 to 1, not {self.erase}")


def augment(images: Images, draws: Draws, settings: Augmentation) -> Images:
    """Apply what the settings ask for, in the order shift, colour, erase.

    Args:
        images: Shape (N, H, W, 3), uint8, RGB; never changed in place.
        draws: Shape (N, DRAWS), uniform in [0, 1). Each change has columns of its own, so switching one on
            leaves the others as they were; column 0 is for :func:`mirror`.
        settings: What to do.
    """
    if settings.shift:
        images = shift(images, draws[:, 1:3], settings.shift)
    if settings.colour:
        images = colour(images, draws[:, 3:6], settings.colour)
    if settings.erase:
        images = erase(images, draws[:, 6:11], settings.erase)
    return images


def mirror(images: Images, draws: Draws) -> Images:
    """Mirror the pictures whose number, shape (N,), is below one half.

    >>> mirror(np.arange(6, dtype=np.uint8).reshape(1, 1, 2, 3), np.array([0.2]))[0, 0, :, 0].tolist()
    [3, 0]
    """
    mirrored = images.copy()
    chosen = draws < 0.5
    columns = np.arange(images.shape[2])[::-1]
    mirrored[chosen] = np.take(images[chosen], columns, axis=2)  # a reversed view would copy byte by byte
    return mirrored


def shift(images: Images, draws: Draws, pixels: int) -> Images:
    """Move each picture by -pixels..pixels whole pixels along both axes, repeating the border.

    Args:
        images: Shape (N, H, W, 3).
        draws: Shape (N, 2): vertical, horizontal.
        pixels: Largest shift.
    """
    height, width = images.shape[1:3]
    starts = np.floor(draws * (2 * pixels + 1)).astype(np.int64).tolist()
    padded = np.pad(images, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)), mode="edge")
    shifted = np.empty_like(images)
    for picture, (top, left) in enumerate(starts):
        shifted[picture] = padded[picture, top : top + height, left : left + width]
    return shifted


def colour(images: Images, draws: Draws, strength: float) -> Images:
    """Change brightness, contrast and saturation, each by a factor in [1 - strength, 1 + strength].

    With factors b, c, s, grey value g of a pixel and mean grey value m of the picture, a channel x becomes
    b (c (s x + (1 - s) g) + (1 - c) m): one linear map of the pixel and one constant for the picture.

    Args:
        images: Shape (N, H, W, 3).
        draws: Shape (N, 3): brightness, contrast, saturation.
        strength: Below 1.
    """
    factors = 1.0 + strength * (2.0 * draws - 1.0)
    changed = np.empty_like(images)
    identity, luma = np.eye(3, dtype=np.float32), np.repeat(_LUMA[:, None], 3, axis=1)
    for number, (brightness, contrast, saturation) in enumerate(factors.tolist()):
        # One picture at a time keeps the float copy in the processor's cache: a third of the time.
        pixels = images[number].reshape(-1, 3).astype(np.float32)
        mean = float((pixels @ _LUMA).mean())
        mixing = brightness * contrast * (saturation * identity + (1.0 - saturation) * luma)
        pixels = pixels @ mixing.astype(np.float32)
        pixels += brightness * (1.0 - contrast) * mean + 0.5  # the half rounds when the fraction is cut off
        np.clip(pixels, 0.0, 255.0, out=pixels)
        changed[number] = pixels.reshape(images.shape[1:]).astype(np.uint8)
    return changed


def erase(images: Images, draws: Draws, share: float) -> Images:
    """Paint a grey rectangle over a share of the pictures (random erasing, Zhong et al. 2020).

    Args:
        images: Shape (N, H, W, 3).
        draws: Shape (N, 5): whether, area, aspect, vertical and horizontal place.
        share: Part of the pictures, 0 to 1.
    """
    height, width = images.shape[1:3]
    erased = images.copy()
    area = height * width * (_ERASED_AREA[0] + (_ERASED_AREA[1] - _ERASED_AREA[0]) * draws[:, 1])
    aspect = _ERASED_ASPECT[0] * (_ERASED_ASPECT[1] / _ERASED_ASPECT[0]) ** draws[:, 2]
    tall = np.clip(np.rint(np.sqrt(area * aspect)), 1, height).astype(np.int64)
    wide = np.clip(np.rint(np.sqrt(area / aspect)), 1, width).astype(np.int64)
    top = np.floor(draws[:, 3] * (height - tall + 1)).astype(np.int64)
    left = np.floor(draws[:, 4] * (width - wide + 1)).astype(np.int64)
    for number in np.flatnonzero(draws[:, 0] < share).tolist():
        rows = slice(top[number], top[number] + tall[number])
        erased[number, rows, left[number] : left[number] + wide[number]] = _ERASED_VALUE
    return erased
