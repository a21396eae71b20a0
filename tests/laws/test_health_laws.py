"""Health does not depend on how the sphere is turned, the vectors are scaled, or the people are called."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from sphereface.sphere import health


def figures(x, people):
    angles = health.extreme_angles(x, people)
    return [
        health.alignment(x, people),
        health.uniformity(x),
        *(health.energy(x, s) for s in (0, 1, 2)),
        health.angular_fisher_score(x, people),
        angles.largest_intra,
        angles.smallest_inter,
    ]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_turning_scaling_renaming_and_reordering_change_nothing(seed):
    generator = np.random.default_rng(seed)
    people = np.repeat(np.arange(6), [1, 2, 3, 2, 4, 2])
    x = generator.standard_normal((6, 5))[people] + 0.5 * generator.standard_normal((14, 5))
    expected = pytest.approx(figures(x, people), rel=1e-8, abs=1e-8)
    assert figures(x @ ortho_group.rvs(5, random_state=seed), people) == expected
    assert figures(x * generator.uniform(0.1, 10.0, (14, 1)), people) == expected
    assert figures(x, generator.permutation(6)[people] * 7 - 3) == expected
    order = generator.permutation(14)
    assert figures(x[order], people[order]) == expected


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_all_people_meet_the_criterion_one_by_one_where_the_papers_criterion_is_met(seed):
    generator = np.random.default_rng(seed)
    people = np.repeat(np.arange(8), 5)
    spread = generator.uniform(0.01, 0.3)
    x = generator.standard_normal((8, 6))[people] + spread * generator.standard_normal((40, 6))
    draws = health.ideal_criterion_draws(x, people, images=5)
    if health.extreme_angles(x, people).met:
        assert draws.rate == 1.0
    else:
        assert 0.0 <= draws.rate <= 1.0
