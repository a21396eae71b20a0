"""Each figure of two arrays of scores, solved by hand and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import det_curve, roc_auc_score, roc_curve

from sphereface.evaluation.steps import (
    accepted,
    area_under_curve,
    curve_thresholds,
    equal_error_rate,
    full_curve,
    rejected,
    threshold_at,
)


def test_rates_count_a_score_on_the_threshold_as_accepted():
    scores = np.array([0.1, 0.5, 0.5, 0.9])
    assert accepted(scores, [0.1, 0.5, 0.500001, 0.9, 1.0]).tolist() == [1.0, 0.75, 0.25, 0.25, 0.0]
    assert rejected(scores, [0.1, 0.5, 0.500001, 0.9, 1.0]).tolist() == [0.0, 0.25, 0.75, 0.75, 1.0]


@pytest.mark.parametrize(
    ("genuine", "impostor", "eer"),
    [
        ([0.9], [0.1], 0.0),  # apart
        ([0.1], [0.9], 1.0),  # the wrong way round
        # One tie: (FMR, FNMR) goes from (1, 0) to (0, 1), and that line crosses at a half.
        ([0.5], [0.5], 0.5),
        ([0.5, 0.5, 0.5], [0.5, 0.5], 0.5),
        # T = 0.6: FMR 1/2, FNMR 1/2.
        ([0.4, 0.8], [0.1, 0.6], 0.5),
        # T = 0.3: (1/2, 0); T = 0.4: (1/4, 0); T = 0.5: (1/4, 1/3): between, 1/4 all along.
        ([0.4, 0.6, 0.7], [0.1, 0.2, 0.3, 0.5], 0.25),
        # T = 0.5: (3/4, 0), T = 0.6: (0, 1/2) after the tie: 3/4 (1 - s) = s / 2 at s = 3/5.
        ([0.5, 0.7], [0.1, 0.5, 0.5, 0.5], 0.3),
    ],
)
def test_equal_error_rate_by_hand(genuine, impostor, eer):
    assert equal_error_rate(np.array(genuine), np.array(impostor))[0] == pytest.approx(eer, abs=1e-15)


def test_equal_error_rate_counts_what_could_not_be_compared_as_missed():
    # Half of the genuine pairs have no score: FNMR is never below 1/2, and FMR falls from 1 to 0 at once.
    genuine, impostor = np.array([-np.inf, 0.9]), np.array([0.1, 0.2])
    assert equal_error_rate(genuine, impostor)[0] == pytest.approx(0.5)
    assert threshold_at(np.array([-np.inf, 0.2, 0.3]), 0.5) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("target", "expected"), [(0.0, 0), (0.24, 0), (0.25, 1), (0.5, 1), (0.74, 1), (0.75, 3), (1.0, 4)]
)
def test_threshold_is_the_smallest_at_or_below_the_target(target, expected):
    impostor = np.array([0.1, 0.2, 0.2, 0.3])
    threshold = threshold_at(impostor, target)
    assert (impostor >= threshold).sum() == expected
    # One representable step lower, the target is exceeded (or every score is accepted already).
    assert expected == 4 or (impostor >= np.nextafter(threshold, -1)).mean() > target


def test_a_target_that_is_a_whole_number_of_scores_is_used_up():
    # 0.29 x 100 is 28.999999999999996 in floating point, and yet 29 of 100 is 0.29.
    scores = np.arange(100) / 100
    assert (scores >= threshold_at(scores, 0.29)).sum() == 29


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threshold_is_exact_in_the_precision_of_the_scores(dtype):
    scores = np.sort(np.random.default_rng(0).standard_normal(1000)).astype(dtype)
    threshold = threshold_at(scores, 0.1)
    assert accepted(scores, threshold) == 0.1
    assert dtype(threshold) == threshold  # nothing is lost when it is compared with such scores


def test_area_by_hand():
    # 4 comparisons: 0.5 > 0.1, 0.5 = 0.5 (half), 0.9 > 0.1, 0.9 > 0.5.
    assert area_under_curve(np.array([0.5, 0.9]), np.array([0.1, 0.5])) == 3.5 / 4
    assert area_under_curve(np.array([0.5]), np.array([0.5, 0.5])) == 0.5


@pytest.mark.parametrize("decimals", [1, 2, 12])
@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_scikit_learn(decimals, seed):
    generator = np.random.default_rng(seed)
    genuine = np.sort(generator.normal(1.0, 1.0, 137).round(decimals))
    impostor = np.sort(generator.normal(0.0, 1.0, 411).round(decimals))
    labels = np.repeat([1, 0], [len(genuine), len(impostor)])
    scores = np.concatenate([genuine, impostor])

    assert area_under_curve(genuine, impostor) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)

    fmr, tpr, thresholds = roc_curve(labels, scores, drop_intermediate=False)
    assert np.allclose(accepted(impostor, thresholds), fmr, rtol=0, atol=1e-12)
    assert np.allclose(1 - rejected(genuine, thresholds), tpr, rtol=0, atol=1e-12)

    fmr_det, fnmr_det, at = det_curve(labels, scores)
    assert np.allclose(accepted(impostor, at), fmr_det, rtol=0, atol=1e-12)
    assert np.allclose(rejected(genuine, at), fnmr_det, rtol=0, atol=1e-12)

    after = np.argmax(fmr >= 1 - tpr)  # scikit-learn's curve runs from (0, 0) to (1, 1)
    gap = fmr - (1 - tpr)
    share = -gap[after - 1] / (gap[after] - gap[after - 1])
    crossing = fmr[after - 1] + share * (fmr[after] - fmr[after - 1])
    assert equal_error_rate(genuine, impostor)[0] == pytest.approx(crossing, abs=1e-12)

    for target in (0.3, 0.1, 0.01):
        best = max(tpr[fmr <= target])  # the same as the highest TPR with FMR <= target
        assert rejected(genuine, threshold_at(impostor, target)) == pytest.approx(1 - best, abs=1e-12)


def test_curve_thresholds_hold_every_score_of_a_small_set_and_one_above():
    grid = curve_thresholds(np.array([0.3, 0.7]), np.array([-np.inf, 0.1, 0.3]))
    assert grid[:-1].tolist() == [0.1, 0.3, 0.7]
    assert grid[-1] > 0.7


def test_curve_thresholds_reach_into_both_tails_of_a_large_set():
    generator = np.random.default_rng(0)
    genuine, impostor = np.sort(generator.normal(4, 1, 5_000)), np.sort(generator.normal(0, 1, 500_000))
    grid = curve_thresholds(genuine, impostor, extra=[2.5])
    assert len(grid) < 400
    assert 2.5 in grid
    counts = accepted(impostor, grid) * len(impostor)
    assert {0, 1, 2, 5} <= set(counts.round().astype(int))
    tail = counts[(counts > 10) & (counts < 100_000)]
    assert (tail[:-1] / tail[1:]).max() < 1.3  # no gap where small rates are read off


@pytest.mark.parametrize("sizes", [(400, 3000), (3000, 400), (1, 1), (1, 500)])
@pytest.mark.parametrize("decimals", [1, 3, 9])
def test_the_full_curve_is_scikit_learns_at_every_threshold(sizes, decimals):
    generator = np.random.default_rng(decimals)
    genuine = np.sort(generator.normal(1, 1, sizes[0]).round(decimals))
    impostor = np.sort(generator.normal(0, 1, sizes[1]).round(decimals))
    curve = full_curve(genuine, impostor)
    labels = np.repeat([1, 0], sizes)
    false, hit, thresholds = roc_curve(labels, np.concatenate([genuine, impostor]), drop_intermediate=False)
    np.testing.assert_array_equal(curve.thresholds[:-1], thresholds[:0:-1])  # theirs end at infinity
    np.testing.assert_allclose(curve.false, false[::-1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(1.0 - curve.missed, hit[::-1], rtol=0, atol=1e-12)
    assert curve.thresholds[-1] == np.nextafter(max(genuine[-1], impostor[-1]), np.inf)


@pytest.mark.parametrize(
    ("genuine", "impostor"),
    [
        ([-np.inf, 0.5, 0.9], [-np.inf, -np.inf, 0.5]),
        ([-np.inf], [0.1, 0.1, 0.3]),
        ([0.2, 0.4], [-np.inf]),
        ([-np.inf], [-np.inf, -np.inf]),
    ],
)
def test_scores_of_failed_comparisons_are_accepted_nowhere_on_the_full_curve(genuine, impostor):
    genuine, impostor = np.array(genuine), np.array(impostor)
    curve = full_curve(genuine, impostor)
    assert np.isfinite(curve.thresholds).all()
    assert curve.impostors == len(impostor)
    assert curve.false.tolist() == accepted(impostor, curve.thresholds).tolist()
    assert curve.missed.tolist() == rejected(genuine, curve.thresholds).tolist()
    assert curve.false[-1] == 0.0
    assert curve.missed[-1] == 1.0
