"""A study whose outcome is known, because it was written down instead of run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from evidence.plan import Run
from tests.unit.evidence.synthetic import write_study

STOPPED = ("margins/sphereface2-c-seed2", "norms/nfn-seed1")
MARGINS = {"cosface": (-4.5, 1), "a-softmax": (4.5, 1), "sphereface": (0.0, 12)}


def known_effect(run: Run) -> tuple[float, int]:
    """CosFace is 10 points better, A-Softmax 10 worse, SphereFace goes both ways; other questions likewise."""
    if run.question == "margins":
        return MARGINS.get(run.head, (0.0, 1))
    if run.question == "gradients":
        return (-4.5 if "detached" in run.row else 0.0), 1
    if run.question == "sizes":
        better = {"sfnet20": 4.5, "sfnet10": 0.0}.get(run.backbone, 0.0)
        return -better - (4.5 if run.row.startswith("annealed-m4") else 0.0), 1
    return 0.0, 1


@pytest.fixture(scope="session")
def study_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the summaries of a whole study; not to be written to."""
    folder = tmp_path_factory.mktemp("study")
    write_study(folder, known_effect)
    return folder


@pytest.fixture(scope="session")
def stopped_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same with runs that stopped; not to be written to."""
    folder = tmp_path_factory.mktemp("stopped")
    write_study(folder, known_effect, stopped=STOPPED)
    return folder


@pytest.fixture(scope="session")
def twin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same where the fifth trials are the best: SphereFace and v1 are one row. Not to be written to."""
    folder = tmp_path_factory.mktemp("twin")
    write_study(folder, known_effect, best=5)
    return folder


@pytest.fixture
def partial(study_folder: Path, tmp_path: Path) -> Callable[..., Path]:
    """Return a function that copies the study without the summaries that a pattern finds."""

    def without(*patterns: str) -> Path:
        folder = tmp_path / "partial"
        shutil.copytree(study_folder, folder)
        for pattern in patterns:
            for path in folder.glob(pattern):
                path.unlink()
        return folder

    return without
