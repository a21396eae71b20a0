"""The only decoder: one file or one block of bytes becomes RGB pixels, or one sentence says why not.

Nothing is believed because of its name: the first bytes decide the format, and only the seven formats below
are tried. The order of the checks is the order of their cost: kind of file, size in bytes, signature, number
of pixels as the header claims it, the time its decoder will need, and only then the pixels themselves.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sphereface.errors import ImageError, reason_of
from sphereface.faces.image_formats import Opener, open_bmp, open_gif, open_jpeg, open_png, open_webp
from sphereface.faces.image_heic import is_heic, open_heic
from sphereface.faces.image_limits import ImageLimits as ImageLimits
from sphereface.faces.image_limits import Stopwatch, UnreadableError
from sphereface.faces.image_pixels import upright_rgb
from sphereface.faces.image_tiff import open_tiff

_FORMATS = "JPEG, PNG, WebP, HEIC, BMP, GIF, TIFF"
_OPENERS: tuple[tuple[tuple[bytes, ...], Opener], ...] = (
    ((b"\xff\xd8\xff",), open_jpeg),
    ((b"\x89PNG\r\n\x1a\n",), open_png),
    ((b"RIFF",), open_webp),
    ((b"BM",), open_bmp),
    ((b"GIF87a", b"GIF89a"), open_gif),
    ((b"II*\0", b"MM\0*", b"II+\0"), open_tiff),
)

DEFAULT_LIMITS = ImageLimits()


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded picture, and how large it is in its file.

    At a smaller scale a pixel stands for s x s of the whole picture, s = round(max(height, width) / max(H, W));
    the last row and column may stand for fewer.

    Attributes:
        pixels: Shape (H, W, 3), uint8, RGB, upright, contiguous and owned by whoever asked.
        height: Rows of the whole picture, upright; more than H if it was decoded at a smaller scale.
        width: Columns of the whole picture, upright.
        factor: How many rows, and columns, of the whole picture one pixel stands for. Column x of ``pixels`` is
            (x + 0.5) * factor - 0.5 + left of the whole picture, row y likewise with ``top``.
        left: Negative where an incomplete pixel, which a scaled JPEG may end with, came to the left side.
        top: Likewise.
    """

    pixels: NDArray[np.uint8]
    height: int
    width: int
    factor: int = 1
    left: int = 0
    top: int = 0


def read_image(source: Path | str | bytes, limits: ImageLimits = DEFAULT_LIMITS) -> NDArray[np.uint8]:
    """Decode one picture at its full size: the pixels of :func:`read_picture`.

    Raises:
        ImageError: As :func:`read_picture`.

    >>> import io
    >>> buffer = io.BytesIO()
    >>> Image.new("L", (3, 2), 7).save(buffer, "PNG")
    >>> read_image(buffer.getvalue()).shape
    (2, 3, 3)
    """
    return read_picture(source, limits).pixels


def read_picture(
    source: Path | str | bytes, limits: ImageLimits = DEFAULT_LIMITS, *, least_side: int | None = None
) -> Picture:
    """Decode one picture to RGB, with its EXIF orientation applied once.

    Grey, palette, CMYK and 16-bit pictures become 8-bit RGB; transparency is composited on white, as a
    viewer would show it; of an animation the first frame counts.

    Args:
        source: A regular file (symbolic links are followed), or the file's content.
        limits: What is refused as too large.
        least_side: What the longer side of the result must have at least, in pixels, if the picture has that
            much. A JPEG may then be decoded at 1/2, 1/4 or 1/8 of its size, which is several times as fast;
            every other format comes whole. None: everything comes whole.

    Returns:
        The picture and its full size.

    Raises:
        ImageError: Nothing else is raised. ``outcome`` is ``missing`` (no such file), ``refused`` (a folder,
            pipe, device or unreadable file), ``too-large`` or ``undecodable``.

    >>> import io
    >>> buffer = io.BytesIO()
    >>> Image.new("L", (800, 600), 7).save(buffer, "JPEG")
    >>> picture = read_picture(buffer.getvalue(), least_side=320)
    >>> picture.pixels.shape, picture.height, picture.width
    ((300, 400, 3), 600, 800)
    """
    if isinstance(source, bytes):
        name, content = f"the image of {len(source):,} bytes", source
        if len(content) > limits.max_bytes:
            raise _too_many_bytes(name, len(content), limits)
    else:
        name, content = _quoted(source), _read_file(source, limits)
    try:
        return _decode(content, limits, least_side)
    except UnreadableError as error:
        raise ImageError(f"{name} {error}", error.outcome) from error
    except (MemoryError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"{name} needs too much memory to decode; make it smaller", "too-large") from error
    except Exception as error:  # Pillow's readers raise a dozen types on damaged files
        reason = _printable(" ".join(str(error).split()).rstrip(".") or type(error).__name__)
        message = f"{name} is damaged: it cannot be decoded ({reason}); replace or remove it"
        raise ImageError(message, "undecodable") from error


def _quoted(path: Path | str) -> str:
    return f"'{_printable(str(path))}'"


def _printable(text: str) -> str:
    """Return a text for a message of one line; a name or a remark of a decoder may hold any character."""
    return text if text.isprintable() else ascii(text)[1:-1]


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
                raise _too_many_bytes(_quoted(path), status.st_size, limits)
            return file.read(status.st_size) or b""
    except ImageError:
        raise
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # ValueError: a NUL in the name
        raise ImageError(f"there is no file {_quoted(path)}; check the path", "missing") from error
    except OSError as error:
        reason = reason_of(error)
        raise ImageError(f"{_quoted(path)} cannot be read ({reason}); check its permissions", "refused") from error


def _insist_on_regular_file(path: Path | str, mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a pipe, socket or device"
        raise ImageError(f"{_quoted(path)} is {kind}, not an image file; name a file", "refused")


def _too_many_bytes(name: str, size: int, limits: ImageLimits) -> ImageError:
    message = f"{name} has {size:,} bytes, more than the {limits.max_bytes:,} allowed; make it smaller"
    return ImageError(message, "too-large")


def _decode(content: bytes, limits: ImageLimits, least_side: int | None) -> Picture:
    if not content:
        raise UnreadableError("is empty; replace or remove it")
    opener = next((opener for signatures, opener in _OPENERS if content.startswith(signatures)), None)
    if opener is None and is_heic(content):
        opener = open_heic
    if opener is None:
        raise UnreadableError(f"is not a {_FORMATS} image; convert or remove it")
    stopwatch = Stopwatch(limits.max_seconds)
    loaded = opener(content, limits, stopwatch, least_side)
    width, height = loaded.size if loaded.orientation < 5 else loaded.size[::-1]
    pixels = upright_rgb(loaded.image, loaded.orientation, stopwatch)
    factor = round(max(height, width) / max(pixels.shape[:2]))  # whole: a scaled side is rounded up
    # The side that the orientation turns to the front begins with what was the incomplete end.
    left = width - pixels.shape[1] * factor if loaded.orientation in (2, 3, 6, 7) else 0
    top = height - pixels.shape[0] * factor if loaded.orientation in (3, 4, 7, 8) else 0
    return Picture(pixels, height, width, factor, left, top)
