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
from sphereface.data.manifest import read_manifest
from sphereface.embedder import load_embedder
from sphereface.errors import ConfigurationError, ModelError
from sphereface.journey import keep_model
from sphereface.training.loop import check_networks, train


def tiny(embedding_dim: int = 64, size: str = "112x96", grid: int = 4) -> nn.Module:
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
    keep_model(trained, recipe, people, tmp_path)

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
    ],
)
def test_what_could_not_be_saved_is_told_before_training(
    mine: str, made: Callable[[], Any], said: str, tiny_recipe: Callable[..., Any]
) -> None:
    BACKBONES[mine] = lambda **settings: made()
    with pytest.raises(ConfigurationError, match=said):
        check_networks(tiny_recipe(backbone={"name": mine}))


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
