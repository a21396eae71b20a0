"""``sphereface dataset get`` as a user types it, where scikit-learn has fetched LFW before: here a tiny one."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sphereface.cli.dataset import app
from sphereface.data import getting
from tests.unit.data.test_getting import COMPLETE, LISTS, lay_out


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny LFW that passes for the whole."""
    folder = lay_out(tmp_path / "scikit_learn_data" / "lfw_home")
    tiny = partial(getting.get_lfw, fetch=lambda original: folder, complete=COMPLETE)
    monkeypatch.setattr(getting, "get_lfw", tiny)
    return folder


def call(*words: object) -> Any:
    return CliRunner().invoke(app, ["get", *map(str, words)])


def test_in_words(home: Path, tmp_path: Path) -> None:
    done = call("lfw", tmp_path / "lfw")
    assert done.exit_code == 0, (done.output, done.exception)
    assert done.stdout.splitlines() == [
        f"3 pictures of 2 people: {tmp_path / 'lfw'}",
        f"lists of pairs and people: {', '.join(LISTS)}",
        f"note: scikit-learn keeps a copy in {home}, which may be removed",
        f"judge a model: sphereface evaluate --data {tmp_path / 'lfw'} --pairs {tmp_path / 'lfw' / 'pairs.txt'}",
    ]


def test_in_json(home: Path, tmp_path: Path) -> None:
    done = call("lfw", tmp_path / "lfw", "--json")
    assert json.loads(done.stdout) == {
        "folder": str(tmp_path / "lfw"),
        "people": 2,
        "pictures": 3,
        "lists": list(LISTS),
        "kept": str(home),
    }


def test_mistakes_are_one_sentence(sphereface: Any, tmp_path: Path) -> None:
    done = sphereface("dataset", "get", "lvw", "lfw")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: no data set is called 'lvw'; known are lfw. Did you mean 'lfw'?\n"
    (tmp_path / "home" / "full").mkdir()
    (tmp_path / "home" / "full" / "file").write_text("x")
    done = sphereface("dataset", "get", "lfw", "full")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: 'full' is there already and not empty; name a new folder\n"
