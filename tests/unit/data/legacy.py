"""Writers of the legacy containers, after their specifications, and pictures small enough to have thousands of."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from PIL import Image

MAGIC = struct.pack("<I", 0xCED7230A)


def picture(number: int, kind: str = "JPEG", side: int = 8) -> bytes:
    """Return a small picture that no other number has."""
    noise = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).resize((side, side)).save(file, kind)
    return file.getvalue()


def record(content: bytes) -> bytes:
    """Write one record as dmlc-core does: cut where the content has the magic number at a multiple of four."""
    cuts, at = [], content.find(MAGIC)
    while at >= 0:
        aligned = at % 4 == 0
        cuts += [at] if aligned else []
        at = content.find(MAGIC, at + (4 if aligned else 1))
    starts, ends = [0, *(at + 4 for at in cuts)], [*cuts, len(content)]
    written = b""
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        flag = 0 if not cuts else 1 if number == 0 else 3 if number == len(cuts) else 2
        part = content[start:end]
        written += MAGIC + struct.pack("<I", flag << 29 | len(part)) + part + bytes(-len(part) % 4)
    return written


def image_record(labels: float | Sequence[float], content: bytes, identifier: int = 0) -> bytes:
    """Write the content of an image record, with one label or several."""
    if isinstance(labels, int | float):
        return struct.pack("<IfQQ", 0, labels, identifier, 0) + content
    array = struct.pack(f"<{len(labels)}f", *labels)
    return struct.pack("<IfQQ", len(labels), 0.0, identifier, 0) + array + content


def container(contents: Iterable[bytes], keys: Iterable[int] | None = None) -> tuple[bytes, bytes]:
    """Return a ``.rec`` and its ``.idx``."""
    rec, idx = b"", b""
    contents = list(contents)
    for key, content in zip(range(len(contents)) if keys is None else keys, contents, strict=True):
        idx += f"{key}\t{len(rec)}\n".encode()
        rec += record(content)
    return rec, idx


def insightface(people: Sequence[Sequence[bytes]], header_first: bool = True) -> tuple[bytes, bytes]:
    """Return a ``.rec`` and its ``.idx`` with InsightFace's header and identity records.

    Its writer puts the record with key 0 behind the pictures; other sets have it in front.
    """
    pictures, ranges = [], []
    for label, shots in enumerate(people):
        ranges.append((1 + len(pictures), 1 + len(pictures) + len(shots)))
        pictures += [image_record((label, 1.0), shot, 1 + len(pictures) + n) for n, shot in enumerate(shots)]
    first = 1 + len(pictures)
    header = image_record((first, first + len(ranges)), b"", 0)
    identities = [image_record(span, b"", first + n) for n, span in enumerate(ranges)]
    keyed = [*enumerate(pictures, 1), *enumerate(identities, first)]
    keyed.insert(0 if header_first else len(pictures), (0, header))
    return container([content for _, content in keyed], [key for key, _ in keyed])


def python2(value: Any, protocol: int) -> bytes:
    """Pickle lists, tuples, bytes and booleans as Python 2 does, where bytes are plain strings."""
    body = _python2(value, protocol, [0])
    return (b"\x80\x02" if protocol == 2 else b"") + body + b"."


def _python2(value: Any, protocol: int, memo: list[int]) -> bytes:
    def put() -> bytes:
        memo[0] += 1
        number = memo[0]
        if protocol == 0:
            return b"p%d\n" % number
        return b"q" + bytes([number]) if number < 256 else b"r" + struct.pack("<I", number)

    if isinstance(value, bool):
        return (b"\x88" if value else b"\x89") if protocol == 2 else b"I01\n" if value else b"I00\n"
    if isinstance(value, bytes):
        if protocol == 0:
            return b"S" + repr(value)[1:].encode() + b"\n" + put()
        size = b"U" + bytes([len(value)]) if len(value) < 256 else b"T" + struct.pack("<i", len(value))
        return size + value + put()
    items = b"".join(_python2(item, protocol, memo) for item in value)
    if isinstance(value, tuple):
        return b"(" + items + b"t" + put() if value or protocol == 0 else b")"
    if protocol == 0:
        return b"(l" + put() + b"".join(_python2(item, 0, memo) + b"a" for item in value)
    return b"]" + put() + (b"(" + items + b"e" if value else b"")
