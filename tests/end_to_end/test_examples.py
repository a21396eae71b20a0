"""The examples run as they are printed in the documentation."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]
EXAMPLES = PROJECT / "examples"


def run(name: str, *words: str, folder: Path | None = None) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_own_training_loop_pulls_the_groups_apart() -> None:
    numbers = [
        float(number) for number in re.findall(r"(\d+) (?:degrees within|between)", run("own_training_loop.py"))
    ]
    within_before, between_before, within_after, between_after = numbers
    assert within_after < within_before
    assert between_after > between_before


def test_gallery_from_python(story: Any) -> None:
    assert len(re.findall(r"is taken for", run("gallery_from_python.py", str(story.folder)))) == 3


def test_own_backbone_is_trained_and_loaded(story: Any, tmp_path: Path) -> None:
    told = run("own_backbone.py", str(story.folder), str(tmp_path / "own"))
    assert re.search(r"EER 0\.\d+ \(0\.\d+ to 0\.\d+\)", told)
    assert "[(128,), (128,)]" in told


@pytest.mark.parametrize("page", ["head.md", "evaluation.md"])
def test_a_page_s_python_runs_as_it_stands(page: str, tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", (PROJECT / "docs" / page).read_text("utf-8"), re.S | re.M)
    assert blocks
    for number, block in enumerate(blocks):
        script = tmp_path / f"block_{number}.py"
        script.write_text(block, "utf-8")
        run(str(script), folder=tmp_path)


def test_every_example_has_a_test() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == {
        "gallery_from_python.py",
        "own_backbone.py",
        "own_training_loop.py",
    }
