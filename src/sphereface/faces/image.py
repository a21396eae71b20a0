"""The only decoder: one file or one block of bytes becomes RGB pixels, or one sentence says why not.

Nothing is believed because of its name: the first bytes decide the format, and only the six formats below
are tried. The order of the checks is the order of their cost: kind of file, size in bytes, signature,
number of pixels as the header claims it, and only then the pixels themselves.
"""

from __future__ import annotations

import io
import os
import stat
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from sphereface.errors import ImageError

_FORMATS = "JPEG, PNG, WebP, BMP, GIF, TIFF"

# Called directly, not through Image.open: no stranger's plugin can join, and its decompression-bomb warning,
# given before we could count the pixels, does not arise. A phone's multi-picture JPEG gives its first one.
_READERS: tuple[tuple[tuple[bytes, ...], Callable[[io.BytesIO], ImageFile.ImageFile]], ...] = (
    ((b"\xff\xd8\xff",), JpegImageFile),
    ((b"\x89PNG\r\n\x1a\n",), PngImageFile),
    ((b"RIFF",), WebPImageFile),
    ((b"BM",), BmpImageFile),
    ((b"GIF87a", b"GIF89a"), GifImageFile),
    ((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), TiffImageFile),
)
_ORIENTATION_TAG = 0x0112


@dataclass(frozen=True)
class ImageLimits:
    """How much one picture may ask for.

    Attributes:
        max_bytes: Largest file in bytes; the file is not read beyond it.
        max_pixels: Largest width times height; a header that claims more is refused before decoding.
    """

    max_bytes: int = 50_000_000
    max_pixels: int = 80_000_000


DEFAULT_LIMITS = ImageLimits()


def read_image(source: Path | str | bytes, limits: ImageLimits = DEFAULT_LIMITS) -> NDArray[np.uint8]:
    """Decode one picture to RGB, with its EXIF orientation applied once.

    Grey, palette, CMYK and 16-bit pictures become 8-bit RGB; transparency is composited on white, as a
    viewer would show it; of an animation the first frame counts.

    Args:
        source: A regular file (symbolic links are followed), or the file's content.
        limits: What is refused as too large.

    Returns:
        Pixels of shape (H, W, 3), uint8, RGB, contiguous and owned by the caller.

    Raises:
        ImageError: Nothing else is raised. ``outcome`` is ``missing`` (no such file), ``refused`` (a folder,
            pipe, device or unreadable file), ``too-large`` or ``undecodable``.

    >>> buffer = io.BytesIO()
    >>> Image.new("L", (3, 2), 7).save(buffer, "PNG")
    >>> read_image(buffer.getvalue()).shape
    (2, 3, 3)
    """
    if isinstance(source, bytes):
        name, content = f"the image of {len(source):,} bytes", source
        if len(content) > limits.max_bytes:
            raise _too_many_bytes(name, len(content), limits)
    else:
        name, content = f"'{source}'", _read_file(source, limits)
    try:
        return _decode(name, content, limits)
    except ImageError:
        raise
    except (MemoryError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"{name} needs too much memory to decode; make it smaller", "too-large") from error
    except Exception as error:  # Pillow's readers raise a dozen types on damaged files
        reason = f"cannot be decoded ({str(error).strip().rstrip('.') or type(error).__name__})"
        raise ImageError(f"{name} is damaged: it {reason}; replace or remove it", "undecodable") from error


def _read_file(path: Path | str, limits: ImageLimits) -> bytes:
    try:
        _insist_on_regular_file(path, os.stat(path).st_mode)  # noqa: PTH116 - str or Path, without a detour
        # The name may come to mean something else before it is opened: O_NONBLOCK keeps a pipe from stopping
        # us, and what was really opened is looked at again.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(descriptor, "rb", buffering=0) as file:  # noqa: PTH123 - a descriptor has no Path
            status = os.fstat(descriptor)
            _insist_on_regular_file(path, status.st_mode)
            if status.st_size > limits.max_bytes:
                raise _too_many_bytes(f"'{path}'", status.st_size, limits)
            return file.read(status.st_size) or b""
    except ImageError:
        raise
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # ValueError: a NUL in the name
        raise ImageError(f"there is no file '{path}'; check the path", "missing") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ImageError(f"'{path}' cannot be read ({reason}); check its permissions", "refused") from error


def _insist_on_regular_file(path: Path | str, mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a pipe, socket or device"
        raise ImageError(f"'{path}' is {kind}, not an image file; name a file", "refused")


def _too_many_bytes(name: str, size: int, limits: ImageLimits) -> ImageError:
    message = f"{name} has {size:,} bytes, more than the {limits.max_bytes:,} allowed; make it smaller"
    return ImageError(message, "too-large")


def _decode(name: str, content: bytes, limits: ImageLimits) -> NDArray[np.uint8]:
    if not content:
        raise ImageError(f"{name} is empty; replace or remove it", "undecodable")
    reader = next((reader for signatures, reader in _READERS if content.startswith(signatures)), None)
    if reader is None or (reader is WebPImageFile and content[8:12] != b"WEBP"):
        raise ImageError(f"{name} is not a {_FORMATS} image; convert or remove it", "undecodable")
    if reader is WebPImageFile:  # its decoder allocates the canvas on opening, so the header is read here
        _check_size(name, _webp_size(content), limits)
    with reader(io.BytesIO(content)) as image:
        _check_size(name, image.size, limits)
        image.load()
        orientation = _orientation(image)  # after load: a TIFF has been turned by Pillow then, and says so
        return _turn(_to_rgb(name, image), orientation)


def _check_size(name: str, size: tuple[int, int], limits: ImageLimits) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise ImageError(f"{name} has no pixels ({width}x{height}); replace or remove it", "undecodable")
    if width * height > limits.max_pixels:
        claim = f"{name} claims {width}x{height} pixels, more than the {limits.max_pixels:,} allowed"
        raise ImageError(f"{claim}; make it smaller", "too-large")


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


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; damaged EXIF counts as upright, for the pixels are good."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _turn(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turn (H, W, 3) pixels upright: tag 274 says where row 0 and column 0 belong (EXIF 2.32, 4.6.4)."""
    if orientation == 1:
        return pixels
    turned = pixels.transpose(1, 0, 2) if orientation >= 5 else pixels
    if orientation in (3, 4, 7, 8):
        turned = turned[::-1]
    if orientation in (2, 3, 6, 7):
        turned = turned[:, ::-1]
    return np.ascontiguousarray(turned)


def _to_rgb(name: str, image: Image.Image) -> NDArray[np.uint8]:
    if image.mode.startswith("I;16"):
        # 65535 = 255 * 257: the ends of the range map to the ends
        grey = ((np.asarray(image).astype(np.uint32) + 128) // 257).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.mode in ("I", "F"):
        message = f"{name} stores 32-bit numbers without a known white; save it with 8 or 16 bits"
        raise ImageError(message, "undecodable")
    if image.mode in ("LA", "PA", "La", "RGBA", "RGBa") or "transparency" in image.info:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))
