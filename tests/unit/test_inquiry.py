"""Who is judged by what, settled before a score is computed: nobody whom a model has learned from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sphereface.data.learned import Learned, read_learned
from sphereface.data.manifest import read_manifest, read_pictures
from sphereface.errors import ConfigurationError, DataError
from sphereface.inquiry import _protocol, inquire
from sphereface.question import Question


def tree(folder: Path, people: dict[str, str]) -> Path:
    """Write one file for each letter of each person."""
    for name, letters in people.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number, letter in enumerate(letters):
            (folder / name / f"{number}.jpg").write_text(letter)
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return a folder that remembers Ada and Bo, and nothing else of a model."""
    learned = read_manifest(tree(tmp_path / "learned", {"Ada_L": "ab", "Bo": "cd"}))
    (tmp_path / "model").mkdir()
    Learned.of(learned).save(tmp_path / "model")
    return tmp_path / "model"


def test_people_are_left_out_of_a_protocol_by_name_and_by_picture(tmp_path: Path, model: Path) -> None:
    faces = tree(
        tmp_path / "faces", {"ada l": "xy", "Cem": "zd", "Dan": "uv", "unknown/Eve": "s", "unknown/Fay": "c"}
    )
    protocol, gone = _protocol(Question("folder"), read_pictures(faces), [read_learned(model)], ())
    assert protocol is not None
    # Ada by her name, Cem and Fay because a picture of theirs was learned from under another.
    assert sorted(gone) == ["Cem", "Fay", "ada l"]
    assert set(protocol.units.people) == {"Dan", "Eve"}


def test_a_model_that_remembers_nobody_leaves_nobody_out(tmp_path: Path) -> None:
    faces = tree(tmp_path / "faces", {"Cem": "zd", "unknown/Eve": "s"})
    protocol, gone = _protocol(Question("folder"), read_pictures(faces), [read_learned(tmp_path)], ("Somebody",))
    assert protocol is not None
    assert gone == ("Somebody",)
    assert set(protocol.units.people) == {"Cem", "Eve"}


def test_what_does_not_go_together(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nothing is judged"):
        inquire([], [], Question())
    with pytest.raises(ConfigurationError, match="pictures for a model"):
        inquire([], [tmp_path / "x.npz"], Question(), data=[tmp_path])
    with pytest.raises(ConfigurationError, match="two or more"):
        inquire([], [tmp_path / "x.npz"], Question(), fuse=True)
    with pytest.raises(DataError, match="there is no file"):
        inquire([], [tmp_path / "x.npz"], Question())
    np.savez(tmp_path / "plain.npz", embeddings=np.eye(4), identity=np.array(list("aabb")))
    with pytest.raises(ConfigurationError, match="about templates"):
        inquire([], [tmp_path / "plain.npz"], Question(weighting="quality"))
