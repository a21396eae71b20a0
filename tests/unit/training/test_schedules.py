"""Learning rates as equations."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphereface.training.recipe import Optimiser
from sphereface.training.schedules import learning_rate


def test_the_published_steps() -> None:
    published = Optimiser(learning_rate=0.1, schedule="steps", milestones=(16 / 28, 24 / 28))
    assert learning_rate(published, 15_999 / 28_000) == 0.1
    assert learning_rate(published, 16_000 / 28_000) == pytest.approx(0.01)
    assert learning_rate(published, 27_999 / 28_000) == pytest.approx(0.001)


@given(st.floats(0, 0.999), st.floats(0, 0.5))
def test_cosine_with_warmup(progress: float, warmup: float) -> None:
    rate = learning_rate(Optimiser(learning_rate=0.2, warmup=warmup), progress)
    if progress < warmup:
        assert rate == pytest.approx(0.2 * progress / warmup)
    else:
        share = (progress - warmup) / (1 - warmup)
        assert rate == pytest.approx(0.1 * (1 + math.cos(math.pi * share)))
    assert 0 <= rate <= 0.2
