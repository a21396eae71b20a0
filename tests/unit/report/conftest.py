"""The made-up report of ``tests/report_example.py``, built once."""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from sphereface.report.content import ReportInput


@pytest.fixture(scope="session")
def example() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "report_example.py"
    spec = importlib.util.spec_from_file_location("report_example", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["report_example"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def report_input(example: ModuleType) -> ReportInput:
    return example.example_input()


@pytest.fixture(scope="session")
def light_input(report_input: ReportInput) -> ReportInput:
    """Return the same report without its slow parts: sphere, training and sample pictures."""
    return dataclasses.replace(report_input, sphere=None, journal=None, samples=())
