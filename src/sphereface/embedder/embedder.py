"""What an embedder is, and how a list of files goes through one: one :class:`Face` for each path.

No torch here: any object with the attributes of :class:`Embedder` will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError, DataError
from sphereface.faces import outcomes
from sphereface.faces.contract import InputContract
from sphereface.faces.detection import Detection
from sphereface.faces.parallel import read_many
from sphereface.faces.quality import Quality
from sphereface.faces.reading import CropReader, Reader, Reading
from sphereface.progress import SILENT, Progress

Outcome = Literal["embedded", outcomes.Outcome, "no-embedding"]

_NO_DIRECTION = "the network's answer to this picture has no direction; use another picture"


class Embedder(Protocol):
    """Aligned crops in, unit vectors out; safe to call from several threads."""

    @property
    def contract(self) -> InputContract:
        """What the network expects of a picture."""

    @property
    def fingerprint(self) -> str:
        """64 hex digits that name the embedding space; vectors of two fingerprints never meet."""

    @property
    def dimension(self) -> int:
        """Width d of the vectors :meth:`embed` returns, flip fusion included."""

    def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Map aligned crops (N, H, W, 3), uint8 RGB, to unit vectors (N, d).

        A row is NaN where the network gave a zero or non-finite vector, which has no direction.
        """


@runtime_checkable
class TellsNorms(Protocol):
    """An embedder that also tells how long each vector was before it was put on the sphere."""

    def embed_with_norms(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return unit vectors (N, d) and the lengths (N,) they had."""


@dataclass(frozen=True)
class Face:
    """What became of one picture.

    Attributes:
        path: The picture's file; of the third picture, if its content was given instead, ``<picture 3>``.
        outcome: ``embedded``, or the reason why not: the reader's (:mod:`sphereface.faces.outcomes`), or
            ``no-embedding`` where the network's answer has no direction.
        embedding: Unit vector (d,), or None.
        norm: Its length before normalisation, if the embedder tells.
        message: One sentence for a person: the reason, or a note on what was assumed; may be empty.
        detection: Where the face is, in pixels of the full picture; None if the picture is an aligned crop.
        quality: What was measured of the face, if anything was.
    """

    path: Path
    outcome: Outcome
    embedding: NDArray[np.float32] | None = field(default=None, repr=False)
    norm: float | None = None
    message: str = ""
    detection: Detection | None = None
    quality: Quality | None = None

    @property
    def ok(self) -> bool:
        """Whether there is an embedding."""
        return self.embedding is not None


def embed_files(
    embedder: Embedder,
    paths: Sequence[Path | bytes],
    *,
    reader: Reader | None = None,
    batch_size: int = 64,
    workers: int | None = 1,
    progress: Progress = SILENT,
) -> list[Face]:
    """Read and embed every picture: exactly one :class:`Face` for each, in order.

    A bad picture never raises; it becomes a face without embedding that says why.

    Args:
        embedder: What turns pixels into vectors.
        paths: Image files, or the encoded content of one (a request's body, a row of a database): kind, size and
            limits are looked at alike.
        reader: What turns a file into crops of the size that the embedder's contract asks for; by default
            every picture is taken for an aligned crop (:class:`~sphereface.faces.reading.CropReader`).
        batch_size: Pictures held in memory and embedded at once.
        workers: Processes that read (:func:`~sphereface.faces.parallel.in_parallel`); None takes one a
            core, which finding faces is worth and decoding crops is not.
        progress: Who is told how far it is.

    Raises:
        ConfigurationError: If the batch size or the number of workers is not positive, or a picture has
            several faces that count.
    """
    if batch_size < 1:
        raise ConfigurationError(f"batch_size must be 1 or more, not {batch_size}")
    reader = reader or CropReader(embedder.contract.size)
    faces: list[Face] = []
    sources = [path if isinstance(path, bytes) else Path(path) for path in paths]
    names = [
        Path(f"<picture {number}>") if isinstance(source, bytes) else source
        for number, source in enumerate(sources, 1)
    ]
    with (
        progress.task("embedding pictures", len(paths), "images") as task,
        closing(read_many(reader, sources, workers)) as every_reading,
    ):
        for start in range(0, len(paths), batch_size):
            batch = names[start : start + batch_size]
            readings = list(islice(every_reading, len(batch)))
            found = embed_readings(embedder, batch, readings)
            if any(len(of_one) > 1 for of_one in found):
                raise ConfigurationError("one face is wanted of each picture: choose another policy than 'all'")
            faces.extend(of_one[0] for of_one in found)
            task.advance(len(batch))
    return faces


def embedded_rows(faces: Sequence[Face]) -> list[int]:
    """Return the positions of the pictures that have an embedding.

    Raises:
        DataError: If none has one.
    """
    rows = [row for row, face in enumerate(faces) if face.ok]
    if not rows:
        raise DataError(f"none of the {len(faces)} pictures could be embedded; the first: {faces[0].message}")
    return rows


def embed_readings(embedder: Embedder, paths: Sequence[Path], readings: Sequence[Reading]) -> list[list[Face]]:
    """Embed what was read, all crops at once: for each path its faces, or one that says why there are none.

    Args:
        embedder: What turns pixels into vectors.
        paths: Of the pictures.
        readings: What a reader said of each.
    """
    crops = [face.crop for reading in readings for face in reading.faces]
    vectors, norms = _embed(embedder, np.stack(crops)) if crops else (np.empty((0, 0), np.float32), None)
    faces: list[list[Face]] = []
    row = 0
    for path, reading in zip(paths, readings, strict=True):
        message = _about(path, reading.message)
        own = [] if reading.faces else [Face(path, reading.outcome, message=message)]
        for face in reading.faces:
            norm = None if norms is None else float(norms[row])
            if np.isfinite(vectors[row]).all():
                made = Face(path, "embedded", vectors[row].copy(), norm, message, face.detection, face.quality)
            else:
                made = Face(path, "no-embedding", message=_about(path, _NO_DIRECTION), detection=face.detection)
            own.append(made)
            row += 1
        faces.append(own)
    return faces


def _about(path: Path, message: str) -> str:
    return message if not message or str(path) in message else f"'{path}': {message}"


def _embed(
    embedder: Embedder, images: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    if isinstance(embedder, TellsNorms):
        return embedder.embed_with_norms(images)
    return embedder.embed(images), None
