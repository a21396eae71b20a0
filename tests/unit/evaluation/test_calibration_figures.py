"""Figures of calibration: by their equations, by hand, and their variance against plain sums over pairs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss, log_loss

from sphereface.errors import ConfigurationError, DataError, NotEnoughDataError
from sphereface.evaluation.calibration import (
    brier,
    cllr,
    expected_calibration_error,
    judge_calibration,
    min_cllr,
)
from sphereface.evaluation.calibration.figures import calibration_error, cllr_costs, equal_mass_bins, reliability
from sphereface.evaluation.calibration.people import JudgedPairs
from sphereface.evaluation.wilson import quantile, wilson


def ratios(genuine=40, impostor=200, seed=0):
    generator = np.random.default_rng(seed)
    llr = np.concatenate([generator.normal(2, 2, genuine), generator.normal(-2, 2, impostor)])
    return llr, np.repeat([True, False], [genuine, impostor])


def judged(seed=0, people=12):
    """All pairs of people with three images each, ratios with effects of people and of couples."""
    generator = np.random.default_rng(seed)
    owner = np.repeat(np.arange(people), 3)
    one, two = np.triu_indices(len(owner), 1)
    same = owner[one] == owner[two]
    person, couple = generator.normal(size=people), generator.normal(size=(people, people))
    llr = np.where(same, 2.0, -2.0) + person[owner[one]] + person[owner[two]]
    llr = llr + couple[owner[one], owner[two]] + generator.normal(size=len(one))
    return JudgedPairs(llr, same, owner[one], owner[two])


def test_cllr_is_a_weighted_log_loss_in_bits():
    llr, same = ratios()
    weight = np.where(same, 0.5 / same.sum(), 0.5 / (~same).sum())
    assert cllr(llr, same) == pytest.approx(
        log_loss(same, expit(llr), sample_weight=weight) / np.log(2), abs=1e-12
    )


def test_cllr_by_hand():
    assert cllr(np.array([np.log(3), -np.log(7)]), np.array([True, False])) == pytest.approx(
        (np.log2(4 / 3) + np.log2(8 / 7)) / 2
    )
    assert cllr(np.array([-1000.0, 0.0]), np.array([True, False])) == pytest.approx((1000 / np.log(2) + 1) / 2)


def test_min_cllr_is_the_cllr_of_scikit_learns_isotonic_regression():
    for seed in range(5):
        llr, same = ratios(seed=seed)
        llr = llr.round(1)
        weight = np.where(same, 1 / same.sum(), 1 / (~same).sum())
        share = IsotonicRegression().fit(llr, same, sample_weight=weight).predict(llr)
        with np.errstate(divide="ignore"):
            bits = (-np.log2(share[same]).mean() - np.log2(1 - share[~same]).mean()) / 2
        assert min_cllr(llr, same) == pytest.approx(bits, abs=1e-12)


def test_min_cllr_by_hand_and_at_its_ends():
    # one tie of one genuine and one impostor among two of each: half the pairs cost one bit
    llr, same = np.array([0.0, 1.0, 1.0, 2.0]), np.array([False, False, True, True])
    assert min_cllr(llr, same) == pytest.approx(0.5)
    assert min_cllr(llr, ~same) == pytest.approx(1.0)  # the reverse of the truth is worth as much as nothing
    assert min_cllr(np.array([-np.inf, np.inf]), np.array([False, True])) == 0.0


@pytest.mark.parametrize("prior", [0.5, 0.1])
def test_brier_is_scikit_learns_with_weights(prior):
    llr, same = ratios()
    weight = np.where(same, prior / same.sum(), (1 - prior) / (~same).sum())
    expected = brier_score_loss(same, expit(llr + logit(prior)), sample_weight=weight)
    assert brier(llr, same, prior) == pytest.approx(expected, abs=1e-12)


def test_calibration_error_by_hand():
    # probabilities 0.2 twice and 0.9 twice at even odds, one genuine in each: gaps 0.3 and 0.4
    llr = logit(np.array([0.2, 0.2, 0.9, 0.9]))
    same = np.array([True, False, True, False])
    assert expected_calibration_error(llr, same, bins=2) == pytest.approx((0.3 + 0.4) / 2)
    assert expected_calibration_error(llr, same, bins=1) == pytest.approx(0.05)
    assert expected_calibration_error(llr, same, bins=100) == pytest.approx(0.35)  # ties are never parted


@pytest.mark.parametrize("prior", [0.5, 0.1])
def test_calibration_error_by_plain_loops(prior):
    llr, same = ratios(seed=3)
    weight = np.where(same, prior / same.sum(), (1 - prior) / (~same).sum())
    order = np.argsort(llr)
    gap, done = np.zeros(8), 0.0
    for i in order:  # a value belongs to the bin in which the middle of its mass lies
        gap[int(np.ceil((done + weight[i] / 2) * 8) - 1)] += weight[i] * (expit(llr[i] + logit(prior)) - same[i])
        done += weight[i]
    assert expected_calibration_error(llr, same, prior, bins=8) == pytest.approx(np.abs(gap).sum(), abs=1e-12)


def test_bins_have_equal_mass():
    generator = np.random.default_rng(0)
    values, weight = generator.normal(size=10_000), generator.uniform(size=10_000)
    mass = np.bincount(equal_mass_bins(values, weight, 20), weight) / weight.sum()
    assert len(mass) == 20
    assert np.abs(mass - 0.05).max() < 2e-4
    assert equal_mass_bins(np.zeros(5), np.ones(5), 20).tolist() == [0] * 5


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_the_variance_is_the_double_sum_over_pairs_that_share_a_person(share):
    pairs = judged()
    values = np.random.default_rng(1).normal(size=len(pairs.llr)) + pairs.llr
    column = np.random.default_rng(2).integers(0, 3, len(values))
    total, variance = pairs.sums(values, share, column, 3)
    weight = pairs.weights(share)
    presence = np.zeros(pairs.people)
    for i in range(len(values)):
        for person in {pairs.first[i], pairs.second[i]}:
            presence[person] += weight[i]
    for number in range(3):
        here = weight * values * (column == number)
        assert total[number] == pytest.approx(here.sum(), abs=1e-12)
        residual = here.copy()
        for kind, part in ((pairs.same, share), (~pairs.same, 1 - share)):
            residual[kind] -= weight[kind] * here[kind].sum() / part
        people = [
            residual[(pairs.first == p) | (pairs.second == p)].sum() / max(1 - presence[p], 0.5)
            for p in range(pairs.people)
        ]
        couples = {}
        for i in np.flatnonzero(~pairs.same):
            key = frozenset((pairs.first[i], pairs.second[i]))
            couples[key] = couples.get(key, 0.0) + residual[i]
        own = [residual[pairs.same & (pairs.first == p)].sum() for p in range(pairs.people)]
        within = sum(r**2 for r in couples.values())
        expected = max(
            sum(r**2 for r in people) * (1 - 1 / pairs.people) - within, within + sum(r**2 for r in own)
        )
        assert variance[number] == pytest.approx(expected, rel=1e-10)


def test_without_shared_people_the_variance_is_that_of_independent_pairs():
    llr, same = ratios(300, 300)
    first = np.arange(600)
    second = np.where(same, first, first + 600)
    result = JudgedPairs(llr, same, first, second)
    _, variance = result.sums(llr, 0.5)
    plain = (np.var(llr[same]) / 300 + np.var(llr[~same]) / 300) / 4
    assert variance[0] == pytest.approx(plain, rel=0.02)


def test_every_pair_twice_changes_nothing():
    pairs = judged()
    twice = JudgedPairs(*(np.tile(part, 2) for part in (pairs.llr, pairs.same, pairs.first, pairs.second)))
    one, two = judge_calibration(pairs), judge_calibration(twice)
    for name in ("cllr", "brier", "ece"):
        before, after = getattr(one, name), getattr(two, name)
        assert (after.value, after.low, after.high) == pytest.approx((before.value, before.low, before.high))
    assert two.min_cllr == pytest.approx(one.min_cllr)


def test_reliability_of_few_people_is_wider_than_that_of_many_pairs():
    pairs = judged(people=40)
    shown = reliability(pairs, 0.5, 6, 0.95)
    assert shown.mass.sum() == pytest.approx(1.0)
    assert (np.diff(shown.predicted) > 0).all()
    assert (shown.low <= shown.observed).all()
    assert (shown.observed <= shown.high).all()
    column = equal_mass_bins(pairs.llr, pairs.weights(0.5), 6)
    for number in range(6):
        here = column == number
        weight = pairs.weights(0.5)[here]
        assert shown.observed[number] == pytest.approx(weight[pairs.same[here]].sum() / weight.sum())
        assert shown.predicted[number] == pytest.approx(weight @ expit(pairs.llr[here]) / weight.sum())
    low, high = wilson(shown.observed, np.bincount(column).astype(float), 1.96)
    inner = (shown.observed > 0) & (shown.observed < 1)
    assert ((shown.high - shown.low)[inner] >= (high - low)[inner] - 1e-9).all()


def test_a_bin_of_both_kinds_has_wilsons_interval_for_its_effective_trials():
    pairs = judged(people=30)
    prior = 0.3
    shown = reliability(pairs, prior, 3, 0.95)
    column, weight = equal_mass_bins(pairs.llr, pairs.weights(prior), 3), pairs.weights(prior)
    middle = (column == 1).astype(float)
    share, mass = shown.observed[1], shown.mass[1]
    _, variance = pairs.sums(middle * (pairs.same - share) / mass, prior)  # of the share itself
    trials = share * (1 - share) / variance[0]
    assert 1 < trials < middle.sum()
    assert weight[column == 1].sum() == pytest.approx(mass)
    low, high = wilson(share, trials, quantile(0.95, 30))
    assert (shown.low[1], shown.high[1]) == pytest.approx((float(low), float(high)))


def test_a_bin_of_one_kind_has_the_rule_of_three_for_the_fewest_trials():
    # 100 people, one genuine pair each, all certain: 50 trials' weight in either bin
    llr = np.repeat([5.0, -5.0], 100)
    same = np.repeat([True, False], 100)
    first = np.concatenate([np.arange(100), np.arange(100)])
    second = np.concatenate([np.arange(100), (np.arange(100) + 1) % 100])
    pairs = JudgedPairs(llr, same, first, second)
    shown = reliability(pairs, 0.5, 2, 0.95)
    assert shown.observed.tolist() == [0.0, 1.0]
    # strangers: each person in two pairs, (200 / 2)² / (100 x 4 / 1 - 100)... the fewest trials by Kish
    strangers = (200 / 2) ** 2 / (100 * 4 - 100)
    trials = 0.5 / max(0.5 / 100, 0.5 / strangers)
    assert shown.high[0] == pytest.approx(-np.log(0.05) / trials)
    assert shown.low[1] == pytest.approx(1 + np.log(0.05) / trials)


def test_calibration_error_is_the_plain_one_and_noise_is_what_it_is_made_of():
    pairs = judged()
    value, variance, noise = calibration_error(pairs, 0.3, 5)
    assert value == pytest.approx(expected_calibration_error(pairs.llr, pairs.same, 0.3, 5))
    column = equal_mass_bins(pairs.llr, pairs.weights(0.3), 5)
    errors = expit(pairs.llr + logit(0.3)) - pairs.same
    gaps, variances = zip(*(pairs.sums(errors * (column == number), 0.3) for number in range(5)), strict=True)
    assert noise == pytest.approx(sum(np.sqrt(2 / np.pi * v[0]) for v in variances))
    signed = errors * np.sign(np.array(gaps)[column, 0])
    assert variance == pytest.approx(pairs.sums(signed, 0.3)[1][0])


def test_the_result_holds_the_plain_figures():
    pairs = judged()
    result = judge_calibration(pairs, "platt", prior=0.1, bins=7, confidence=0.9)
    assert (result.kind, result.prior, result.bins, result.people) == ("platt", 0.1, 7, 12)
    assert (result.genuine_pairs, result.impostor_pairs, result.failed_pairs) == (36, 594, 0)
    assert result.cllr.value == cllr(pairs.llr, pairs.same)
    assert result.min_cllr == min_cllr(pairs.llr, pairs.same) < result.cllr.value
    assert result.brier.value == brier(pairs.llr, pairs.same, 0.1)
    for rate in (result.cllr, result.brier, result.ece):
        assert 0 <= rate.low < rate.value < rate.high
        assert (rate.confidence, rate.n) == (0.9, 12)
    _, variance = pairs.sums(cllr_costs(pairs.llr, pairs.same), 0.5)
    assert result.cllr.high - result.cllr.value == pytest.approx(1.7959 * variance[0] ** 0.5, rel=1e-4)  # t, 11


def test_what_cannot_be_judged_is_refused():
    llr, same = ratios(3, 3)
    for figure in (cllr, min_cllr, brier, expected_calibration_error):
        with pytest.raises(DataError, match="ratio 2 is NaN"):
            figure(np.where(np.arange(6) == 2, np.nan, llr), same)
        with pytest.raises(DataError, match="labels of shape"):
            figure(llr, same[:-1])
        for kind in (np.zeros(6, bool), np.ones(6, bool)):
            with pytest.raises(NotEnoughDataError, match="both genuine and impostor pairs"):
                figure(llr, kind)
        with pytest.raises(NotEnoughDataError):
            figure(np.zeros(0), np.zeros(0, bool))
    with pytest.raises(ConfigurationError, match="a prior"):
        brier(llr, same, 1.0)
    with pytest.raises(ConfigurationError, match="bins must be 1 or more"):
        expected_calibration_error(llr, same, bins=0)
    for setting in ({"prior": 0.0}, {"bins": 0}, {"confidence": 1.0}):
        with pytest.raises(ConfigurationError):
            judge_calibration(judged(), **setting)
