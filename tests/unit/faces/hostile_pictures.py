"""Small files that ask a decoder for much more time or memory than they are worth."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable
from functools import cache

import numpy as np
from PIL import Image

from tests.unit.faces.pictures import bmp, encoded, gradient, heic, png, png_chunk

MILLION = 1_000_000
SIDE = 8944  # of a square with just less than 80 million pixels
WIDE, HIGH = 65_535, 1220


def zeros(count: int) -> bytes:
    """Zeros, deflated a megabyte at a time."""
    deflate, block = zlib.compressobj(9), bytes(MILLION)
    parts = [deflate.compress(block[: min(MILLION, count - done)]) for done in range(0, count, MILLION)]
    return b"".join(parts) + deflate.flush()


# --- JPEG ---------------------------------------------------------------------------------------------------


def segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def progressive_jpeg(width: int, height: int, passes: int, components: int = 1) -> bytes:
    """A JPEG that is empty, and refined again and again: a pass takes few bytes and touches every block."""
    blocks = -(-width // 8) * -(-height // 8)
    names = range(1, components + 1)
    frame = struct.pack(">BHHB", 8, height, width, components) + b"".join(bytes([name, 0x11, 0]) for name in names)
    # One code of one bit each: DC "no difference", AC "end of band for 2**14 blocks and more".
    tables = segment(0xC4, bytes([0x00, 1, *[0] * 15, 0x00])) + segment(0xC4, bytes([0x10, 1, *[0] * 15, 0xE0]))
    first = segment(0xDA, bytes([components, *(x for name in names for x in (name, 0)), 0, 0, 0]))
    many = bits(("0" + "1" * 14) * -(-blocks // 32_767))
    scans = segment(0xDA, bytes([1, 1, 0, 1, 63, 0x01])) + many
    scans += (segment(0xDA, bytes([1, 1, 0, 1, 63, 0x10])) + many) * passes
    start = b"\xff\xd8" + segment(0xDB, bytes([0, *[1] * 64])) + segment(0xC2, frame) + tables
    return start + first + bits("0" * blocks * components) + scans + b"\xff\xd9"


def bits(text: str) -> bytes:
    """Bits as a JPEG stores them: filled up with ones, and a zero after each byte of ones."""
    text += "1" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0")


def jpeg_with(segments: Iterable[bytes]) -> bytes:
    content = encoded(Image.new("RGB", (16, 16)), "JPEG")
    return content[:2] + b"".join(segments) + content[2:]


# --- TIFF ---------------------------------------------------------------------------------------------------


def tiff(entries: dict[int, tuple[int, int, int]], body: bytes = b"", at: int = 400) -> bytes:
    """A TIFF of one table: tag -> (kind, count, value or place), and a body from position ``at`` on."""
    rows = b"".join(struct.pack("<HHII", tag, *entries[tag]) for tag in sorted(entries))
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + rows + bytes(4)
    return head.ljust(at, b"\0") + body


def one_strip(width: int, height: int, compression: int, data: bytes) -> dict[int, tuple[int, int, int]]:
    values = {
        256: width,
        257: height,
        258: 8,
        259: compression,
        262: 1,
        273: 400,
        277: 1,
        278: height,
        279: len(data),
    }
    return {tag: (4 if tag not in (258, 259, 262, 277) else 3, 1, value) for tag, value in values.items()}


def tiff_strip(width: int, height: int, compression: int, data: bytes) -> bytes:
    return tiff(one_strip(width, height, compression, data), data)


def tiff_tile(side: int) -> bytes:
    """A picture of 16 x 16 pixels inside one tile that is larger than any picture."""
    data = zeros(min(side * side, 50 * MILLION))
    entries = one_strip(16, 16, 8, data)
    for tag in (273, 278, 279):
        del entries[tag]
    return tiff({**entries, 322: (4, 1, side), 323: (4, 1, side), 324: (4, 1, 400), 325: (4, 1, len(data))}, data)


def tiff_same_block(rows: int) -> bytes:
    """Every row is the same megabytes of empty Deflate blocks."""
    data = b"\x78\x9c" + b"\0\0\0\xff\xff" * MILLION + zlib.compress(b"\0")[2:]
    lists = struct.pack(f"<{rows}I", *[400 + 8 * rows] * rows) + struct.pack(f"<{rows}I", *[len(data)] * rows)
    entries = one_strip(1, rows, 8, data)
    entries |= {273: (4, rows, 400), 278: (4, 1, 1), 279: (4, rows, 400 + 4 * rows)}
    return tiff(entries, lists + data)


def tiff_numbers(tag: int, kind: int, count: int) -> bytes:
    return tiff({**one_strip(16, 16, 1, bytes(256)), tag: (kind, count, 700)}, bytes(count * 8 + 300))


def tiff_exif(kind: int, count: int) -> bytes:
    """An EXIF table full of numbers, named by a pointer of any kind."""
    table = struct.pack("<HHHII", 1, 0x9999, 5, count, 800)
    body = struct.pack("<Q", 700).ljust(300, b"\0") + table.ljust(100, b"\0") + bytes(8 * count)
    return tiff({**one_strip(16, 16, 1, bytes(256)), 34665: (kind, 1, 400 if kind == 16 else 700)}, body)


# --- PNG, GIF, WebP -----------------------------------------------------------------------------------------


def png_with(chunks: bytes) -> bytes:
    content = png(bytes(4 * 13), 4, 4)
    return content[:33] + chunks + content[33:]


def animated_png(side: int, frames: int) -> bytes:
    data = zeros(side * (side * 3 + 1))
    control = struct.pack(">IIIIHHBB", side, side, 0, 0, 1, 10, 0, 0)
    chunks = png_chunk(b"acTL", struct.pack(">II", frames, 0)) + png_chunk(b"fcTL", struct.pack(">I", 0) + control)
    chunks += png_chunk(b"IDAT", data)
    for frame in range(1, frames):
        chunks += png_chunk(b"fcTL", struct.pack(">I", 2 * frame - 1) + control)
        chunks += png_chunk(b"fdAT", struct.pack(">I", 2 * frame) + data)
    return png(b"", side, side)[:33] + chunks + png_chunk(b"IEND", b"")


def gif(canvas: tuple[int, int], frame: tuple[int, int], extensions: bytes = b"") -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", *canvas, 0x80, 0, 0) + bytes([0, 0, 0, 255, 0, 255])
    return head + extensions + b"," + struct.pack("<HHHHB", 0, 0, *frame, 0) + b"\x08\x02\0\x01\0;"


# --- HEIC ---------------------------------------------------------------------------------------------------


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, kind) + body


@cache
def coded_picture(width: int, height: int) -> tuple[bytes, bytes]:
    """Return the decoder's configuration (a box hvcC) and the coded data of a HEIC that libheif has written."""
    content = heic(Image.fromarray(gradient(height, width)), quality=50)
    start = content.index(b"hvcC") - 4
    configuration = content[start : start + int.from_bytes(content[start : start + 4], "big")]
    data = content.index(b"mdat") + 4
    return configuration, content[data:]


