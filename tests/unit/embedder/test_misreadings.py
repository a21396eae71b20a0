"""Every way to read a picture does what it says, and today's is that of all commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from sphereface.embedder.misreadings import WAYS, Way, read_in_every_way
from sphereface.errors import ModelError
from sphereface.faces.detection import Detection
from sphereface.faces.detectors import reader
from sphereface.faces.reading import recut
from sphereface.faces.template import ARCFACE_TEMPLATE

Pixels = NDArray[np.uint8]


class FindsEverything:
    """A detector that takes any picture for one face that fills it."""

    def detect(self, pixels: Pixels) -> tuple[Detection, ...]:
        scale = pixels.shape[1] / 112.0
        landmarks = (ARCFACE_TEMPLATE + 0.5) * scale - 0.5
        return (Detection(0.0, 0.0, 112 * scale, 112 * scale, 1.0, landmarks),)


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sphereface.faces.detectors.detector", lambda name: FindsEverything())


@pytest.fixture
def no_detector(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("SPHEREFACE_MODELS", str(tmp_path_factory.mktemp("models")))


def crops_of(tmp_path: Path, pixels: Pixels, size: Any = "112x112", **settings: Any) -> dict[Way, Pixels | None]:
    path = tmp_path / "picture.png"
    Image.fromarray(pixels).save(path)
    read = read_in_every_way([path], size, **settings).crops
    return {way: crops.pixels[0] if crops.ok[0] else None for way, crops in read.items()}


PICTURE = np.random.default_rng(0).integers(0, 256, (112, 112, 3), dtype=np.uint8)


def test_cuts_are_where_they_say(tmp_path: Path, no_detector: None) -> None:
    crops = crops_of(tmp_path, PICTURE)
    assert list(crops) == ["as crops", "tighter", "looser", "moved right", "moved left"]  # the rest is alike
    assert (crops["as crops"] == PICTURE).all()
    right, left = crops["moved right"], crops["moved left"]
    assert right is not None
    assert left is not None
    assert (right[:, 8:] == PICTURE[:, :-8]).all()
    assert (right[:, :8] == 0).all()
    assert (left[:, :-8] == PICTURE[:, 8:]).all()
    looser = crops["looser"]
    assert looser is not None
    assert (looser[:6] == 0).all()  # 112 / 1.15 leaves a border of 7.3
    assert (looser[9:-9, 9:-9] != 0).any(axis=2).all()


def test_a_square_in_a_narrow_network_is_also_squeezed(tmp_path: Path, no_detector: None) -> None:
    crops = crops_of(tmp_path, PICTURE, "112x96")
    assert (crops["as crops"] == PICTURE[:, 8:104]).all()
    assert (crops["resized"] == np.asarray(Image.fromarray(PICTURE).resize((96, 112), 4))).all()


def test_a_narrow_crop_can_be_brought_to_a_square_network(tmp_path: Path, no_detector: None) -> None:
    crops = crops_of(tmp_path, PICTURE[:, 8:104])
    assert next(iter(crops.items())) == ("as crops", None)  # today it is refused
    placed = crops["by template"]
    assert placed is not None
    assert (placed[:, 8:104] == PICTURE[:, 8:104]).all()
    assert (placed[:, :8] == 0).all()


def test_dlibs_template_is_todays_for_its_size(tmp_path: Path, no_detector: None) -> None:
    crops = crops_of(tmp_path, PICTURE, "150x150")
    assert (crops["as crops"] == recut(PICTURE, "150x150")[0]).all()
    assert "by template" not in crops
    assert "resized" in crops


def test_a_photograph_is_aligned_and_may_have_been_resized(tmp_path: Path, detector: None) -> None:
    crops = crops_of(tmp_path, np.tile(PICTURE, (2, 3, 1)))
    assert list(crops) == ["as photographs", "resized"]


def test_today_is_what_the_reader_of_all_commands_does(tmp_path: Path, detector: None) -> None:
    either = reader("112x112")
    shapes = ((112, 112), (112, 96), (96, 112), (120, 120), (150, 150), (300, 200))
    for number, (height, width) in enumerate(shapes):
        path = tmp_path / f"{number}.png"
        Image.fromarray(np.resize(PICTURE, (height, width, 3))).save(path)
        reading = either.read(path)
        (way, crops), *_ = read_in_every_way([path], "112x112").crops.items()
        assert way == ("as crops" if height == 112 else "as photographs")
        assert crops.ok[0] == bool(reading.faces)
        if reading.faces:
            assert (crops.pixels[0] == reading.faces[0].crop).all()
    read = read_in_every_way(sorted(tmp_path.glob("*.png")), "112x112").crops
    assert next(iter(read)) == "either"
    assert set(read) <= set(WAYS)


def test_a_missing_detector_is_told_or_refused(tmp_path: Path, no_detector: None) -> None:
    path = tmp_path / "picture.png"
    Image.fromarray(PICTURE).save(path)
    read = read_in_every_way([path], "112x112")
    assert "SPHEREFACE_MODELS" in read.skipped
    assert "as photographs" not in read.crops
    with pytest.raises(ModelError, match="SPHEREFACE_MODELS"):
        read_in_every_way([path], "112x112", "photographs")
