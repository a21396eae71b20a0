"""Pictures named on the command line, embedded; the first bad one stops the command."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sphereface.errors import ImageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sphereface.embedder import Embedder

ALIGNED_NOTE = "note: no command detects faces yet; pictures are taken for aligned 112x112 crops of one face"


def embed_pictures(embedder: Embedder, paths: Sequence[Path]) -> NDArray[np.float32]:
    """Embed every picture, shape (N, d), and say on stderr that they count as aligned crops.

    Raises:
        ImageError: For the first picture that cannot be embedded: nothing is done by halves.
    """
    import numpy as np

    from sphereface.embedder import embed_files

    print(ALIGNED_NOTE, file=sys.stderr)
    faces = embed_files(embedder, paths)
    vectors = []
    for face in faces:
        if face.embedding is None:
            raise ImageError(face.message, face.outcome)
        if face.message:
            print(f"note: {face.message}", file=sys.stderr)
        vectors.append(face.embedding)
    return np.stack(vectors)
