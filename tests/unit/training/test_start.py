"""A run may start from a model's weights: they are really its first ones, and whom it knew is not forgotten."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sphereface.checkpoint import ModelCard, load_card
from sphereface.data.learned import LEARNED_FILE, read_learned
from sphereface.data.manifest import read_manifest
from sphereface.data.synthetic_folder import write_faces
from sphereface.errors import DataError, ModelError
from sphereface.journey import keep_model
from sphereface.participants import gather, known_to
from sphereface.training.loop import train
from sphereface.training.network_check import check_networks
from sphereface.training.plan import make_plan
from sphereface.training.recipe import Recipe, read_recipe

MakeRecipe = Callable[..., Recipe]


def made(recipe: Recipe, folder: Path) -> ModelCard:
    people = read_manifest(*recipe.data.train)
    return keep_model(train(recipe, people, folder), recipe, people, known_to(recipe, people), folder)


@pytest.fixture
def base(tiny_recipe: MakeRecipe, tmp_path: Path) -> Path:
    made(tiny_recipe(), tmp_path / "base")
    return tmp_path / "base"


@pytest.fixture
def others(tmp_path: Path) -> Path:
    write_faces(tmp_path / "others", range(4), 3, seed=3)
    return tmp_path / "others"


def weights(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def test_the_first_weights_are_the_models(
    tiny_recipe: MakeRecipe, base: Path, others: Path, tmp_path: Path
) -> None:
    still = {"optimiser": {"learning_rate": 1e-9}, "data": {"train": [others]}, "training": {"images": 8}}
    made(tiny_recipe(backbone={"start": base}, **still), tmp_path / "tuned")
    made(tiny_recipe(**still), tmp_path / "fresh")
    before, tuned, fresh = (weights(tmp_path / name) for name in ("base", "tuned", "fresh"))
    key = "embedding.weight"
    assert torch.allclose(before[key], tuned[key], atol=1e-6)
    assert not torch.allclose(before[key], fresh[key], atol=1e-3)
    assert load_card(tmp_path / "tuned").provenance.start == load_card(base).fingerprint
    assert load_card(tmp_path / "fresh").provenance.start == ""


def test_the_weights_decide_and_not_where_they_lie(
    tiny_recipe: MakeRecipe, base: Path, others: Path, tmp_path: Path
) -> None:
    people = read_manifest(others)
    train(tiny_recipe(backbone={"start": base}), people, tmp_path / "run")
    copy = shutil.copytree(base, tmp_path / "copy")
    assert train(tiny_recipe(backbone={"start": copy}), people, tmp_path / "run").resumed_at == 8
    made(tiny_recipe(training={"seed": 5}), tmp_path / "another")
    for recipe in (tiny_recipe(backbone={"start": tmp_path / "another"}), tiny_recipe()):
        with pytest.raises(ModelError, match=r"holds another run .*other weights to start from"):
            train(recipe, people, tmp_path / "run")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"backbone": {"name": "sfnet10"}}, "is a 'sfnet4' and backbone.name is 'sfnet10'"),
        (
            {"backbone": {"settings": {"embedding_dim": 8, "batch_norm": True}}},
            r"do not fit, 'embedding.weight' should have shape \(8, 21504\), not \(16, 21504\); it was built with "
            "size = 112x96, embedding_dim = 16, batch_norm = True, and this run's network with",
        ),
        (
            {"input": {"size": "112x96", "colour": "bgr"}},
            "set input.colour",
        ),
        ({"backbone": {"start": Path("nowhere")}}, "there is no model folder"),
    ],
)
def test_a_start_that_does_not_fit_is_told_before_any_picture_is_read(
    tiny_recipe: MakeRecipe, base: Path, changes: dict[str, Any], said: str
) -> None:
    backbone = {"start": base, **changes.pop("backbone", {})}
    recipe = tiny_recipe(backbone=backbone, **changes)
    with pytest.raises(ModelError, match=said):
        check_networks(recipe)
    with pytest.raises(ModelError, match=said):
        make_plan(recipe, 10, 100)


def test_whom_the_first_weights_knew_is_not_judged(
    tiny_recipe: MakeRecipe, base: Path, others: Path, tiny_people: Path, tmp_path: Path
) -> None:
    write_faces(tmp_path / "new", range(8, 12), 3, seed=4)
    judged = shutil.copytree(tiny_people, tmp_path / "judged", dirs_exist_ok=True)
    shutil.copytree(tmp_path / "new", judged, dirs_exist_ok=True)
    recipe = tiny_recipe(backbone={"start": base}, data={"train": [others], "test": [judged]})
    people = gather(recipe)
    assert set(people.left_out) == set(read_manifest(tiny_people).identities)
    assert set(people.judged.identities) == set(read_manifest(tmp_path / "new").identities)

    made(recipe, tmp_path / "tuned")
    known = read_learned(tmp_path / "tuned", load_card(tmp_path / "tuned").learned_sha256)
    assert known is not None
    assert len(known.people) == 6 + 4
    assert known.seen(people.judged) == ()


def test_a_start_that_cannot_say_whom_it_knows_is_refused(
    tiny_recipe: MakeRecipe, base: Path, others: Path
) -> None:
    (base / LEARNED_FILE).unlink()
    with pytest.raises(DataError, match=r"learned\.safetensors' is missing.*restore it from a copy"):
        known_to(tiny_recipe(backbone={"start": base}), read_manifest(others))


def test_its_path_starts_at_the_recipe_or_where_the_program_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "recipes").mkdir()
    file = tmp_path / "recipes/mine.toml"
    file.write_text("[data]\ntrain = 'faces'\n[backbone]\nstart = '../base'\n")
    start = read_recipe(file).backbone.start
    assert start is not None
    assert start.resolve() == tmp_path / "base"
    monkeypatch.chdir(tmp_path)
    assert read_recipe(file, ("backbone.start=mine",)).backbone.start == tmp_path / "mine"
