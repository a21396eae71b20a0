from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sphereface.training.recipe import Recipe, parse_recipe


@pytest.fixture(scope="session")
def tiny_people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of six people with four 112x112 pictures each: a pattern a person, plus noise."""
    folder = tmp_path_factory.mktemp("people")
    generator = np.random.default_rng(5)
    for person in range(6):
        home = folder / f"person {person}"
        home.mkdir()
        pattern = generator.integers(0, 200, (7, 7, 3)).repeat(16, 0).repeat(16, 1)
        for shot in range(4):
            noise = generator.integers(0, 55, (112, 112, 3))
            Image.fromarray((pattern + noise).astype(np.uint8)).save(home / f"{shot}.png")
    return folder


@pytest.fixture
def tiny_recipe(tiny_people: Path) -> Callable[..., Recipe]:
    """Return a function that makes a recipe of a few small steps; sections can be changed."""

    def make(**sections: Any) -> Recipe:
        values: dict[str, Any] = {
            "data": {"train": [tiny_people]},
            "backbone": {"name": "sfnet4", "settings": {"embedding_dim": 16, "batch_norm": True}},
            "head": {"name": "cosface", "settings": {"scale": 30.0, "margin_ramp": 0.5}},
            "training": {"images": 8 * 8, "batch_size": 8, "checkpoint_every": 3, "journal_every": 1},
        }
        for name, section in sections.items():
            values[name] = {**values.get(name, {}), **section} if isinstance(section, dict) else section
        return parse_recipe(values)

    return make
