"""Photographs on the command line, with the pretrained network: who is in them, at a measured operating point."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

MODEL = ("--model", "dlib")


@pytest.fixture
def scenes(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return shared_data / "scenes"


@pytest.fixture
def program(sphereface: Any, shared_data: Path) -> Any:
    """The program as a user runs it who has fetched the face detector."""
    return lambda *words: sphereface(*words, SPHEREFACE_MODELS=str(shared_data.parent / "models"))


def portrait(scenes: Path, number: int) -> Path:
    """One of the large photographs of one person."""
    groups = ("multiface", "video")
    return [path for path in sorted(scenes.glob("facenetpytorch_*.jpg")) if not path.stem.endswith(groups)][number]


def test_real_faces_everybody_in_a_group_photograph(program: Any, scenes: Path, tmp_path: Path) -> None:
    """Six people enrolled from the crops of one photograph are each the best candidate for one face of another."""
    crops = tmp_path / "crops"
    one = tmp_path / "one"
    one.mkdir()
    (one / "friends.jpg").write_bytes((scenes / "facenetpytorch_multiface.jpg").read_bytes())
    assert program("align", one, crops, "--faces", "all").returncode == 0
    for number in range(6):
        done = program("enroll", f"Person {number}", crops / f"friends-{number}.png", *MODEL)
        assert done.returncode == 0, done.stderr
    done = program("identify", scenes / "insightface_t1.jpg", *MODEL, "--json")
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)["faces"]
    assert {answer["candidates"][0]["name"] for answer in answers} == {f"Person {number}" for number in range(6)}
    assert any(answer["decision"] == "match" for answer in answers)
    for answer in answers:
        assert answer["decision"] == ("match" if answer["score"] >= answer["threshold"] else "unknown")
        assert min(answer["box"][2:]) > 50
    done = program("identify", scenes / "insightface_t1.jpg", *MODEL, "--faces", "largest", "--json")
    assert len(json.loads(done.stdout)["faces"]) == 1
    done = program("identify", portrait(scenes, 1), *MODEL)
    assert done.stdout.startswith("Person") is False
    assert "unknown" in done.stdout


def test_real_faces_one_photograph_in_many_ways(program: Any, scenes: Path, tmp_path: Path) -> None:
    """Turned by EXIF or by hand, small, grey: the same person; another photograph: another one."""
    original = portrait(scenes, 0)
    picture = Image.open(original).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.rotate(90, expand=True).save(tmp_path / "exif.jpg", exif=exif)
    picture.rotate(90, expand=True).save(tmp_path / "turned.jpg")
    picture.resize((picture.width // 3, picture.height // 3)).save(tmp_path / "small.webp")
    picture.convert("L").save(tmp_path / "grey.png")
    for name in ("exif.jpg", "turned.jpg", "small.webp", "grey.png"):
        done = program("verify", original, tmp_path / name, *MODEL, "--json")
        answer = json.loads(done.stdout)
        assert answer["decision"] == "match", (name, answer["score"])
        assert answer["score"] > 0.97, name
    done = program("verify", original, portrait(scenes, 1), *MODEL, "--json")
    assert json.loads(done.stdout)["decision"] == "no-match"


def test_real_faces_pictures_that_cannot_be_used(program: Any, scenes: Path, tmp_path: Path) -> None:
    good = portrait(scenes, 1)
    Image.fromarray(np.random.default_rng(0).integers(0, 60, (480, 640, 3), dtype=np.uint8)).save(
        tmp_path / "noise.jpg"
    )
    for words, sentence in (
        (("verify", good, tmp_path / "noise.jpg"), "no face was found"),
        (("enroll", "Ada", scenes / "facenetpytorch_multiface.jpg"), "6 faces were found where one is wanted"),
        (("identify", scenes / "adaface_office1.jpg"), "there is no gallery"),
        (("verify", good, good, "--limit", "least-sharpness=9"), "sharpness is"),
        (("verify", good, good, "--limit", "sharpnes=9"), "no limit is called 'sharpnes'"),
        (("verify", good, good, "--faces", "all"), "two faces are compared"),
        (("enroll", "Ada", good, "--faces", "all"), "one face of each picture"),
    ):
        done = program(*words, *MODEL)
        assert done.returncode == 2, (words, done.stdout)
        assert "Traceback" not in done.stderr
        (error,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert sentence in error


def test_real_faces_evaluate_counts_photographs_without_a_face(
    program: Any, shared_data: Path, tmp_path: Path
) -> None:
    """What cannot be aligned is a search that fails, or a person who is not enrolled; it is never left out."""
    people = [
        person for person in sorted((shared_data / "ci" / "lfw112").iterdir()) if len(list(person.iterdir())) > 1
    ]
    folder = tmp_path / "people"
    for person in people[:20]:
        files = sorted(person.iterdir())[:2]
        (folder / person.name).mkdir(parents=True)
        for file in files:
            (folder / person.name / file.name).write_bytes(file.read_bytes())
    first = sorted(folder.rglob("*.jpg"))[0]
    Image.new("RGB", (300, 200), (90, 120, 80)).save(first)
    words = (
        "evaluate",
        "--model",
        "dlib",
        "--data",
        folder,
        "--target-fmr",
        "0.05",
        "--target-fpir",
        "0.3",
        "--json",
    )
    done = program(*words)
    assert done.returncode == 2
    assert "--out" in json.loads(done.stdout)["error"]
    done = program(*words, "--out", tmp_path / "report")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [(Path(each["path"]).name, each["outcome"]) for each in found["failures"]] == [(first.name, "no-face")]
    searches = found["identification"][0]
    assert searches["failed_mated"] + searches["failed_non_mated"] + searches["failed_enrolments"] > 0
    done = program(*words, "--store", "--out", tmp_path / "report")
    assert done.returncode == 2
    assert "models get dlib" in json.loads(done.stdout)["error"]
