"""What reading a picture gives, whoever reads it; and the reader of pictures that are aligned crops already.

Photographs have a reader of their own (:mod:`sphereface.faces.photograph`), which needs OpenCV; this one does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sphereface.errors import ImageError
from sphereface.faces.contract import InputContract, Size
from sphereface.faces.detection import Detection
from sphereface.faces.image import DEFAULT_LIMITS, ImageLimits, Picture, read_image
from sphereface.faces.outcomes import Outcome
from sphereface.faces.quality import NO_LIMITS, Quality, QualityLimits, quality_of_crop
from sphereface.faces.template import TEMPLATES, shape_of

LEAST_SIDE: Final = 1280
"""Pixels of a photograph's longer side that are decoded at least: YuNet's second look sees so many."""

_CROP_SHAPES = (shape_of("112x112"), shape_of("112x96"))
_SIDE = 112
_SMALLEST_SIDE = 56  # below half the template's side, enlarging invents more pixels than there are
_NARROW = (112, 96)


@dataclass(frozen=True, eq=False)
class AlignedFace:
    """One face, ready for a network.

    Attributes:
        crop: Shape (H, W, 3) of the size asked for, uint8, RGB.
        detection: Where it was found, in pixels of the full, upright picture; None if the picture was taken
            for an aligned crop.
        quality: What was measured of it; None if nothing was.
    """

    crop: NDArray[np.uint8] = field(repr=False)
    detection: Detection | None = None
    quality: Quality | None = None


@dataclass(frozen=True, eq=False)
class Reading:
    """What became of one picture.

    Attributes:
        outcome: ``ok`` exactly if there are ``faces``.
        faces: Those that count; several only under the policy ``all``.
        message: What is wrong and what to do, in one sentence; or a note on what was assumed; may be empty.
        height: Of the full picture, upright, in pixels; 0 if it was not decoded.
        width: Likewise.
        found: How many faces the detector found, whether they count or not.
        rung: In which way the picture had to be looked at (:attr:`~sphereface.faces.ladder.Climb.rung`);
            empty without a ladder.
    """

    outcome: Outcome
    faces: tuple[AlignedFace, ...] = ()
    message: str = ""
    height: int = 0
    width: int = 0
    found: int = 0
    rung: str = ""


class Reader(Protocol):
    """Turns a file, or its content, into aligned faces; never raises for what is in it."""

    def read(self, source: Path | bytes) -> Reading:
        """Read one picture."""


def failed(error: ImageError) -> Reading:
    """Return the reading of a picture that gave no pixels, or none that can be used."""
    return Reading(cast(Outcome, error.outcome), message=str(error))


@dataclass(frozen=True)
class CropReader:
    """Takes a picture for an aligned crop, if its shape allows that.

    112x112 is taken as it is (112x96 too, where that is the size wanted), another square is resized to 112x112
    and says so, anything else is ``not-aligned``.

    Attributes:
        size: Of the crops wanted.
        limits: What the decoder refuses.
        quality: What else is refused; pose and detector's score of a crop are unknown and never are.
    """

    size: Size = "112x112"
    limits: ImageLimits = DEFAULT_LIMITS
    quality: QualityLimits = NO_LIMITS

    def read(self, source: Path | bytes) -> Reading:
        """Read one crop."""
        try:
            return self.crop_of(read_image(source, self.limits))
        except ImageError as error:
            return failed(error)

    def crop_of(self, pixels: NDArray[np.uint8]) -> Reading:
        """Go on with a crop that is decoded.

        Raises:
            ImageError: If it cannot be an aligned crop.
        """
        crop, note = recut(pixels, self.size)
        face = AlignedFace(crop)
        if self.quality != NO_LIMITS:  # measuring takes longer than reading
            measured = quality_of_crop(pixels if pixels.shape[:2] == _NARROW else recut(pixels, "112x112")[0])
            if complaint := self.quality.complaint(measured):
                return Reading("low-quality", (), complaint, *pixels.shape[:2])
            face = AlignedFace(crop, quality=measured)
        return Reading("ok", (face,), note, *pixels.shape[:2])


def is_crop(picture: Picture) -> bool:
    """Say whether a picture of unstated kind is taken for an aligned crop: by its size, 112x112 or 112x96."""
    return (picture.height, picture.width) in _CROP_SHAPES


def recut(pixels: NDArray[np.uint8], size: Size) -> tuple[NDArray[np.uint8], str]:
    """Bring an aligned crop to the size wanted.

    Args:
        pixels: Shape (H, W, 3), uint8, RGB.
        size: Wanted.

    Returns:
        The crop, and a note on what was assumed (empty for an exact crop).

    Raises:
        ImageError: With outcome ``not-aligned``; the message names no file.
    """
    height, width = pixels.shape[:2]
    if (height, width) == shape_of(size):
        return pixels, ""
    note = ""
    if height == width != _SIDE and height >= _SMALLEST_SIDE:
        # Averaging areas keeps what a smaller picture can show; enlarging needs a smooth curve instead.
        method = Image.Resampling.BOX if height > _SIDE else Image.Resampling.BICUBIC
        pixels = np.asarray(Image.fromarray(pixels).resize((_SIDE, _SIDE), method))
        note = f"taken as an aligned crop and resized from {height}x{width} to 112x112"
    if pixels.shape[:2] != (_SIDE, _SIDE):
        shape = f"the picture is {height}x{width} (height by width)"
        if (height, width) == _NARROW:
            shape += f", but this model takes {size}"
        advice = "an aligned crop has 112x112 pixels; a photograph is aligned by 'sphereface align'"
        raise ImageError(f"{shape}: {advice}", "not-aligned")
    if size == "112x96":
        return InputContract(size=size).crop(pixels[None])[0], note
    return (pixels, note) if size == "112x112" else (_widened(pixels, size), note)


def _widened(crop: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """Warp a 112x112 crop to a template that shows more or less of the face; what is not there is black."""
    from sphereface.faces.alignment import align  # OpenCV, which only this rare way needs

    return align(crop, TEMPLATES["112x112"], size)
