from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sphereface.demo import DemoSize, demo_recipe, draw_people
from sphereface.journey import Result, journey
from tests.end_to_end import program

SMALL = DemoSize(
    learners=40, shots=8, judged=60, judged_shots=6, passers_by=300, enrolled=6, strangers=20, images=2_560
)


@dataclass(frozen=True)
class Story:
    """A small journey that was gone once for all tests."""

    folder: Path
    result: Result


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Go the whole journey on a few drawn people, at error rates that so few can support."""
    folder = tmp_path_factory.mktemp("story") / "run"
    draw_people(folder / "faces", SMALL, seed=3)
    recipe = demo_recipe(folder, SMALL, seed=3)
    judgement = recipe.judgement.model_copy(update={"target_fpir": 0.4, "target_fmr": 0.05})
    return Story(folder, journey(recipe.model_copy(update={"judgement": judgement}), folder))


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def sphereface(tmp_path: Path) -> Run:
    """Return a function that runs the program as a user would, in an empty folder of their own."""
    home = tmp_path / "home"
    home.mkdir()

    def run(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("SPHEREFACE_")}
        surroundings = {**inherited, "HOME": str(home), "XDG_DATA_HOME": str(home / "data"), **environment}
        return program.run([str(word) for word in words], home, surroundings, tmp_path / "output")

    return run
