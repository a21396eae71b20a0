"""What decoding a HEIC will cost, read from its boxes: libheif decodes a part as often as the file names it.

The boxes are those of ISO/IEC 14496-12 (section 8.11) and ISO/IEC 23008-12 (section 6).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from sphereface.faces.image_limits import Stopwatch, UnreadableError

_MOST_ITEMS = 1000  # libheif's own limit, and the next is as well
_MOST_EXTENTS = 32  # pieces of one item
_DEEPEST = 4  # a picture with transparency, made of a grid of tiles, has three levels


@dataclass
class _Items:
    """What a file says about its items, by their numbers.

    Attributes:
        primary: The picture to show.
        size: Bytes stored for an item.
        pixels: Width times height of an item that is a picture.
        parts: Pictures that are decoded to make up a picture, as often as they are named.
        uses: How often an item is read for others.
    """

    primary: int = 0
    size: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    pixels: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    parts: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    uses: dict[int, int] = field(default_factory=lambda: defaultdict(int))


class _Reader:
    """Reads big-endian numbers one after the other from a part of a file."""

    def __init__(self, content: bytes, start: int, stop: int, stopwatch: Stopwatch) -> None:
        self.content, self.at, self.stop, self._stopwatch = content, start, stop, stopwatch

    def number(self, size: int) -> int:
        if self.at + size > self.stop:
            raise UnreadableError("is damaged: a box of this HEIC ends too early; replace or remove it")
        self.at += size
        return int.from_bytes(self.content[self.at - size : self.at], "big")

    def boxes(self, whole: bool = True) -> Iterator[tuple[bytes, _Reader]]:
        """Yield the kind and the inside of every box from here on; unless ``whole``, the last may be cut off."""
        while self.at + 8 <= self.stop:
            self._stopwatch.check()
            start, size = self.at, self.number(4)
            kind = self.number(4).to_bytes(4, "big")
            if size == 1:
                size = self.number(8)
            stop = self.stop if size == 0 else start + size
            if not self.at <= stop <= self.stop:
                if not whole:
                    return
                raise UnreadableError("is truncated: a box of this HEIC is incomplete; replace or remove it")
            yield kind, _Reader(self.content, self.at, stop, self._stopwatch)
            self.at = stop


def heic_cost(content: bytes, stopwatch: Stopwatch) -> tuple[int, int]:
    """Return how many pixels are decoded for the primary picture, and how many bytes are read for them.

    Raises:
        UnreadableError: If a part lies outside the file, has no size, or is used out of all proportion.
    """
    items = _Items()
    for kind, box in _Reader(content, 0, len(content), stopwatch).boxes(whole=False):  # phones append things
        if kind == b"mini":
            raise UnreadableError("is a HEIC in its shortened form, which is not read; save it again")
        if kind == b"meta":
            box.number(4)
            _read_meta(box, items)
    if not items.primary:
        raise UnreadableError("is a HEIC that names no main picture; replace or remove it")
    read = sum(size * max(1, items.uses[item]) for item, size in items.size.items())
    if read > 2 * len(content):
        raise UnreadableError(
            f"is a HEIC of {len(content):,} bytes that reads {read:,}; save it again", "too-large"
        )
    return _cost(items, items.primary, stopwatch)


def _cost(items: _Items, item: int, stopwatch: Stopwatch, level: int = 0) -> tuple[int, int]:
    stopwatch.check()
    if level == _DEEPEST or not items.pixels[item]:
        raise UnreadableError("is a HEIC whose picture is made of parts without a size; save it again")
    pixels, size = items.pixels[item], items.size[item]
    for part in items.parts[item]:
        more_pixels, more_size = _cost(items, part, stopwatch, level + 1)
        pixels, size = pixels + more_pixels, size + more_size
    return pixels, size


def _read_meta(meta: _Reader, items: _Items) -> None:
    auxiliary: list[tuple[int, int]] = []
    transparency: set[int] = set()
    for kind, box in meta.boxes():
        if kind not in (b"pitm", b"iloc", b"iref", b"iprp"):
            continue
        if kind == b"iprp":
            transparency |= _read_properties(box, items)
            continue
        version = box.number(4) >> 24
        if kind == b"pitm":
            items.primary = box.number(4 if version else 2)
        elif kind == b"iloc":
            _read_locations(box, version, items)
        else:
            auxiliary += _read_references(box, 4 if version else 2, items)
    for part, whole in auxiliary:
        if part in transparency:
            items.parts[whole].append(part)


def _read_locations(box: _Reader, version: int, items: _Items) -> None:
    sizes = box.number(2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version else 0
    count = box.number(4 if version == 2 else 2)
    if count > _MOST_ITEMS or {offset_size, length_size, base_size, index_size} - {0, 4, 8}:
        raise UnreadableError("is a HEIC whose table of parts is out of bounds; save it again")
    for _ in range(count):
        item = box.number(4 if version == 2 else 2)
        inside_file = not version or box.number(2) & 15 == 0
        box.number(2)
        base, extents = box.number(base_size), box.number(2)
        if extents > _MOST_EXTENTS:
            raise UnreadableError("is a HEIC with a part in too many pieces; save it again")
        for _ in range(extents):
            box.number(index_size)
            offset, length = box.number(offset_size), box.number(length_size)
            if inside_file and base + offset + length > len(box.content):
                raise UnreadableError("is truncated: a part of this HEIC is missing; replace or remove it")
            items.size[item] += length


def _read_references(box: _Reader, id_size: int, items: _Items) -> list[tuple[int, int]]:
    """Note which picture is made of which, and return the pairs (auxiliary picture, its picture)."""
    auxiliary: list[tuple[int, int]] = []
    for kind, reference in box.boxes():
        source = reference.number(id_size)
        targets = [reference.number(id_size) for _ in range(reference.number(2))]
        if kind == b"dimg":
            items.parts[source] += targets
            for target in targets:
                items.uses[target] += 1
        elif kind == b"cdsc":  # a description: copied for every picture it describes
            items.uses[source] += len(targets)
        elif kind == b"auxl":
            auxiliary += [(source, target) for target in targets]
    return auxiliary


def _read_properties(box: _Reader, items: _Items) -> set[int]:
    """Note the size of every picture, and return those that hold the transparency of another."""
    pixels: dict[int, int] = {}
    alpha: set[int] = set()
    transparency: set[int] = set()
    for kind, part in box.boxes():
        if kind == b"ipco":
            for index, (name, described) in enumerate(part.boxes(), 1):
                if name == b"ispe":
                    described.number(4)
                    pixels[index] = described.number(4) * described.number(4)
                elif name == b"auxC":
                    text = described.content[described.at : described.stop]
                    if b"alpha" in text or b"auxid:1" in text:
                        alpha.add(index)
        elif kind == b"ipma":
            flags = part.number(4)
            for _ in range(part.number(4)):
                item = part.number(4 if flags >> 24 else 2)
                for _ in range(part.number(1)):
                    index = part.number(2) & 0x7FFF if flags & 1 else part.number(1) & 0x7F
                    items.pixels[item] = max(items.pixels[item], pixels.get(index, 0))
                    if index in alpha:
                        transparency.add(item)
    return transparency
