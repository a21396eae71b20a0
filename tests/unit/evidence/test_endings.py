"""Runs of which the rates say little are told."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from evidence.endings import TOGETHER, Ending, endings
from sphereface.sphere.health import uniformity


def run(loss: float | None, uniformity: float = -3.2, head: str = "a-softmax") -> dict[str, Any]:
    found: dict[str, Any] = {"last": None, "learners": {"people": 320}, "recipe": {"head": {"name": head}}}
    if loss is not None:
        found["last"] = {"step": 600, "loss": loss, "cosine": 0.97}  # also where people are told apart
        found["health"] = {"uniformity": uniformity}
    return found


def test_ends_are_counted_row_by_row() -> None:
    chance = math.log(320)
    found = endings(
        {
            "at chance": [run(chance * 1.009), run(chance * 0.991), run(chance * 0.98)],
            "at a fixed norm chance is another": [run(chance, head="sphereface")],
            "together": [run(1.0, -0.39), run(1.0, -0.41), run(None)],
            "at chance in one place": [run(chance, -0.1)],
        }
    )
    assert found == (
        Ending("at chance", 3, 0, 2),
        Ending("at a fixed norm chance is another", 1, 0, 0),
        Ending("together", 3, 1, 0),
        Ending("at chance in one place", 1, 0, 1),
    )


@pytest.mark.parametrize(("cosine", "together"), [(0.91, True), (0.89, False)])
def test_the_bound_is_that_of_a_cosine_of_nine_tenths_between_any_two(cosine: float, together: bool) -> None:
    """Vectors that all have this cosine with each other: a common part and one of its own."""
    count = 50
    vectors = np.hstack([np.full((count, 1), math.sqrt(cosine)), math.sqrt(1.0 - cosine) * np.eye(count)])
    assert (float(uniformity(vectors)) > TOGETHER) is together
