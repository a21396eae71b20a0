"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

# Two test processes share two cores, and tiny products lose time to threads: one each. Before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


def _skip_or_fail(switch: str, reason: str) -> None:
    if os.environ.get(switch) == "1":
        pytest.fail(f"{reason} ({switch}=1 makes this a failure)")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder with real faces for development, or skip."""
    root = Path(os.environ.get("SPHEREFACE_SHARED", REPOSITORY.parent / "shared")) / "data"
    if not root.is_dir():
        _skip_or_fail("SPHEREFACE_REQUIRE_SHARED", f"no folder of real faces at {root}")
    return root


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of a Chromium on this machine, or skip."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path:
            return path
    _skip_or_fail("SPHEREFACE_REQUIRE_BROWSER", "no Chromium found on this machine")
    raise AssertionError("unreachable")
