"""Opening a TIFF: its tables may claim more numbers, and its blocks more work, than the file is worth.

Pillow turns every number of a table into an object, and libtiff decodes all blocks in one call that cannot be
interrupted; so both are counted first.
"""

from __future__ import annotations

import math
import struct

from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile

from sphereface.faces.image_formats import Loaded
from sphereface.faces.image_limits import ImageLimits, Stopwatch, TimedBytes, UnreadableError, check_size

_COMPRESSIONS = {
    1: "none",
    5: "LZW",
    7: "JPEG",
    8: "Deflate",
    32773: "PackBits",
    32946: "Deflate",
    50000: "Zstandard",
}
_JPEG = 7

# The slowest rates measured, per second of one core (docs/results/robustness.md).
_DECODED_BYTES, _STORED_BYTES = 125e6, 250e6
_PASS_PIXELS = 1e9  # one pass of a progressive JPEG, as in image_formats

_MOST_TABLES = 8
_MOST_ENTRIES = 4096
_MOST_NUMBERS = 200_000  # in all tables; 80 million pixels in tiles of 64 x 64 need 40,000
_NUMBER_BYTES = {3: 2, 4: 4, 5: 8, 6: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_POINTERS = {False: (4, 13), True: (4, 13, 16, 18)}  # kinds of number that name a table; True: BigTIFF
_SUBTABLES = (34665, 34853, 40965)  # EXIF, GPS, interoperability: Pillow reads them with the picture


def open_tiff(content: bytes, limits: ImageLimits, stopwatch: Stopwatch, least_side: int | None) -> Loaded:
    """Decode the first picture of a TIFF, which Pillow turns upright.

    Raises:
        UnreadableError: If its tables or blocks are out of proportion, or its compression is none we read.
    """
    _check_tables(content)
    image = TiffImageFile(TimedBytes(content, stopwatch))
    check_size(image.size, limits)
    compression = image.tag_v2.get(259, 1)
    if compression not in _COMPRESSIONS:
        known = ", ".join(dict.fromkeys(_COMPRESSIONS.values()))
        raise UnreadableError(f"is a TIFF with a compression other than {known}; save it with one of them")
    if compression != 1:
        stopwatch.check(_seconds(image, content, jpeg=compression == _JPEG))
    image.load()
    return Loaded(image, 1, image.size)


def _check_tables(content: bytes) -> None:
    """Refuse tables with more numbers than any picture needs; what lies outside the file is Pillow's to refuse."""
    order, big = "<" if content.startswith(b"II") else ">", content[2] == 43
    head, entry, pointer = (
        struct.Struct(order + kind) for kind in (("Q", "HHQQ", "Q") if big else ("H", "HHII", "I"))
    )
    tables, numbers = list(pointer.unpack_from(content, 8 if big else 4)), 0
    for table in tables:  # grows as tables name others
        if table + head.size > len(content):
            continue
        (entries,) = head.unpack_from(content, table)
        if entries > _MOST_ENTRIES:
            raise UnreadableError(f"is a TIFF with a table of {entries:,} entries; save it again", "too-large")
        first = table + head.size
        body = content[first : first + entries * entry.size]
        for tag, kind, count, value in entry.iter_unpack(body[: len(body) // entry.size * entry.size]):
            if count * _NUMBER_BYTES.get(kind, 0) <= len(content):  # Pillow skips what cannot be in the file
                numbers += count if kind in _NUMBER_BYTES else 0
            if tag in _SUBTABLES:
                if kind not in _POINTERS[big] or count != 1 or len(tables) == _MOST_TABLES:
                    raise UnreadableError(f"is a TIFF whose tag {tag} is no table; save it again")
                tables.append(value)
    if numbers > _MOST_NUMBERS:
        raise UnreadableError(f"is a TIFF whose tables hold {numbers:,} numbers; save it again", "too-large")


def _seconds(image: TiffImageFile, content: bytes, jpeg: bool) -> float:
    """Estimate how long libtiff will take at most, from what the file claims about its blocks."""
    tags = image.tag_v2
    width, height = tags[256], tags[257]  # as stored, whatever the orientation
    rows = min(_whole_number(tags, 278, height), height)  # of a strip; 2**32 - 1 stands for all of them
    across, down = _whole_number(tags, 322, width), _whole_number(tags, 323, rows)
    pixels = math.ceil(width / across) * across * math.ceil(height / down) * down
    decoded = pixels * _whole_number(tags, 277, 3) * max(tags.get(258, (8,))) / 8
    # Blocks without a length may reach to the end of the file; libtiff allows that for no more than four.
    stored = sum(map(abs, (*tags.get(279, ()), *tags.get(325, ())))) or 4 * len(content)
    passes = content.count(b"\xff\xda") if jpeg else 0
    return float(decoded / _DECODED_BYTES + stored / _STORED_BYTES + passes * across * down / _PASS_PIXELS)


def _whole_number(tags: ImageFileDirectory_v2, tag: int, default: int) -> int:
    """Return the value of a tag that must be one number above zero, if the file has it."""
    value = tags.get(tag, default)
    if not isinstance(value, int) or value < 1:
        raise UnreadableError(f"is a TIFF whose tag {tag} is not a number above zero; save it again")
    return value
