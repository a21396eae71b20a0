"""A network of one's own is trained, saved, loaded and refused like one of ours."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sphereface.backbones import BACKBONES, ENTRY_POINTS, build_backbone, register_backbone
from sphereface.checkpoint import load_card
from sphereface.data.learned import Learned
from sphereface.data.manifest import read_manifest
from sphereface.embedder import load_embedder
from sphereface.errors import ConfigurationError, ModelError
from sphereface.journey import keep_model
from sphereface.training.loop import train
from sphereface.training.network_check import check_networks


def tiny(embedding_dim: int = 64, size: str = "112x96", grid: int = 4) -> nn.Sequential:
    """Return a network of three layers that takes pictures of any size."""
    pooled = nn.Sequential(nn.AdaptiveAvgPool2d(grid), nn.Flatten())
    return nn.Sequential(pooled, nn.Linear(3 * grid * grid, embedding_dim), nn.BatchNorm1d(embedding_dim))


class Forgetful(nn.Module):
    """A network with a buffer that ``state_dict`` does not have."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("table", torch.zeros(2), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1)[:, :2] + self.table


class Twice(nn.Module):
    """A network with one weight under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second = self.first


def halved() -> nn.Module:
    return nn.Linear(2, 2).to(torch.bfloat16)


class Several(nn.Module):
    """A network that returns more than an embedding."""

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return images, images


class Deciding(nn.Module):
    """A network that looks at numbers, which the meta device does not have."""

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1)[:, : 1 + int(images.sum())]


@pytest.fixture
def mine() -> Iterator[str]:
    before = dict(BACKBONES)
    register_backbone("mine", tiny)
    yield "mine"
    BACKBONES.clear()
    BACKBONES.update(before)


def test_it_is_trained_saved_and_loaded_by_name(
    mine: str, tiny_recipe: Callable[..., Any], tiny_people: Path, tmp_path: Path
) -> None:
    recipe = tiny_recipe(backbone={"name": mine, "settings": {"grid": 3}}, data={"train": [tiny_people]})
    check_networks(recipe)
    people = read_manifest(tiny_people)
    trained = train(recipe, people, tmp_path)
    keep_model(trained, recipe, people, Learned.of(people), tmp_path)

    architecture = load_card(tmp_path).architecture
    # The width is written down though the recipe left it to its default, which another network need not share.
    assert architecture.settings == {"size": "112x96", "embedding_dim": 512, "grid": 3}
    embedder = load_embedder(tmp_path)
    crops = np.random.default_rng(0).integers(0, 256, (2, 112, 96, 3)).astype(np.uint8)
    pictures = torch.from_numpy(crops).permute(0, 3, 1, 2).float().sub(127.5).div(128.0)
    with torch.inference_mode():
        raw = trained.backbone.eval()(pictures) + trained.backbone(pictures.flip(3))
    assert recipe.input.flip_fusion == "sum"
    expected = (raw / raw.norm(dim=1, keepdim=True)).numpy()
    np.testing.assert_allclose(embedder.embed(crops), expected, atol=1e-5)

    BACKBONES.pop(mine)
    with pytest.raises(ModelError, match=r"unknown backbone 'mine'.*register_backbone adds one of your own"):
        load_embedder(tmp_path)


@pytest.mark.parametrize(
    ("name", "build", "said"),
    [
        ("sfnet4", tiny, "needs a name that is not taken, not 'sfnet4'"),
        ("", tiny, "needs a name that is not taken"),
        ("narrow", lambda width=3: nn.Linear(3, width), "must take the keyword embedding_dim and size"),
        ("module", nn.Flatten, "must take the keyword embedding_dim and size"),
        ("number", 3, "must be a function that builds a network, not int"),
    ],
)
def test_what_cannot_be_a_backbone_is_refused(name: str, build: Any, said: str) -> None:
    known = dict(BACKBONES)
    with pytest.raises(ConfigurationError, match=said):
        register_backbone(name, build)
    assert known == BACKBONES


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (Forgetful, "a buffer that is not saved with it: 'table'"),
        (dict, "is not a torch.nn.Module but dict"),
        (Twice, "one weight under two names, 'second.bias' and another"),
        (halved, r"a tensor of torch.bfloat16, 'weight', which model files do not hold"),
        (Several, r"must return a tensor \(N, 16\), not tuple"),
        (nn.Flatten, r"takes two pictures to \(2, 32256\), not to \(2, 16\)"),
        (lambda: nn.Conv2d(4, 8, 3), "fails on pictures of 112x96: ."),
    ],
)
def test_what_could_not_be_saved_is_told_before_training(
    mine: str, made: Callable[[], Any], said: str, tiny_recipe: Callable[..., Any]
) -> None:
    BACKBONES[mine] = lambda **settings: made()
    with pytest.raises(ConfigurationError, match=said):
        check_networks(tiny_recipe(backbone={"name": mine}))


def test_a_network_that_looks_at_numbers_is_left_to_the_first_step(
    mine: str, tiny_recipe: Callable[..., Any]
) -> None:
    BACKBONES[mine] = lambda **settings: Deciding()
    check_networks(tiny_recipe(backbone={"name": mine}))


def test_code_that_changed_under_a_models_name_is_noticed(
    mine: str, tiny_recipe: Callable[..., Any], tiny_people: Path, tmp_path: Path
) -> None:
    recipe = tiny_recipe(backbone={"name": mine, "settings": {"embedding_dim": 24}}, data={"train": [tiny_people]})
    people = read_manifest(tiny_people)
    trained = train(recipe, people, tmp_path)
    card = keep_model(trained, recipe, people, Learned.of(people), tmp_path)
    assert trained.backbone.training
    assert len(card.known_answer) == 16
    load_embedder(tmp_path, precision="bfloat16")

    class Rectified(nn.Sequential):
        def forward(self, images: Tensor) -> Tensor:
            out: Tensor = super().forward(images)
            return out.relu()

    BACKBONES[mine] = lambda embedding_dim, size: Rectified(*tiny(embedding_dim, size))
    with pytest.raises(ModelError, match="the code of the network has changed since"):
        load_embedder(tmp_path)


def test_its_settings_are_checked_like_ours(mine: str) -> None:
    with pytest.raises(ConfigurationError, match=r"no setting 'gird'. Did you mean 'grid'\?"):
        build_backbone(mine, gird=3)


def test_a_package_brings_one_for_every_process(mine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    points = {
        "shipped": importlib.metadata.EntryPoint("shipped", f"{__name__}:tiny", ENTRY_POINTS),
        "broken": importlib.metadata.EntryPoint("broken", f"{__name__}:nowhere", ENTRY_POINTS),
    }

    def entry_points(*, group: str, name: str) -> list[importlib.metadata.EntryPoint]:
        assert group == ENTRY_POINTS
        return [points[name]] if name in points else []

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    assert build_backbone("shipped", embedding_dim=6)[1].out_features == 6
    with pytest.raises(ConfigurationError, match=r"backbone 'broken' \(.*:nowhere\) cannot be loaded"):
        build_backbone("broken")
    with pytest.raises(ConfigurationError, match="unknown backbone 'elsewhere'"):
        build_backbone("elsewhere")