def heic_file(
    items: dict[int, tuple[bytes, int, bytes | None]],
    references: Iterable[tuple[bytes, int, list[int]]] = (),
    primary: int = 1,
    sizes: tuple[tuple[int, int], ...] = ((64, 64),),
    extents: int = 1,
) -> bytes:
    """Write a HEIC by hand.

    Args:
        items: Number -> (kind, which of ``sizes``, own data; None for the coded picture that all share).
        references: (kind, from, to).
        primary: The picture to show.
        sizes: (width, height) that items may have; the coded picture has the first.
        extents: How many pieces the coded picture is stored in, each of them the whole of it.
    """
    configuration, coded = coded_picture(*sizes[0])
    properties = [box(b"ispe", struct.pack(">III", 0, *size)) for size in sizes] + [configuration]
    own = b"".join(data or b"" for _, _, data in items.values())
    associations = b"".join(
        struct.pack(">HBB", item, 1 if data else 2, 0x80 | which + 1)
        + (b"" if data else bytes([0x80 | len(properties)]))
        for item, (_, which, data) in items.items()
    )
    infos = b"".join(
        box(b"infe", struct.pack(">IHH4sB", 2 << 24, item, 0, kind, 0)) for item, (kind, _, _) in items.items()
    )
    named = b"".join(
        box(kind, struct.pack(f">HH{len(targets)}H", source, len(targets), *targets))
        for kind, source, targets in references
    )

    def meta(data_start: int) -> bytes:
        rows, place = b"", data_start + len(coded)
        for item, (_, _, data) in items.items():
            pieces = [(place, len(data))] if data else [(data_start, len(coded))] * extents
            rows += struct.pack(">HHH", item, 0, len(pieces)) + b"".join(
                struct.pack(">II", *piece) for piece in pieces
            )
            place += len(data or b"")
        return box(
            b"meta",
            bytes(4),
            box(b"hdlr", struct.pack(">II4s12sB", 0, 0, b"pict", b"", 0)),
            box(b"pitm", struct.pack(">IH", 0, primary)),
            box(b"iloc", struct.pack(">IHH", 0, 0x4400, len(items)), rows),
            box(b"iinf", struct.pack(">IH", 0, len(items)), infos),
            box(b"iref", bytes(4), named),
            box(b"iprp", box(b"ipco", *properties), box(b"ipma", struct.pack(">II", 0, len(items)), associations)),
        )

    brands = box(b"ftyp", b"heic\0\0\0\0mif1heic")
    return brands + meta(len(brands) + len(meta(0)) + 8) + box(b"mdat", coded, own)


