"""Drawn people, as many as you like: the data of the demo, the tests and the tutorials.

A person is an identity vector, a picture adds a nuisance vector (:mod:`sphereface.data.traits`), and
:func:`render` draws the two. Everything follows from (seed, person, shot) alone, in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sphereface.data import traits
from sphereface.data.traits import IDENTITY_DIMENSIONS, NUISANCE_DIMENSIONS
from sphereface.errors import MissingExtraError

try:
    import cv2  # noqa: F401  (the drawing modules need it; asked for here so that the error can help)
except ImportError as missing:
    raise MissingExtraError("drawing faces needs OpenCV: pip install 'sphereface[train]'") from missing

from sphereface.data import canvas, drawing, face_shape, photograph
from sphereface.data.palette import palette
from sphereface.data.synthetic_folder import write_faces

__all__ = [
    "IDENTITY_DIMENSIONS",
    "NUISANCE_DIMENSIONS",
    "SyntheticFaces",
    "faces",
    "landmarks",
    "render",
    "write_faces",
]


def render(identity: NDArray[np.float64], nuisance: NDArray[np.float64], *, side: int = 112) -> NDArray[np.uint8]:
    """Draw one picture of one person.

    Args:
        identity: Shape (IDENTITY_DIMENSIONS,).
        nuisance: Shape (NUISANCE_DIMENSIONS,); zeros give the plainest picture.
        side: Height and width of the picture, a multiple of 56 up to 448.

    Returns:
        Shape (side, side, 3), uint8, RGB.

    Raises:
        ValueError: If a vector has the wrong length or ``side`` is out of range.

    >>> render(np.zeros(IDENTITY_DIMENSIONS), np.zeros(NUISANCE_DIMENSIONS)).shape
    (112, 112, 3)
    """
    if side % 56 or not 56 <= side <= 448:
        raise ValueError(f"side must be a multiple of 56 from 56 to 448, not {side}")
    t, n = traits.named_traits(identity), traits.named_nuisances(nuisance)
    picture, tone = canvas.blank(2.0 * side / canvas.SIDE), canvas.blank(0.5)
    tone.image[:] = 128
    sitter = drawing.sit(t, n, face_shape.view(t, n), palette(t, n))
    photograph.paint_background(picture, n)
    drawing.paint_person(picture, tone, sitter)
    photograph.paint_covers(picture, sitter)
    return photograph.develop(picture, tone, sitter, side)


def landmarks(identity: NDArray[np.float64], nuisance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where eyes, nose tip and mouth corners of :func:`render` lie, (5, 2) x and y in pixels.

    The order is left eye, right eye, nose tip, left and right mouth corner, left as seen in the picture.
    """
    t, n = traits.named_traits(identity), traits.named_nuisances(nuisance)
    return face_shape.view(t, n).place(face_shape.landmarks_in_space(t, n))


@dataclass(frozen=True)
class SyntheticFaces:
    """A population of drawn people: person k is always the same for the same seed."""

    seed: int = 0

    def identity_vector(self, person: int) -> NDArray[np.float64]:
        """Return the traits of a person, (IDENTITY_DIMENSIONS,)."""
        return traits.identity_vector(self.seed, person)

    def nuisance_vector(self, person: int, shot: int) -> NDArray[np.float64]:
        """Return the circumstances of a picture, (NUISANCE_DIMENSIONS,)."""
        return traits.nuisance_vector(self.seed, person, shot)

    def image(self, person: int, shot: int) -> NDArray[np.uint8]:
        """Draw one picture, (112, 112, 3) uint8 RGB."""
        return render(self.identity_vector(person), self.nuisance_vector(person, shot))


def faces(people: Iterable[int], images: int, *, seed: int = 0) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    """Draw ``images`` pictures of each person: (person, shot, picture) one after the other.

    >>> [(person, shot) for person, shot, picture in faces(range(7, 9), 2)]
    [(7, 0), (7, 1), (8, 0), (8, 1)]
    """
    population = SyntheticFaces(seed)
    for person in people:
        for shot in range(images):
            yield person, shot, population.image(person, shot)
