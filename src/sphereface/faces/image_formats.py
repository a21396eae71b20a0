"""Opening a JPEG, PNG, WebP, BMP or GIF with Pillow: its size and its cost are known before it is decoded.

Pillow's readers are called directly, not through ``Image.open``: no stranger's plugin can join, and its
decompression-bomb warning, given before we could count the pixels, does not arise.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PIL import Image, ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from sphereface.faces.image_limits import ImageLimits, Stopwatch, TimedBytes, UnreadableError, check_size
from sphereface.faces.image_pixels import exif_orientation

# The slowest rates measured, per second of one core (docs/results/robustness.md).
_WEBP_PIXELS, _WEBP_BYTES = 25e6, 40e6
_PASS_PIXELS = 1e9  # one pass of a progressive JPEG over pixels it says nothing about
_OUTPUT_PIXELS = 100e6  # the end of a progressive JPEG, after its last byte

_MOST_EXIF_BLOCKS = 16  # Pillow joins all of a JPEG's and reads the whole; one is the rule
_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")  # neither stuffing nor a restart marker
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9


@dataclass(frozen=True, eq=False)
class Loaded:
    """A decoded image that has still to become upright RGB.

    Attributes:
        image: The image, loaded.
        orientation: How it has still to be turned, 1 to 8 as in EXIF.
        size: (width, height) of the whole picture as stored; larger than the image's if that was scaled.
    """

    image: Image.Image
    orientation: int
    size: tuple[int, int]


Opener = Callable[[bytes, ImageLimits, Stopwatch, int | None], Loaded]


def open_jpeg(content: bytes, limits: ImageLimits, stopwatch: Stopwatch, least_side: int | None) -> Loaded:
    """Decode a JPEG, at a smaller scale if that leaves ``least_side``; of several pictures the first."""
    if content.count(b"Exif\0\0") > _MOST_EXIF_BLOCKS:
        raise UnreadableError(f"has more than {_MOST_EXIF_BLOCKS} blocks of EXIF; save it again")
    file = TimedBytes(content, stopwatch)
    image = JpegImageFile(file)
    check_size(image.size, limits)
    size = image.size
    if "progressive" in image.info:
        pixels = size[0] * size[1]
        file.reserve = pixels / _OUTPUT_PIXELS
        stopwatch.check(file.reserve + _passes(content, stopwatch) * pixels / _PASS_PIXELS)
    if least_side is not None:
        _scale_down(image, least_side)
    image.load()
    return Loaded(image, exif_orientation(image), size)


def open_webp(content: bytes, limits: ImageLimits, stopwatch: Stopwatch, least_side: int | None) -> Loaded:
    """Decode a WebP; of an animation the first frame. Opening allocates, so the header is read here first."""
    if content[8:12] != b"WEBP":
        raise UnreadableError("is a RIFF file but not a WebP image; convert or remove it")
    size = _webp_size(content)
    check_size(size, limits)
    stopwatch.check(size[0] * size[1] / _WEBP_PIXELS + len(content) / _WEBP_BYTES)
    return _open(WebPImageFile, content, limits, stopwatch)


def _open(
    reader: Callable[[TimedBytes], ImageFile.ImageFile],
    content: bytes,
    limits: ImageLimits,
    stopwatch: Stopwatch,
    least_side: int | None = None,
) -> Loaded:
    image = reader(TimedBytes(content, stopwatch))
    check_size(image.size, limits)
    image.load()  # of an animation the first frame, or the picture for those who do not animate
    return Loaded(image, exif_orientation(image), image.size)


open_png: Opener = partial(_open, PngImageFile)
open_bmp: Opener = partial(_open, BmpImageFile)
open_gif: Opener = partial(_open, GifImageFile)


def _scale_down(image: JpegImageFile, least_side: int) -> None:
    """Have a JPEG decoded at the smallest scale that leaves its longer side least_side pixels or more."""
    width, height = image.size
    scale = next((scale for scale in (8, 4, 2) if max(width, height) >= least_side * scale), 1)
    if scale > 1 and min(width, height) >= scale:
        image.draft(None, (width // scale, height // scale))  # None: the colours are converted as ever


def _passes(content: bytes, stopwatch: Stopwatch) -> int:
    """Count the scans of a JPEG's first picture: how often its decoder walks over all of its pixels."""
    passes, position = 0, 2
    while found := _MARKER.search(content, position):
        stopwatch.check()
        marker, position = found[1][0], found.end()
        if marker == _END_OF_IMAGE:
            break
        passes += marker == _START_OF_SCAN
        if marker >= 0xC0:  # what lies inside a segment is no marker
            position += max(2, int.from_bytes(content[position : position + 2], "big"))
    return passes


def _webp_size(content: bytes) -> tuple[int, int]:
    """Return (width, height) from a WebP header (RFC 9649, sections 2.5 to 2.7)."""
    kind = content[12:16]
    if kind == b"VP8X":
        low_width, high_width, low_height, high_height = struct.unpack_from("<HBHB", content, 24)
        return low_width + (high_width << 16) + 1, low_height + (high_height << 16) + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", content, 26)  # the two highest bits are a display scale
    return width & 0x3FFF, height & 0x3FFF
