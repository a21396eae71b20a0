"""What groups, templates and morphs may not depend on: order, names of labels, turns and scales."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from sphereface.evaluation.groups.rates import group_rates
from sphereface.evaluation.groups.ratios import (
    fairness_discrepancy_rate,
    garbe,
    gini,
    largest_to_geometric_mean,
    largest_to_smallest,
)
from sphereface.evaluation.morphing.scores import morph_scores
from sphereface.evaluation.scores import all_pairs
from sphereface.evaluation.templates import pool

RATES = st.lists(st.floats(1e-6, 1.0), min_size=2, max_size=6).map(np.array)
SEEDS = st.integers(0, 10_000)


@given(RATES, SEEDS)
def test_measures_lie_in_their_range_and_do_not_know_the_order(rates, seed):
    shuffled = np.random.default_rng(seed).permutation(rates)
    for measure, low, high in (
        (largest_to_geometric_mean, 1.0, np.inf),
        (largest_to_smallest, 1.0, np.inf),
        (gini, 0.0, 1.0),
    ):
        value = float(measure(rates))
        assert low - 1e-9 <= value <= high + 1e-9
        assert np.isclose(measure(shuffled), value)
        assert np.isclose(measure(rates * 0.01), value)  # ratios have no unit
    assert largest_to_geometric_mean(rates) <= largest_to_smallest(rates) + 1e-9
    assert 0.0 <= fairness_discrepancy_rate(rates, shuffled) <= 1.0
    assert np.isclose(garbe(rates, shuffled), gini(rates))


@given(RATES)
def test_levelling_two_groups_never_makes_rates_less_equal(rates):
    # A transfer from the worst to the best group (Pigou and Dalton), half of their gap.
    level = rates.copy()
    level[[rates.argmax(), rates.argmin()]] = (rates.max() + rates.min()) / 2
    assert gini(level) <= gini(rates) + 1e-12
    assert largest_to_smallest(level) <= largest_to_smallest(rates) + 1e-9
    assert largest_to_geometric_mean(level) <= largest_to_geometric_mean(rates) + 1e-9


def world(seed):
    generator = np.random.default_rng(seed)
    who = np.repeat(np.arange(18), generator.integers(2, 5, 18))
    x = generator.standard_normal((18, 8))[who] + 0.6 * generator.standard_normal((len(who), 8))
    return x, [f"p{number:02d}" for number in who], generator


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_group_rates_do_not_know_the_names_of_groups_or_the_order_of_images(seed):
    x, names, generator = world(seed)
    labels = {name: "xyz"[int(name[1:]) % 3] for name in names}
    found = group_rates(all_pairs(x, names), labels, 0.5, permutations=20)
    order = generator.permutation(len(names))
    again = group_rates(all_pairs(x[order], [names[row] for row in order]), labels, 0.5, permutations=20)
    assert again == found
    renamed = {name: {"x": "1", "y": "2", "z": "3"}[label] for name, label in labels.items()}
    other = group_rates(all_pairs(x, names), renamed, 0.5, permutations=20)
    assert replace(other, names=found.names).fmr == found.fmr
    assert other.fnmr == found.fnmr


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_templates_turn_with_their_images_and_do_not_know_their_order(seed):
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((30, 5))
    codes, media, weights = (
        generator.integers(0, 6, 30),
        generator.integers(0, 4, 30),
        generator.uniform(0.1, 1, 30),
    )
    found = pool(x, codes, media, weights=weights, keep_norm=True, count=6)
    turn = ortho_group.rvs(5, random_state=seed)
    order = generator.permutation(30)
    again = pool(
        3.0 * x[order] @ turn, codes[order], media[order] * 7 - 3, weights=weights[order], keep_norm=True, count=6
    )
    assert np.allclose(again.embeddings, found.embeddings @ turn, atol=1e-10)
    assert np.array_equal(again.failed, found.failed)
    assert np.allclose(np.linalg.norm(found.embeddings[~found.failed], axis=1), 1.0)
    # Pooling single images of one medium each is scaling them to length 1.
    single = pool(x, np.arange(30)).embeddings
    assert np.allclose(single, x / np.linalg.norm(x, axis=1, keepdims=True))


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_morphs_turn_with_the_sphere_and_obey_the_triangle(seed):
    x, names, _ = world(seed)
    found = morph_scores(x, names, attempts=2, seed=seed)
    again = morph_scores(5.0 * x @ ortho_group.rvs(8, random_state=seed), names, attempts=2, seed=seed)
    assert np.allclose(again.morphs, found.morphs, atol=1e-5)
    assert np.allclose(again.trivial, found.trivial, atol=1e-5)
    assert (found.morphs[:, 1] >= found.morphs[:, 0]).all()
    # The angle from morph to probe is at least the angle from contributor to probe less that to the morph.
    own = np.arccos(np.clip(np.minimum(found.genuine[found.one, 1], found.genuine[found.two, 1]), -1, 1))
    half = np.arccos(np.clip(found.trivial, -1, 1))
    assert (np.arccos(np.clip(found.morphs[:, 1], -1, 1)) >= own - half - 2e-3).all()
