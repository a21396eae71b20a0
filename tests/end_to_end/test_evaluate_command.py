"""``sphereface evaluate`` as a stranger uses it: embeddings of any program, several models, wrong input."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.end_to_end.conftest import Run
from tests.protocol_twins import twin, twin_files

PEOPLE, IMAGES = 60, 4


def write_embeddings(path: Path, noise: float, seed: int, **more: Any) -> Path:
    """Write embeddings of made-up people, the same people in every file."""
    who = np.repeat(np.arange(PEOPLE), IMAGES)
    centres = np.random.default_rng(0).standard_normal((PEOPLE, 32))
    x = centres[who] + noise * np.random.default_rng(seed).standard_normal((len(who), 32))
    names = [f"p{w:02d}/{number % IMAGES}.jpg" for number, w in enumerate(who)]
    arrays = {"embeddings": x.astype(np.float32), "identity": np.array([f"p{w:02d}" for w in who])}
    np.savez(path, **{**arrays, "name": np.array(names), **more})
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write_embeddings(tmp_path / "ours.npz", 0.8, 1), write_embeddings(tmp_path / "theirs.npz", 1.3, 2)


def test_two_models_side_by_side(sphereface: Run, files: tuple[Path, Path], tmp_path: Path) -> None:
    done = sphereface(
        "evaluate",
        "--embeddings",
        files[0],
        "--embeddings",
        files[1],
        "--fuse",
        "--json",
        "--out",
        tmp_path / "out",
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["schema"] == 2
    stored = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert stored["verification"] == found["verification"]
    titles = [found["judged"], *(other["judged"] for other in found["others"])]
    assert titles == ["ours", "theirs", "ours + theirs"]
    ours, theirs, both = found["verification"][0], *(other["verification"][0] for other in found["others"])
    assert max(ours["eer"]["value"], both["eer"]["value"]) < theirs["eer"]["value"]
    against_theirs = next(each for each in found["differences"] if each["second"] == "theirs")
    figures = {each["figure"]: each for each in against_theirs["differences"]}
    assert figures["EER"]["high"] < 0
    assert figures["EER"]["difference"] == pytest.approx(ours["eer"]["value"] - theirs["eer"]["value"])
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "theirs" in page
    rows = list(csv.reader((tmp_path / "out" / "table.csv").read_text("utf-8").splitlines()))
    assert any("theirs" in row for row in rows)


def test_pairs_groups_and_a_picture_that_is_missing(
    sphereface: Run, files: tuple[Path, Path], tmp_path: Path
) -> None:
    lines = ["image_a,image_b,same"]
    lines += [f"p{n:02d}/0.jpg,p{n:02d}/1.jpg,1" for n in range(PEOPLE)]
    lines += [f"p{n:02d}/0.jpg,p{(n + 1) % PEOPLE:02d}/1.jpg,0" for n in range(PEOPLE)]
    lines += ["p00/gone.jpg,p00/0.jpg,1"]
    (tmp_path / "pairs.csv").write_text("\n".join(lines), "utf-8")
    groups = "\n".join(f"p{n:02d},{'east' if n % 2 else 'west'}" for n in range(PEOPLE))
    (tmp_path / "groups.csv").write_text(f"person,group\n{groups}\n", "utf-8")
    lists = ("--pairs", tmp_path / "pairs.csv", "--groups", tmp_path / "groups.csv")
    done = sphereface("evaluate", "--embeddings", files[0], *lists, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    (listed,) = found["verification"]
    assert (listed["genuine_pairs"], listed["impostor_pairs"], listed["failed_pairs"]) == (61, 60, 1)
    assert found["source"]["missing"] == ["p00/gone.jpg"]
    assert found["identification"] == []
    assert (files[0].with_suffix(".evaluation") / "report.html").exists()


def test_a_protocol_by_its_name(sphereface: Run, tmp_path: Path) -> None:
    from sphereface.evaluation import write_embeddings as write

    faces = twin("ijbc", tmp_path / "lists", people=30)
    write(tmp_path / "faces.npz", faces)
    done = sphereface(
        "evaluate", "--embeddings", tmp_path / "faces.npz", "--protocol", "ijbc",
        "--protocol-files", twin_files("ijbc", tmp_path / "lists"), "--weighting", "norm",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "G1" in done.stdout
    assert "G2" in done.stdout
    assert "judged on 90 templates of 30 people" in done.stdout
    assert "accuracy" not in done.stdout  # IJB has no folds
    page = (tmp_path / "faces.evaluation" / "report.html").read_text("utf-8")
    assert "<dt>templates</dt>" in page
    assert "Accuracy over folds" not in page
    listed = sphereface("evaluate", "--protocol", "list").stdout
    assert "ijbc" in listed
    assert "ijbc_face_tid_mid.txt" in listed


def test_misses_are_counted_at_rates_that_the_list_carries_or_that_are_asked_for(
    sphereface: Run, tmp_path: Path
) -> None:
    from sphereface.evaluation import write_embeddings as write

    write(tmp_path / "faces.npz", twin("lfw-view2", tmp_path / "lists", people=200))
    words = (
        "evaluate", "--embeddings", tmp_path / "faces.npz", "--protocol", "lfw-view2",
        "--protocol-files", twin_files("lfw-view2", tmp_path / "lists"), "--json",
    )  # fmt: skip
    rates = {}
    for more in ((), ("--fmr", "0.2", "--fmr", "0.15"), ("--everything",)):
        done = sphereface(*words, *more)
        assert done.returncode == 0, done.stderr
        for found in json.loads(done.stdout)["verification"]:
            rates[more, found["title"]] = {rate: one["value"] for rate, one in found["fnmr_at_fmr"].items()}
    assert list(rates[(), "LFW View 2"]) == ["0.1"]
    assert rates[(), "LFW View 2"]["0.1"] is not None
    asked = rates[("--fmr", "0.2", "--fmr", "0.15"), "LFW View 2"]
    assert list(asked) == ["0.2", "0.15"]
    assert None not in asked.values()
    assert list(rates[("--everything",), "LFW View 2"]) == ["0.1", "0.01", "0.001", "0.0001"]
    assert rates[("--everything",), "all pairs, at most 10 images a person"]["0.001"] is not None
    done = sphereface(*words, "--fmr", "1.5")
    assert done.returncode == 2
    assert "a target error rate must lie between 0 and 1, not 1.5" in done.stderr


def test_what_a_model_saw_is_what_its_file_says(story: Any, sphereface: Run, tmp_path: Path) -> None:
    saved = tmp_path / "faces.npz"
    one = sphereface(
        "evaluate", "--model", story.folder, "--out", tmp_path / "one", "--save-embeddings", saved, "--json"
    )
    two = sphereface("evaluate", "--embeddings", saved, "--out", tmp_path / "two", "--json")
    assert one.returncode == two.returncode == 0, one.stderr + two.stderr
    ours, again = json.loads(one.stdout), json.loads(two.stdout)
    assert ours["verification"][0]["eer"] == again["verification"][0]["eer"]
    with np.load(saved) as arrays:
        assert str(arrays["model"]) == ours["operating_points"][0]["model_fingerprint"]
        assert not any(name.startswith("/") for name in arrays["name"].tolist())  # no path of this machine


def test_it_runs_without_torch(files: tuple[Path, Path], tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None; sys.argv[0] = 'sphereface';"
        "from sphereface.cli.main import run; run()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "evaluate", "--embeddings", str(files[0]), "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "equal error rate" in done.stdout


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["--protocol", "lfw_view2"], "Did you mean 'lfw-view2'"),
        (["--protocol-files", "x.txt"], "--protocol-files belongs to a --protocol"),
        (["--protocol", "lfw-view2"], "needs the file pairs.txt; say where it is with --protocol-files"),
        (["--protocol", "lfw-view2", "--pairs", "x.csv"], "--pairs or --protocol, not both"),
        (["--protocol", "lfw-view2", "--protocol-files", "gone.txt"], "gone.txt"),
        (["--data", "faces"], "a file of embeddings needs none"),
        (["--fuse"], "name two or more"),
        (["--store"], "name one --model"),
        (["--groups", "gone.csv"], "gone.csv"),
        (["--target-fpir", "2"], "must lie between 0 and 1"),
        (["--weighting", "quality", "--protocol", "folder"], "unknown"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_requests_are_answered_in_words(
    sphereface: Run, files: tuple[Path, Path], words: list[str], answer: str
) -> None:
    done = sphereface("evaluate", "--embeddings", files[0], *words)
    assert done.returncode == 2
    assert answer in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_files_that_do_not_speak_of_the_same_pictures(
    sphereface: Run, files: tuple[Path, Path], tmp_path: Path
) -> None:
    names = np.array([f"p{n // IMAGES:02d}/{n % IMAGES}.jpg" for n in range(PEOPLE * IMAGES)])
    names[5] = "p01/9.jpg"
    other = write_embeddings(tmp_path / "other.npz", 1.0, 3, name=names)
    done = sphereface("evaluate", "--embeddings", files[0], "--embeddings", other)
    assert done.returncode == 2
    assert "'p01/1.jpg' is in 'ours', but not in 'other'" in " ".join(done.stderr.split())
    who = np.array([f"p{n // IMAGES:02d}" for n in range(PEOPLE * IMAGES)])
    who[5] = "p59"
    other = write_embeddings(tmp_path / "third.npz", 1.0, 3, identity=who)
    done = sphereface("evaluate", "--embeddings", files[0], "--embeddings", other)
    assert done.returncode == 2
    assert "'p01/1.jpg' shows 'p01' in 'ours', but 'p59' in 'third'" in " ".join(done.stderr.split())


def test_the_order_of_rows_does_not_matter(sphereface: Run, files: tuple[Path, Path], tmp_path: Path) -> None:
    from sphereface.evaluation import read_embeddings
    from sphereface.evaluation import write_embeddings as write

    faces = read_embeddings(files[1])
    write(tmp_path / "shuffled.npz", faces.select(np.random.default_rng(0).permutation(len(faces))))
    figures = []
    for other in (files[1], tmp_path / "shuffled.npz"):
        done = sphereface("evaluate", "--embeddings", files[0], "--embeddings", other, "--json")
        assert done.returncode == 0, done.stderr
        figures.append(json.loads(done.stdout)["others"][0]["verification"][0]["eer"])
    assert figures[0] == figures[1]


def test_a_folder_with_strangers_in_it(story: Any, sphereface: Run, tmp_path: Path) -> None:
    """Through ``--data``: only the protocol that knows of ``unknown/`` may read it."""
    import shutil

    people = sorted(each for each in (story.folder / "faces" / "judge").iterdir() if each.is_dir())[:14]
    folder = tmp_path / "people"
    for person in people[:8]:
        shutil.copytree(person, folder / person.name)
    for person in people[8:11]:
        shutil.copytree(person, folder / "unknown" / person.name)
    for number, person in enumerate(people[11:]):
        shutil.copy(next(person.iterdir()), folder / "unknown" / f"{number}.png")
    asked = ("evaluate", "--model", story.folder, "--data", folder, "--out", tmp_path / "out")
    done = sphereface(*asked, "--protocol", "folder", "--json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["identification"]
    assert (found["gallery_people"], found["non_mated_people"]) == (8, 6)
    for words, answer in (
        ((), "holds strangers, not a person of that name"),
        (("--protocol", "folder", "--everything"), "leave --everything out"),
    ):
        refused = sphereface(*asked, *words)
        assert refused.returncode == 2
        assert answer in " ".join(refused.stderr.split())
    shutil.copy(next(people[0].iterdir()), folder / "loose.png")
    refused = sphereface(*asked, "--protocol", "folder")
    assert refused.returncode == 2
    assert "loose.png' lies in no person's folder" in refused.stderr
