"""The loop: it learns, it resumes bit for bit, it says why it stopped."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sphereface.backbones import BACKBONES
from sphereface.data.manifest import read_manifest
from sphereface.errors import ConfigurationError, DataError, ModelError, NonFiniteLossError
from sphereface.heads import HEADS
from sphereface.heads.regularizers import CenterLoss
from sphereface.training import loop
from sphereface.training.guard import require_finite
from sphereface.training.journal import Journal, read_journal
from sphereface.training.loop import build_networks, train
from sphereface.training.network_check import check_networks
from sphereface.training.optimiser import build_optimiser
from sphereface.training.recipe import Head as HeadSection
from sphereface.training.recipe import Recipe
from sphereface.training.step import take_step

MakeRecipe = Callable[..., Recipe]


def weights(folder: Path, recipe: Recipe, people: Path) -> dict[str, torch.Tensor]:
    return train(recipe, read_manifest(people), folder).backbone.state_dict()


def test_a_run_learns_its_six_people(tiny_recipe: MakeRecipe, tiny_people: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(training={"images": 8 * 40}, head={"settings": {"scale": 10.0, "margin": 0.1}})
    train(recipe, read_manifest(tiny_people), tmp_path)
    rows = read_journal(tmp_path / "journal.jsonl")
    assert [row["step"] for row in rows] == list(range(1, 41))
    assert rows[-1]["loss"] < 0.3 < math.log(6) < rows[0]["loss"]
    assert rows[-1]["angle"] < rows[0]["angle"] - 0.5
    assert {"images", "learning_rate", "margin", "images_per_second"} <= rows[0].keys()


def test_the_same_seed_gives_the_same_weights_and_another_does_not(
    tiny_recipe: MakeRecipe, tiny_people: Path, tmp_path: Path
) -> None:
    first = weights(tmp_path / "a", tiny_recipe(), tiny_people)
    again = weights(tmp_path / "b", tiny_recipe(), tiny_people)
    other = weights(tmp_path / "c", tiny_recipe(training={"seed": 2}), tiny_people)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_one_process_at_a_time_trains_in_a_folder(
    tiny_recipe: MakeRecipe, tiny_people: Path, tmp_path: Path
) -> None:
    people = read_manifest(tiny_people)
    with loop.alone_in(tmp_path / "checkpoints"), pytest.raises(ModelError, match="another process is training"):
        train(tiny_recipe(), people, tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["checkpoints"]  # nothing of the other's is touched
    assert train(tiny_recipe(), people, tmp_path).resumed_at == 0


EVERY_TERM: dict[str, Any] = {
    "head": {"name": "curricularface", "settings": {"scale": 16.0}},
    "regularizers": [{"name": "center"}, {"name": "uniformity", "weight": 0.5}, {"name": "radial"}],
    "augmentation": {"degrade": 0.5},
}


class Dropping(torch.nn.Sequential):
    """A network that draws in every step."""

    def __init__(self, embedding_dim: int = 16, size: str = "112x96") -> None:
        pooled = (torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten(), torch.nn.Dropout(0.5))
        super().__init__(*pooled, torch.nn.Linear(48, embedding_dim), torch.nn.BatchNorm1d(embedding_dim))


@pytest.fixture(autouse=True)
def dropping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BACKBONES, "dropping", Dropping)


ADAMW: dict[str, Any] = {**EVERY_TERM, "optimiser": {"name": "adamw"}}
DROPPING: dict[str, Any] = {"backbone": {"name": "dropping", "settings": {"embedding_dim": 16}}}


def test_what_a_network_draws_differs_from_step_to_step_and_run_to_run() -> None:
    seeds = [loop.seed_of(run, step) for run in range(3) for step in range(100)]
    assert len({*seeds}) == len(seeds)
    assert loop.seed_of(3, 7) == loop.seed_of(3, 7)


@pytest.mark.parametrize(("stopped_at", "changes"), [(3, {}), (6, {}), (3, EVERY_TERM), (3, DROPPING), (3, ADAMW)])
def test_a_run_resumed_from_any_snapshot_ends_with_the_same_bits(
    tiny_recipe: MakeRecipe, tiny_people: Path, tmp_path: Path, stopped_at: int, changes: dict[str, Any]
) -> None:
    recipe = tiny_recipe(**changes)
    whole = weights(tmp_path / "whole", recipe, tiny_people)
    broken = tmp_path / "broken"
    # Keep only the snapshot of that step, as if the run had been killed between it and the next one;
    # the journal of a killed run may reach further than the snapshot, and may end in half a line.
    kept = f"step-{stopped_at:08d}.safetensors"

    class StopError(Exception):
        pass

    original = loop.save_snapshot

    def save_and_stop(folder: Path, state: object, step: int, recipe_hash: str) -> Path:
        path = original(folder, state, step, recipe_hash)  # type: ignore[arg-type]
        if step == stopped_at:
            raise StopError
        return path

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "save_snapshot", save_and_stop)
        with pytest.raises(StopError):
            train(recipe, read_manifest(tiny_people), broken)
    assert kept in {path.name for path in (broken / "checkpoints").iterdir()}
    with (broken / "journal.jsonl").open("a") as file:
        file.write('{"step": 99, "los')
    resumed = train(recipe, read_manifest(tiny_people), broken)
    assert resumed.resumed_at == stopped_at
    assert all(torch.equal(whole[name], value) for name, value in resumed.backbone.state_dict().items())
    assert [row["step"] for row in read_journal(broken / "journal.jsonl")] == list(range(1, 9))
    same = ("step", "loss", "angle", "learning_rate", "margin")
    for a, b in zip(
        read_journal(tmp_path / "whole/journal.jsonl"), read_journal(broken / "journal.jsonl"), strict=True
    ):
        assert [a[key] for key in same] == [b[key] for key in same]


def test_a_finished_run_is_not_trained_again(tiny_recipe: MakeRecipe, tiny_people: Path, tmp_path: Path) -> None:
    first = weights(tmp_path, tiny_recipe(), tiny_people)
    again = train(tiny_recipe(), read_manifest(tiny_people), tmp_path)
    assert again.resumed_at == again.steps == 8
    assert all(torch.equal(first[name], value) for name, value in again.backbone.state_dict().items())


def test_another_recipe_in_the_same_folder_is_refused(
    tiny_recipe: MakeRecipe, tiny_people: Path, tmp_path: Path
) -> None:
    train(tiny_recipe(), read_manifest(tiny_people), tmp_path)
    with pytest.raises(ModelError, match=r"another run \(training.seed was 1 and is 9\); choose another --out"):
        train(tiny_recipe(training={"seed": 9, "threads": 1}), read_manifest(tiny_people), tmp_path)
    other = tiny_recipe(
        head={"name": "arcface", "settings": {"scale": 20.0}},
        optimiser={"clip_norm": 5.0},
        title="not a difference",
    )
    with pytest.raises(
        ModelError,
        match=r"\(head.name was cosface and is arcface; head.settings.scale was 30.0 and is 20.0; "
        r"optimiser.clip_norm was not set and is 5.0; 1 more\)",
    ):
        train(other, read_manifest(tiny_people), tmp_path)
    (tmp_path / "recipe.json").write_text("[")
    with pytest.raises(ModelError, match="another run"):
        train(other, read_manifest(tiny_people), tmp_path)


def test_how_often_a_run_is_saved_does_not_make_it_another_run(
    tiny_recipe: MakeRecipe, tiny_people: Path, tmp_path: Path
) -> None:
    train(tiny_recipe(), read_manifest(tiny_people), tmp_path)
    other = tiny_recipe(training={"checkpoint_every": 7, "threads": 1, "workers": 0})
    assert train(other, read_manifest(tiny_people), tmp_path).resumed_at == 8


def test_a_network_elsewhere_leaves_the_cores_to_decoding(
    tiny_recipe: MakeRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop.os, "cpu_count", lambda: 64)
    processor, elsewhere = torch.device("cpu"), torch.device("cuda")
    assert (loop.decoders(tiny_recipe(), processor), loop.decoders(tiny_recipe(), elsewhere)) == (2, 16)
    asked = tiny_recipe(training={"workers": 5})
    assert (loop.decoders(asked, processor), loop.decoders(asked, elsewhere)) == (5, 5)


def test_a_damaged_snapshot_is_named(tiny_recipe: MakeRecipe, tiny_people: Path, tmp_path: Path) -> None:
    train(tiny_recipe(), read_manifest(tiny_people), tmp_path)
    newest = max((tmp_path / "checkpoints").iterdir())
    newest.write_bytes(newest.read_bytes()[:1000])
    with pytest.raises(ModelError, match=r"step-00000008\.safetensors is damaged"):
        train(tiny_recipe(), read_manifest(tiny_people), tmp_path)
    newest.unlink()
    assert train(tiny_recipe(), read_manifest(tiny_people), tmp_path).resumed_at == 6


def test_a_snapshot_of_another_architecture_is_refused(
    tiny_recipe: MakeRecipe, tiny_people: Path, tmp_path: Path
) -> None:
    from sphereface.training.snapshot import RunState, load_latest_snapshot

    train(tiny_recipe(), read_manifest(tiny_people), tmp_path)
    wider = tiny_recipe(backbone={"settings": {"embedding_dim": 32, "batch_norm": True}})
    backbone, head = build_networks(wider, 6, torch.device("cpu"))
    state = RunState({"backbone": backbone, "head": head}, build_optimiser(wider, backbone, head))
    import safetensors

    with safetensors.safe_open(max((tmp_path / "checkpoints").iterdir()), framework="pt") as file:
        recipe_hash = file.metadata()["recipe"]
    with pytest.raises(ModelError, match=r"does not fit this backbone.*embedding"):
        load_latest_snapshot(tmp_path / "checkpoints", state, recipe_hash)


def test_a_non_finite_loss_names_the_first_bad_tensor(
    tiny_recipe: MakeRecipe, tiny_people: Path, tmp_path: Path
) -> None:
    wild = tiny_recipe(optimiser={"learning_rate": 1e30}, training={"precision": "float32"})
    with pytest.raises(NonFiniteLossError, match=r"first tensor that is not finite is .*learning_rate"):
        train(wild, read_manifest(tiny_people), tmp_path)


def test_a_bad_gradient_is_named_before_the_weights_take_it_in(tiny_recipe: MakeRecipe) -> None:
    backbone, head = build_networks(tiny_recipe(), 6, torch.device("cpu"))
    head.prototypes.grad = torch.full_like(head.prototypes, math.nan)
    fine = torch.zeros(2, 16)
    with pytest.raises(NonFiniteLossError, match="the gradient of head parameter 'prototypes'"):
        require_finite(3, math.nan, fine, backbone, head, fine)


@pytest.mark.parametrize("device", ["meta", "nonsense"])
def test_an_unknown_device_is_refused(
    tiny_recipe: MakeRecipe, tiny_people: Path, tmp_path: Path, device: str
) -> None:
    with pytest.raises(ConfigurationError, match="cannot be used here"):
        train(tiny_recipe(training={"device": device}), read_manifest(tiny_people), tmp_path)


def test_one_person_is_not_enough(tiny_recipe: MakeRecipe, tiny_people: Path, tmp_path: Path) -> None:
    alone = read_manifest(tiny_people).only(["person 0"])
    with pytest.raises(DataError, match="at least two people"):
        train(tiny_recipe(), alone, tmp_path)
    assert not (tmp_path / "checkpoints").exists()


def test_vectors_are_not_decayed(tiny_recipe: MakeRecipe) -> None:
    backbone, head = build_networks(tiny_recipe(), 6, torch.device("cpu"))
    decayed, free = build_optimiser(tiny_recipe(), backbone, head).param_groups
    assert decayed["weight_decay"] == 5e-4
    assert free["weight_decay"] == 0.0
    assert any(parameter is head.prototypes for parameter in decayed["params"])
    assert all(parameter.ndim == 1 for parameter in free["params"])


def test_lambda_is_in_the_journal_of_a_softmax(tiny_recipe: MakeRecipe, tiny_people: Path, tmp_path: Path) -> None:
    annealed = tiny_recipe(head={"name": "a-softmax", "settings": {}})
    train(annealed, read_manifest(tiny_people), tmp_path)
    rows = read_journal(tmp_path / "journal.jsonl")
    assert rows[0]["lambda"] == 1000.0
    # progress 1/8 of a run is iteration 3,500 of the published 28,000, where lambda has reached its minimum
    assert rows[1]["lambda"] == 5.0
    assert {row["margin"] for row in rows} == {4.0}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # TensorBoard's own
def test_tensorboard_gets_the_same_numbers(tiny_recipe: MakeRecipe, tiny_people: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(tiny_recipe(training={"tensorboard": True}), read_manifest(tiny_people), tmp_path)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    shown = [(event.step, event.value) for event in events.Scalars("loss")]
    journal = [(row["step"], pytest.approx(row["loss"])) for row in read_journal(tmp_path / "journal.jsonl")]
    assert shown == journal


def test_a_run_in_another_number_format_is_another_run(
    tiny_recipe: MakeRecipe, tiny_people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``auto`` on a machine that computes bfloat16 must not be taken up where it would mean float32."""
    recipe = tiny_recipe(training={"precision": "auto"})
    monkeypatch.setattr(loop, "choose_precision", lambda wanted, device: torch.float32)
    train(recipe, read_manifest(tiny_people), tmp_path)
    monkeypatch.setattr(loop, "choose_precision", lambda wanted, device: torch.bfloat16)
    with pytest.raises(ModelError, match="another number format"):
        train(recipe, read_manifest(tiny_people), tmp_path)


