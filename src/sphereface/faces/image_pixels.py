"""From a loaded Pillow image to upright RGB pixels, band by band: a large picture is held once, not thrice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sphereface.faces.image_limits import Stopwatch, UnreadableError

_ORIENTATION_TAG = 0x0112
_MOST_EXIF = 1_000_000  # bytes; a camera's block has at most 65,533
_BAND = 1 << 20  # pixels converted at a time


def exif_orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; damaged EXIF counts as upright, for the pixels are good."""
    if len(image.info.get("exif", b"")) > _MOST_EXIF:
        return 1
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # Pillow raises many types on damaged EXIF
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def upright_rgb(image: Image.Image, orientation: int, stopwatch: Stopwatch) -> NDArray[np.uint8]:
    """Return the pixels of a loaded image, turned upright, (H, W, 3) uint8.

    Grey, palette, CMYK and 16-bit pictures become 8-bit RGB; transparency is composited on white.

    Raises:
        UnreadableError: If the time is up, or the numbers have no known white.
    """
    width, height = image.size
    pixels = np.empty((width, height, 3) if orientation >= 5 else (height, width, 3), dtype=np.uint8)
    stored = _as_stored(pixels, orientation)
    rows = max(1, _BAND // width)
    for top in range(0, height, rows):
        stopwatch.check()
        bottom = min(top + rows, height)
        whole = rows >= height
        stored[top:bottom] = _rgb(image if whole else image.crop((0, top, width, bottom)))
    return pixels


def _as_stored(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """View upright (H, W, 3) pixels as they lie in the file.

    Tag 274 says where row 0 and column 0 belong (EXIF 2.32, 4.6.4).
    """
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels.transpose(1, 0, 2) if orientation >= 5 else pixels


def _rgb(image: Image.Image) -> NDArray[np.uint8]:
    """Return an image as (H, W, 3) uint8, or (H, W, 1) where it is grey."""
    if image.mode.startswith("I;16"):
        # 65535 = 255 * 257: the ends of the range map to the ends
        grey = (np.asarray(image).astype(np.uint32) + 128) // 257
        return grey.astype(np.uint8)[:, :, None]
    if image.mode in ("I", "F"):
        raise UnreadableError("stores 32-bit numbers without a known white; save it with 8 or 16 bits")
    if image.mode in ("LA", "PA", "La", "RGBA", "RGBa") or "transparency" in image.info:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
