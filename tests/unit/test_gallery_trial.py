"""A trial leaves its gallery where none is, and never at the cost of somebody who was enrolled there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import sphereface.gallery_trial as module
from sphereface.data.manifest import Manifest, read_manifest
from sphereface.errors import GalleryError
from sphereface.evaluation.operating_point import OperatingPoint
from sphereface.faces.contract import InputContract
from sphereface.gallery import open_gallery, store
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


def test_the_same_trial_again_finds_its_own_gallery(trial: Any, tmp_path: Path) -> None:
    trial("ada", "bob")
    before, listener = (tmp_path / "gallery.db").read_bytes(), Listener()
    assert trial("ada", "bob", listener=listener).gallery_people == 2
    assert (tmp_path / "gallery.db").read_bytes() == before
    assert not any("left as it is" in line for line in listener.said)


@pytest.mark.parametrize("fingerprint", ["a" * 64, "b" * 64])
def test_a_gallery_of_other_people_or_another_model_stays(trial: Any, tmp_path: Path, fingerprint: str) -> None:
    trial("ada", "bob")
    listener = Listener()
    found = trial("ada", "bob", "cyd", embedder=Corners(fingerprint), listener=listener)
    assert found.gallery_people == 3, "the trial itself goes on"
    assert enrolled(tmp_path / "gallery.db") == {"ada": 2, "bob": 2}
    assert any("left as it is" in line and "delete it before" in line for line in listener.said)


def test_the_same_names_with_other_pictures_stay(trial: Any, tmp_path: Path) -> None:
    path = tmp_path / "gallery.db"
    own = np.eye(DIMENSION, dtype=np.float32)
    with open_gallery(path, fingerprint="a" * 64, dimension=DIMENSION) as gallery:
        gallery.enroll("ada", own[:2])
        gallery.enroll("bob", own[2:4])
        before = gallery.pictures()
    listener = Listener()
    trial("ada", "bob", listener=listener)
    with open_gallery(path, fingerprint="a" * 64, dimension=DIMENSION) as gallery:
        assert gallery.pictures() == before
        assert gallery.search(own[0])[0][0].score == pytest.approx(1.0)
    assert any("left as it is" in line for line in listener.said)


def test_a_gallery_that_appears_or_grows_at_the_last_moment_stays(
    trial: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, place = tmp_path / "gallery.db", store.put_in_place
    person = np.eye(DIMENSION, dtype=np.float32)

    def meanwhile(finished: Path, there: Path) -> bool:
        with open_gallery(path, fingerprint="a" * 64, dimension=DIMENSION) as gallery:
            gallery.enroll(f"person {len(gallery.people())}", person[len(gallery.people())])
        return place(finished, there)

    monkeypatch.setattr(module, "put_in_place", meanwhile)
    trial("ada", "bob")
    assert enrolled(path) == {"person 0": 1}
    trial("ada", "bob")
    assert enrolled(path) == {"person 0": 1, "person 1": 1}


def test_a_gallery_in_use_keeps_its_log(trial: Any, tmp_path: Path) -> None:
    """While another program has it open, the last enrolments lie in the log alone."""
    trial("ada", "bob")
    path = tmp_path / "gallery.db"
    with open_gallery(path, fingerprint="a" * 64, dimension=DIMENSION) as gallery:
        gallery.enroll("eve", np.eye(DIMENSION, dtype=np.float32)[0])
        gallery.forget("eve")  # the same people as before, by a log that is in use
        log = Path(f"{path}-wal").stat().st_ino
        trial("ada", "bob")
        assert Path(f"{path}-wal").stat().st_ino == log
        gallery.enroll("eve", np.eye(DIMENSION, dtype=np.float32)[0])
    assert enrolled(path) == {"ada": 2, "bob": 2, "eve": 1}


def test_the_log_of_a_vanished_gallery_is_not_taken_for_the_trials(trial: Any, tmp_path: Path) -> None:
    (tmp_path / "gallery.db-wal").write_bytes(b"enrolments of somebody")
    with pytest.raises(GalleryError, match="belongs to one that is no longer there; bring that gallery back"):
        trial("ada", "bob")
    assert (tmp_path / "gallery.db-wal").read_bytes() == b"enrolments of somebody"
    assert not (tmp_path / "gallery.db").exists()


def test_two_trials_at_once_have_nothing_in_common(trial: Any, tmp_path: Path) -> None:
    """The second runs from end to end while the first has enrolled its people and not yet searched."""

    inner: list[Any] = []
    enrol = module._enrol

    def meanwhile(gallery: Any, name: str, faces: Any) -> None:
        enrol(gallery, name, faces)
        if name == "bob" and not inner:
            inner.append(None)
            inner[0] = trial("ada", "bob", "cyd")
            assert gallery.path.exists(), "the second trial took the first one's file away"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_enrol", meanwhile)
        outer = trial("ada", "bob")
    assert (outer.gallery_people, outer.named_correctly.value) == (2, 1.0)
    assert (inner[0].gallery_people, inner[0].named_correctly.value) == (3, 1.0)
    assert enrolled(tmp_path / "gallery.db") == {"ada": 2, "bob": 2, "cyd": 2}
    assert not list(tmp_path.glob(".*"))


def test_what_a_killed_trial_left_is_removed(trial: Any, tmp_path: Path) -> None:
    left = tmp_path / ".gallery.db.0123456789ab.trial"
    left.mkdir()
    (left / "gallery.db").write_bytes(b"templates")
    trial("ada", "bob")
    assert not left.exists()


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
