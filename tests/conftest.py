"""Fixtures shared by all tests."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

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


@pytest.fixture(scope="session")
def example() -> ModuleType:
    """Return the module that makes up a report."""
    path = REPOSITORY / "tests" / "report_example.py"
    spec = importlib.util.spec_from_file_location("report_example", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["report_example"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def report_input(example: ModuleType) -> Any:
    """Return a made-up report with everything a report can show."""
    return example.example_input()
