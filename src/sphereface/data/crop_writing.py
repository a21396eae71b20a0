"""One photograph of a folder to its crops in another folder, and the line that says what became of it.

All of it happens where the photograph is read, so that only two names and a line travel between processes.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sphereface.data.aligned_folder import UNFINISHED_CROP, Stamp, stamp_of
from sphereface.data.crop_file import CROP_SUFFIX, crop_file
from sphereface.faces.image import DEFAULT_LIMITS
from sphereface.faces.parallel import crashed
from sphereface.faces.reading import AlignedFace, Reader, Reading

_UNREAD = ("missing", "refused")


@dataclass(frozen=True)
class Order:
    """A photograph to do.

    Attributes:
        name: Of the file, relative to the folder of photographs.
        crop: Of its crop, relative to the folder of crops, without the suffix.
    """

    name: str
    crop: str


@dataclass(frozen=True)
class CropWriter:
    """Reads photographs of one folder and writes their crops to another.

    A crop is written beside its place and renamed. That it is on the disk is not waited for: after a power cut it
    is found to be missing or of another size, and made again.

    Attributes:
        reader: Finds and aligns the faces.
        source: Folder of the photographs.
        destination: Folder of the crops.
        numbered: Whether a photograph may have several crops; their names then end in ``-0``, ``-1`` and so on.
    """

    reader: Reader
    source: Path
    destination: Path
    numbered: bool

    def __call__(self, order: Order) -> bytes:
        """Do one photograph and return its line.

        Raises:
            OSError: If a crop cannot be written.
        """
        path = self.source / order.name
        stamp = stamp_of(path)  # before it is read: a file that changes meanwhile is done again next time
        reading = self.reader.read(path)
        faces = [self._write(face, self.crop_name(order, number)) for number, face in enumerate(reading.faces)]
        return _line(order.name, path, stamp, reading, faces)

    def lost(self, order: Order, how: str) -> bytes:
        """Return the line of a photograph that the processes which read it died of."""
        path = self.source / order.name
        return _line(order.name, path, stamp_of(path), Reading("refused", message=crashed(f"'{path}'", how)), [])

    def crop_name(self, order: Order, number: int) -> str:
        """Return the name of a photograph's crop, relative to the folder of crops."""
        return f"{order.crop}-{number}{CROP_SUFFIX}" if self.numbered else order.crop + CROP_SUFFIX

    def _write(self, face: AlignedFace, name: str) -> dict[str, Any]:
        """Write a crop and return what the line says of its face."""
        content, facts = crop_file(face, name)
        path = self.destination / name
        path.parent.mkdir(exist_ok=True)
        unfinished = path.with_name(UNFINISHED_CROP.format(os.getpid()))
        unfinished.write_bytes(content)
        unfinished.replace(path)
        return facts


def _line(name: str, path: Path, stamp: Stamp, reading: Reading, faces: list[dict[str, Any]]) -> bytes:
    record = {
        "file": name,
        **stamp._asdict(),
        "sha256": None if reading.outcome in _UNREAD else _sha256(path, stamp),
        # The file was listed a moment ago: one that is gone cannot be read, like one without permission.
        "outcome": "refused" if reading.outcome == "missing" else reading.outcome,
        "message": reading.message.replace(str(path), name),  # the folder may be moved, or shown to others
        "width": reading.width,
        "height": reading.height,
        "found": reading.found,
        "rung": reading.rung,
        "faces": faces,
    }
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def _sha256(path: Path, stamp: Stamp) -> str | None:
    """Return the hash of a file's content, unless it is larger than what is read."""
    if stamp.bytes is None or stamp.bytes > DEFAULT_LIMITS.max_bytes:
        return None
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None
