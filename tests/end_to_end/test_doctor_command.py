"""``sphereface doctor`` on a trained network and drawn people: pictures or contract are spoilt."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner

from sphereface.checkpoint import load_card, load_tensors, save_model
from sphereface.cli.main import app
from sphereface.data.manifest import read_manifest
from sphereface.embedder import load_embedder
from sphereface.embedder.doctor import TakesContracts
from sphereface.errors import ConfigurationError, ModelError, NotEnoughDataError
from sphereface.faces.detection import Detection
from sphereface.faces.template import ARCFACE_TEMPLATE

Pixels = NDArray[np.uint8]
PEOPLE, IMAGES = 60, 2  # of fewer people the smallest effects are hidden by chance on some machines


@pytest.fixture(autouse=True)
def no_detector(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No model file of a detector is here, whatever the machine has."""
    monkeypatch.setenv("SPHEREFACE_MODELS", str(tmp_path))


def spoil(story: Any, folder: Path, change: Callable[[Pixels, np.random.Generator], Pixels]) -> Path:
    """Write the people that the story's model was judged on, every picture changed."""
    generator = np.random.default_rng(0)
    for person in sorted((story.folder / "faces" / "judge").glob("person-*"))[:PEOPLE]:
        (folder / person.name).mkdir(parents=True)
        for path in sorted(person.glob("*.jpg"))[:IMAGES]:
            pixels = change(np.asarray(Image.open(path)), generator)
            Image.fromarray(pixels).save(folder / person.name / f"{path.stem}.png")
    return folder


def call(model: Path, data: Path, *words: object) -> Any:
    words = ("doctor", model, data, "--people", PEOPLE, "--images", IMAGES, *words)
    return CliRunner().invoke(app, [*map(str, words)])


def examined(model: Path, data: Path, *words: object) -> tuple[int, dict[str, Any]]:
    """Return the exit code and what was found."""
    done = call(model, data, "--json", *words)
    assert done.exit_code in (0, 1), (done.output, done.exception)
    return done.exit_code, json.loads(done.stdout)


def placed_at_random(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """A photograph with the person somewhere in it."""
    photograph = np.zeros((300, 300, 3), dtype=np.uint8)
    side = int(generator.integers(150, 250))
    top, left = generator.integers(0, 300 - side, 2)
    smaller = Image.fromarray(np.maximum(pixels, 8)).resize((side, side))
    photograph[top : top + side, left : left + side] = np.asarray(smaller)
    return photograph


def resized(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    return np.asarray(
        Image.fromarray(placed_at_random(pixels, generator)).resize((112, 112), Image.Resampling.BOX)
    )


class FindsWhatIsNotBlack:
    """A detector for :func:`placed_at_random`."""

    def detect(self, pixels: Pixels) -> tuple[Detection, ...]:
        rows, columns = (np.flatnonzero((pixels > 5).all(axis=2).any(axis=axis)) for axis in (1, 0))
        scale = (columns[-1] - columns[0] + 1) / 112.0
        landmarks = (ARCFACE_TEMPLATE + 0.5) * scale - 0.5 + (columns[0], rows[0])
        return (Detection(float(columns[0]), float(rows[0]), 112 * scale, 112 * scale, 1.0, landmarks),)


def test_right_pictures_fit(story: Any) -> None:
    judge = story.folder / "faces" / "judge"
    code, found = examined(story.folder, judge)
    assert (code, found["verdict"], found["best"]) == (0, "fits", found["today"])
    assert (found["people"], found["pictures"], found["undecoded"]) == (PEOPLE, PEOPLE * IMAGES, [])
    assert found["today"]["reading"] == "as crops"
    assert found["today"]["rise_over_today"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert "SPHEREFACE_MODELS" in found["skipped"]  # the way to look for faces is told
    values = [trial["d_prime"]["value"] for trial in found["tried"]]
    assert values == sorted(values, reverse=True)
    done = call(story.folder, judge, "--people", 16, "--images", 2)
    assert done.exit_code == 0, done.output
    assert "today: taken for aligned crops, as they are, RGB, (x - 127.5) / 128" in done.stdout
    assert "today's contract fits: nothing tried separates people better" in done.stdout


def test_red_and_blue_exchanged_in_the_files(story: Any, tmp_path: Path) -> None:
    data = spoil(story, tmp_path / "swapped", lambda pixels, _: pixels[..., ::-1])
    code, found = examined(story.folder, data, "--out", tmp_path / "out")
    assert (code, found["verdict"]) == (1, "another fits better")
    assert (found["best"]["reading"], found["best"]["colour"]) == ("as crops", "bgr")
    assert found["best"]["rise_over_today"]["low"] > 0.0
    assert "red and blue are exchanged: d' rises" in found["sentences"][0]
    assert "exchange red and blue in the files: skin is bluer than red" in found["sentences"][1]
    assert found["saved"] is None
    assert found["sentences"][-1] == "no copy is saved: the fault is in the pictures, not in the contract"
    assert not (tmp_path / "out").exists()


def test_crops_of_another_scale(story: Any, tmp_path: Path) -> None:
    def shrunk(pixels: Pixels, generator: np.random.Generator) -> Pixels:
        return np.pad(np.asarray(Image.fromarray(pixels).resize((96, 96))), ((8, 8), (8, 8), (0, 0)))

    code, found = examined(story.folder, spoil(story, tmp_path / "small", shrunk))
    assert (code, found["best"]["reading"], found["best"]["colour"]) == (1, "tighter", "rgb")
    assert "show more around the face" in found["sentences"][0]
    assert "sphereface align" in found["sentences"][1]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"mean": 0.0, "std": 1000.0}, ["pixels are scaled as x / 1000 where (x - 127.5) / 128 fits"]),
        ({"mean": 0.0, "std": 1000.0, "colour": "bgr"}, ["red and blue are exchanged", "(x - 127.5) / 128 fits"]),
    ],
)
def test_a_card_that_is_wrong_about_the_pixels(
    story: Any, tmp_path: Path, wrong: dict[str, Any], words: list[str]
) -> None:
    judge, card, model = story.folder / "faces" / "judge", load_card(story.folder), tmp_path / "wrong"
    contract = card.input_contract.model_copy(update=wrong)
    spoilt = card.model_copy(update={"input_contract": contract, "operating_points": ()})
    save_model(model, load_tensors(story.folder, card), spoilt)
    shutil.copy(story.folder / "learned.safetensors", model)
    code, found = examined(model, judge, "--out", tmp_path / "right")
    assert (code, found["best"]["colour"], found["best"]["scaling"]) == (1, "rgb", {"mean": 127.5, "std": 128.0})
    for word in words:
        assert word in found["sentences"][0]
    assert any("input contract should say mean = 127.5 and std = 128" in said for said in found["sentences"])
    assert found["saved"] == str(tmp_path / "right")
    mended = load_card(tmp_path / "right")
    assert mended.fingerprint == card.fingerprint, "the model as it was before its card was spoilt"
    assert mended.operating_points == ()
    assert (tmp_path / "right" / "learned.safetensors").exists()


