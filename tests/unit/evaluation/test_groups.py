"""Rates of groups against the rates of the pairs themselves, measures by hand, and chance that knows sizes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sphereface.errors import ConfigurationError, DataError, NotEnoughDataError
from sphereface.evaluation import counting
from sphereface.evaluation.embedding_set import EmbeddingSet
from sphereface.evaluation.groups import counts as group_counts
from sphereface.evaluation.groups import ratios as group_ratios
from sphereface.evaluation.groups.counts import count
from sphereface.evaluation.groups.rates import group_rates, group_searches
from sphereface.evaluation.groups.ratios import (
    against_chance,
    fairness_discrepancy_rate,
    garbe,
    gini,
    largest_to_geometric_mean,
    largest_to_smallest,
    permuted,
)
from sphereface.evaluation.scores import Pairs, all_pairs, score_list
from sphereface.evaluation.search import open_set_split, search_gallery

NAMES = tuple(f"p{number:02d}" for number in range(12))


def pairs_of(seed=0, share=1.0):
    """All pairs of twelve people with one to four images, or a random share of them, some of them twice."""
    generator = np.random.default_rng(seed)
    people = np.repeat(np.arange(12), generator.integers(1, 5, 12))
    first, second = np.triu_indices(len(people), 1)
    if share < 1:
        kept = generator.choice(len(first), int(share * len(first)))
        first, second = first[kept], second[kept]
    same = people[first] == people[second]
    values = generator.normal(size=len(first)).round(1) + 2.0 * same
    return score_list("fixture", values, same, first, second, people, NAMES)


def subset(pairs: Pairs, kept) -> Pairs:
    return Pairs(pairs.scores[kept], pairs.first[kept], pairs.second[kept])


@pytest.mark.parametrize("share", [1.0, 0.4])
@pytest.mark.parametrize("chunk", [5, 1 << 20])
def test_counts_by_couple_are_the_rates_of_the_pairs(share, chunk, monkeypatch):
    monkeypatch.setattr(group_counts, "_CHUNK", chunk)
    scores = pairs_of(share=share)
    labels = np.arange(12) % 3
    counts = count(scores, 0.5)
    assert (counts.images is None) == (share < 1)
    at = np.array([0.5])
    first, second = (labels[scores.people[side]] for side in (scores.impostor.first, scores.impostor.second))
    owner = labels[scores.people[scores.genuine.first]]
    for one in range(3):
        found = counts.misses(labels == one)
        plain = counting.misses(replace(scores, genuine=subset(scores.genuine, owner == one)), at)
        assert (found.rate, found.variance, found.least) == (plain.rate, plain.variance, plain.least)
        for two in range(3):
            found = counts.false_matches(labels == one, labels == two)
            kept = ((first == one) & (second == two)) | ((first == two) & (second == one))
            plain = counting.false_matches(replace(scores, impostor=subset(scores.impostor, kept)), at)
            assert found.trials == plain.trials == kept.sum()
            assert found.rate == pytest.approx(plain.rate, abs=1e-15)
            assert found.variance == pytest.approx(plain.variance, rel=1e-12)
            assert found.least == pytest.approx(plain.least, rel=1e-12)
            assert found.clusters == plain.clusters


@pytest.mark.parametrize("share", [1.0, 0.4])
@pytest.mark.parametrize(("whole", "cells"), [(1 << 24, 1 << 22), (3, 7 * 36), (3, 1)])
def test_permuted_labels_are_counted_as_if_they_were_the_labels(share, whole, cells, monkeypatch):
    monkeypatch.setattr(group_counts, "_WHOLE", whole)  # the most pairs of a person that float32 counts
    monkeypatch.setattr(group_ratios, "_CELLS", cells)  # of permutations counted together
    scores = pairs_of(share=share)
    counts = count(scores, 0.5)
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, -1, -1])
    fnmr, fmr = permuted(counts, labels, 3, 30, seed=4)
    generator = np.random.default_rng([4, 3])
    for row in range(30):
        shuffled = labels.copy()
        shuffled[:10] = generator.permutation(labels[:10])
        for group in range(3):
            both = (shuffled[scores.people[scores.impostor.first]] == group) & (
                shuffled[scores.people[scores.impostor.second]] == group
            )
            own = shuffled[scores.people[scores.genuine.first]] == group
            expected = (scores.impostor.scores[both] >= 0.5).mean() if both.any() else np.nan
            assert fmr[row, group] == pytest.approx(expected, abs=1e-15, nan_ok=True)
            missed = (scores.genuine.scores[own] < 0.5).mean() if own.any() else np.nan
            assert fnmr[row, group] == pytest.approx(missed, abs=1e-15, nan_ok=True)


def test_the_measures_by_hand():
    fmr, fnmr = np.array([0.001, 0.002, 0.004]), np.array([0.02, 0.02, 0.05])
    assert largest_to_geometric_mean(fmr) == pytest.approx(2.0)
    assert largest_to_smallest(fmr) == pytest.approx(4.0)
    # Gini: mean absolute difference of the three different pairs, over twice the mean.
    assert gini(fmr) == pytest.approx((0.001 + 0.003 + 0.002) / 3 / (2 * 0.007 / 3))
    assert gini(fnmr) == pytest.approx((0 + 0.03 + 0.03) / 3 / (2 * 0.03))
    assert fairness_discrepancy_rate(fmr, fnmr) == pytest.approx(1 - 0.5 * 0.003 - 0.5 * 0.03)
    assert fairness_discrepancy_rate(fmr, fnmr, alpha=1.0) == pytest.approx(0.997)
    assert garbe(fmr, fnmr, alpha=0.25) == pytest.approx(0.25 * gini(fmr) + 0.75 * gini(fnmr))


def test_equal_groups_are_equal_by_every_measure():
    rates = np.full(4, 0.03)
    for measure in (largest_to_geometric_mean, largest_to_smallest):
        assert measure(rates) == pytest.approx(1.0)
    assert gini(rates) == 0.0
    assert fairness_discrepancy_rate(rates, rates) == 1.0
    assert np.isinf(largest_to_smallest(np.array([0.0, 0.1])))
    assert np.isnan(gini(np.zeros(3)))


def test_chance_is_the_share_of_permutations_that_are_as_unequal():
    drawn = np.array([[0.1, 0.1], [0.1, 0.2], [0.1, 0.4], [0.1, 0.8]])
    found = against_chance(largest_to_smallest, [np.array([0.1, 0.4])], [drawn], ("a", "b"))
    assert found.value == pytest.approx(4.0)
    assert (found.chance, found.chance_limit) == pytest.approx((2.0, 8.0))
    assert found.p_value == pytest.approx(3 / 5)
    # For FDR the low end is the unequal one.
    fdr = against_chance(
        fairness_discrepancy_rate,
        [np.zeros(2), np.array([0.1, 0.4])],
        [0 * drawn, drawn],
        ("a", "b"),
        higher_is_worse=False,
    )
    assert fdr.value == pytest.approx(0.85)
    assert (fdr.chance, fdr.chance_limit) == pytest.approx((0.95, 0.65))
    assert fdr.p_value == pytest.approx(3 / 5)


def test_a_group_left_out_is_left_out_of_the_permutations_too():
    drawn = np.array([[0.1, 0.2, 0.0], [0.1, 0.1, 0.0]])
    found = against_chance(largest_to_smallest, [np.array([0.1, 0.3, np.nan])], [drawn], ("a", "b", "c"))
    assert found.groups == ("a", "b")
    assert found.chance_limit == pytest.approx(2.0)
    alone = against_chance(largest_to_smallest, [np.array([0.1, np.nan])], [drawn[:, :2]], ("a", "b"))
    assert alone.value is None
    assert "fewer than two groups" in alone.reason
    none = against_chance(largest_to_smallest, [np.array([0.1, 0.0])], [drawn[:, :2]], ("a", "b"))
    assert none.value is None
    assert "without any error" in none.reason


def world(seed=0, people=90, images=6, crowded=1.0, noisy=1.0):
    """Three groups; the third may be crowded into fewer directions, or have noisier images."""
    generator = np.random.default_rng(seed)
    group = np.arange(people) % 3
    centres = generator.standard_normal((people, 16))
    centres[group == 2, 0] += crowded - 1.0
    noise = np.where(group == 2, noisy, 1.0)[:, None, None] * generator.standard_normal((people, images, 16))
    x = (centres[:, None] + 0.7 * noise).reshape(-1, 16)
    names = [f"p{number:03d}" for number in np.repeat(np.arange(people), images)]
    return all_pairs(x, names), {f"p{number:03d}": "abc"[number % 3] for number in range(people)}


def test_labels_that_mean_nothing_are_what_chance_gives():
    scores, labels = world()
    found = group_rates(scores, labels, 0.5)
    for figure in (*found.fmr_ratios.values(), *found.fnmr_ratios.values(), found.fdr, found.garbe):
        assert figure.p_value > 0.05
        assert figure.groups == ("a", "b", "c")
    # Ratios of small groups are above 1 by chance alone, and that is said.
    assert found.fmr_ratios["max_to_min"].chance > 1.1


def test_groups_that_differ_are_found_to_differ():
    scores, labels = world(crowded=3.0)
    found = group_rates(scores, labels, 0.5)
    assert found.fmr[2][2].value > 2 * found.fmr[0][0].value
    assert found.fmr[2][2].low > found.fmr[0][0].high
    assert found.fmr_ratios["max_to_geometric_mean"].p_value < 0.01
    assert found.garbe.p_value < 0.01
    scores, labels = world(noisy=1.6)
    found = group_rates(scores, labels, 0.5)
    assert found.fnmr[2].low > max(found.fnmr[0].high, found.fnmr[1].high)
    assert found.fnmr_ratios["gini"].p_value < 0.01
    assert found.fdr.p_value < 0.01


def test_the_table_is_complete_and_symmetric():
    scores, labels = world()
    labels["p000"] = ""
    del labels["p001"]
    found = group_rates(scores, labels, 0.5, permutations=20)
    assert found.names == ("a", "b", "c")
    assert found.people == (29, 29, 30)
    assert found.unlabelled == 2
    assert all(found.fmr[one][two] == found.fmr[two][one] for one in range(3) for two in range(3))
    assert all(rate.threshold == "fixed" and rate.low <= rate.value <= rate.high for rate in found.fnmr)
    images = [labels.get(scores.names[person], "") for person in scores.people]
    assert group_rates(scores, images, 0.5, permutations=20) == found


def test_a_small_group_is_not_supported_but_bounded():
    scores, labels = world()
    labels = {name: ("tiny" if name in ("p000", "p003") else label) for name, label in labels.items()}
    found = group_rates(scores, labels, 0.5)
    tiny = found.names.index("tiny")
    rate = found.fmr[tiny][tiny]
    assert rate.value is None
    assert "not supported" in rate.reason
    assert 0 < rate.high <= 1
    assert found.fmr_ratios["gini"].groups == ("a", "b", "c")
    alone = group_rates(scores, labels | {"p003": "a"}, 0.5).fmr[tiny][tiny]
    assert "no impostor pairs" in alone.reason


def test_no_error_anywhere_is_said():
    scores, labels = world()
    found = group_rates(scores, labels, 1.1)
    assert found.all_fmr == 0.0
    assert all(rate.value is None and "no error" in rate.reason for row in found.fmr for rate in row)
    assert found.fmr_ratios["gini"].value is None
    assert found.garbe.value is None


def test_searches_by_group():
    generator = np.random.default_rng(0)
    who = np.repeat(np.arange(120), 5)
    noise = np.where(who % 2 == 1, 1.2, 0.6)[:, None]
    x = generator.standard_normal((120, 16))[who] + noise * generator.standard_normal((600, 16))
    names = [f"p{number:03d}" for number in who]
    searches = search_gallery(x, names, open_set_split(names))
    labels = {name: ("odd" if int(name[1:]) % 2 else "even") for name in names}
    found = group_searches(searches, labels, 0.6)
    assert found.names == ("even", "odd")
    odd = np.array([int(searches.names[code][1:]) % 2 == 1 for code in searches.mated_people])
    missed = (searches.mated_ranks != 1) | (searches.mated_scores < np.float32(0.6))
    assert found.fnir[1].value == pytest.approx(missed[odd].mean())
    assert found.fnir[0].value == pytest.approx(missed[~odd].mean())
    assert found.fnir[1].low > found.fnir[0].high
    stranger = np.array([int(searches.names[code][1:]) % 2 == 1 for code in searches.non_mated_people])
    alarm = searches.non_mated_scores >= np.float32(0.6)
    assert found.fpir[0].value == pytest.approx(alarm[~stranger].mean())
    with pytest.raises(NotEnoughDataError, match="1 groups"):
        group_searches(searches, dict.fromkeys(names, "all"), 0.6)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"groups": ["a", "b"]}, DataError, "2 labels but 540 images"),
        ({"groups": ["a", "b"] * 270}, DataError, "images of 'p000' are labelled 'a' and 'b'"),
        ({"groups": {"nobody": "a"}}, DataError, "'nobody' is none of 90 people"),
        ({"groups": {f"p{number:03d}": "a" for number in range(90)}}, NotEnoughDataError, "1 groups"),
        ({"groups": [""] * 540}, NotEnoughDataError, "0 groups"),
        ({"permutations": 3}, ConfigurationError, "permutations"),
        ({"confidence": 95}, ConfigurationError, "confidence"),
    ],
)
def test_bad_input_is_answered_in_words(change, error, words):
    scores, labels = world()
    with pytest.raises(error, match=words):
        group_rates(**({"scores": scores, "groups": labels, "threshold": 0.5} | change))


def test_sums_that_float32_cannot_hold_are_whole(monkeypatch):
    scores = pairs_of(share=0.4)
    counts = count(scores, 0.5)
    many = replace(counts.compared, pairs=counts.compared.pairs * ((1 << 24) + 1))
    labels = np.zeros((1, 12), dtype=np.int64)
    assert replace(counts, compared=many).by_group(labels, 1).compared[0, 0] == many.pairs.sum()


def test_people_are_labelled_however_they_are_written():
    scores, labels = world()
    plain = group_rates(scores, labels, 0.5, permutations=20)
    written = replace(scores, names=tuple(f"Person_{name[1:]}" for name in scores.names))
    table = {f" person {name[1:]}": label for name, label in labels.items()}
    assert group_rates(written, table, 0.5, permutations=20) == plain
    with pytest.raises(DataError, match="'PERSON_003' is labelled 'a' and 'b'"):
        group_rates(written, table | {"PERSON_003": "b"}, 0.5)
    assert group_rates(written, table | {"PERSON_003": "a", "PERSON_004": ""}, 0.5, permutations=20) == plain


def test_a_label_belongs_to_somebody_and_to_one_group():
    def faces(identities, groups):
        return EmbeddingSet.of(np.eye(3), identities, groups=groups)

    assert faces(["ada", "", "grace"], ["x", "y", ""]).group_of == {"ada": "x"}
    assert faces(["ada", "ada", "ada"], ["x", "", "x"]).group_of == {"ada": "x"}
    assert faces(["", "", ""], ["x", "y", "x"]).nameless().group_of == {}
    with pytest.raises(DataError, match="pictures of 'ada' are labelled 'x' and 'y'"):
        assert faces(["ada", "ada", "grace"], ["x", "y", "x"]).group_of


def test_labels_that_name_people_are_refused():
    scores, _ = world(people=150, images=2)
    with pytest.raises(DataError, match="150 groups"):
        group_rates(scores, {name: name for name in scores.names}, 0.5)
