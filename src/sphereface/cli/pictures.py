"""Pictures named on the command line, read and embedded; the first bad one stops the command."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sphereface.errors import ImageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sphereface.embedder import Embedder, Face
    from sphereface.faces.choices import DetectorName, PictureKind, Policy
    from sphereface.faces.reading import Reader


def reader_for(
    embedder: Embedder, pictures: PictureKind, faces: Policy, detector: DetectorName, limits: list[str] | None
) -> Reader:
    """Return what reads pictures for a model as the options of a verb say.

    Raises:
        ConfigurationError: If a limit is unknown, or cannot be told of aligned crops.
    """
    from sphereface.faces.detectors import reader
    from sphereface.faces.quality import read_limits

    return reader(embedder.contract.size, pictures, faces, detector, read_limits(limits or ()))


def embed_pictures(embedder: Embedder, paths: Sequence[Path], reader: Reader) -> NDArray[np.float32]:
    """Embed one face of every picture, shape (N, d).

    Raises:
        ImageError: For the first picture that cannot be embedded: nothing is done by halves.
    """
    import numpy as np

    from sphereface.embedder import embed_files

    faces = embed_files(embedder, paths, reader=reader)
    return np.stack([_vector(face) for face in faces])


def embed_everybody(embedder: Embedder, path: Path, reader: Reader) -> tuple[list[Face], NDArray[np.float32]]:
    """Embed every face of a picture that the reader's policy lets count: the faces, and vectors (N, d).

    Raises:
        ImageError: If there is none.
    """
    import numpy as np

    from sphereface.embedder import embed_readings

    faces = embed_readings(embedder, [path], [reader.read(path)])[0]
    if not any(face.ok for face in faces):
        raise ImageError(faces[0].message, faces[0].outcome)
    for message in dict.fromkeys(face.message for face in faces if face.message):
        print(f"note: {message}", file=sys.stderr)
    good = [face for face in faces if face.ok]
    return good, np.stack([np.asarray(face.embedding) for face in good])


def _vector(face: Face) -> NDArray[np.float32]:
    if face.embedding is None:
        raise ImageError(face.message, face.outcome)
    if face.message:
        print(f"note: {face.message}", file=sys.stderr)
    return face.embedding
