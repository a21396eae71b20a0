"""``sphereface plan`` as a user calls it: words, JSON, mistakes, and real steps at published sizes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sphereface.cli.main import app
from sphereface.data.manifest import read_manifest
from sphereface.errors import SpherefaceError

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
CASIA = RECIPES / "casia-webface-sphereface.toml"
COUNTS = ("--people", 10_572, "--pictures", 494_414)


def fails(done: Any, *words: str) -> None:
    """Assert one sentence, exit code 2, and no traceback."""
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    message = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(message) == 1, done.stderr
    for word in words:
        assert word in message[0], message[0]


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Return a folder of forty people; their pictures are empty files, which a plan never opens."""
    folder = tmp_path / "people"
    for person in range(40):
        home = folder / f"person {person}"
        home.mkdir(parents=True)
        for shot in range(1 + person % 3):
            (home / f"{shot}.jpg").touch()
    return folder


def test_people_are_counted_as_a_run_would_take_them(sphereface: Any, people: Path, tmp_path: Path) -> None:
    where = ("--set", f'data.train=["{people}"]')
    found = json.loads(sphereface("plan", RECIPES / "own-folder.toml", *where, "--json").stdout)
    learners, held_out = read_manifest(people).split(0.2)
    assert len(held_out.identities) > 0
    assert (found["people"], found["pictures"]) == (len(learners.identities), len(learners))
    assert found["prototypes"] == [len(learners.identities), 256]
    assert found["source"] == "counted in data.train"

    without = tmp_path / "without.txt"
    without.write_text("person 1\nperson 2\n", encoding="utf-8")
    tested = (*where, "--set", f'data.test=["{people}"]', "--set", f"data.without={without}")
    found = json.loads(sphereface("plan", RECIPES / "own-folder.toml", *tested, "--json").stdout)
    assert (found["people"], found["pictures"]) == (38, len(read_manifest(people)) - 5)


def test_the_plan_in_words(sphereface: Any) -> None:
    done = sphereface("plan", CASIA, *COUNTS)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    for words in (
        "10,572, 494,414 pictures (as stated)",
        "(512, 3, 112, 96)",
        "(10,572, 512)",
        "22,666,944 parameters",
        "an estimate from sizes",
        "28,000 steps, each picture 29.00 times",
        "at their end from step 1,659 on",
    ):
        assert words in done.stdout, words
    assert "measured" not in done.stdout
    shown = sphereface("plan", CASIA, *COUNTS, "--set", 'head={name="cosface",settings={scale=5.0}}').stdout
    assert "note: the scale 5 is below 11.5" in shown


def test_mistakes_are_one_sentence(people: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for words, sentence in (
        ((CASIA,), "casia-webface', so there is nobody to count: name yours with --set 'data.train="),
        ((CASIA, *COUNTS[:2]), "--people and --pictures belong together"),
        ((CASIA, *COUNTS[2:]), "--people and --pictures belong together"),
        ((CASIA, "--people", 10, "--pictures", 9), "10 people have at least 10 pictures"),
        ((CASIA, *COUNTS, "--set", "head.name=cosfase"), "Did you mean 'cosface'"),
        ((CASIA, *COUNTS, "--set", "training.images=0"), "training.images"),
        ((CASIA, *COUNTS, "--set", "input.size=150x150"), "size must be one of"),
        ((tmp_path / "none.toml", *COUNTS), "no recipe at"),
        ((CASIA, "--set", f'data.train=["{tmp_path / "empty"}"]'), "is empty"),
        ((CASIA, "--set", f'data.train=["{people / "person 0"}"]'), "no folder"),
    ):
        done = CliRunner().invoke(app, ["plan", *map(str, words)])
        assert isinstance(done.exception, SpherefaceError), (words, done.output, done.exception)
        assert sentence in str(done.exception), (words, done.exception)
    for wrong in (("--people", 1), ("--steps", -1)):
        assert CliRunner().invoke(app, ["plan", str(CASIA), *map(str, wrong)]).exit_code == 2


def test_too_much_memory_is_refused_without_a_traceback(sphereface: Any) -> None:
    done = sphereface("plan", CASIA, *COUNTS, "--set", "training.batch_size=1000000", "--steps", 1, "--json")
    fails(done, "so nothing was allocated", "--set training.batch_size=")
    assert json.loads(done.stdout)["kind"] == "ConfigurationError"


@pytest.mark.parametrize(
    ("name", "count", "pictures"),
    [("casia-webface-sphereface", 10_572, 494_414), ("vggface2-spherefacer", 8_631, 3_141_890)],
)
def test_one_real_step_with_the_published_number_of_people(
    sphereface: Any, name: str, count: int, pictures: int
) -> None:
    size = ("--people", count, "--pictures", pictures, "--steps", 1, "--set", "training.batch_size=4")
    done = sphereface("plan", RECIPES / f"{name}.toml", *size, "--set", "training.device=cpu", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    memory, rehearsed = found["memory"], found["rehearsal"]
    assert found["prototypes"] == [count, 512]
    assert rehearsed["seconds"] > 0
    assert found["run_seconds"] == pytest.approx(rehearsed["seconds"] * found["steps"])
    # Weights, gradients and velocities are there in the end; the estimate is one from above.
    assert 3 * (memory["backbone"] + memory["head"]) < rehearsed["peak"] < 1.1 * memory["step"]
