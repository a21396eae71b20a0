"""Runs of which the rates say little are told."""

from __future__ import annotations

import math
from typing import Any

from evidence.endings import Ending, endings


def run(loss: float | None, cosine: float = 0.5, head: str = "a-softmax") -> dict[str, Any]:
    last = None if loss is None else {"step": 600, "loss": loss, "cosine": cosine}
    return {"last": last, "learners": {"people": 320}, "recipe": {"head": {"name": head}}}


def test_ends_are_counted_row_by_row() -> None:
    chance = math.log(320)
    found = endings(
        {
            "at chance": [run(chance * 1.009), run(chance * 0.991), run(chance * 0.98)],
            "at a fixed norm chance is another": [run(chance, head="sphereface")],
            "together": [run(1.0, 0.951), run(1.0, 0.949), run(None)],
        }
    )
    assert found == (
        Ending("at chance", 3, 0, 2),
        Ending("at a fixed norm chance is another", 1, 0, 0),
        Ending("together", 3, 1, 0),
    )