@pytest.mark.parametrize("name", HEADS)
def test_every_head_can_be_laid_out_without_memory(tiny_recipe: MakeRecipe, name: str) -> None:
    """The check before data is read; numbers that a head computes must not become tensors without memory."""
    check_networks(tiny_recipe().model_copy(update={"head": HeadSection(name=name)}))


def test_a_remark_reaches_tensorboard_as_text(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    with Journal(tmp_path / "journal.jsonl", 0, tmp_path / "events") as journal:
        journal.write({"step": 1, "loss": 5.0, "remark": "the loss has stayed"})
    assert read_journal(tmp_path / "journal.jsonl")[0]["remark"] == "the loss has stayed"


def test_every_regularizer_counts_and_is_in_the_journal(
    tiny_recipe: MakeRecipe, tiny_people: Path, tmp_path: Path
) -> None:
    """Two of one kind are two terms; the loss of the first step is the head's plus theirs."""
    twice = [{"name": "uniformity", "weight": 1.0}, {"name": "uniformity", "weight": 3.0}]
    plain, both = tiny_recipe(), tiny_recipe(regularizers=twice)
    train(plain, read_manifest(tiny_people), tmp_path / "plain")
    train(both, read_manifest(tiny_people), tmp_path / "both")
    without, row = (read_journal(tmp_path / name / "journal.jsonl")[0] for name in ("plain", "both"))
    assert row["uniformity 2"] == pytest.approx(3.0 * row["uniformity"], rel=1e-4)
    assert row["loss"] == pytest.approx(without["loss"] + 4.0 * row["uniformity"], rel=1e-4)


def test_what_a_regularizer_learns_is_watched_too(tiny_recipe: MakeRecipe) -> None:
    backbone, head = build_networks(tiny_recipe(), 6, torch.device("cpu"))
    centre = CenterLoss(6, head.prototypes.shape[-1])
    terms = torch.nn.ModuleList([centre])
    exact: dict[str, Any] = {"precision": torch.float32, "clip_norm": 5.0}
    optimiser = torch.optim.SGD([*backbone.parameters(), *head.parameters(), *terms.parameters()], lr=0.1)
    images, labels = torch.randn(4, 3, 112, 96), torch.tensor([0, 1, 2, 3])
    centre.centres.register_hook(lambda gradient: gradient * math.nan)
    before = centre.centres.detach().clone()
    with pytest.raises(NonFiniteLossError, match=r"the gradient of regularizer parameter '0\.centres'"):
        take_step(1, backbone, head, terms, optimiser, images, labels, torch.zeros(4), **exact)
    torch.testing.assert_close(centre.centres.detach(), before)
