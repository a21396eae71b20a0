"""Fixtures shared by the unit tests of several rooms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sphereface.evaluation.operating_point import MeasuredRate, OperatingPoint


@pytest.fixture
def make_point() -> Callable[..., OperatingPoint]:
    """Return a function that makes an operating point for the model with a given fingerprint."""

    def make(fingerprint: str, **changes: Any) -> OperatingPoint:
        target = changes.get("target", 0.01)
        searching = changes.get("kind", "fpir") == "fpir"
        people = changes.get("gallery_people", 100 if searching else 0)
        values: dict[str, Any] = {
            "threshold": 0.5,
            "kind": "fpir",
            "target": target,
            "measured": MeasuredRate(
                value=0.9 * target, low=0.5 * target, high=min(1.0, 2 * target), confidence=0.95, n=5000.0
            ),
            "missed": MeasuredRate(value=0.1, low=0.05, high=0.2, confidence=0.95, n=400.0),
            "trials": 6000,
            "gallery_people": people,
            "gallery_templates": 2 * people,
            "model_fingerprint": fingerprint,
            "data_hash": "d" * 64,
        }
        return OperatingPoint(**(values | changes))

    return make
