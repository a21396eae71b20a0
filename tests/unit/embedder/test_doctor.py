"""The doctor with a model of red alone: each fault is found, named and mended, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from sphereface.embedder.contract_search import Scaling
from sphereface.embedder.doctor import diagnose
from sphereface.embedder.prescription import prescribed, sentences
from sphereface.errors import ConfigurationError, NotEnoughDataError
from sphereface.faces.contract import InputContract
from sphereface.faces.detection import Detection
from sphereface.faces.template import ARCFACE_TEMPLATE

Pixels = NDArray[np.uint8]


def face(person: int, generator: np.random.Generator) -> Pixels:
    """A picture that is redder than blue: a person's pattern in the red of the middle, noise in all the rest."""
    pixels = generator.integers(0, 30, (112, 112, 3)) + np.array([80, 50, 20])
    pixels += generator.integers(0, 90, (14, 14, 3)).repeat(8, 0).repeat(8, 1)
    pattern = np.random.default_rng(person).integers(90, 180, (14, 2)).repeat(8, 0).repeat(16, 1)
    pixels[:, 40:72, 0] = pattern + generator.integers(-15, 15, (112, 32))
    return pixels.astype(np.uint8)


@dataclass(frozen=True)
class SeesRed:
    """A model of the red of the middle alone, which saturates unless pixels are scaled as it expects."""

    contract: InputContract = field(default_factory=InputContract)
    fingerprint: str = "f" * 64
    dimension: int = 28

    def embed(self, images: Pixels) -> NDArray[np.float32]:
        middle = np.tanh(2.0 * self.contract.normalise(images)[:, 0, :, 40:72])
        blocks = middle.reshape(len(images), 14, 8, 2, 16).mean(axis=(2, 4)).reshape(len(images), -1)
        centred = blocks - blocks.mean(axis=1, keepdims=True) + np.float32(1e-6)
        return np.asarray(centred / np.linalg.norm(centred, axis=1, keepdims=True))


@dataclass(frozen=True)
class SeesRedAsTold(SeesRed):
    """The same, and it takes other contracts."""

    def with_contract(self, contract: InputContract) -> SeesRedAsTold:
        return replace(self, contract=contract)


Change = Callable[[Pixels, np.random.Generator], Pixels]


def write(folder: Path, change: Change = lambda pixels, _: pixels, people: int = 20, images: int = 3) -> Path:
    generator = np.random.default_rng(0)
    for person in range(people):
        home = folder / f"person {person}"
        home.mkdir(parents=True)
        for shot in range(images):
            Image.fromarray(change(face(person, generator), generator)).save(home / f"{shot}.png")
    return folder


