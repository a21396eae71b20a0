"""What must hold for every set of scores and every set of embeddings, not only for the fixtures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sphereface.evaluation.scores import all_pairs, score_list
from sphereface.evaluation.search import open_set_split, search_gallery
from sphereface.evaluation.steps import (
    accepted,
    area_under_curve,
    equal_error_rate,
    rejected,
    threshold_at,
)
from sphereface.evaluation.verification import verify

# Multiples of 1/64 are exact in floating point, and so are their sums: a shift must change nothing at all.
exact = st.integers(-64, 64).map(lambda number: number / 64)
score_lists = st.lists(exact, min_size=1, max_size=30).map(lambda values: np.sort(np.array(values)))


@given(score_lists, score_lists, st.integers(-640, 640).map(lambda number: number / 64))
def test_a_constant_added_to_all_scores_changes_no_figure(genuine, impostor, shift):
    assert equal_error_rate(genuine + shift, impostor + shift)[0] == equal_error_rate(genuine, impostor)[0]
    assert area_under_curve(genuine + shift, impostor + shift) == area_under_curve(genuine, impostor)
    for target in (0.5, 0.1):
        before = rejected(genuine, threshold_at(impostor, target))
        assert rejected(genuine + shift, threshold_at(impostor + shift, target)) == before


@given(score_lists, score_lists)
def test_any_increasing_transform_changes_no_figure(genuine, impostor):
    for transform in (np.exp, np.cbrt):
        assert (
            equal_error_rate(transform(genuine), transform(impostor))[0] == equal_error_rate(genuine, impostor)[0]
        )
        assert area_under_curve(transform(genuine), transform(impostor)) == area_under_curve(genuine, impostor)


@given(score_lists, score_lists)
def test_exchanging_the_kinds_and_the_sign_changes_no_figure(genuine, impostor):
    turned = -impostor[::-1], -genuine[::-1]
    assert equal_error_rate(*turned)[0] == pytest.approx(equal_error_rate(genuine, impostor)[0], abs=1e-12)
    assert area_under_curve(*turned) == pytest.approx(area_under_curve(genuine, impostor), abs=1e-12)


@given(score_lists, st.floats(0.0, 1.0))
def test_the_threshold_keeps_its_target_and_no_lower_one_would(impostor, target):
    threshold = threshold_at(impostor, target)
    assert accepted(impostor, threshold) <= target or threshold == impostor[0]
    lower = impostor[impostor < threshold]
    if lower.size:
        assert accepted(impostor, lower[-1]) > target


@given(score_lists, score_lists)
def test_the_equal_error_rate_lies_between_the_rates_around_it(genuine, impostor):
    rate, _ = equal_error_rate(genuine, impostor)
    thresholds = np.unique(np.concatenate([genuine, impostor, [9.0]]))
    false, missed = accepted(impostor, thresholds), rejected(genuine, thresholds)
    assert np.max(np.minimum(false, missed)) - 1e-12 <= rate <= np.min(np.maximum(false, missed)) + 1e-12


def make_pairs(values, people):
    first, second = np.triu_indices(len(people), 1)
    same = people[first] == people[second]
    scores = np.resize(np.array(values), len(first))
    return score_list("law", scores, same, first, second, people, tuple(f"p{n}" for n in range(people.max() + 1)))


@settings(max_examples=25, deadline=None)
@given(st.lists(exact, min_size=5, max_size=60), st.integers(2, 5), st.integers(2, 3))
def test_curves_are_monotone_and_bands_hold_them(values, people, images):
    result = verify(make_pairs(values, np.repeat(np.arange(people), images)), resamples=20, fmr_targets=(0.1,))
    curve = result.curve
    assert (np.diff(curve.thresholds) > 0).all()
    assert (np.diff(curve.false) <= 0).all()
    assert (np.diff(curve.missed) >= 0).all()
    for rate, low, high in (
        (curve.false, curve.false_low, curve.false_high),
        (curve.missed, curve.missed_low, curve.missed_high),
    ):
        assert (low >= 0).all()
        assert (low <= rate + 1e-12).all()
        assert (rate <= high + 1e-12).all()
        assert (high <= 1).all()
    for figure in (result.eer, result.auc):
        assert 0.0 <= figure.low <= figure.value + 1e-12
        assert figure.value <= figure.high + 1e-12


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 1000))
def test_the_order_of_images_and_the_names_of_people_change_no_figure(random, seed):
    generator = np.random.default_rng(seed)
    people = np.repeat(np.arange(8), 3)
    x = generator.standard_normal((8, 6))[people] + generator.standard_normal((24, 6))
    names = [f"p{person}" for person in people]
    before = verify(all_pairs(x, names), resamples=20)
    order = list(range(24))
    random.shuffle(order)
    permuted = verify(all_pairs(x[order], [names[i] for i in order]), resamples=20)
    letters = list("abcdefgh")
    random.shuffle(letters)
    renamed = verify(all_pairs(x, [letters[person] for person in people]), resamples=20)
    for after in (permuted, renamed):
        assert after.eer.value == pytest.approx(before.eer.value, abs=1e-9)
        assert after.auc.value == pytest.approx(before.auc.value, abs=1e-9)
        assert after.genuine_pairs == before.genuine_pairs
    assert permuted.accuracy.value == pytest.approx(before.accuracy.value, abs=1e-9)
    assert permuted.eer.low == pytest.approx(before.eer.low, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_more_templates_of_a_person_never_lower_the_persons_score(seed):
    generator = np.random.default_rng(seed)
    people = np.repeat(np.arange(12), 5)
    names = [f"p{person}" for person in people]
    x = generator.standard_normal((12, 6))[people] + generator.standard_normal((60, 6))
    one = open_set_split(names, templates_per_person=1, seed=1)
    three = open_set_split(names, templates_per_person=3, seed=1)
    assert set(one.templates) <= set(three.templates)
    few, many = search_gallery(x, names, one), search_gallery(x, names, three)
    assert (many.non_mated_scores >= few.non_mated_scores - 1e-6).all()
    both = dict(zip(one.mated, few.mated_scores, strict=True))
    assert all(score >= both[probe] - 1e-6 for probe, score in zip(three.mated, many.mated_scores, strict=True))
