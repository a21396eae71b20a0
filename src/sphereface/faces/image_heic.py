"""Opening a HEIC through pillow-heif, an optional dependency, and libheif, which turns the picture upright."""

from __future__ import annotations

from PIL import Image

from sphereface.faces.image_formats import Loaded
from sphereface.faces.image_heic_boxes import heic_cost
from sphereface.faces.image_limits import ImageLimits, Stopwatch, UnreadableError, check_size

_BRANDS = (b"heic", b"heix", b"heim", b"heis")  # still pictures in HEVC (ISO/IEC 23008-12, annex B)

# The slowest rates measured, per second of one core (docs/results/robustness.md).
_PIXELS, _BYTES = 40e6, 12e6


def is_heic(content: bytes) -> bool:
    """Say whether a file begins like a HEIC: with a box ``ftyp`` that names one of its brands."""
    size = min(int.from_bytes(content[:4], "big"), 512)
    return content[4:8] == b"ftyp" and any(content[at : at + 4] in _BRANDS for at in range(8, size, 4))


def open_heic(content: bytes, limits: ImageLimits, stopwatch: Stopwatch, least_side: int | None) -> Loaded:
    """Decode the primary picture of a HEIC, its tiles in up to four threads of libheif.

    Raises:
        UnreadableError: If pillow-heif is missing, or the file would decode more than it shows.
    """
    try:
        import pillow_heif  # not on top: reading other formats needs no extra
    except ImportError as missing:
        raise UnreadableError("is a HEIC image; to read those: pip install 'sphereface[heic]'") from missing
    pixels, size = heic_cost(content, stopwatch)
    file = pillow_heif.open_heif(content)
    picture = file[file.primary_index]
    if not picture.info["primary"]:
        raise UnreadableError("is a HEIC file whose main picture cannot be opened; replace or remove it")
    check_size(picture.size, limits)
    stopwatch.check(pixels / _PIXELS + size / _BYTES)
    image: Image.Image = picture.to_pillow()
    # Its own turns and mirrors are done; EXIF in a HEIC is only a note about them (ISO/IEC 23008-12, A.2.1).
    return Loaded(image, 1, image.size)