@pytest.fixture(autouse=True)
def no_detector(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No model file of a detector is here, whatever the machine has."""
    monkeypatch.setenv("SPHEREFACE_MODELS", str(tmp_path))


def test_right_pictures_fit(tmp_path: Path) -> None:
    found = diagnose(SeesRedAsTold(), write(tmp_path / "data"))
    assert (found.verdict, found.people, found.pictures) == ("fits", 20, 60)
    assert found.best is found.today
    said = list(sentences(found))
    assert said[0] == "today's contract fits: nothing tried separates people better beyond chance"
    assert "SPHEREFACE_MODELS" in said[1]


def test_red_and_blue_exchanged_in_the_files(tmp_path: Path) -> None:
    data = write(tmp_path / "data", lambda pixels, _: pixels[..., ::-1])
    for model in (SeesRed(), SeesRedAsTold()):
        found = diagnose(model, data)
        assert found.best.variant.changes(found.today.variant) == ("colour",)
        said = list(sentences(found))
        assert said[0].startswith("red and blue are exchanged: d' rises from ")
        assert said[1] == "exchange red and blue in the files: skin is bluer than red in 100% of them"
        assert prescribed(found, InputContract()) == InputContract(), "the files are at fault"


def test_a_card_that_is_wrong_about_colours(tmp_path: Path) -> None:
    wrong = InputContract(colour="bgr")
    found = diagnose(SeesRedAsTold(wrong), write(tmp_path / "data"))
    assert prescribed(found, wrong) == InputContract(colour="rgb")
    unsure = replace(found, redder=0.5)
    assert prescribed(unsure, wrong) == InputContract(colour="rgb"), "who asks for a contract gets one"
    assert found.verdict == "another fits better"
    assert "input contract should say colour = 'rgb'; the files are in order" in list(sentences(found))[1]


def test_a_card_that_is_wrong_about_scaling(tmp_path: Path) -> None:
    wrong = InputContract(mean=0.0, std=1.0)
    found = diagnose(SeesRedAsTold(wrong), write(tmp_path / "data"))
    assert prescribed(found, wrong) == InputContract(mean=127.5, std=128.0)
    assert found.best.variant.changes(found.today.variant) == ("scaling",)
    assert found.best.variant.scaling == Scaling(127.5, 128.0)  # not 127.5 and 127.5, which is as good
    said = list(sentences(found))
    assert "pixels are scaled as x / 1 where (x - 127.5) / 128 fits" in said[0]
    assert "mean = 127.5 and std = 128" in said[1]


@pytest.mark.parametrize(("columns", "way"), [(-8, "moved right"), (8, "moved left")])
def test_faces_beside_their_place(tmp_path: Path, columns: int, way: str) -> None:
    def beside(pixels: Pixels, generator: np.random.Generator) -> Pixels:
        return np.roll(pixels, columns, axis=1)

    found = diagnose(SeesRed(), write(tmp_path / "data", beside))
    assert found.best.variant.reading == way
    assert "8 columns too far" in next(sentences(found))


def test_a_model_of_nothing(tmp_path: Path) -> None:
    def noise(pixels: Pixels, generator: np.random.Generator) -> Pixels:
        return generator.integers(0, 256, pixels.shape, dtype=np.uint8)

    found = diagnose(SeesRed(), write(tmp_path / "data", noise))
    assert found.verdict == "nothing separates"
    assert prescribed(found, InputContract(colour="bgr")) == InputContract(colour="bgr")
    assert "is this the right model" in next(sentences(found))


def test_files_that_are_no_pictures_take_no_part(tmp_path: Path) -> None:
    data = write(tmp_path / "data")
    broken = data / "person 3" / "0.png"
    broken.write_bytes(b"not a picture")
    for shot in (0, 1):
        (data / "person 5" / f"{shot}.png").write_bytes(b"")
    found = diagnose(SeesRed(), data)
    assert (found.people, found.pictures, len(found.undecoded)) == (19, 56, 3)  # nobody with one picture
    assert broken in found.undecoded
    assert found.verdict == "fits"


def test_the_sample_is_repeatable_and_no_larger_than_wished(tmp_path: Path) -> None:
    data = write(tmp_path / "data")
    one, two = (diagnose(SeesRed(), data, people=12, images=2, seed=4) for _ in range(2))
    assert (one.people, one.pictures) == (12, 24)
    assert one.today.separation.value == two.today.separation.value
    assert one.today.separation.value != diagnose(SeesRed(), data, people=12, images=2).today.separation.value


def test_too_few(tmp_path: Path) -> None:
    data = write(tmp_path / "data", people=9, images=2)
    with pytest.raises(NotEnoughDataError, match=r"only 9 people in .* bring 10 or more"):
        diagnose(SeesRed(), data)
    with pytest.raises(ConfigurationError, match="10 people or more with 2 pictures or more, not on 60 with 1"):
        diagnose(SeesRed(), data, images=1)


def test_aligning_crops_again_is_priced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Errs:
        """A detector that is 12 pixels off, and finds nothing in some pictures."""

        def detect(self, pixels: Pixels) -> tuple[Detection, ...]:
            away = np.random.default_rng(int(pixels.sum())).normal(0.0, 12.0, 2)
            found = Detection(0.0, 0.0, 112.0, 112.0, 1.0, ARCFACE_TEMPLATE + away)
            return () if pixels.sum() % 5 == 0 else (found,)

    monkeypatch.setattr("sphereface.faces.detectors.detector", lambda name: Errs())
    found = diagnose(SeesRed(), write(tmp_path / "data"))
    assert found.verdict == "fits"
    said = list(sentences(found))
    assert said[1].startswith("these crops are aligned already: aligning them again would lower d' from ")
    assert said[1].endswith(" pictures")


def test_a_diagnosis_tells_rises_for_all_variants_together(tmp_path: Path) -> None:
    found = diagnose(SeesRedAsTold(), write(tmp_path / "data"))
    assert found.choices.others == len(found.choices.reading) * 2 * 4 - 1
    other = found.tried[-1]
    rise = found.rise(other)
    assert rise.high - rise.low > np.diff(other.separation.rise_over(found.today.separation, 0.95)[1:])