def overlay(width: int, height: int, pictures: int) -> bytes:
    """The data of an item that lays pictures over each other, all at the same place."""
    return struct.pack(">BB4HII", 0, 1, 0, 0, 0, 65_535, width, height) + bytes(8 * pictures)


def heic_grid(rows: int, columns: int, side: int, padding: int = 0) -> bytes:
    """A small picture cut from a grid that holds one large picture many times: libheif decodes it each time."""
    tiles = rows * columns
    grid = struct.pack(">4B2H", 0, 0, rows - 1, columns - 1, 64, 64)
    content = heic_file(
        {1: (b"grid", 1, grid), 2: (b"hvc1", 0, None)},
        [(b"dimg", 1, [2] * tiles)],
        sizes=((side, side), (64, 64)),
    )
    return content + box(b"free", bytes(padding))


def heic_nested(times: int) -> bytes:
    """Overlays of overlays of overlays: the work is a power of what the file says."""
    items: dict[int, tuple[bytes, int, bytes | None]] = {
        item: (b"iovl", 0, overlay(64, 64, times)) for item in (1, 2, 3, 4, 5)
    }
    references = [(b"dimg", item, [item + 1] * times) for item in items]
    return heic_file({**items, 6: (b"hvc1", 0, None)}, references)


def heic_descriptions(count: int, size: int) -> bytes:
    """One description of many pictures: it is copied for each."""
    items: dict[int, tuple[bytes, int, bytes | None]] = {1: (b"hvc1", 0, None)}
    items |= dict.fromkeys(range(2, count + 2), (b"hvc1", 0, None))
    items[count + 2] = (b"Exif", 0, bytes(size))
    return heic_file(items, [(b"cdsc", count + 2, list(range(1, count + 2)))])


# --- all of them --------------------------------------------------------------------------------------------

QUICK: dict[str, Callable[[], bytes]] = {
    "jpeg: junk before the first marker": lambda: b"\xff\xd8\xff\xe0\0\4ab" + bytes(49 * MILLION),
    "jpeg: millions of empty segments": lambda: b"\xff\xd8" + segment(0xE0, b"") * 12 * MILLION,
    "jpeg: hundreds of EXIF blocks": lambda: jpeg_with([segment(0xE1, b"Exif\0\0" + bytes(65_000))] * 700),
    "jpeg: 12 MP, 1,000 passes": lambda: progressive_jpeg(4000, 3000, 1000),
    "jpeg: 1 MP, 3,000 passes": lambda: progressive_jpeg(1000, 1000, 3000),
    "jpeg: 16 x 16, millions of passes": lambda: progressive_jpeg(16, 16, 3 * MILLION),
    "jpeg: 80 MP, 15 passes": lambda: progressive_jpeg(SIDE, SIDE, 13),
    "png: millions of empty chunks": lambda: png_with(png_chunk(b"aaAa", b"") * 4 * MILLION),
    "png: millions of empty data chunks": lambda: png_with(png_chunk(b"IDAT", b"") * 4 * MILLION),
    "png: texts that expand": lambda: png_with(
        png_chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(MILLION))) * 1000
    ),
    "png: EXIF of 40 MB": lambda: png_with(
        png_chunk(
            b"eXIf",
            b"MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHII", 0x112, 3, 20 * MILLION, 26) + bytes(40 * MILLION),
        )
    ),
    "bmp: run lengths of one": lambda: bmp(b"\x01\x05" * 24 * MILLION, SIDE, SIDE, 8, 1),
    "bmp: run lengths of rows to be filled": lambda: bmp(b"\x01\x05\0\0" * HIGH, WIDE, HIGH, 8, 1),
    "bmp: a row of 40 million pixels": lambda: bmp(b"\x01\x05\0\0" * 2, 40 * MILLION, 2, 8, 1),
    "gif: a comment of single letters": lambda: gif((4, 4), (4, 4), b"!\xfe" + b"\x01a" * 24 * MILLION + b"\0"),
    "gif: millions of extensions": lambda: gif((4, 4), (4, 4), b"!\xf9\4\0\0\0\0\0" * 6 * MILLION),
    "gif: a frame beyond its canvas": lambda: gif((4, 4), (65_535, 65_535)),
    "tiff: 12 million strips": lambda: tiff(
        one_strip(1, 65_535, 1, b"") | {273: (4, 12 * MILLION, 400), 278: (3, 1, 1), 279: (4, 12 * MILLION, 400)},
        bytes(48 * MILLION),
    ),
    "tiff: 6 million resolutions": lambda: tiff_numbers(282, 5, 6 * MILLION),
    "tiff: 6 million numbers in EXIF": lambda: tiff_exif(4, 6 * MILLION),
    "tiff: the same, hidden behind a pointer": lambda: tiff_exif(16, 6 * MILLION),
    "tiff: a tile of 20,000 x 20,000": lambda: tiff_tile(20_000),
    "tiff: a tile of 60,000 x 60,000": lambda: tiff_tile(60_000),
    "tiff: the same block for 60,000 rows": lambda: tiff_same_block(60_000),
    "tiff: a progressive JPEG inside": lambda: tiff_strip(SIDE, SIDE, 7, progressive_jpeg(SIDE, SIDE, 90)),
    "webp: claims 16,383 x 16,383": lambda: (
        b"RIFF\x20\0\0\0WEBPVP8 \x10\0\0\0\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", 16_383, 16_383) + bytes(30)
    ),
    "heic: one large picture in a grid, 961 times": lambda: heic_grid(31, 31, 512),
    "heic: the same in a file that is large enough": lambda: heic_grid(31, 31, 512, padding=45 * MILLION),
    "heic: overlays of overlays": lambda: heic_nested(10),
    "heic: a description of 500 pictures": lambda: heic_descriptions(500, MILLION),
    "heic: the same bytes in 30 pieces": lambda: heic_file({1: (b"hvc1", 0, None)}, extents=30),
}

