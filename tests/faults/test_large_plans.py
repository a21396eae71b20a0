"""One real step with 85,742 and with 360,232 people: gigabytes of prototypes, and the estimate holds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

RECIPES = Path(__file__).resolve().parents[2] / "recipes"


@pytest.mark.faults
@pytest.mark.parametrize(
    ("name", "people", "pictures", "batch"),
    [
        ("ms1m-spherefacer", 85_742, 5_822_653, 4),
        ("glint360k-cosface", 360_232, 17_091_657, 4),
        ("glint360k-cosface", 360_232, 17_091_657, 32),
    ],
)
def test_a_real_step_fits_into_what_was_planned(name: str, people: int, pictures: int, batch: int) -> None:
    words = ("--people", people, "--pictures", pictures, "--steps", 2, "--set", f"training.batch_size={batch}")
    program = Path(sys.executable).with_name("sphereface")
    done = subprocess.run(
        [program, "plan", RECIPES / f"{name}.toml", *map(str, words), "--set", "training.device=cpu", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    memory, rehearsed = found["memory"], found["rehearsal"]
    assert found["head_parameters"] == people * 512
    assert 3 * (memory["backbone"] + memory["head"]) < rehearsed["peak"] < 1.1 * memory["step"]
    print(
        f"{name}, {batch} pictures: {rehearsed['seconds']:.2f} s a step, {rehearsed['peak'] / 1e9:.2f} GB "
        f"of {memory['step'] / 1e9:.2f} planned"
    )
