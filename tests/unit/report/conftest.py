from __future__ import annotations

import dataclasses
from types import ModuleType

import pytest

from sphereface.report.content import ReportInput


@pytest.fixture(scope="session")
def light_input(report_input: ReportInput) -> ReportInput:
    """Return the made-up report without its slow parts: sphere, training and sample pictures."""
    return dataclasses.replace(report_input, sphere=None, journal=None, samples=())


@pytest.fixture(scope="session")
def models_input(example: ModuleType) -> ReportInput:
    """Return a made-up report of three models under a protocol with two lists, two galleries and a crowd."""
    found: ReportInput = example.example_models()
    return found


@pytest.fixture(scope="session")
def pairs_input(models_input: ReportInput) -> ReportInput:
    """Return the same three models, judged on one list of pairs only: quick to draw."""
    first, *others = (
        dataclasses.replace(
            model, verifications=model.verifications[:1], identifications=(), crowds=(), classes=(), source=None
        )
        for model in models_input.models
    )
    return dataclasses.replace(models_input, evaluation=first, others=others, findings=None)
