"""Photographs of drawn people, in which YuNet finds faces: of known content, and made in milliseconds."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from sphereface.data.synthetic import SyntheticFaces, render

POPULATION = SyntheticFaces(5)


@cache
def portrait(person: int, shot: int = 0, side: int = 224) -> NDArray[np.uint8]:
    """A drawn face in the middle of a grey square twice its size."""
    face = render(POPULATION.identity_vector(person), POPULATION.nuisance_vector(person, shot), side=side)
    half = side // 2
    picture: NDArray[np.uint8] = cv2.copyMakeBorder(
        face, half, half, half, half, cv2.BORDER_CONSTANT, value=(120,) * 3
    )
    return picture


def two_people() -> NDArray[np.uint8]:
    return np.concatenate([portrait(0), portrait(7)], axis=1)


def nobody(side: int = 200) -> NDArray[np.uint8]:
    return np.full((side, side, 3), 120, np.uint8)


def write(path: Path, pixels: NDArray[np.uint8]) -> Path:
    """Write a picture, its format told by its suffix, and return where it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = cv2.imencode(path.suffix, np.ascontiguousarray(pixels[..., ::-1]))[1]
    path.write_bytes(content.tobytes())
    return path
