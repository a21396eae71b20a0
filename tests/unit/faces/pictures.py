"""Small pictures in every format and variant that the decoder reads, made here and never of anybody."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from sphereface.errors import ImageError
from sphereface.faces.image import DEFAULT_LIMITS, ImageLimits, read_image


def pixels_or_outcome(source: Path | str | bytes, limits: ImageLimits = DEFAULT_LIMITS) -> np.ndarray | str:
    """Decode a picture, or return the one word for why not; whatever else is raised is a failure."""
    try:
        return read_image(source, limits)
    except ImageError as error:
        message, outcome = str(error), error.outcome
    assert message.isprintable(), "a message is one line"
    assert "; " in message, "a message ends with what to do"
    return outcome


def outcome_of(source: Path | str | bytes, limits: ImageLimits = DEFAULT_LIMITS) -> str:
    result = pixels_or_outcome(source, limits)
    assert isinstance(result, str), "it was decoded"
    return result


def gradient(height: int = 40, width: int = 24) -> np.ndarray:
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows * 6, columns * 10, (rows + columns) * 3], axis=2).astype(np.uint8)


def quadrants(side: int = 16) -> np.ndarray:
    """Four flat corners with their own colours in a square: survives JPEG, shows every turn."""
    colours = np.array([[(250, 10, 10), (10, 250, 10)], [(10, 10, 250), (240, 240, 240)]], dtype=np.uint8)
    return colours.repeat(side, axis=0).repeat(side, axis=1)


def as_stored(upright: np.ndarray, orientation: int) -> np.ndarray:
    """What a camera held in some way stores, so that undoing it gives the upright picture.

    Written out by numpy's own turns, not by the function under test.
    """
    stored = {
        1: upright,
        2: np.fliplr(upright),
        3: np.rot90(upright, 2),
        4: np.flipud(upright),
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),  # to be turned clockwise by a quarter
        7: np.rot90(upright, 2).transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }
    return np.ascontiguousarray(stored[orientation])


def exif(orientation: int) -> Image.Exif:
    block = Image.Exif()
    block[0x0112] = orientation
    return block


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def heic(image: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    pillow_heif.encode(image.mode, image.size, image.tobytes(), buffer, **options)
    return buffer.getvalue()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(rows: bytes, width: int, height: int, bits: int = 8, colour: int = 2, interlaced: bool = False) -> bytes:
    """A PNG of filtered rows, which may be too few for the size it claims."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, data) for kind, data in chunks)


def png_of(pixels: np.ndarray, interlaced: bool = False) -> bytes:
    """A PNG of (H, W, 3) pixels of 8 or 16 bits; Pillow writes neither 16-bit colour nor interlaced ones."""
    bits = pixels.dtype.itemsize * 8
    starts = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    passes = [pixels[y::dy, x::dx] for y, x, dy, dx in starts] if interlaced else [pixels]
    rows = b"".join(b"\0" + row.astype(f">u{bits // 8}").tobytes() for part in passes if part.size for row in part)
    return png(rows, pixels.shape[1], pixels.shape[0], bits, interlaced=interlaced)


def bmp(data: bytes, width: int, height: int, bits: int, compression: int) -> bytes:
    """A BMP with a palette of 256 shades that are not grey."""
    palette = b"".join(bytes([shade, 0, shade, 0]) for shade in range(1 << bits)) if bits <= 8 else b""
    start = 54 + len(palette)
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(data), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + header + palette + data


def every_format() -> dict[str, bytes]:
    """Return a small picture in every variant, by a name that begins with its format."""
    noise = np.random.default_rng(0).integers(0, 30, (40, 48, 3), dtype=np.uint8)
    pixels = gradient(40, 48) // 2 + noise
    colour = Image.fromarray(pixels)
    grey, cmyk, palette = colour.convert("L"), colour.convert("CMYK"), colour.quantize(16)
    alpha = Image.fromarray(np.concatenate([pixels, pixels[:, :, :1] * 2], axis=2))
    frames = [colour, colour.rotate(90), colour.rotate(180)]
    wide = pixels.astype(np.uint16) * 257
    deep = Image.fromarray(wide[:, :, 0])
    pages = ImageFileDirectory_v2()
    pages[305] = "sphereface"
    rle = b"".join(bytes([3, row, 0, 4, 9, 8, 7, 6, 41, row, 0, 0]) for row in range(40)) + b"\0\1"
    return {
        "jpeg baseline": encoded(colour, "JPEG", quality=90),
        "jpeg full chroma, restarts": encoded(colour, "JPEG", subsampling=0, restart_marker_blocks=2),
        "jpeg progressive": encoded(colour, "JPEG", progressive=True),
        "jpeg grey": encoded(grey, "JPEG"),
        "jpeg grey progressive": encoded(grey, "JPEG", progressive=True),
        "jpeg cmyk": encoded(cmyk, "JPEG"),
        "jpeg cmyk progressive": encoded(cmyk, "JPEG", progressive=True),
        "jpeg turned": encoded(colour, "JPEG", exif=exif(6), icc_profile=bytes(300), comment=b"comment"),
        "png": encoded(colour, "PNG"),
        "png grey": encoded(grey, "PNG"),
        "png one bit": encoded(colour.convert("1"), "PNG"),
        "png palette": encoded(palette, "PNG"),
        "png palette, transparent": encoded(palette, "PNG", transparency=bytes(range(0, 160, 10))),
        "png alpha": encoded(alpha, "PNG"),
        "png grey alpha": encoded(alpha.convert("LA"), "PNG", exif=exif(5)),
        "png grey 16": encoded(deep, "PNG"),
        "png colour 16": png_of(wide),
        "png interlaced": png_of(pixels, interlaced=True),
        "png animated": encoded(colour, "PNG", save_all=True, append_images=frames[1:]),
        "webp lossy": encoded(colour, "WEBP", exif=exif(3)),
        "webp lossless": encoded(colour, "WEBP", lossless=True),
        "webp alpha": encoded(alpha, "WEBP"),
        "webp animated": encoded(alpha, "WEBP", save_all=True, append_images=frames[1:]),
        "bmp": encoded(colour, "BMP"),
        "bmp palette": encoded(palette, "BMP"),
        "bmp one bit": encoded(colour.convert("1"), "BMP"),
        "bmp run lengths": bmp(rle, 48, 40, 8, 1),
        "gif": encoded(palette, "GIF"),
        "gif interlaced, transparent": encoded(palette, "GIF", interlace=1, transparency=2),
        "gif animated": encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "tiff": encoded(colour, "TIFF", exif=exif(8)),
        "tiff lzw": encoded(colour, "TIFF", compression="tiff_lzw"),
        "tiff deflate": encoded(alpha, "TIFF", compression="tiff_adobe_deflate"),
        "tiff packbits": encoded(cmyk, "TIFF", compression="packbits"),
        "tiff jpeg": encoded(colour, "TIFF", compression="jpeg"),
        "tiff zstd": encoded(palette, "TIFF", compression="zstd"),
        "tiff 16": encoded(deep, "TIFF"),
        "tiff big, pages": encoded(
            colour, "TIFF", big_tiff=True, save_all=True, append_images=frames[1:], tiffinfo=pages
        ),
        "tiff one bit": encoded(colour.convert("1"), "TIFF"),
        "heic": heic(colour, quality=60),
        "heic grid": heic(colour.resize((96, 80)), quality=60, tile_size=64),
        "heic alpha": heic(alpha, quality=60),
        "heic grey": heic(grey, quality=60, exif=exif(6).tobytes()),
    }
