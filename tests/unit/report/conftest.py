from __future__ import annotations

import dataclasses

import pytest

from sphereface.report.content import ReportInput


@pytest.fixture(scope="session")
def light_input(report_input: ReportInput) -> ReportInput:
    """Return the made-up report without its slow parts: sphere, training and sample pictures."""
    return dataclasses.replace(report_input, sphere=None, journal=None, samples=())
