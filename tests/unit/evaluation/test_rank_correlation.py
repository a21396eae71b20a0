"""Spearman as scipy has it; its variance against leaving people out, and an interval that holds the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from sphereface.errors import DataError
from sphereface.evaluation.rank_correlation import spearman


def world(generator, people=60, images=5, shared=0.8, rho=0.5):
    """Numbers whose person's part and image's part are both correlated by rho."""
    who = np.repeat(np.arange(people), images)
    cov = np.array([[1.0, rho], [rho, 1.0]])
    person = generator.multivariate_normal(np.zeros(2), cov, people)[who]
    image = generator.multivariate_normal(np.zeros(2), cov, len(who))
    x = np.sqrt(shared) * person + np.sqrt(1 - shared) * image
    return x[:, 0], x[:, 1], who


@pytest.mark.parametrize("decimals", [0, 1, 8])
def test_the_value_is_scipys(decimals):
    x, y, who = world(np.random.default_rng(decimals))
    x, y = x.round(decimals), y.round(decimals)
    assert spearman(x, y, who).value == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)


@pytest.mark.parametrize("decimals", [0, 8])
def test_the_variance_is_that_of_leaving_people_out(decimals):
    x, y, who = world(np.random.default_rng(7), people=150)
    x, y = x.round(decimals), y.round(decimals)
    found = spearman(x, y, who)
    left = [spearmanr(x[who != person], y[who != person]).statistic for person in range(150)]
    jackknife = np.sum((np.array(left) - np.mean(left)) ** 2) * 149 / 150
    width = np.arctanh(found.high) - np.arctanh(found.low)
    se = width / 2 / 1.976 * (1 - found.value**2)  # Student's quantile for 149 degrees of freedom
    assert se**2 == pytest.approx(jackknife, rel=0.05)


def test_independent_images_have_the_published_variance_and_correlated_ones_count_less():
    generator = np.random.default_rng(3)
    n = 4000
    x, y, _ = world(generator, people=n, images=1)
    alone = spearman(x, y, np.arange(n))
    assert alone.n == pytest.approx(n, rel=0.05)
    x, y, who = world(generator, people=n // 10, images=10, shared=0.95)
    assert spearman(x, y, who).n < n / 5


def test_intervals_hold_the_truth():
    truth = 6 / np.pi * np.arcsin(0.25)  # Spearman's for a normal pair with correlation a half
    held = []
    for seed in range(150):
        found = spearman(*world(np.random.default_rng([seed, 5])))
        held.append(found.low <= truth <= found.high)
    assert 0.89 <= np.mean(held) <= 0.99


def test_the_ends_and_what_cannot_be_said():
    who = np.arange(20)
    x = np.arange(20.0)
    assert spearman(x, np.exp(x), who).value == pytest.approx(1.0)
    assert spearman(x, -x, who).low == pytest.approx(-1.0)
    assert "same for all" in spearman(x, np.ones(20), who).reason
    assert "needs 10 people" in spearman(x, x, who // 4).reason
    assert spearman([], [], np.zeros(0, dtype=int)).value is None
    with pytest.raises(DataError, match="finite"):
        spearman(x, np.full(20, np.nan), who)
    with pytest.raises(DataError, match="each image"):
        spearman(x, x[:5], who)
