"""A trial makes its gallery anew, and never at the cost of somebody who was enrolled there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from sphereface.data.manifest import Manifest, read_manifest
from sphereface.errors import GalleryError
from sphereface.evaluation.operating_point import OperatingPoint
from sphereface.faces.contract import InputContract
from sphereface.gallery import open_gallery
from sphereface.gallery_trial import try_gallery
from sphereface.progress import Silent

DIMENSION = 75


class Corners:
    """An embedder that looks at the colours of a few places."""

    contract = InputContract(size="112x112")
    dimension = DIMENSION

    def __init__(self, fingerprint: str = "a" * 64, broken: bool = False) -> None:
        self.fingerprint = fingerprint
        self._broken = broken

    def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        if self._broken:
            raise RuntimeError("the power is gone")
        rows = images[:, ::25, ::25].reshape(len(images), -1).astype(np.float32) - 127.0
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


class Listener(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def trial(tmp_path: Path, make_point: Callable[..., OperatingPoint]) -> Callable[..., Any]:
    """Return a function that tries a gallery with some people enrolled, three pictures each."""

    def people(part: str, names: tuple[str, ...]) -> Manifest:
        for name in names:
            generator = np.random.default_rng(sum(name.encode()))
            face = generator.integers(0, 200, (112, 112, 3))
            for number in range(3):
                path = tmp_path / part / "-".join(names) / name / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray((face + generator.integers(0, 20, face.shape)).astype(np.uint8)).save(path)
        return read_manifest(tmp_path / part / "-".join(names))

    def run(*known: str, embedder: Corners | None = None, listener: Listener | None = None) -> Any:
        embedder = embedder or Corners()
        return try_gallery(
            tmp_path / "gallery.db",
            embedder,
            make_point(embedder.fingerprint, threshold=0.5),
            people("known", known),
            people("strangers", ("stranger one", "stranger two")),
            templates=2,
            progress=listener or Listener(),
        )

    return run


def enrolled(path: Path, fingerprint: str = "a" * 64) -> dict[str, int]:
    with open_gallery(path, fingerprint=fingerprint, dimension=DIMENSION, create=False) as gallery:
        return {person.name: person.templates for person in gallery.people()}


def test_a_trial_tells_what_happened_and_leaves_its_gallery(trial: Any, tmp_path: Path) -> None:
    found = trial("ada", "bob")
    assert (found.gallery_people, found.known_searches, found.stranger_searches) == (2, 2, 6)
    assert found.named_correctly.value == 1.0
    assert enrolled(tmp_path / "gallery.db") == {"ada": 2, "bob": 2}
    assert [path.name for path in tmp_path.glob("*.db*")] == ["gallery.db"]
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("fingerprint", ["a" * 64, "b" * 64])
def test_a_gallery_that_a_trial_made_is_made_anew(trial: Any, tmp_path: Path, fingerprint: str) -> None:
    trial("ada", "bob")
    listener = Listener()
    trial("ada", "bob", "cyd", embedder=Corners(fingerprint), listener=listener)
    assert enrolled(tmp_path / "gallery.db", fingerprint) == {"ada": 2, "bob": 2, "cyd": 2}
    assert not any("left as it is" in line for line in listener.said)


@pytest.mark.parametrize("name", ["Ada Lovelace", "ada"])  # somebody else, or one picture more
def test_whoever_was_enrolled_there_stays(trial: Any, tmp_path: Path, name: str) -> None:
    trial("ada", "bob")
    path = tmp_path / "gallery.db"
    with open_gallery(path, fingerprint="a" * 64, dimension=DIMENSION) as gallery:
        gallery.enroll(name, np.eye(DIMENSION, dtype=np.float32)[:1])
    before, listener = enrolled(path), Listener()
    found = trial("ada", "bob", listener=listener)
    assert found.named_correctly.value == 1.0, "the trial itself goes on"
    assert enrolled(path) == before
    assert any("left as it is" in line for line in listener.said)
    assert not list(tmp_path.glob(".*"))


def test_what_is_no_gallery_stays(trial: Any, tmp_path: Path) -> None:
    (tmp_path / "gallery.db").write_text("something of mine")
    trial("ada", "bob")
    assert (tmp_path / "gallery.db").read_text() == "something of mine"


def test_a_trial_that_fails_costs_nobody(trial: Any, tmp_path: Path) -> None:
    trial("ada", "bob")
    with pytest.raises(RuntimeError, match="power"):
        trial("ada", "bob", embedder=Corners(broken=True))
    assert enrolled(tmp_path / "gallery.db") == {"ada": 2, "bob": 2}


def test_a_trial_that_fails_while_it_enrols_leaves_nobody_behind(trial: Any, tmp_path: Path) -> None:
    trial("ada", "bob")
    with pytest.raises(GalleryError, match="what a gallery answers of strangers"):
        trial("ada", "unknown")
    assert enrolled(tmp_path / "gallery.db") == {"ada": 2, "bob": 2}
    assert not list(tmp_path.glob(".*")), "templates in a hidden file would be out of reach"
