"""Rates in galleries of other sizes: every gallery that can be drawn is drawn, and the formulas give its mean."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphereface.errors import ConfigurationError, DataError, NotEnoughDataError
from sphereface.evaluation import search as search_module
from sphereface.evaluation.gallery_size.draws import alarm_rate, alarm_threshold, chances
from sphereface.evaluation.gallery_size.rates import alarms_among, misses_among
from sphereface.evaluation.gallery_size.sizes import by_gallery_size, default_sizes
from sphereface.evaluation.gallery_size.tail import beyond, independent, slopes
from sphereface.evaluation.identification import cumulative_matches, false_alarms, identify, mean_rank
from sphereface.evaluation.search import OpenSetSplit, search_gallery
from sphereface.evaluation.steps import threshold_at


def world(seed=0, enrolled=7, strangers=9, dimension=4, searches=2, noise=0.5, step=0.0):
    """Enrolled people with one template and ``searches`` probes each; strangers with two; ties if ``step``."""
    generator = np.random.default_rng(seed)
    means = generator.standard_normal((enrolled + strangers, dimension))
    people = np.concatenate(
        [
            np.arange(enrolled),
            np.repeat(np.arange(enrolled), searches),
            np.repeat(np.arange(enrolled, enrolled + strangers), 2),
        ]
    )
    x = means[people] + noise * generator.standard_normal((len(people), dimension))
    if step:
        x = np.round(x / step) * step + 0.01
    ends = np.cumsum([enrolled, enrolled * searches, 2 * strangers])
    split = OpenSetSplit("world", *np.split(np.arange(ends[-1]), ends[:-1]))
    failed = generator.random(len(people)) < 0.05
    failed[0] = False
    return x, [f"p{person:03d}" for person in people], split, failed


def drawn(data, chosen):
    """Search with only these enrolled people (positions among the templates)."""
    x, names, split, failed = data
    kept = {names[split.templates[i]] for i in chosen}
    if failed[split.templates[list(chosen)]].all():
        return None
    mated = np.array([i for i in split.mated if names[i] in kept], dtype=np.int64)
    return search_gallery(
        x, names, OpenSetSplit("", split.templates[list(chosen)], mated, split.non_mated), failed=failed
    )


@pytest.mark.parametrize(("enrolled", "size"), [(10, 1), (10, 4), (10, 10), (1000, 37), (100_000, 2000)])
def test_chances_are_the_quotients_of_binomial_coefficients(enrolled, size):
    table = chances(enrolled, size, 10)
    for k, value in enumerate(table):
        exact = 1 - Fraction(comb(enrolled - k, size), comb(enrolled, size))
        assert value == pytest.approx(float(exact), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("step", [0.0, 0.5])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_the_mean_over_all_galleries_that_can_be_drawn(size, step):
    data = world(step=step)
    whole = search_gallery(*data[:3], failed=data[3])
    thresholds = np.unique(np.concatenate([whole.best.ravel(), whole.mated_scores]))
    thresholds = thresholds[np.isfinite(thresholds)].astype(np.float64)
    thresholds = ((thresholds[1:] + thresholds[:-1]) / 2)[::3]  # products of other shapes round differently
    alarms, reached = np.zeros(len(thresholds)), np.zeros(len(thresholds))
    galleries = list(combinations(range(7), size))
    missed, searched, within, ranks = np.zeros(len(thresholds)), 0, np.zeros(3), 0.0
    for chosen in galleries:
        one = drawn(data, chosen)
        if one is None:  # nobody in it has a template: no alarm, and every mated search fails
            count = 2 * size
            missed, searched, ranks = missed + count, searched + count, ranks + count * (size + 1)
            continue
        alarms += (one.non_mated_scores[:, None] >= thresholds.astype(np.float32)).mean(axis=0)
        reached += (one.best[:, :, None] >= thresholds.astype(np.float32)).sum(axis=(0, 1)) / len(one.best)
        hit = (one.mated_ranks == 1)[:, None] & (one.mated_scores[:, None] >= thresholds.astype(np.float32))
        missed, searched = missed + (~hit).sum(axis=0), searched + len(hit)
        usable = np.isfinite(one.mated_scores)
        within += [(usable & (one.mated_ranks <= rank)).sum() for rank in (1, 2, 3)]
        ranks += np.where(usable, one.mated_ranks, size + 1).sum()
    assert alarms_among(whole, size, thresholds).rate == pytest.approx(alarms / len(galleries), abs=1e-12)
    assert misses_among(whole, size, thresholds).rate == pytest.approx(missed / searched, abs=1e-12)
    matches = cumulative_matches(whole, [1, 2, 3], size)
    assert [rate.value for rate in matches] == pytest.approx(within / searched, abs=1e-12)
    assert mean_rank(whole, size) == pytest.approx(ranks / searched, abs=1e-12)
    at = len(thresholds) // 2
    (sized,) = by_gallery_size(whole, [size], threshold=thresholds[at])
    assert sized.selectivity == pytest.approx(reached[at] / len(galleries), abs=1e-12)
    assert (sized.kind, sized.gallery_people, sized.target) == ("exact", size, None)
    assert sized.fpir.low <= sized.fpir.value <= sized.fpir.high
    assert alarm_rate(whole, size, thresholds[at]) == pytest.approx(sized.fpir.value, abs=1e-12)


def test_at_the_size_at_hand_nothing_changes():
    data = world(seed=1, enrolled=40, strangers=300, dimension=8)
    scores = search_gallery(*data[:3], failed=data[3])
    result = identify(scores, fpir_targets=(0.1, 0.3))
    for target in (0.1, 0.3):
        threshold = alarm_threshold(scores, 40, target)
        assert threshold == threshold_at(np.sort(scores.non_mated_scores), target)
        (sized,) = by_gallery_size(scores, [40], target=target)
        assert sized.threshold == result.threshold_at_fpir[target] == threshold
        assert sized.fnir.value == pytest.approx(result.fnir_at_fpir[target].value)
        assert sized.selectivity == pytest.approx(result.selectivity[target])
        assert sized.fnir.high == pytest.approx(result.fnir_at_fpir[target].high, abs=0.02)
    assert result.mean_rank == sized.mean_rank == mean_rank(scores)
    usable = np.isfinite(scores.mated_scores)
    assert result.cmc[2].value == pytest.approx(np.mean(usable & (scores.mated_ranks <= 3)))


@given(st.integers(0, 10_000), st.integers(1, 20), st.floats(0.001, 0.9))
def test_no_lower_threshold_keeps_the_target(seed, size, target):
    data = world(seed=seed % 7, enrolled=7, strangers=9, step=0.25 * (seed % 2))
    scores = search_gallery(*data[:3], failed=data[3])
    threshold = alarm_threshold(scores, size, target)
    lowest = scores.best[np.isfinite(scores.best)].min()
    assert alarm_rate(scores, size, threshold) <= target or threshold == lowest
    below = float(np.nextafter(np.float32(threshold), np.float32(-2)))
    assert threshold == lowest or alarm_rate(scores, size, below) > target


@pytest.mark.parametrize("people", [1, 30, 60, 120])
def test_variance_is_that_of_fresh_worlds(people):
    """Both strangers and enrolled people carry effects; 60 are enrolled, so many are wanted."""
    rates, variances = [], []
    threshold = np.array([0.32])
    for seed in range(150):
        generator = np.random.default_rng(seed)
        mine, theirs = generator.normal(0, 0.05, 250), generator.normal(0, 0.05, 60)
        scores = mine[:, None] + theirs + 0.1 * generator.standard_normal((250, 60))
        rate = alarms_among(handmade(scores), people, threshold)
        rates.append(rate.rate[0])
        variances.append(rate.variance[0])
    assert 0.85 < np.sqrt(np.mean(variances)) / np.std(rates) < 1.15


def handmade(scores, names=None):
    """Searches of strangers, each of their own, with these scores (Q, M); every mated search a clear hit."""
    count, enrolled = scores.shape
    order = np.argsort(-scores, axis=1, kind="stable")
    best = np.take_along_axis(scores, order, axis=1).astype(np.float32)
    return search_module.SearchScores(
        title="handmade",
        gallery_people=enrolled,
        gallery_templates=enrolled,
        names=tuple(f"{number:06d}" for number in range(enrolled + count)),
        mated_scores=np.full(enrolled, 2.0, np.float32),
        mated_ranks=np.ones(enrolled, dtype=np.int64),
        mated_people=np.arange(enrolled, dtype=np.int32),
        non_mated_scores=best[:, 0],
        non_mated_people=np.arange(enrolled, enrolled + count, dtype=np.int32),
        non_mated_nearest=order[:, 0].astype(np.int32),
        best=best,
        best_people=order.astype(np.int32),
    )


@pytest.mark.parametrize(("shape", "mean"), [(0.3, 1e-3), (2.0, 5e-4), (50.0, 1e-5)])
def test_tails_that_follow_a_gamma_are_found_again(shape, mean):
    share = np.random.default_rng(0).gamma(shape, mean / shape, 400_000)  # -log(1 - f) of each stranger

    def rate(people):
        return -np.expm1(-people * share).mean()

    assert beyond(rate(1), rate(200), 200, 5000)[0] == pytest.approx(rate(5000), rel=0.01)


rates = st.floats(1e-8, 0.2)


@given(rates, st.floats(0.0, 1.0), st.integers(2, 1000), st.integers(1, 1000))
def test_larger_galleries_raise_more_alarms_and_never_more_than_the_bound(one, share, measured, times):
    bound = independent(one, measured).item()
    whole = one + share * (bound - one)
    assert beyond(one, whole, measured, measured)[0] == pytest.approx(
        whole, rel=1e-4
    )  # begins where it was measured
    sizes = [measured, measured * times, 10 * measured * times]
    found = [beyond(one, whole, measured, people)[0] for people in sizes]
    assert found == sorted(found)
    for people, value in zip(sizes, found, strict=True):
        assert one * (1 - 1e-6) <= value <= independent(one, people).item() * (1 + 1e-9) + 1e-12


def test_slopes_are_the_derivatives():
    one, whole = np.array([1e-4, 1e-3]), np.array([0.015, 0.05])
    by_one, by_whole = slopes(one, whole, 200, 2000)
    for step in (np.array([1e-6, 1e-5]), np.array([-1e-6, -1e-5])):
        moved = beyond(one + step, whole, 200, 2000) - beyond(one, whole, 200, 2000)
        assert moved == pytest.approx(by_one * step, rel=0.05)
        moved = beyond(one, whole + 10 * step, 200, 2000) - beyond(one, whole, 200, 2000)
        assert moved == pytest.approx(by_whole * 10 * step, rel=0.05)


def test_beyond_the_gallery_the_fit_goes_on_from_both_measured_rates():
    data = world(seed=3, enrolled=40, strangers=400, dimension=8, noise=0.4)
    scores = search_gallery(*data[:3], failed=data[3])
    at_hand, larger = by_gallery_size(scores, [40, 80], threshold=0.7)
    grid = np.array([0.7])
    assert larger.kind == "tail fit"
    assert (
        larger.fpir.value == beyond(alarms_among(scores, 1, grid).rate, false_alarms(scores, grid).rate, 40, 80)[0]
    )
    assert at_hand.fpir.value < larger.fpir.value <= larger.independence_bound
    assert at_hand.fnir.value < larger.fnir.value
    assert larger.selectivity == pytest.approx(2 * at_hand.selectivity)
    assert mean_rank(scores, 41) > mean_rank(scores)


def test_misses_in_a_larger_gallery_are_those_of_a_larger_gallery():
    data = world(seed=5, enrolled=600, strangers=5, dimension=10, noise=0.6, searches=3)
    whole = search_gallery(*data[:3], failed=data[3])
    part = drawn(data, range(200))
    grid = np.array([0.5, 0.7])
    fitted, truth = misses_among(part, 600, grid), misses_among(whole, 600, grid)
    low, high = fitted.band(0.999)
    assert (low <= truth.rate).all()
    assert (truth.rate <= high).all()
    assert (fitted.rate > misses_among(part, 200, grid).rate).all()


def test_unsupported_sizes_say_so_and_sizes_grow():
    scores = handmade(np.random.default_rng(0).normal(0, 0.1, (100, 20)))
    small, *_, large = by_gallery_size(scores, [1, 20, 20_000], target=0.1)
    assert small.fpir.value == pytest.approx(0.1, abs=0.001)
    assert large.fpir.value is None
    assert large.threshold is None
    assert "galleries of this size" in large.fnir.reason
    assert default_sizes(1) == [1]
    assert default_sizes(500_000)[-2:] == [500_000, 1_000_000]


def test_scores_that_were_not_kept_are_not_made_up(monkeypatch):
    data = world(enrolled=30, strangers=50, dimension=4)
    whole = search_gallery(*data[:3], failed=data[3])
    monkeypatch.setattr(search_module, "_KEPT", 100 * 6)
    few = search_gallery(*data[:3], failed=data[3])
    assert few.best.shape == (100, 6)
    assert (few.best == whole.best[:, :6]).all()
    assert alarm_threshold(few, 20, 0.1) == alarm_threshold(whole, 20, 0.1)
    with pytest.raises(DataError, match="kept its 6 highest scores of 30"):
        alarm_threshold(few, 1, 0.5)
    (sized,) = by_gallery_size(few, [20], target=0.4)  # four times the target is out of sight
    assert sized.threshold == by_gallery_size(whole, [20], target=0.4)[0].threshold
    none = replace(whole, best=np.zeros((0, 0), np.float32))
    with pytest.raises(DataError, match="only the highest score"):
        alarm_rate(none, 3, 0.5)
    assert identify(none).selectivity == {}


def test_what_has_no_answer():
    data = world()
    scores = search_gallery(*data[:3], failed=data[3])
    with pytest.raises(ConfigurationError, match="1 person or more"):
        by_gallery_size(scores, [0])
    with pytest.raises(ConfigurationError, match="1 to 7 people"):
        cumulative_matches(scores, [1], 8)
    with pytest.raises(NotEnoughDataError, match="single person"):
        alarm_rate(drawn(data, (0,)), 2, 0.5)
    with pytest.raises(NotEnoughDataError, match="no searches by strangers"):
        by_gallery_size(replace(scores, non_mated_scores=scores.non_mated_scores[:0]), [3])
    with pytest.raises(NotEnoughDataError, match="no stranger's search has a score"):
        alarm_threshold(replace(scores, best=np.full_like(scores.best, -np.inf)), 3, 0.1)
