"""A data set checked by face: every picture is embedded or counted, and the findings name files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from sphereface.data.manifest import read_manifest
from sphereface.embedder.face_check import check_faces
from sphereface.errors import ConfigurationError, DataError
from sphereface.faces.contract import InputContract


class Colours:
    """An embedder that knows people by the colour of their pictures."""

    contract = InputContract()
    fingerprint = "c" * 64
    dimension = 3

    def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        raw = images.mean(axis=(1, 2)).astype(np.float32) - 128.0
        units: NDArray[np.float32] = raw / np.linalg.norm(raw, axis=1, keepdims=True)
        return units


def folder(root: Path, people: dict[str, tuple[float, float, float]], images: int = 4) -> Path:
    generator = np.random.default_rng(len(people))
    for name, direction in people.items():
        (root / name).mkdir(parents=True)
        for image in range(images):
            colour = 128.0 + 100.0 * np.array(direction) + generator.normal(0.0, 3.0, 3)
            Image.new("RGB", (112, 112), tuple(np.clip(colour, 0, 255).astype(int).tolist())).save(
                root / name / f"{image}.png"
            )
    return root


def directions(count: int, seed: int = 0) -> list[tuple[float, float, float]]:
    """Directions that lie at least 15 degrees apart."""
    generator = np.random.default_rng(seed)
    found: list[np.ndarray] = []
    while len(found) < count:
        new = generator.standard_normal(3)
        new /= np.linalg.norm(new)
        if all(old @ new < np.cos(np.radians(15)) for old in found):
            found.append(new)
    return [tuple(each.tolist()) for each in found]


def test_findings_name_people_and_files(tmp_path: Path) -> None:
    colours = directions(30)
    here = folder(tmp_path / "here", {f"a{number:02}": colour for number, colour in enumerate(colours[:25])})
    there = folder(tmp_path / "there", {f"b{number:02}": colour for number, colour in enumerate(colours[23:])})
    (here / "a03" / "0.png").replace(here / "a07" / "moved.png")
    (here / "a00" / "bad.png").write_text("no picture")
    found = check_faces(Colours(), read_manifest(here), read_manifest(there))
    assert {(pair.first, pair.second) for pair in found.shared} == {("a23", "b00"), ("a24", "b01")}
    assert {Path(stray.picture).name: (stray.person, stray.nearest) for stray in found.strays} == {
        "moved.png": ("a07", "a03")
    }
    assert found.twice == ()
    assert [(face.path.name, face.outcome) for face in found.failures] == [("bad.png", "undecodable")]
    assert all(Path(name).exists() for pair in found.shared for name in pair.pictures)
    lines = list(found.lines())
    assert len(lines) == 3
    assert lines[0] == "128 pictures were compared; 1 could not be (undecodable 1)."
    assert "2 pairs of people in both sets look alike" in lines[1]
    assert "moved.png" in lines[2]
    plain = found.to_json()
    assert (len(plain["shared"]), len(plain["strays"]), len(plain["failures"])) == (2, 1, 1)


def test_a_clean_set_says_nothing(tmp_path: Path) -> None:
    here = folder(tmp_path, {f"a{number:02}": colour for number, colour in enumerate(directions(25))})
    assert list(check_faces(Colours(), read_manifest(here)).lines()) == ["100 pictures were compared."]


def test_a_setting_out_of_range_is_refused_before_anything_is_embedded(tmp_path: Path) -> None:
    class Nothing(Colours):
        def embed(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
            raise AssertionError("too early")

    here = folder(tmp_path, {f"a{number:02}": colour for number, colour in enumerate(directions(25))})
    with pytest.raises(ConfigurationError, match="recall"):
        check_faces(Nothing(), read_manifest(here), recall=7.0)


def test_nothing_to_compare(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_text("no picture")
    with pytest.raises(DataError, match="none of the 1 pictures could be embedded"):
        check_faces(Colours(), read_manifest(tmp_path))
