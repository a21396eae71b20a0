"""Counts and variances by person, against their definitions written out pair by pair."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from sphereface.evaluation import counting
from sphereface.evaluation.counting import false_matches, misses
from sphereface.evaluation.intervals import clustered, draw_people, kish, two_way
from sphereface.evaluation.scores import score_list
from sphereface.evaluation.wilson import interval


@pytest.fixture
def scores():
    generator = np.random.default_rng(1)
    people = np.repeat(np.arange(9), [1, 2, 3, 4, 1, 2, 5, 3, 1])
    first, second = np.triu_indices(len(people), 1)
    values = generator.normal(size=len(first)).round(1) + 2.0 * (people[first] == people[second])
    return score_list(
        "fixture", values, people[first] == people[second], first, second, people, tuple("abcdefghi")
    )


THRESHOLDS = np.array([-1.5, 0.0, 0.3, 1.1, 2.0])


@pytest.mark.parametrize("chunk", [7, 1 << 20])
def test_the_dyadic_variance_is_its_definition(scores, chunk, monkeypatch):
    monkeypatch.setattr(counting, "_CHUNK", chunk)
    rate = false_matches(scores, THRESHOLDS)
    pairs, people = scores.impostor, scores.people
    ends = np.stack([people[pairs.first], people[pairs.second]])
    n, size = len(pairs), len(scores.names)
    # Two pairs that share a person covary: V = sum over all such of residual x residual / n².
    share = (ends[:, None, :, None] == ends[None, :, None, :]).any(axis=(0, 1))
    same_couple = (ends[:, :, None] == ends[:, None, :]).all(axis=0)
    for column, threshold in enumerate(THRESHOLDS):
        event = (pairs.scores >= threshold).astype(float)
        residual = event - event.mean()
        assert rate.rate[column] == pytest.approx(event.mean(), abs=1e-12)
        own = [(ends == person).any(axis=0) for person in range(size)]
        sums = np.array([residual[mine].sum() for mine in own])
        assert np.allclose(rate.residuals[:, column], sums)
        couples = residual @ same_couple @ residual
        assert residual @ share @ residual == pytest.approx((sums**2).sum() - couples)
        # The people's part is a jackknife: (P - 1) / P times the squared changes when each is left out.
        changes = [event[~mine].mean() - event.mean() for mine in own]
        expected = max(np.sum(np.square(changes)) * (size - 1) / size - couples / n**2, couples / n**2)
        assert rate.variance[column] == pytest.approx(expected, rel=1e-9)
    assert rate.least == pytest.approx(n**2 / share.sum())


def test_misses_are_clustered_by_person(scores):
    rate = misses(scores, THRESHOLDS)
    owner = scores.people[scores.genuine.first]
    for column, threshold in enumerate(THRESHOLDS):
        event = (scores.genuine.scores < threshold).astype(float)
        changes = [event[owner != person].mean() - event.mean() for person in np.unique(owner)]
        people = len(changes)
        assert rate.rate[column] == pytest.approx(event.mean(), abs=1e-12)
        assert rate.variance[column] == pytest.approx(np.sum(np.square(changes)) * (people - 1) / people)


def test_two_way_variance_is_its_definition():
    generator = np.random.default_rng(2)
    one, two = generator.integers(0, 12, 60), generator.integers(0, 7, 60)
    event = generator.random((60, 1)) < np.where(two < 2, 0.8, 0.1)[:, None]  # alarms go to two of the seven
    rate = two_way(event, one, two, people=12)

    def part(*codes):
        key = np.unique(np.stack(codes), axis=1, return_inverse=True)[1].reshape(-1)
        changes = [event[key != one].mean() - event.mean() for one in np.unique(key)]
        return np.sum(np.square(changes)) * (len(changes) - 1) / len(changes)

    both = part(one) + part(two) - part(one, two)
    assert both > part(one)
    assert rate.variance[0] == pytest.approx(both)


@pytest.mark.parametrize(("errors", "trials"), [(1, 10), (7, 50), (49, 50), (300, 1000)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_independent_trials_give_wilson_as_scipy_has_it(errors, trials, confidence):
    low, high = interval(errors / trials, trials, confidence)
    expected = binomtest(errors, trials).proportion_ci(confidence, method="wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_no_errors_give_the_rule_of_three():
    assert interval(0.0, 1000.0, 0.95) == pytest.approx((0.0, 3.0 / 1000), rel=2e-3)
    assert interval(1.0, 1000.0, 0.95) == pytest.approx((1 - 3.0 / 1000, 1.0), rel=2e-3)


def test_people_who_decide_all_their_trials_alike_count_once():
    # Four people, ten trials each, all or nothing: the effective number of trials is their number.
    errors = np.array([[10.0], [0.0], [10.0], [0.0]])
    rate = clustered(errors, np.full(4, 10))
    assert rate.effective()[0] == pytest.approx(4.0)  # never below what fully correlated trials are worth
    assert kish(np.full(4, 10)) == 4.0
    # With the errors spread evenly the trials are worth their number, and not more.
    assert clustered(np.full((4, 1), 5.0), np.full(4, 10)).effective()[0] == 40.0


def test_without_errors_trials_are_worth_the_least_or_what_the_next_threshold_says():
    totals = np.full(50, 4)
    assert clustered(np.zeros((50, 1)), totals).effective()[0] == pytest.approx(50.0)
    generator = np.random.default_rng(0)
    spread = generator.binomial(4, 0.3, size=50).astype(float)  # 60 errors, nearly independent
    both = clustered(np.stack([np.zeros(50), spread], axis=1), totals)
    assert both.effective()[0] == pytest.approx(both.effective()[1])
    assert both.effective()[1] > 100.0


def test_resamples_have_the_variance_of_the_formula(scores):
    deviations = draw_people(len(scores.names), 4000, seed=0)
    for rate in (false_matches(scores, THRESHOLDS), misses(scores, THRESHOLDS)):
        drawn = rate.resample(deviations)
        inside = np.flatnonzero((rate.rate > 0.1) & (rate.rate < 0.9))
        target = rate.rate * (1 - rate.rate) / rate.effective()
        assert len(inside)
        assert np.allclose(drawn.mean(axis=0)[inside], rate.rate[inside], atol=0.02)
        assert np.allclose(drawn.var(axis=0)[inside], target[inside], rtol=0.2)
        assert (drawn >= 0).all()
        assert (drawn <= 1).all()