def test_a_copy_that_cannot_be_saved_is_refused_before_the_work(story: Any, tmp_path: Path) -> None:
    there = call(story.folder, tmp_path / "no pictures", "--out", story.folder)
    assert "is there already and not empty" in str(there.exception)
    onnx = call(tmp_path / "model.onnx", tmp_path / "no pictures", "--out", tmp_path / "copy")
    assert f"in its metadata or in '{tmp_path / 'model.json'}'" in str(onnx.exception)


def test_photographs_that_were_never_aligned(story: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sphereface.faces.detectors.detector", lambda name: FindsWhatIsNotBlack())
    code, found = examined(story.folder, spoil(story, tmp_path / "resized", resized))
    assert (code, found["today"]["reading"], found["best"]["reading"]) == (1, "as crops", "as photographs")
    assert "not aligned as the model expects" in found["sentences"][0]
    photographs = spoil(story, tmp_path / "photographs", placed_at_random)
    code, found = examined(story.folder, photographs, "--people", 16, "--images", 2)
    assert (code, found["today"]["reading"], found["skipped"]) == (0, "as photographs", "")
    code, found = examined(story.folder, photographs, "--pictures", "aligned")
    assert (code, found["best"]["reading"]) == (1, "as photographs")


def test_a_network_behind_another_contract_is_the_model_saved_with_it(story: Any, tmp_path: Path) -> None:
    card, model = load_card(story.folder), load_embedder(story.folder)
    assert isinstance(model, TakesContracts)
    contract = card.input_contract.model_copy(update={"colour": "bgr", "std": 64.0, "flip_fusion": "none"})
    other = model.with_contract(contract)
    save_model(
        tmp_path / "model",
        load_tensors(story.folder, card),
        card.model_copy(update={"input_contract": contract, "operating_points": ()}),
    )
    saved = load_embedder(tmp_path / "model")
    assert other.contract == saved.contract == contract
    assert other.fingerprint == saved.fingerprint != model.fingerprint
    pictures = np.random.default_rng(0).integers(0, 256, (3, 112, 112, 3), dtype=np.uint8)
    assert (other.embed(pictures) == saved.embed(pictures)).all()
    assert model.contract == card.input_contract
    with pytest.raises(ConfigurationError, match="takes 112x96 pictures"):
        model.with_contract(contract.model_copy(update={"size": "112x112"}))


def test_what_cannot_be_examined(story: Any, tmp_path: Path) -> None:
    few = story.folder / "faces" / "enrol"
    assert len(read_manifest(few).identities) < 10
    done = call(story.folder, few)
    assert isinstance(done.exception, NotEnoughDataError)
    assert f"only 6 people in '{few}' have two pictures" in str(done.exception)
    photographs = spoil(story, tmp_path / "photographs", placed_at_random)
    done = call(story.folder, photographs)  # today's way needs the detector that is not there
    assert isinstance(done.exception, ModelError)
    assert "SPHEREFACE_MODELS" in str(done.exception)