LARGE: dict[str, Callable[[], bytes]] = {
    "jpeg: 80 MP, 9 passes": lambda: progressive_jpeg(SIDE, SIDE, 7),
    "jpeg: 60 MP, 4 components, 8 passes": lambda: progressive_jpeg(7700, 7700, 6, components=4),
    "png: 80 MP": lambda: png_zeros(SIDE, SIDE, 8, 2),
    "png: 80 MP, interlaced": lambda: png_zeros(SIDE, SIDE, 8, 2, interlaced=True),
    "png: 80 MP, alpha, 16 bits": lambda: png_zeros(SIDE, SIDE, 16, 6),
    "png: 80 MP, grey, alpha": lambda: png_zeros(SIDE, SIDE, 8, 4),
    "png: 80 MP, grey, 16 bits": lambda: png_zeros(SIDE, SIDE, 16, 0),
    "png: 65,535 x 1220": lambda: png_zeros(WIDE, HIGH, 8, 2),
    "png: 50 frames of 64 MP": lambda: animated_png(8000, 50),
    "bmp: 80 MP in one bit": lambda: bmp(bytes(SIDE * (SIDE // 8 + 2)), SIDE, SIDE, 1, 0),
    "bmp: run lengths that skip": lambda: bmp(b"\0\x02\xff\xff" * 12 * MILLION, WIDE, HIGH, 8, 1),
    "gif: 80 MP": lambda: encoded(Image.new("P", (SIDE, SIDE)), "GIF"),
    "tiff: 80 MP, deflate": lambda: tiff_strip(SIDE, SIDE, 8, zeros(SIDE * SIDE)),
    "webp: 48 MP": lambda: encoded(Image.new("RGB", (8000, 6000), (3, 90, 9)), "WEBP", method=0),
    "webp: 48 MP, lossless, alpha": lambda: encoded(
        Image.new("RGBA", (8000, 6000), (3, 90, 9, 7)), "WEBP", lossless=True, method=0
    ),
    "webp: 36 MP, animated": lambda: encoded(
        Image.new("RGB", (6000, 6000), (3, 90, 9)),
        "WEBP",
        save_all=True,
        append_images=[Image.new("RGB", (6000, 6000))],
        method=0,
    ),
    "heic: 12 MP": lambda: heic(Image.fromarray(np.zeros((3000, 4000, 3), np.uint8)), quality=10, tile_size=1000),
}


def png_zeros(width: int, height: int, bits: int, colour: int, interlaced: bool = False) -> bytes:
    row = -(-width * {0: 1, 2: 3, 4: 2, 6: 4}[colour] * bits // 8) + 1
    empty = png(b"", width, height, bits, colour, interlaced)
    return empty[:33] + png_chunk(b"IDAT", zeros(height * row + 200_000 * interlaced)) + png_chunk(b"IEND", b"")
