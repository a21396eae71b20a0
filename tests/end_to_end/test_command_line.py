"""The program as a stranger uses it: right and wrong input, words and JSON."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sphereface import load_embedder
from sphereface.checkpoint import update_operating_points
from sphereface.cli import main
from sphereface.embedder import embed_files
from sphereface.evaluation.calibration import write_calibration
from sphereface.evaluation.calibration.file import CalibrationFile, MeasuredCost


def pictures(story: Any, part: str, person: int) -> list[Path]:
    home = sorted((story.folder / "faces" / part).glob("person-*"))[person]
    return sorted(home.glob("*.jpg"))


def fails(done: Any, *words: str) -> None:
    """Assert one sentence, a non-zero exit, and no traceback."""
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    message = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(message) == 1, done.stderr
    for word in words:
        assert word in message[0], message[0]


def test_enrol_identify_verify(story: Any, sphereface: Any) -> None:
    model, gallery = ("--model", story.folder), ("--gallery", "book.db")
    for person, name in ((0, "Žofia Nováková"), (1, "Ada  Lovelace")):
        done = sphereface("enroll", name, *pictures(story, "enrol", person)[:3], *model, *gallery, "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["added"] == 3
        assert "taken for an aligned crop" in done.stderr  # what a picture is taken for is never silent
    done = sphereface("identify", pictures(story, "enrol", 0)[3], *model, *gallery, "--json")
    shown = json.loads(done.stdout)
    (answer,) = shown["faces"]
    assert answer["box"] is None  # an aligned crop is one face and has no box
    assert answer["gallery_people"] == 2
    assert {each["name"] for each in answer["candidates"]} == {"Žofia Nováková", "Ada  Lovelace"}
    assert answer["decision"] == ("match" if answer["score"] >= answer["threshold"] else "unknown")
    assert shown["operating_point"]["target"] == 0.4
    assert answer["measured_rate"] == shown["operating_point"]["measured"]
    done = sphereface("identify", pictures(story, "enrol", 0)[0], *model, *gallery)
    assert done.stdout.startswith("Žofia Nováková\n"), done.stdout
    done = sphereface("verify", *pictures(story, "enrol", 0)[:1] * 2, *model, "--json")
    assert json.loads(done.stdout)["decision"] == "match"
    assert json.loads(done.stdout)["score"] == pytest.approx(1.0, abs=1e-5)
    done = sphereface("verify", "Žofia Nováková", pictures(story, "enrol", 0)[0], *model, *gallery)
    assert done.stdout.startswith("same person\n"), (done.stdout, done.stderr)
    done = sphereface("verify", "Ada Lovelake", pictures(story, "enrol", 0)[0], *model, *gallery)
    fails(done, "neither a file nor a person", "Did you mean 'Ada  Lovelace'?")


def test_who_is_enrolled_can_be_seen_and_forgotten_without_the_model(story: Any, sphereface: Any) -> None:
    model, gallery = ("--model", story.folder), ("--gallery", "book.db")
    two = [pictures(story, "enrol", person)[0] for person in (0, 1)]
    assert sphereface("enroll", "Ada Lovelace", two[0], *model, *gallery).returncode == 0
    done = sphereface("enroll", "ada  lovelace", two[1], *model, *gallery)
    assert "note: 'ada  lovelace' and 'Ada Lovelace' are two people to the gallery" in done.stderr
    fails(sphereface("enroll", "Bob", two[0], *model, *gallery), "already enrolled for 'Ada Lovelace'", "forget")
    fails(sphereface("enroll", two[0], two[1], *model, *gallery), "is a file", "enroll NAME PICTURE")
    fails(sphereface("enroll", "Unknown", two[1], *model, *gallery), "what a gallery answers of strangers")

    shown = json.loads(sphereface("people", *gallery, "--json").stdout)
    assert [(person["name"], person["templates"]) for person in shown["people"]] == [
        ("ada  lovelace", 1),
        ("Ada Lovelace", 1),
    ]
    done = sphereface("forget", "ada  lovelace", *gallery)
    assert done.stdout.startswith("forgotten ada  lovelace: 1 embedding erased\n"), done.stderr
    assert "    1  Ada Lovelace\n" in sphereface("people", *gallery).stdout
    fails(sphereface("forget", "Ada Lovelac", *gallery), "nobody called", "Did you mean 'Ada Lovelace'?")
    fails(sphereface("people", "--gallery", "none.db"), "none.db")


def test_a_gallery_can_be_checked(story: Any, sphereface: Any, tmp_path: Path) -> None:
    book = tmp_path / "book.db"
    words = ("--model", story.folder, "--gallery", book)
    assert sphereface("enroll", "Ada", *pictures(story, "enrol", 0)[:2], *words).returncode == 0
    done = sphereface("people", "--check", "--gallery", book)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "every embedding is as it was enrolled")
    with closing(sqlite3.connect(book)) as connection, connection:
        connection.execute("UPDATE template SET vector = zeroblob(length(vector)) WHERE seq = 1")
    done = sphereface("people", "--check", "--gallery", book)
    assert done.returncode == 1
    assert "wrong: the checksum of template 1 of 'Ada' is wrong" in done.stdout
    done = sphereface("people", "--check", "--gallery", book, "--json")
    assert done.returncode == 1
    assert len(json.loads(done.stdout)["problems"]) == 1


def test_pictures_of_two_people_under_one_name_are_remarked(story: Any, sphereface: Any) -> None:
    three = [*pictures(story, "enrol", 0)[:1] * 2, pictures(story, "enrol", 1)[0]]
    done = sphereface("enroll", "Ada", *three, "--model", story.folder, "--gallery", "book.db")
    assert done.returncode == 0, done.stderr
    points = {point.kind: point for point in story.result.audit.points}
    faces = embed_files(load_embedder(story.folder), three)
    alike = float(np.dot(faces[0].embedding, faces[2].embedding)) >= points["fmr"].threshold
    remarks = [line for line in done.stderr.splitlines() if "is like none of the other pictures" in line]
    assert len(remarks) == (0 if alike else 1)
    assert all(str(three[2]) in line for line in remarks)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("identify", "--json"), "Missing argument"),
        (("evaluate", "--tpyo", "--json"), "No such option: --tpyo"),
        (("margins", "suggest", "--classes", "0", "--json"), "--classes"),
        (("demo", "--seed", "-1", "--json"), "--seed"),
    ],
)
def test_a_mistake_on_the_command_line_is_an_object_too(
    sphereface: Any, tmp_path: Path, words: Any, said: str
) -> None:
    done = sphereface(*words)
    assert done.returncode == 2
    assert json.loads(done.stdout)["kind"] == "UsageError"
    assert said in json.loads(done.stdout)["error"]
    assert said in done.stderr
    assert not (tmp_path / "home" / "runs").exists()


def test_nobody_who_listens_is_no_mistake_of_the_user() -> None:
    program = str(Path(sys.executable).with_name("sphereface"))
    closed = subprocess.run(
        ["sh", "-c", f"'{program}' margins bounds >&-"], stderr=subprocess.PIPE, text=True, check=False
    )
    assert (closed.returncode, closed.stderr) == (0, "")
    with subprocess.Popen([program, "margins", "bounds"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as piped:
        assert piped.stdout is not None
        assert piped.stderr is not None
        piped.stdout.close()
        assert piped.stderr.read() == b""
    assert piped.returncode == 1


def test_a_calibration_of_another_model_costs_no_decision(story: Any, sphereface: Any, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    for name in ("model.json", "model.safetensors", "learned.safetensors"):
        shutil.copy(story.folder / name, model / name)
    (model / "calibration.json").write_text("{")
    two = pictures(story, "enrol", 0)[:2]
    done = sphereface("verify", *two, "--model", model, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["log_likelihood_ratio"] is None
    assert "warning: no likelihood ratio: " in done.stderr
    fails(sphereface("verify", *two, "--model", model, "--calibration", model / "calibration.json"), "calibration")
    fails(sphereface("enroll", "x" * 300, two[0], "--model", model), "at most 200 characters")


def without_points(story: Any, tmp_path: Path) -> Path:
    model = tmp_path / "model"
    model.mkdir()
    for name in ("model.json", "model.safetensors", "learned.safetensors"):
        shutil.copy(story.folder / name, model / name)
    update_operating_points(model, [])
    return model


def test_without_an_operating_point_a_score_is_told_and_nothing_decided(
    story: Any, sphereface: Any, tmp_path: Path
) -> None:
    model = without_points(story, tmp_path)
    words = ("verify", *pictures(story, "enrol", 0)[:1] * 2, "--model", model)
    done = sphereface(*words)
    fails(done, "no operating point", "sphereface evaluate --target-fmr RATE --store")
    assert done.stdout == "no decision\n  score 1.000 (cosine; an angle of 0.0 degrees)\n"
    done = sphereface(*words, "--json")
    fails(done, "no operating point")
    told = json.loads(done.stdout)
    assert told["score"] == pytest.approx(1.0)
    assert told["decision"] is told["threshold"] is told["operating_point"] is None
    assert done.stderr.endswith(f"error: {told['error']}\n")
    assert told["kind"] == "ModelError"


def test_without_an_operating_point_the_most_alike_are_told_and_nobody_named(
    story: Any, sphereface: Any, tmp_path: Path
) -> None:
    words = ("--model", without_points(story, tmp_path), "--gallery", "book.db")
    for person, name in ((0, "Ada"), (1, "Bo")):
        assert sphereface("enroll", name, pictures(story, "enrol", person)[0], *words).returncode == 0
    shown = pictures(story, "enrol", 1)[0]
    done = sphereface("identify", shown, *words)
    fails(done, "no operating point", "sphereface evaluate")
    first, second, best, other = done.stdout.splitlines()
    assert (first, second) == ("no decision", "most alike:")
    assert best == "  1.000 (cosine; an angle of 0.0 degrees)  Bo"
    assert other.endswith("degrees)  Ada")
    done = sphereface("identify", shown, *words, "--json")
    fails(done, "no operating point")
    told = json.loads(done.stdout)
    (face,) = told["faces"]
    assert [candidate["name"] for candidate in face["candidates"]] == ["Bo", "Ada"]
    assert face["decision"] is face["name"] is told["operating_point"] is None
    assert told["kind"] == "GalleryError"


@pytest.mark.parametrize("slope", [1000.0, 1e308])
def test_evidence_beyond_all_numbers_is_told_or_refused(
    story: Any, sphereface: Any, tmp_path: Path, slope: float
) -> None:
    path = tmp_path / "calibration.json"
    cost = MeasuredCost(value=0.2, low=0.1, high=0.3, confidence=0.95, people=9)
    known = {"cllr": cost, "min_cllr": 0.1, "measured": "", "genuine_pairs": 9, "impostor_pairs": 9}
    whose = {"data_hash": "d" * 64, "model_fingerprint": load_embedder(story.folder).fingerprint}
    map_ = {"kind": "platt", "parameters": {"slope": slope, "offset": slope, "lowest": -1.0}}
    write_calibration(path, CalibrationFile.model_validate(known | whose | map_))
    words = ("verify", *pictures(story, "enrol", 0)[:1] * 2, "--model", story.folder, "--calibration", path)
    done = sphereface(*words)
    if slope > 1e4:
        fails(done, "log-likelihood ratio of inf", "sphereface calibrate")
    else:
        assert done.returncode == 0, done.stderr
        assert "(log-likelihood ratio +700.00)" in done.stdout
        assert json.loads(sphereface(*words, "--json").stdout)["log_likelihood_ratio"] == 700.0


def test_letters_that_an_output_lacks_are_escaped(tmp_path: Path) -> None:
    def margins(*words: str) -> Any:
        program = [Path(sys.executable).with_name("sphereface"), "margins", *words]
        surroundings = {**os.environ, "PYTHONIOENCODING": "ascii"}
        return subprocess.run(program, env=surroundings, capture_output=True, text=True, check=False, cwd=tmp_path)

    done = margins("effective")
    assert done.returncode == 0, done.stderr
    assert "  90\\xb0  " in done.stdout
    done = margins("bounds", "Zoë.csv", "--json")
    assert done.returncode == 2
    assert "'Zo\\xeb.csv'" in done.stderr
    assert "'Zoë.csv'" in json.loads(done.stdout)["error"]  # JSON has its own escapes


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000000000000000, 3), }",
        f"{{'shape': ({'-' * 9000}1,)}}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4, 3",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (99999, 3), }",
    ],
)
def test_made_up_prototypes_are_refused(sphereface: Any, tmp_path: Path, header: str) -> None:
    text = header.encode().ljust(117) + b"\n"
    (tmp_path / "made-up.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text)
    fails(sphereface("margins", "bounds", tmp_path / "made-up.npy"), "does not hold an array of numbers")


@pytest.mark.parametrize(
    ("fault", "words"), [(MemoryError(), "not enough memory"), (RecursionError("deep"), "nested too deeply")]
)
def test_too_much_for_memory_or_stack_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fault: Exception, words: str
) -> None:
    def app(**settings: object) -> None:
        raise fault

    monkeypatch.setattr(main, "app", app)
    monkeypatch.setattr(sys, "argv", ["sphereface", "people", "--json"])
    with pytest.raises(SystemExit) as ended:
        main.run()
    out, err = capsys.readouterr()
    assert ended.value.code == 2
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert words in err
    assert json.loads(out)["kind"] == type(fault).__name__


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("json_too", [(), ("--json",)])
def test_a_full_disk_is_told_in_one_line(json_too: tuple[str, ...]) -> None:
    program = [Path(sys.executable).with_name("sphereface"), "margins", "bounds", *json_too]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(program, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "error: cannot write what was to be printed: no space left on device\n"


def test_defaults_come_from_the_surroundings(story: Any, sphereface: Any) -> None:
    model = {"SPHEREFACE_MODEL": str(story.folder)}
    done = sphereface("enroll", "Ada", pictures(story, "enrol", 0)[0], **model)
    assert done.returncode == 0, done.stderr
    assert "data/sphereface/gallery.db" in done.stdout
    done = sphereface("identify", pictures(story, "enrol", 0)[0], "--json", **model)
    assert json.loads(done.stdout)["faces"][0]["name"] == "Ada"


def test_a_folder_without_pictures_costs_a_check_by_face_nothing_else(
    story: Any, sphereface: Any, tmp_path: Path
) -> None:
    people = tmp_path / "people"
    shutil.copytree(story.folder / "faces" / "enrol", people)
    (people / "nobody").mkdir()
    done = sphereface("dataset", "check", people, "--model", story.folder, "--json")
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["people_without_readable"] == ["nobody"]
    assert "faces" not in json.loads(done.stdout)
    assert "note: faces are compared once the problems are mended" in done.stderr


def test_evaluate_on_a_folder(story: Any, sphereface: Any, tmp_path: Path) -> None:
    done = sphereface(
        "evaluate", "--model", story.folder, "--data", story.folder / "faces" / "enrol", "--out", "out", "--json"
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["people"] == 6
    assert found["verification"][0]["eer"]["low"] <= found["verification"][0]["eer"]["high"]
    assert len(found["operating_points_refused"]) == 2
    assert Path(found["report"]).name == "report.html"
    card = (tmp_path / "home" / "out" / "model-card.md").read_text(encoding="utf-8")
    assert card.startswith("# Drawn people")
    assert str(story.folder) not in card + (story.folder / "model-card.md").read_text(encoding="utf-8")


def test_evaluate_leaves_out_whom_the_model_has_learned_from(story: Any, sphereface: Any, tmp_path: Path) -> None:
    """Also when the training folder is gone and a learned person has another name."""
    done = sphereface("evaluate", "--model", story.folder, "--data", story.folder / "faces" / "learn")
    fails(done, "everybody in the data took part before")
    model = tmp_path / "model"
    model.mkdir()
    for name in ("model.json", "model.safetensors", "learned.safetensors"):
        shutil.copy(story.folder / name, model / name)
    people = tmp_path / "people"
    shutil.copytree(story.folder / "faces" / "enrol", people)
    shutil.copytree(sorted((story.folder / "faces" / "learn").glob("person-*"))[0], people / "Somebody Else")
    words = ("evaluate", "--model", model, "--data", people, "--out", "out")
    done = sphereface(*words, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["left_out"] == ["Somebody Else"]
    assert json.loads(done.stdout)["people"] == 6
    done = sphereface(*words)
    assert "1 person was left out because the network has learned from them ('Somebody Else')" in done.stdout
    assert "Somebody Else" in json.loads((tmp_path / "home" / "out" / "report.json").read_text())["data"]
    (model / "learned.safetensors").unlink()
    done = sphereface(*words, "--json")
    assert json.loads(done.stdout)["people"] == 7
    assert "could not be left out" in json.loads((tmp_path / "home" / "out" / "report.json").read_text())["data"]


def test_a_missing_model_names_the_command_that_makes_one(sphereface: Any) -> None:
    for words in (
        ("verify", "a.png", "b.png"),
        ("enroll", "Ada", "a.png"),
        ("identify", "a.png"),
        ("evaluate",),
    ):
        fails(sphereface(*words), "runs/demo", "sphereface demo")


def test_a_gallery_that_does_not_exist_yet(story: Any, sphereface: Any) -> None:
    done = sphereface("identify", pictures(story, "enrol", 0)[0], "--model", story.folder)
    fails(done, "enroll")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("text", ("not a picture", "bad.jpg")),
        ("truncated", ("bad.jpg",)),
        ("huge", ("bad.jpg", "pixels")),
        ("missing", ("bad.jpg",)),
        ("wide", ("bad.jpg", "aligned")),
        ("folder", ("bad.jpg",)),
    ],
)
def test_a_bad_picture_stops_enrolment_and_nothing_is_half_done(
    story: Any, sphereface: Any, tmp_path: Path, kind: str, words: tuple[str, ...]
) -> None:
    bad = tmp_path / "bad.jpg"
    if kind == "text":
        bad.write_text("I am not a picture")
        words = words[1:]
    elif kind == "truncated":
        bad.write_bytes(pictures(story, "enrol", 0)[0].read_bytes()[:900])
    elif kind == "huge":
        Image.new("1", (30_000, 30_000)).save(bad, format="PNG")
    elif kind == "wide":
        Image.new("RGB", (400, 112)).save(bad)
    elif kind == "folder":
        bad.mkdir()
    good = pictures(story, "enrol", 0)[0]
    model = ("--model", story.folder, "--pictures", "aligned")
    done = sphereface("enroll", "Ada", good, bad, *model, "--gallery", "book.db")
    fails(done, *words)
    done = sphereface("identify", good, "--model", story.folder, "--gallery", "book.db", "--json")
    assert done.returncode == 2  # no gallery was made
    assert set(json.loads(done.stdout)) == {"error", "kind"}


@pytest.mark.parametrize("name", ["", "   ", "a\nb"])
def test_an_empty_or_odd_name(story: Any, sphereface: Any, name: str) -> None:
    fails(sphereface("enroll", name, pictures(story, "enrol", 0)[0], "--model", story.folder), "name")


def test_a_damaged_gallery(story: Any, sphereface: Any, tmp_path: Path) -> None:
    gallery = tmp_path / "book.db"
    good = pictures(story, "enrol", 0)[0]
    words = ("--model", story.folder, "--gallery", gallery)
    assert sphereface("enroll", "Ada", good, *words).returncode == 0
    gallery.write_bytes(gallery.read_bytes()[:5000])
    fails(sphereface("identify", good, *words), "book.db")
    gallery.write_text("hello")
    fails(sphereface("identify", good, *words), "book.db")


def test_a_model_of_another_kind_and_a_damaged_one(story: Any, sphereface: Any, tmp_path: Path) -> None:
    other = tmp_path / "model"
    other.mkdir()
    for name in ("model.json", "model.safetensors"):
        shutil.copy(story.folder / name, other / name)
    weights = bytearray((other / "model.safetensors").read_bytes())
    weights[-5] ^= 1
    (other / "model.safetensors").write_bytes(weights)
    good = pictures(story, "enrol", 0)[0]
    fails(sphereface("verify", good, good, "--model", other), "damaged")
    (other / "model.json").write_text("{")
    fails(sphereface("verify", good, good, "--model", other), "model.json")


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda folder: None, ("people",)),
        (lambda folder: folder.mkdir(), ("people",)),
        (lambda folder: (folder / "Ada").mkdir(parents=True), ("Ada",)),
    ],
    ids=["missing", "empty", "a person without pictures"],
)
def test_a_folder_that_cannot_be_trained_on(
    sphereface: Any, tmp_path: Path, prepare: Any, words: tuple[str, ...]
) -> None:
    prepare(tmp_path / "people")
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('[data]\ntrain = ["people"]\n')
    done = sphereface("train", recipe, "--out", tmp_path / "run")
    fails(done, *words)
    assert not (tmp_path / "run").exists()


def test_a_mistyped_recipe(sphereface: Any, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('[data]\ntrain = ["people"]\n[head]\nname = "cosfase"\n')
    (tmp_path / "people" / "Ada").mkdir(parents=True)
    (tmp_path / "people" / "Bob").mkdir()
    for home in ("Ada", "Bob"):
        Image.fromarray(np.zeros((112, 112, 3), np.uint8)).save(tmp_path / "people" / home / "a.png")
    fails(sphereface("train", recipe, "--set", "traning.seed=1"), "traning", "'training'")
    fails(sphereface("train", recipe), "cosfase")
    fails(sphereface("train", tmp_path / "none.toml"), "none.toml")


def test_an_output_folder_that_cannot_be_made(story: Any, sphereface: Any, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f'[data]\ntrain = ["{story.folder / "faces" / "learn"}"]\n')
    fails(sphereface("train", recipe, "--out", tmp_path / "taken"), "taken")
    assert (tmp_path / "taken").read_text() == "a file"
    done = sphereface("train", recipe, "--out", tmp_path / "taken" / "deeper", "--json")
    assert done.returncode == 2
    assert set(json.loads(done.stdout)) == {"error", "kind"}


def test_dataset_check(story: Any, sphereface: Any, tmp_path: Path) -> None:
    people = story.folder / "faces" / "enrol"
    done = sphereface("dataset", "check", people, "--json")
    assert done.returncode == 0, done.stderr
    json.loads(done.stdout)
    spoilt = tmp_path / "people"
    shutil.copytree(people, spoilt)
    first = sorted(spoilt.glob("person-*"))
    (first[0] / "00.jpg").write_text("no")
    shutil.copy(first[1] / "00.jpg", first[2] / "99.jpg")
    done = sphereface("dataset", "check", spoilt)
    assert done.returncode == 1
    assert "00.jpg" in done.stdout
    assert "99.jpg" in done.stdout
    fails(sphereface("dataset", "check", tmp_path / "nothing"), "nothing")


def test_an_unknown_command_and_a_missing_argument(sphereface: Any) -> None:
    for words in (("identfy", "a.png"), ("identify",), ("train",)):
        done = sphereface(*words)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
