"""`sphereface dataset import` as a user types it."""

from __future__ import annotations

import json
import pickle
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.data.legacy import insightface, picture

Run = Callable[..., "subprocess.CompletedProcess[str]"]

PEOPLE = [[picture(10 * person + shot, side=112) for shot in range(3)] for person in range(4)]


@pytest.fixture
def legacy(tmp_path: Path) -> Path:
    """Return a folder with the three kinds of legacy data set."""
    folder = tmp_path / "legacy"
    folder.mkdir()
    rec, idx = insightface(PEOPLE)
    (folder / "train.rec").write_bytes(rec)
    (folder / "train.idx").write_bytes(idx)
    shots = [shot for person in PEOPLE for shot in person[:2]]
    (folder / "lfw.bin").write_bytes(pickle.dumps(([*shots, shots[0], shots[2]], [True] * 4 + [False]), 4))
    for name, shot in (("a.jpg", PEOPLE[0][0]), ("b.jpg", PEOPLE[1][0]), ("c.jpg", b"text")):
        (folder / name).write_bytes(shot)
    (folder / "few.lst").write_text("0\t0\ta.jpg\n1\t1\tb.jpg\n2\t1\tc.jpg\n3\t1\t../legacy/a.jpg\n")
    return folder


def test_recordio_in_words_and_then_checked(sphereface: Run, legacy: Path) -> None:
    done = sphereface("dataset", "import", legacy, "ms1m")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "12 pictures of 4 people: ms1m\n"
    checked = sphereface("dataset", "check", "ms1m")
    assert checked.returncode == 0
    assert "ready to train on" in checked.stdout


def test_a_list_as_json(sphereface: Run, legacy: Path) -> None:
    done = sphereface("dataset", "import", legacy / "few.lst", "few", "--prefix", "", "--json")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert (found["destination"], found["source"], found["pictures"], found["people"]) == ("few", "few.lst", 2, 2)
    assert found["refused"] == {"no-image": 1, "path": 1}
    assert found["first_refused"][1] == {"where": "line 4", "reason": "path"}


def test_an_evaluation_file_says_how_to_go_on(sphereface: Run, legacy: Path) -> None:
    done = sphereface("dataset", "import", legacy / "lfw.bin", "lfw")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == "8 pictures of 4 people: lfw"
    assert "note: the file names nobody" in done.stdout
    assert done.stdout.endswith("sphereface evaluate --data lfw/pictures --pairs lfw/pairs.csv\n")


def test_a_mistake_is_one_sentence(sphereface: Run, legacy: Path) -> None:
    (legacy / "hostile.bin").write_bytes(b"cos\nsystem\n(S'touch canary'\ntR.")
    done = sphereface("dataset", "import", legacy / "hostile.bin", "out", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["kind"] == "PlainPickleError"
    assert done.stderr.count("\n") == 1
    assert "asks for code to be run" in done.stderr
    sphereface("dataset", "import", legacy, "out")
    again = sphereface("dataset", "import", legacy, "out")
    assert (again.returncode, again.stdout) == (2, "")
    assert "is there already and not empty; name a new folder" in again.stderr
