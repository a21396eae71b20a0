"""What an embedder is, and how a list of files goes through one: one :class:`Face` for each path.

No torch here: any object with the attributes of :class:`Embedder` will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sphereface.errors import ConfigurationError, ImageError
from sphereface.faces.contract import InputContract
from sphereface.faces.image import read_image
from sphereface.faces.outcomes import ReadingOutcome
from sphereface.progress import SILENT, Progress

Outcome = Literal["embedded", ReadingOutcome, "not-aligned", "no-embedding"]

_SIDE = 112
_SMALLEST_SIDE = 56  # below half the template's side, enlarging invents more pixels than there are
_NARROW = (112, 96)
_ALIGNED_ONLY = "no command detects faces yet, so give an aligned crop of 112x112 pixels that the face fills"


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
        path: The picture's file.
        outcome: ``embedded``, or the reason why not: the image reader's (``missing``, ``refused``,
            ``undecodable``, ``too-large``), ``not-aligned`` for a picture that cannot be an aligned crop, or
            ``no-embedding`` where the network's answer has no direction.
        embedding: Unit vector (d,), or None.
        norm: Its length before normalisation, if the embedder tells.
        message: One sentence for a person: the reason, or a note on what was assumed; may be empty.
    """

    path: Path
    outcome: Outcome
    embedding: NDArray[np.float32] | None = field(default=None, repr=False)
    norm: float | None = None
    message: str = ""

    @property
    def ok(self) -> bool:
        """Whether there is an embedding."""
        return self.embedding is not None


def embed_files(
    embedder: Embedder, paths: Sequence[Path], *, batch_size: int = 64, progress: Progress = SILENT
) -> list[Face]:
    """Read and embed every file: exactly one :class:`Face` for each path, in order.

    A bad picture never raises; it becomes a face without embedding that says why. Until detection exists
    every picture counts as an aligned crop: 112x112 is taken as it is (112x96 too, by a model of that size),
    another square is resized to 112x112 and says so, anything else is ``not-aligned``.

    Args:
        embedder: What turns pixels into vectors.
        paths: Image files.
        batch_size: Pictures held in memory and embedded at once.
        progress: Who is told how far it is.
    """
    if batch_size < 1:
        raise ConfigurationError(f"batch_size must be 1 or more, not {batch_size}")
    faces: list[Face] = []
    with progress.task("embedding pictures", len(paths), "images") as task:
        for start in range(0, len(paths), batch_size):
            batch = [Path(path) for path in paths[start : start + batch_size]]
            faces.extend(_embed_batch(embedder, batch))
            task.advance(len(batch))
    return faces


def aligned_crop(pixels: NDArray[np.uint8], contract: InputContract) -> tuple[NDArray[np.uint8], str]:
    """Take a picture for an aligned crop, if its shape allows that.

    Args:
        pixels: Shape (H, W, 3), uint8, RGB.
        contract: Of the model that is to see it.

    Returns:
        Pixels of the contract's size, and a note on what was assumed (empty for an exact crop).

    Raises:
        ImageError: With outcome ``not-aligned``; the message names no file.
    """
    height, width = pixels.shape[:2]
    if (height, width) == (contract.height, contract.width):
        return pixels, ""
    note = ""
    if height == width != _SIDE and height >= _SMALLEST_SIDE:
        # Averaging areas keeps what a smaller picture can show; enlarging needs a smooth curve instead.
        method = Image.Resampling.BOX if height > _SIDE else Image.Resampling.BICUBIC
        pixels = np.asarray(Image.fromarray(pixels).resize((_SIDE, _SIDE), method))
        note = f"taken as an aligned crop and resized from {height}x{width} to 112x112"
    if pixels.shape[:2] != (_SIDE, _SIDE):
        size = f"the picture is {height}x{width} (height by width)"
        if (height, width) == _NARROW:
            size += f", but this model takes {contract.size}"
        raise ImageError(f"{size}: {_ALIGNED_ONLY}", "not-aligned")
    return contract.crop(pixels[None])[0], note


def _embed_batch(embedder: Embedder, paths: list[Path]) -> list[Face]:
    faces: dict[int, Face] = {}
    crops: list[NDArray[np.uint8]] = []
    readable: list[tuple[int, str]] = []
    for index, path in enumerate(paths):
        try:
            crop, note = aligned_crop(read_image(path), embedder.contract)
        except ImageError as error:
            message = str(error) if str(path) in str(error) else f"'{path}': {error}"
            faces[index] = Face(path, cast(Outcome, error.outcome), message=message)
        else:
            crops.append(crop)
            readable.append((index, note))
    if crops:
        vectors, norms = _embed(embedder, np.stack(crops))
        for row, (index, note) in enumerate(readable):
            norm = None if norms is None else float(norms[row])
            faces[index] = _face(paths[index], vectors[row], norm, note)
    return [faces[index] for index in range(len(paths))]


def _embed(
    embedder: Embedder, images: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    if isinstance(embedder, TellsNorms):
        return embedder.embed_with_norms(images)
    return embedder.embed(images), None


def _face(path: Path, vector: NDArray[np.float32], norm: float | None, note: str) -> Face:
    if np.isfinite(vector).all():
        return Face(path, "embedded", vector.copy(), norm, f"'{path}' was {note}" if note else "")
    message = f"'{path}': the network's answer to this picture has no direction; use another picture"
    return Face(path, "no-embedding", message=message)
