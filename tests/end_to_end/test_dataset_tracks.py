"""``sphereface dataset tracks`` as a stranger uses it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.drawn_photographs import portrait


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Two people who stand still, for ten frames."""
    frame = np.concatenate([portrait(0), portrait(3)], axis=1)[..., ::-1]
    path = tmp_path / "two people.mp4"
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*"mp4v"), 25, (896, 448))
    for _ in range(10):
        writer.write(np.ascontiguousarray(frame))
    writer.release()
    return path


def test_a_film_becomes_tracks(sphereface: Any, film: Path, shared_data: Path) -> None:
    models = {"SPHEREFACE_MODELS": str(shared_data.parent / "models")}
    words = ("dataset", "tracks", film, "tracks", "--every", 2)
    done = sphereface(*words, **models)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "tracks/two people: 2 tracks, 10 crops; 5 of 10 frames looked at\n"
    assert done.stderr == ""
    done = sphereface(*words, "--json", **models)
    (found,) = json.loads(done.stdout)["videos"]
    assert found["known"]
    assert found["counts"]["crops"] == 10
    done = sphereface("dataset", "tracks", film, "tracks", "--every", 1, **models)
    assert done.returncode == 2
    assert done.stderr.startswith(
        "error: the tracks in 'tracks/two people' are of another video or were made with"
    )


def test_what_is_no_film_is_one_sentence(sphereface: Any, tmp_path: Path, shared_data: Path) -> None:
    (tmp_path / "film.mp4").write_text("hello")
    done = sphereface(
        "dataset", "tracks", tmp_path / "film.mp4", "tracks", SPHEREFACE_MODELS=str(shared_data.parent / "models")
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "film.mp4' is no MP4, MOV" in done.stderr
    done = sphereface("dataset", "tracks", "tracks")
    assert done.returncode == 2
