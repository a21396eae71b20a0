"""The optimisers: their updates are the published ones, and what they keep goes through a snapshot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sphereface.data.manifest import read_manifest
from sphereface.training.identity import differences, fingerprint
from sphereface.training.journal import read_journal
from sphereface.training.loop import train
from sphereface.training.optimiser import build_optimiser, copies, kept, put_back
from sphereface.training.recipe import Recipe

MakeRecipe = Callable[..., Recipe]
ADAMW = {"name": "adamw", "learning_rate": 0.01, "momentum": 0.8, "beta2": 0.95, "weight_decay": 0.2}
GRADIENTS = torch.randn(5, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


class Two(torch.nn.Module):
    """A matrix, which is decayed, and a vector, which is not."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = torch.nn.Parameter(torch.linspace(-1.0, 2.0, 12, dtype=torch.float64).reshape(3, 4))
        self.vector = torch.nn.Parameter(torch.linspace(-1.0, 2.0, 12, dtype=torch.float64))


def walk(optimiser: torch.optim.Optimizer, two: Two, gradients: torch.Tensor) -> None:
    for gradient in gradients:
        two.matrix.grad, two.vector.grad = gradient.clone(), gradient.flatten()
        optimiser.step()


def test_adamw_is_the_papers_algorithm_2(tiny_recipe: MakeRecipe) -> None:
    """Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101, with their schedule multiplier in the rate."""
    two = Two()
    expected = {"matrix": two.matrix.detach().clone(), "vector": two.vector.detach().clone()}
    walk(build_optimiser(tiny_recipe(optimiser=ADAMW), two), two, GRADIENTS)
    for name, theta in expected.items():
        mean = square = torch.zeros_like(theta)
        for t, gradient in enumerate(GRADIENTS.reshape(5, *theta.shape), 1):
            mean = 0.8 * mean + 0.2 * gradient
            square = 0.95 * square + 0.05 * gradient**2
            step = (mean / (1 - 0.8**t)) / ((square / (1 - 0.95**t)).sqrt() + 1e-8)
            theta = theta - 0.01 * (step + (0.2 * theta if name == "matrix" else 0.0))
        torch.testing.assert_close(getattr(two, name).detach(), theta, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("solver", [{}, {"momentum": 0.0}, ADAMW])
def test_what_is_kept_is_put_back(tiny_recipe: MakeRecipe, solver: dict[str, Any]) -> None:
    recipe = tiny_recipe(optimiser=solver)
    whole, broken = Two(), Two()
    walk(build_optimiser(recipe, whole), whole, GRADIENTS)
    before = build_optimiser(recipe, broken)
    assert kept(before, "matrix", broken.matrix) == {}
    walk(before, broken, GRADIENTS[:2])
    after, tensors = build_optimiser(recipe, broken), {}
    for name, parameter in broken.named_parameters():
        found = kept(before, name, parameter)
        assert sum(value.numel() > 1 for value in found.values()) == copies(recipe.optimiser)
        tensors |= found
    for name, parameter in broken.named_parameters():
        put_back(after, name, parameter, tensors)
    walk(after, broken, GRADIENTS[2:])
    assert torch.equal(whole.matrix, broken.matrix)
    assert torch.equal(whole.vector, broken.vector)


def test_a_run_with_adamw_learns_its_six_people(
    tiny_recipe: MakeRecipe, tiny_people: Path, tmp_path: Path
) -> None:
    head = {"settings": {"scale": 10.0, "margin": 0.1}}
    recipe = tiny_recipe(training={"images": 8 * 40}, head=head, optimiser={"name": "adamw"})
    train(recipe, read_manifest(tiny_people), tmp_path)
    rows = read_journal(tmp_path / "journal.jsonl")
    assert rows[0]["learning_rate"] == 1e-3
    assert rows[-1]["loss"] < 0.3 < rows[0]["loss"]


def test_a_run_older_than_the_choice_of_an_optimiser_is_the_same_run(
    tiny_recipe: MakeRecipe, tiny_people: Path, tmp_path: Path
) -> None:
    sgd, adamw = tiny_recipe(), tiny_recipe(optimiser={"name": "adamw"})
    (tmp_path / "recipe.json").write_text(sgd.model_dump_json(exclude={"optimiser": {"name", "beta2"}}))
    assert differences(sgd, tmp_path / "recipe.json") == []
    assert "optimiser.name was sgd and is adamw" in differences(adamw, tmp_path / "recipe.json")
    (tmp_path / "recipe.json").write_text(adamw.model_dump_json())
    assert "optimiser.name was adamw and is sgd" in differences(sgd, tmp_path / "recipe.json")
    people = read_manifest(tiny_people)
    other = sgd.model_copy(update={"optimiser": sgd.optimiser.model_copy(update={"beta2": 0.5})})
    hashes = [fingerprint(one, people, torch.float32, None) for one in (sgd, other, adamw)]
    assert hashes[0] == hashes[1] != hashes[2]
    other = adamw.model_copy(update={"optimiser": adamw.optimiser.model_copy(update={"beta2": 0.5})})
    assert fingerprint(other, people, torch.float32, None) != hashes[2]
