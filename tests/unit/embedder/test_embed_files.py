"""Exactly one face for each path, whatever lies there. No torch: the embedder is a random projection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from sphereface.embedder import Embedder, embed_files
from sphereface.errors import ConfigurationError
from sphereface.faces.contract import InputContract
from sphereface.faces.image import ImageLimits
from sphereface.faces.reading import CropReader
from tests.unit.faces.hostile_pictures import png

SIDE = 112


class Projection:
    """Unit vectors by a fixed random matrix; a black picture has no direction."""

    fingerprint = "p" * 64
    dimension = 16

    def __init__(self, contract: InputContract | None = None) -> None:
        self.contract = contract or InputContract()
        self.batches: list[int] = []
        pixels = self.contract.height * self.contract.width * 3
        self._matrix = np.random.default_rng(0).standard_normal((pixels, self.dimension)).astype(np.float32)

    def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.batches.append(len(images))
        raw = self.contract.crop(images).reshape(len(images), -1).astype(np.float32) @ self._matrix
        with np.errstate(invalid="ignore"):
            units: NDArray[np.float32] = raw / np.linalg.norm(raw, axis=1, keepdims=True)
        return units


class ProjectionWithNorms(Projection):
    def embed_with_norms(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return self.embed(images), np.arange(len(images), dtype=np.float32)


def picture(seed: int, height: int = SIDE, width: int = SIDE) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def save(path: Path, pixels: NDArray[np.uint8]) -> Path:
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def zoo(tmp_path: Path) -> dict[str, Path]:
    """One file of each kind; the value is the path, the key the outcome it should have."""
    (tmp_path / "text.jpg").write_text("I am not a picture")
    whole = save(tmp_path / "whole.jpg", picture(1)).read_bytes()
    (tmp_path / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "folder.png").mkdir()
    return {
        "embedded": save(tmp_path / "Zoë 1.png", picture(2)),
        "missing": tmp_path / "nowhere.png",
        "undecodable": tmp_path / "text.jpg",
        "undecodable ": tmp_path / "truncated.jpg",
        "refused": tmp_path / "folder.png",
        "not-aligned": save(tmp_path / "wide.png", picture(3, 100, 200)),
        "not-aligned ": save(tmp_path / "tiny.png", picture(3, 20, 20)),
        "no-embedding": save(tmp_path / "black.png", np.zeros((SIDE, SIDE, 3), np.uint8)),
    }


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_one_face_for_each_path_in_order(zoo: dict[str, Path], batch_size: int) -> None:
    paths = [*zoo.values(), zoo["embedded"]]
    faces = embed_files(Projection(), paths, batch_size=batch_size)
    assert [face.path for face in faces] == paths
    assert [face.outcome for face in faces] == [*(outcome.strip() for outcome in zoo), "embedded"]
    for face in faces:
        assert face.ok == (face.outcome == "embedded") == (face.embedding is not None)
        if face.embedding is not None:
            assert face.embedding.shape == (16,)
            assert np.linalg.norm(face.embedding) == pytest.approx(1.0, abs=1e-6)
            assert face.message == ""
        else:
            assert str(face.path) in face.message
            assert "\n" not in face.message
    np.testing.assert_allclose(faces[0].embedding, faces[-1].embedding, atol=1e-5)


def test_only_readable_pictures_reach_the_network(zoo: dict[str, Path]) -> None:
    embedder = Projection()
    embed_files(embedder, list(zoo.values()))
    assert embedder.batches == [2]
    embed_files(embedder, [zoo["missing"]])
    assert embedder.batches == [2]


def test_no_paths_no_faces() -> None:
    assert embed_files(Projection(), []) == []


def test_a_batch_size_of_zero_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="batch_size"):
        embed_files(Projection(), [], batch_size=0)


def test_norms_are_told_where_the_embedder_knows_them(zoo: dict[str, Path]) -> None:
    plain: Embedder = Projection()
    assert embed_files(plain, [zoo["embedded"]])[0].norm is None
    faces = embed_files(ProjectionWithNorms(), [zoo["embedded"], zoo["missing"], zoo["embedded"]])
    assert [face.norm for face in faces] == [0.0, None, 1.0]


def test_progress_counts_every_path(zoo: dict[str, Path]) -> None:
    class Listener:
        total = advanced = 0

        @contextmanager
        def task(self, title: str, total: int, unit: str = "images") -> Iterator[Listener]:
            self.total = total
            yield self

        def advance(self, count: int = 1, note: str = "") -> None:
            self.advanced += count

        def say(self, text: str) -> None: ...

    listener = Listener()
    embed_files(Projection(), list(zoo.values()), batch_size=3, progress=listener)
    assert listener.advanced == listener.total == len(zoo)


def test_a_narrow_and_a_wide_crop_share_a_batch(tmp_path: Path) -> None:
    wide = save(tmp_path / "wide.png", picture(1))
    narrow = save(tmp_path / "narrow.png", picture(1)[:, 8:104])
    faces = embed_files(Projection(InputContract(size="112x96")), [wide, narrow])
    np.testing.assert_allclose(faces[0].embedding, faces[1].embedding, atol=1e-6)


def test_a_resized_picture_says_so(tmp_path: Path) -> None:
    face = embed_files(Projection(), [save(tmp_path / "large.png", picture(1, 160, 160))])[0]
    assert face.ok
    assert "resized from 160x160" in face.message


@pytest.mark.parametrize("workers", [1, 2])
def test_content_in_the_place_of_a_file(zoo: dict[str, Path], workers: int) -> None:
    kinds = [kind for kind, path in zoo.items() if path.is_file()]
    paths = [zoo[kind] for kind in kinds]
    mixed = [paths[0], *(path.read_bytes() for path in paths[1:]), b""]
    faces = embed_files(Projection(), mixed, workers=workers)
    assert [face.outcome for face in faces] == [*(kind.strip() for kind in kinds), "undecodable"]
    assert [str(face.path) for face in faces[1:]] == [f"<picture {at}>" for at in range(2, len(mixed) + 1)]
    for face in faces[1:]:
        assert face.ok or str(face.path) in face.message
        assert len(face.message) < 300  # nobody wants to read the content
    (whole,) = embed_files(Projection(), [zoo["embedded"].read_bytes()])
    np.testing.assert_allclose(whole.embedding, faces[0].embedding, atol=1e-5)


def test_content_is_held_to_the_limits_before_it_is_decoded() -> None:
    huge = png(b"", 60_000, 60_000)
    (face,) = embed_files(Projection(), [huge])
    assert face.outcome == "too-large"
    assert "claims 60000x60000 pixels" in face.message
    reader = CropReader(limits=ImageLimits(max_bytes=20))
    (face,) = embed_files(Projection(), [huge], reader=reader)
    assert face.outcome == "too-large"
    assert "more than the 20 allowed" in face.message
