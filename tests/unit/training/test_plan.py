"""The plan of a run: the published recipes at their published sizes, and estimates held against real runs."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sphereface.cli.plan import print_plan
from sphereface.data.manifest import read_manifest
from sphereface.errors import ConfigurationError
from sphereface.heads import HEADS, MarginHead, build_head
from sphereface.training import plan as planning
from sphereface.training import rehearsal
from sphereface.training.loop import build_networks, train
from sphereface.training.memory import Memory, available_memory, plan_memory, saved_bytes
from sphereface.training.plan import Plan, first_step, make_plan, scheduled
from sphereface.training.recipe import Recipe, read_recipe
from sphereface.training.rehearsal import require_room

MakeRecipe = Callable[..., Recipe]

RECIPES = Path(__file__).resolve().parents[3] / "recipes"
CPU = ("training.device=cpu",)


@dataclasses.dataclass(frozen=True)
class Published:
    """What is published of a run: people, pictures, steps of how many, the learning rate from these steps on."""

    people: int
    pictures: int
    steps: int
    batch: int
    rates: dict[int, float]
    backbone: int


PUBLISHED = {
    "casia-webface-sphereface": Published(
        10_572, 494_414, 28_000, 512, {0: 1e-1, 16_000: 1e-2, 24_000: 1e-3}, 22_666_944
    ),
    "vggface2-spherefacer": Published(
        8_631, 3_141_890, 70_000, 512, {0: 1e-1, 40_000: 1e-2, 60_000: 1e-3}, 24_501_952
    ),
    "ms1m-spherefacer": Published(
        85_742, 5_822_653, 240_000, 512, {0: 1e-1, 100_000: 1e-2, 180_000: 1e-3, 220_000: 1e-4}, 50_051_200
    ),
    "glint360k-cosface": Published(
        360_232, 17_091_657, 20 * (17_091_657 // 1_024), 1_024, {0: 1e-1, 166_910: 5e-2}, 50_051_200
    ),
}


def plan_of(name: str) -> Plan:
    facts = PUBLISHED[name]
    return make_plan(read_recipe(RECIPES / f"{name}.toml", CPU), facts.people, facts.pictures)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_recipe_has_the_published_size_and_schedule(name: str) -> None:
    facts, plan = PUBLISHED[name], plan_of(name)
    assert (plan.steps, plan.input[0]) == (facts.steps, facts.batch)
    assert plan.epochs == pytest.approx(facts.steps * facts.batch / facts.pictures)
    assert plan.prototypes == (facts.people, 512)
    assert plan.head_parameters == facts.people * 512
    assert plan.backbone_parameters == facts.backbone
    assert plan.memory.head == facts.people * 512 * 4
    rates = {mark.step: mark.learning_rate for mark in plan.marks}
    for step, rate in facts.rates.items():
        assert rates[step] == pytest.approx(rate, rel=1e-4)
    assert max(rates) == facts.steps - 1
    assert not plan.remarks


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_rate_changes_at_the_published_step_and_not_one_before(name: str) -> None:
    facts = PUBLISHED[name]
    optimiser = read_recipe(RECIPES / f"{name}.toml").optimiser
    if optimiser.schedule == "steps":
        for step, rate in list(facts.rates.items())[1:]:
            before = planning.learning_rate(optimiser, (step - 1) / facts.steps)
            assert before == pytest.approx(10.0 * rate)
            assert planning.learning_rate(optimiser, step / facts.steps) == pytest.approx(rate)
        assert optimiser.milestones[-1] == 1.0  # the published one at the last step, which changes nothing


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_head_of_the_recipe_says_whose_numbers_these_are(name: str) -> None:
    text = (RECIPES / f"{name}.toml").read_text(encoding="utf-8")
    words = " ".join(re.findall(r"^# ?(.*)$", text, re.MULTILINE))
    facts = PUBLISHED[name]
    for wanted in ("NOT RUN HERE", f"{facts.people:,}", f"{facts.pictures:,}", "Differs from the published run"):
        assert wanted in words
    assert f"--people {facts.people} --pictures {facts.pictures}" in words


def test_lambda_of_the_casia_recipe_arrives_where_the_published_one_does() -> None:
    """1000 / (1 + 0.12 i) is 5.001 at step 1,658 and 5 from step 1,659 on."""
    plan = plan_of("casia-webface-sphereface")
    recipe = read_recipe(RECIPES / "casia-webface-sphereface.toml")
    head = build_head(recipe.head.name, num_classes=2, embedding_dim=2, **recipe.head.settings)
    at = [scheduled(head, step / plan.steps)["lambda"] for step in (0, 100, 1_658, 1_659, 27_999)]
    assert at == pytest.approx([1000.0, 1000.0 / 13.0, 5.0, 5.0, 5.0], abs=0.0011)
    assert at[2] > 5.0 == at[3]
    assert plan.settled == 1_659
    assert {mark.step: mark.head["lambda"] for mark in plan.marks}[1_659] == 5.0


def test_prototypes_of_glint360k_take_three_quarters_of_a_gigabyte() -> None:
    memory = plan_of("glint360k-cosface").memory
    assert memory.head == 360_232 * 512 * 4 == 737_755_136
    assert memory.kept > 3 * (737_755_136 + 50_051_200 * 4)
    assert memory.step > memory.kept + memory.activations
    assert memory.head_block == 256 * 2**20 + 360_232 * 4  # the budget, and the lengths of the prototypes
    assert memory.update == memory.head  # weight decay's copy, one parameter at a time on a CPU


def test_a_billion_people_are_planned_without_memory(tiny_recipe: MakeRecipe) -> None:
    recipe = tiny_recipe(backbone={"settings": {"embedding_dim": 512}})
    assert make_plan(recipe, 10**9, 10**10).memory.head == 512 * 4 * 10**9 > available_memory(torch.device("cpu"))


def test_a_scale_that_is_too_small_is_told(tiny_recipe: MakeRecipe) -> None:
    recipe = tiny_recipe()
    assert "scale" not in " ".join(make_plan(scaled(recipe, 30.0), 1000, 1000).remarks)
    assert "cannot reach the probability 0.9" in " ".join(make_plan(scaled(recipe, 3.0), 1000, 1000).remarks)


def scaled(recipe: Recipe, scale: float) -> Recipe:
    return recipe.model_copy(update={"head": recipe.head.model_copy(update={"settings": {"scale": scale}})})


def test_on_cuda_all_weights_change_at_once_and_nothing_is_left_in_pieces(
    tiny_recipe: MakeRecipe, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe, meta = tiny_recipe(), torch.device("meta")
    with meta:
        backbone, head = build_networks(recipe, 6, meta)
    found = {
        device: plan_memory(
            recipe,
            backbone,
            head,
            torch.nn.ModuleList(),
            pictures=24,
            device=torch.device(device),
            precision=torch.float32,
        )
        for device in ("cpu", "cuda")
    }
    decayed = [4 * part.numel() for part in (*backbone.parameters(), *head.parameters()) if part.ndim > 1]
    assert (found["cpu"].update, found["cuda"].update) == (max(decayed), sum(decayed))
    assert found["cpu"].fragments > found["cuda"].fragments == 0
    assert found["cpu"].activations == found["cuda"].activations
    print_plan(dataclasses.replace(make_plan(recipe, 6, 24), device="cuda:0"), "as stated")
    assert "most at once, device and processor together" in capsys.readouterr().out


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("name", ["sfnet4", "sfnet10"])
def test_activations_are_those_that_a_real_pass_keeps(
    tiny_recipe: MakeRecipe, name: str, batch_norm: bool
) -> None:
    settings = {"embedding_dim": 16, "batch_norm": batch_norm}
    recipe = tiny_recipe(backbone={"name": name, "settings": settings}, training={"precision": "float32"})
    backbone, _ = build_networks(recipe, 2, torch.device("cpu"))
    kept: dict[int, torch.Tensor] = {}

    def put_aside(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(put_aside, lambda tensor: tensor):
        result = backbone(torch.zeros(recipe.training.batch_size, 3, 112, 96))
    own = {part.untyped_storage().data_ptr() for part in (*backbone.parameters(), *backbone.buffers())}
    real = sum(tensor.untyped_storage().nbytes() for place, tensor in kept.items() if place not in own)
    assert result.requires_grad
    meta = torch.device("meta")
    with meta:
        shapes, _ = build_networks(recipe, 2, meta)
    assert sum(saved_bytes(shapes, recipe, torch.float32)) == real
    assert sum(saved_bytes(shapes, recipe, torch.bfloat16)) < 0.51 * real + 10_000
    assert next(shapes.parameters()).dtype == torch.float32


@pytest.mark.parametrize("head", ["cosface", "a-softmax", "curricularface", "subcenter-arcface", "uniface"])
@pytest.mark.parametrize("solver", [{}, {"momentum": 0.0}, {"name": "adamw"}])
def test_the_snapshot_has_the_size_that_was_planned(
    tiny_recipe: MakeRecipe, tiny_people: Path, tmp_path: Path, head: str, solver: dict[str, Any]
) -> None:
    terms = [{"name": "center"}]
    recipe = tiny_recipe(head={"name": head, "settings": {}}, regularizers=terms, optimiser=solver)
    plan = make_plan(recipe, 6, 24)
    train(recipe, read_manifest(tiny_people), tmp_path)
    newest = max((tmp_path / "checkpoints").iterdir())
    assert plan.memory.snapshot <= newest.stat().st_size <= plan.memory.snapshot + 20_000  # names and shapes


@pytest.mark.parametrize("name", HEADS)
def test_the_plan_says_of_the_margin_what_the_head_will_say(name: str) -> None:
    head = build_head(name, num_classes=3, embedding_dim=4)
    learned = {"bias", *(dict(head.rule.named_buffers()) if isinstance(head, MarginHead) else {})}
    for progress in (0.0, 0.03, 0.3, 0.75, 1.0):
        head.advance(progress)
        state = {name: value for name, value in head.schedule_state().items() if name not in learned}
        assert scheduled(head, progress) == state


def test_marks_show_the_warm_up_the_quarters_and_where_the_margin_arrives(tiny_recipe: MakeRecipe) -> None:
    recipe = tiny_recipe(
        training={"images": 8 * 1000, "batch_size": 8}, optimiser={"warmup": 0.1, "learning_rate": 0.2}
    )
    plan = make_plan(recipe, 6, 24)
    assert [mark.step for mark in plan.marks] == [0, 100, 250, 500, 750, 999]
    assert (plan.warmup_end, plan.settled) == (100, 500)
    assert [mark.head["margin"] for mark in plan.marks] == pytest.approx([0.0, 0.07, 0.175, 0.35, 0.35, 0.35])
    assert plan.marks[1].learning_rate == 0.2 == max(mark.learning_rate for mark in plan.marks)
    assert plan.epochs == pytest.approx(8000 / 24)


def test_milestones_in_any_order_and_those_that_are_never_reached(tiny_recipe: MakeRecipe) -> None:
    optimiser = {"schedule": "steps", "milestones": [0.75, 0.5, 1.0, 3.0], "factor": 2.0}
    plan = make_plan(tiny_recipe(training={"images": 80, "batch_size": 8}, optimiser=optimiser), 6, 24)
    rates = {mark.step: mark.learning_rate for mark in plan.marks}
    assert rates == {0: 0.1, 5: 0.05, 8: 0.025, 9: 0.025}


@pytest.mark.parametrize("steps", [1, 2, 7, 28_000, 333_820])
def test_the_first_step_is_the_one_that_the_loop_would_find(steps: int) -> None:
    for share in (0.0, 1 / 7, 0.5, 16 / 28, 0.999999, 1.0):
        found = first_step(steps, share.__le__)
        assert found == steps or found / steps >= share
        assert found == 0 or (found - 1) / steps < share


@pytest.mark.parametrize(
    ("people", "pictures", "sentence"),
    [
        (1, 10, "from 2 to 1,000,000,000 people, not 1"),
        (10**9 + 1, 10**10, "people, not 1,000,000,001"),
        (10, 9, "10 people have at least 10 pictures, not 9"),
    ],
)
def test_numbers_that_cannot_be(tiny_recipe: MakeRecipe, people: int, pictures: int, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        make_plan(tiny_recipe(), people, pictures)


def test_settings_are_checked_as_in_a_run(tiny_recipe: MakeRecipe) -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'cosface'"):
        make_plan(tiny_recipe(head={"name": "cosfase", "settings": {}}), 6, 24)
    with pytest.raises(ConfigurationError, match=r"training\.device = 'gpu'"):
        make_plan(tiny_recipe(training={"device": "gpu"}), 6, 24)


EVERY_TERM: dict[str, Any] = {
    "regularizers": [{"name": "center"}, {"name": "uniformity", "weight": 0.5}, {"name": "radial"}],
    "augmentation": {"degrade": 0.5},
    "optimiser": {"clip_norm": 1.0},
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        EVERY_TERM,
        {"head": {"name": "simple", "settings": {}}, "optimiser": {"name": "adamw"}},
        {"head": {"name": "a-softmax", "settings": {"gradient": "normalised", "prototypes": "projected"}}},
        {"head": {"settings": {"implementation": "reference"}}, "training": {"precision": "float32"}},
        {"input": {"size": "112x112", "colour": "bgr"}, "training": {"images": 8}},
    ],
)
def test_a_rehearsal_does_whole_steps_of_any_recipe(tiny_recipe: MakeRecipe, changes: dict[str, Any]) -> None:
    plan = make_plan(tiny_recipe(**changes), 50, 100, rehearsal_steps=3)
    done = plan.rehearsal
    assert done is not None
    assert done.steps == 3
    assert 0.0 < done.seconds < 60.0
    assert plan.run_seconds == pytest.approx(done.seconds * plan.steps)
    assert done.peak >= 0  # of a process that has memory to spare: the command's own test looks at the amount


def test_a_peak_that_is_counted_below_what_was_held_is_none(
    tiny_recipe: MakeRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsal, "_held", lambda device: 10**15)
    done = make_plan(tiny_recipe(), 6, 24, rehearsal_steps=1).rehearsal
    assert done is not None
    assert done.peak == 0


def test_too_much_is_refused_before_anything_is_allocated(
    tiny_recipe: MakeRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_: object) -> None:
        raise AssertionError("something was built")

    monkeypatch.setattr(rehearsal, "build_networks", nothing)
    with pytest.raises(ConfigurationError, match=r"a step needs about .* take a machine with more memory"):
        make_plan(tiny_recipe(), 10**9, 10**9, rehearsal_steps=1)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.6, 0.9])
def test_the_batch_that_is_advised_fits_and_one_more_does_not(share: float) -> None:
    recipe = read_recipe(RECIPES / "vggface2-spherefacer.toml", CPU)

    def needs(batch_size: int) -> Memory:
        training = recipe.training.model_copy(update={"batch_size": batch_size})
        return make_plan(recipe.model_copy(update={"training": training}), 8_631, 3_141_890).memory

    available = int(share * needs(512).step)
    with pytest.raises(ConfigurationError, match=r"--set training\.batch_size=(\d+)\)") as refused:
        require_room(needs, available, 512)
    advised = int(re.search(r"batch_size=(\d+)", str(refused.value)).group(1))  # type: ignore[union-attr]
    assert 2 <= advised < 512
    assert needs(advised).step <= available < needs(advised + 1).step
    require_room(needs, available, advised)


def test_a_plan_as_json_holds_plain_values(tiny_recipe: MakeRecipe) -> None:
    found = make_plan(tiny_recipe(), 6, 24, rehearsal_steps=1).to_json()
    assert found["memory"]["step"] <= found["memory"]["run"]
    assert found["rehearsal"]["steps"] == 1
    assert found["marks"][0] == {"step": 0, "learning_rate": 0.1, "head": {"margin": 0.0}}
