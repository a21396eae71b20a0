"""``sphereface dataset outliers`` on a run that learned from a folder with two pictures under a wrong name."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from sphereface.cli.dataset import app
from sphereface.data.learned import Learned
from sphereface.data.manifest import read_manifest
from sphereface.errors import ConfigurationError, DataError, ModelError
from sphereface.journey import keep_model
from sphereface.training.loop import train
from sphereface.training.recipe import parse_recipe

WRONG = {"misfiled-0.png", "misfiled-1.png"}


def draw(path: Path, person: int, generator: np.random.Generator) -> None:
    """A picture of a person: their pattern and noise."""
    pattern = np.random.default_rng(100 + person).integers(0, 200, (7, 7, 3)).repeat(16, 0).repeat(16, 1)
    noise = generator.integers(0, 55, (112, 112, 3))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((pattern + noise).astype(np.uint8)).save(path)


def learn(
    people: Path,
    folder: Path,
    *,
    steps: int = 40,
    name: str = "subcenter-arcface",
    test: tuple[Path, ...] = (),
    **settings: Any,
) -> Path:
    """Train for a few steps on everybody, or without ``test`` on all but those held out, and keep the model."""
    recipe = parse_recipe(
        {
            "data": {"train": [people], "test": test, "test_fraction": 0.25, "split_seed": 3},
            "backbone": {"name": "sfnet4", "settings": {"embedding_dim": 16, "batch_norm": True}},
            "head": {"name": name, "settings": {"scale": 16.0, "margin": 0.2, **settings}},
            "training": {"images": 16 * steps, "batch_size": 16, "checkpoint_every": 10, "precision": "float32"},
        }
    )
    learners = read_manifest(people)
    if not test:
        learners, _ = learners.split(recipe.data.test_fraction, recipe.data.split_seed)
    keep_model(train(recipe, learners, folder), recipe, learners, Learned.of(learners), folder)
    return folder


@dataclass(frozen=True)
class Run:
    people: Path
    folder: Path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Eight people of eight pictures each; one of the learners has two pictures of somebody else beside them."""
    home = tmp_path_factory.mktemp("outliers")
    generator = np.random.default_rng(5)
    people = home / "people"
    for person in range(8):
        for shot in range(8):
            draw(people / f"person {person}" / f"{shot}.png", person, generator)
    learners, _ = read_manifest(people).split(0.25, 3)
    for shot, name in enumerate(sorted(WRONG)):
        draw(people / learners.identities[0] / name, 50 + shot, generator)
    return Run(people, learn(people, home / "run"))


@pytest.fixture
def copied(run: Run, tmp_path: Path) -> Run:
    """A copy of the run, to be spoilt; the pictures stay where they are."""
    shutil.copytree(run.folder, tmp_path / "run")
    return Run(run.people, tmp_path / "run")


def call(*words: object) -> Any:
    return CliRunner().invoke(app, ["outliers", *map(str, words)])


def fails(kind: type[Exception], *words: object) -> str:
    """Return the sentence of a mistake; ``cli/main.py`` prints it and exits with 2."""
    done = call(*words)
    assert isinstance(done.exception, kind), (done.output, done.exception)
    return str(done.exception)


def misfiled(outliers: list[dict[str, Any]]) -> bool:
    """Say whether those under a wrong name are the worst, and few of the others are suspected with them."""
    return {Path(each["file"]).name for each in outliers[:2]} == WRONG and len(outliers) <= 6


def test_misfiled_pictures_are_listed(run: Run) -> None:
    done = call(run.folder, "--json")
    assert done.exit_code == 0, (done.output, done.exception)
    found = json.loads(done.stdout)
    assert misfiled(found["outliers"])
    assert {each["reason"] for each in found["outliers"]} <= {"far", "other centre"}
    assert found["outliers"][0]["person"] == Path(found["outliers"][0]["file"]).parent.name
    angles = [each["angle_degrees"] for each in found["outliers"]]
    assert angles == sorted(angles, reverse=True)
    people = len(read_manifest(run.people).split(0.25, 3)[0].identities)
    assert (found["people"], found["pictures"], found["centres"]) == (people, 8 * people + 2, 3)
    assert (found["loss"], found["largest_angle_degrees"]) == ("subcenter-arcface", 75.0)
    assert 0.5 < found["median_share_of_dominant_centre"] <= 1.0
    assert found["failures"] == []


