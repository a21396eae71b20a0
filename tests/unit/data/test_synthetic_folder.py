"""Drawn faces on disk: whole files, always the same bytes, and never two populations mixed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from sphereface.data import synthetic_folder
from sphereface.data.manifest import read_manifest
from sphereface.data.synthetic import SyntheticFaces, write_faces
from sphereface.errors import DataError


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.jpg"))}


class Counter:
    """Counts what a progress bar would show."""

    def __init__(self) -> None:
        self.total, self.done = 0, 0

    @contextmanager
    def task(self, title: str, total: int, unit: str = "images") -> Iterator[Counter]:
        self.total += total
        yield self

    def advance(self, count: int = 1, note: str = "") -> None:
        self.done += count

    def say(self, text: str) -> None:
        raise AssertionError(text)


def test_the_files_hold_the_pictures(tmp_path: Path) -> None:
    write_faces(tmp_path / "a" / "faces", range(17, 19), 2, seed=3)
    written = content(tmp_path / "a" / "faces")
    assert list(written) == [f"person-000{p}/0{k}.jpg" for p in (17, 18) for k in (0, 1)]
    picture = cv2.imdecode(np.frombuffer(written["person-00018/01.jpg"], np.uint8), cv2.IMREAD_COLOR)
    expected = SyntheticFaces(3).image(18, 1)
    assert np.abs(picture[..., ::-1].astype(int) - expected).mean() < 6.0  # JPEG, colour channels the right way
    manifest = read_manifest(tmp_path / "a" / "faces")
    assert manifest.identities == ("person-00017", "person-00018")
    assert len(manifest) == 4


def test_workers_change_nothing_but_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic_folder, "_SMALL", 0)
    progress = Counter()
    write_faces(tmp_path / "one", range(3, 8), 2, workers=1)
    write_faces(tmp_path / "two", range(3, 8), 2, workers=2, progress=progress)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    assert (progress.done, progress.total) == (10, 10)


def test_a_broken_off_run_goes_on_and_keeps_what_is_whole(tmp_path: Path) -> None:
    write_faces(tmp_path, range(3), 2)
    before = content(tmp_path)
    times = {name: (tmp_path / name).stat().st_mtime_ns for name in before}
    cut, empty, lost = "person-00000/01.jpg", "person-00001/00.jpg", "person-00002/00.jpg"
    (tmp_path / cut).write_bytes(before[cut][:-100])
    (tmp_path / empty).write_bytes(b"")
    (tmp_path / lost).unlink()
    write_faces(tmp_path, range(3), 2)
    assert content(tmp_path) == before
    same = {name for name in before if (tmp_path / name).stat().st_mtime_ns == times[name]}
    assert same == set(before) - {cut, empty, lost}
    assert not list(tmp_path.rglob("*.jpg.*")), "no temporary file is left"


def test_two_populations_never_share_a_folder(tmp_path: Path) -> None:
    write_faces(tmp_path, range(1), 1, seed=0)
    with pytest.raises(DataError, match="another kind"):
        write_faces(tmp_path, range(1, 2), 1, seed=1)
    (tmp_path / ".synthetic.json").write_text("{")
    with pytest.raises(DataError, match="another kind"):
        write_faces(tmp_path, range(1, 2), 1, seed=0)
    (tmp_path / ".synthetic.json").unlink()
    with pytest.raises(DataError, match="not drawn here"):
        write_faces(tmp_path, range(1, 2), 1, seed=0)
    assert list(content(tmp_path)) == ["person-00000/00.jpg"]


def test_a_file_in_the_way_and_silly_numbers_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(DataError, match="cannot write drawn faces"):
        write_faces(tmp_path / "file", range(1), 1)
    with pytest.raises(DataError, match="at least 1"):
        write_faces(tmp_path / "faces", range(1), 0)
    assert not (tmp_path / "faces").exists()


def test_a_worker_that_dies_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic_folder, "_SMALL", 0)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(DataError, match=r"stopped .*exit status 1"):
        write_faces(tmp_path, range(2), 1, workers=2)
