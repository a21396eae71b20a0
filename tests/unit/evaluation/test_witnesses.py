"""How many people bear witness to a variance: all where all are alike, few where a few make the errors."""

from __future__ import annotations

import numpy as np
import pytest

from sphereface.evaluation.intervals import PersonRate, clustered
from sphereface.evaluation.wilson import interval


@pytest.mark.parametrize(("trials", "rate"), [(1, 0.01), (1, 0.5), (3, 0.002), (40, 0.1)])
def test_independent_trials_are_witnessed_by_everybody(trials, rate):
    errors = np.random.default_rng(trials).binomial(trials, rate, (4000, 1)).astype(np.float64)
    found = clustered(errors, np.full(4000, trials))
    assert found.witnesses()[0] > 0.85 * 4000


def test_a_single_person_who_makes_all_the_errors_is_a_single_witness():
    residuals = np.zeros((100, 1))
    residuals[7] = 50.0
    found = PersonRate(np.array([0.01]), 10_000, residuals, np.array([0.0]), 10.0, 100)
    noise = 10_000 * 0.0099 * (1.0 - 6.0 * 0.0099)
    assert found.witnesses()[0] == pytest.approx(2.0 / (1.0 - noise / 50.0**4 - 1.0 / 100))


def test_witnesses_are_satterthwaites_degrees_of_freedom():
    """2 mean² / variance of the sum of q over the draws of people whose errors come from a skewed distribution."""
    generator = np.random.default_rng(0)
    people, trials = 20_000, 400
    errors = generator.binomial(trials, np.minimum(0.02 * generator.lognormal(0.0, 0.7, people), 1.0))
    found = clustered(errors[:, None].astype(np.float64), np.full(people, trials))
    q = found.residuals[:, 0] ** 2
    expected = 2.0 * q.sum() ** 2 / (people * q.var())
    assert found.witnesses()[0] == pytest.approx(expected, rel=0.02)
    assert found.witnesses()[0] < 0.5 * people


def test_few_witnesses_widen_the_band():
    errors = np.zeros((30, 1))
    errors[:3] = 40.0
    found = clustered(errors, np.full(30, 100))
    low, high = found.band(0.95)
    plain = interval(float(found.rate[0]), float(found.effective()[0]), 0.95, 30)
    assert low[0] < plain[0]
    assert high[0] > plain[1]
