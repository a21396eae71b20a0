"""A small gallery and vectors to put in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sphereface.gallery import Gallery, open_gallery

FINGERPRINT = "f" * 64
DIMENSION = 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some folder" / "galerie é.db"


@pytest.fixture
def gallery(path: Path) -> Iterator[Gallery]:
    with open_gallery(path, fingerprint=FINGERPRINT, dimension=DIMENSION) as opened:
        yield opened


@pytest.fixture
def reopen(path: Path) -> Iterator[Callable[..., Gallery]]:
    """Open the same file once more; closed at the end."""
    opened: list[Gallery] = []

    def again(**changes: object) -> Gallery:
        settings = {"fingerprint": FINGERPRINT, "dimension": DIMENSION, "busy_seconds": 0.1} | changes
        opened.append(open_gallery(path, **settings))  # type: ignore[arg-type]
        return opened[-1]

    yield again
    for one in opened:
        one.close()


@pytest.fixture
def vectors() -> Callable[..., NDArray[np.float32]]:
    """Return a function that draws unit vectors (count, DIMENSION) from a seed."""

    def draw(count: int, seed: int = 0) -> NDArray[np.float32]:
        rows = np.random.default_rng(seed).standard_normal((count, DIMENSION))
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    return draw
