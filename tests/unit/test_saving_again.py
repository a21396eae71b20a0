"""What is written again loses nothing, and what is somebody else's is not taken for one's own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sphereface.atomic import clear_unfinished, write_text
from sphereface.checkpoint import load_card, update_operating_points
from sphereface.data.learned import LEARNED_FILE, Learned, read_learned
from sphereface.data.manifest import read_manifest
from sphereface.data.synthetic_folder import write_faces
from sphereface.errors import ConfigurationError, DataError, ModelError
from sphereface.journey import keep_model
from sphereface.training.loop import Trained, build_networks, train
from sphereface.training.recipe import Recipe, parse_recipe


def small(folder: Path) -> Recipe:
    write_faces(folder / "people", range(4), 3, seed=0)
    return parse_recipe(
        {
            "data": {"train": [folder / "people"]},
            "backbone": {"name": "sfnet4", "settings": {"embedding_dim": 8, "batch_norm": True}},
            "training": {"images": 8, "batch_size": 8},
        }
    )


def kept(folder: Path, recipe: Recipe) -> Any:
    import torch

    torch.manual_seed(0)
    backbone, _ = build_networks(recipe, 4, torch.device("cpu"))
    trained = Trained(backbone, 1, 0, 1.0, "cpu", "float32")
    run = folder / "run"
    run.mkdir(exist_ok=True)
    people = read_manifest(folder / "people")
    return keep_model(trained, recipe, people, Learned.of(people), run)


def test_the_same_model_saved_again_keeps_its_operating_points(
    tmp_path: Path, make_point: Callable[..., Any]
) -> None:
    recipe = small(tmp_path)
    first = kept(tmp_path, recipe)
    point = make_point(first.fingerprint)
    update_operating_points(tmp_path / "run", [point])
    assert kept(tmp_path, recipe).operating_points == (point,)
    other = recipe.model_copy(update={"input": recipe.input.model_copy(update={"colour": "bgr"})})
    assert kept(tmp_path, other).operating_points == (), "they were measured for another model"


def test_another_model_s_list_of_people_is_refused(tmp_path: Path) -> None:
    card = kept(tmp_path, small(tmp_path))
    run = tmp_path / "run"
    assert load_card(run).learned_sha256 == card.learned_sha256
    found = read_learned(run, card.learned_sha256)
    assert found is not None
    assert len(found.people) == 4
    write_faces(tmp_path / "others", range(7, 9), 2, seed=0)
    Learned.of(read_manifest(tmp_path / "others")).save(run)
    with pytest.raises(DataError, match="is not the one that this model's card names"):
        read_learned(run, card.learned_sha256)
    (run / LEARNED_FILE).unlink()
    assert read_learned(run, card.learned_sha256) is None


def test_a_snapshot_that_cannot_be_opened_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sphereface.training import snapshot

    recipe = small(tmp_path)
    people = read_manifest(tmp_path / "people")
    train(recipe, people, tmp_path / "run")

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(snapshot, "safe_open", refused)
        with pytest.raises(ModelError, match="cannot be read: permission denied") as error:
            train(recipe, people, tmp_path / "run")
        assert "delete" not in str(error.value)
    (only,) = snapshot.snapshots_in(tmp_path / "run" / "checkpoints")
    only.rename(only.with_name("step-00000009.safetensors"))
    with pytest.raises(ModelError, match="it does not say the step that its name says"):
        train(recipe, people, tmp_path / "run")


def test_what_a_killed_writer_left_behind_goes(tmp_path: Path) -> None:
    for name in (".step-1.safetensors.0123456789ab.tmp", ".mine.tmp", "step-1.tmp"):
        (tmp_path / name).touch()
    clear_unfinished(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".mine.tmp", "step-1.tmp"]


def test_a_link_stays_a_link_and_a_pipe_a_pipe(tmp_path: Path) -> None:
    target, link, pipe = tmp_path / "target", tmp_path / "link", tmp_path / "pipe"
    target.write_text("old")
    link.symlink_to(target)
    write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="not a plain file"):
        write_text(pipe, "new")
    assert pipe.is_fifo()


@pytest.mark.parametrize(
    "section",
    [
        {"optimiser": {"clip_norm": float("inf")}},
        {"optimiser": {"milestones": [float("nan")]}},
        {"input": {"std": 0.0}},
        {"input": {"mean": float("inf")}},
        {"training": {"batch_size": 10**15}},
        {"training": {"threads": 2**31}},
    ],
)
def test_a_recipe_takes_no_number_that_cannot_be(section: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="does not fit"):
        parse_recipe({"data": {"train": ["people"]}, **section})