def test_the_list_in_words_and_another_angle(run: Run) -> None:
    words = call(run.folder).stdout
    assert sum(name in words for name in WRONG) == 2
    assert words.splitlines()[0].endswith(".png")
    assert "beyond 75° of their person's dominant centre" in words
    strict = json.loads(call(run.folder, "--angle", "0", "--json").stdout)
    assert len(strict["outliers"]) == strict["pictures"]
    assert {each["reason"] for each in strict["outliers"]} == {"far"}
    lax = json.loads(call(run.folder, "--angle", "180", "--json").stdout)
    assert "far" not in {each["reason"] for each in lax["outliers"]}
    assert "--angle must be a number in [0, 180], not 181" in fails(
        ConfigurationError, run.folder, "--angle", "181"
    )


def test_data_that_moved_is_found_with_data_and_only_if_it_is_the_same(run: Run, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    run.people.rename(moved)
    try:
        sentence = fails(DataError, run.folder)
        assert f"no longer at '{run.people}'" in sentence
        assert "--data" in sentence
        found = json.loads(call(run.folder, "--data", moved, "--json").stdout)
        assert misfiled(found["outliers"])
        assert found["outliers"][0]["file"].startswith(str(moved))
        assert "nowhere" in fails(DataError, run.folder, "--data", tmp_path / "nowhere")
    finally:
        moved.rename(run.people)
    fewer = tmp_path / "fewer"
    shutil.copytree(run.people, fewer)
    next(fewer.rglob("misfiled-0.png")).unlink()
    assert "names or pictures have changed since" in fails(DataError, run.folder, "--data", fewer)


def test_people_of_a_test_folder_are_not_held_out_of_the_training_folder(run: Run, tmp_path: Path) -> None:
    folder = learn(run.people, tmp_path / "run", steps=1, test=(run.people,))
    found = json.loads(call(folder, "--json").stdout)
    assert (found["people"], found["pictures"]) == (8, 8 * 8 + 2)


def test_what_is_no_finished_run(run: Run, copied: Run, tmp_path: Path) -> None:
    assert "there is no model folder" in fails(ModelError, tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    assert "holds no model (model.json is missing)" in fails(ModelError, tmp_path / "empty")
    (copied.folder / "model.json").unlink()  # as while it is still training
    assert "model.json is missing" in fails(ModelError, copied.folder)
    assert "holds no model" in fails(ModelError, run.people)


@pytest.mark.parametrize(("name", "settings"), [("cosface", {}), ("subcenter-arcface", {"centres": 1})])
def test_one_centre_a_person_cannot_tell(run: Run, tmp_path: Path, name: str, settings: dict[str, Any]) -> None:
    folder = learn(run.people, tmp_path / "run", steps=1, name=name, **settings)
    sentence = fails(ModelError, folder)
    assert f"was trained with '{name}' and one centre a person" in sentence
    assert "head.name = 'subcenter-arcface'" in sentence


def test_checkpoints_that_are_gone_damaged_or_of_another_run(copied: Run) -> None:
    newest = sorted((copied.folder / "checkpoints").iterdir())[-1]
    tensors = load_file(newest)
    save_file(tensors, newest, metadata={"step": "7"})
    assert "is of step 7, but the model of step 40" in fails(ModelError, copied.folder)
    del tensors["head.prototypes"]
    save_file(tensors, newest, metadata={"step": "40"})
    assert "holds no prototypes" in fails(ModelError, copied.folder)
    newest.write_bytes(newest.read_bytes()[:100])
    assert "is damaged" in fails(ModelError, copied.folder)
    shutil.rmtree(copied.folder / "checkpoints")
    assert "no checkpoint is left in" in fails(ModelError, copied.folder)
