"""The crops of face tracks, written as soon as a track is long enough to count."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from sphereface.atomic import sync_folder
from sphereface.data.crop_file import CROP_SUFFIX, crop_file
from sphereface.data.folders import TRACKS_NAME
from sphereface.data.video import Frame
from sphereface.faces.reading import AlignedFace

_UNFINISHED = ".lines"


class TrackWriter:
    """Writes the tracks of one video; counted in the order in which they became long enough.

    Args:
        folder: An empty one.
        shortest: Sightings that a track needs. Until then its crops are held in memory.
    """

    def __init__(self, folder: Path, shortest: int) -> None:
        self.tracks = self.crops = self.left_out = 0
        self._folder, self._shortest = folder, shortest
        self._waiting: dict[int, list[tuple[int, float, AlignedFace]]] = {}
        self._names: dict[int, str] = {}
        self._lines = (folder / _UNFINISHED).open("wb")

    def add(self, track: int, frame: Frame, face: AlignedFace) -> None:
        """Take a sighting of a track."""
        waiting = self._waiting.setdefault(track, [])
        waiting.append((frame.number, frame.seconds, face))  # without the pixels, which are large
        if track not in self._names and len(waiting) >= self._shortest:
            self._names[track] = f"{self.tracks:04d}"
            (self._folder / self._names[track]).mkdir()
            self.tracks += 1
        if track in self._names:
            for each in self._waiting.pop(track):
                self._write(self._names[track], *each)

    def forget(self, living: set[int]) -> None:
        """Let go of the tracks that have ended."""
        for track in self._waiting.keys() - living:
            self.left_out += len(self._waiting.pop(track))
        for track in self._names.keys() - living:
            del self._names[track]

    def write_down(self, head: dict[str, Any]) -> None:
        """Make the file of all lines, with ``head`` as the first."""
        self._lines.close()
        with (self._folder / TRACKS_NAME).open("wb") as whole:
            whole.write(_line(head))
            with (self._folder / _UNFINISHED).open("rb") as lines:
                shutil.copyfileobj(lines, whole)
        (self._folder / _UNFINISHED).unlink()
        sync_folder(self._folder)

    def close(self) -> None:
        """Close the file of lines, whatever happened."""
        self._lines.close()

    def _write(self, track: str, frame: int, seconds: float, face: AlignedFace) -> None:
        name = f"{track}/{frame:06d}{CROP_SUFFIX}"
        content, facts = crop_file(face, name)
        (self._folder / name).write_bytes(content)
        self._lines.write(_line({"track": track, "frame": frame, "seconds": round(seconds, 3), **facts}))
        self.crops += 1


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"
