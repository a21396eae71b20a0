"""Look-alikes and groups: the same count of false matches over fewer pairs."""

from __future__ import annotations

import numpy as np
import pytest

from sphereface.errors import NotEnoughDataError
from sphereface.evaluation.lookalikes import lookalike_matches, nearest_people, within_group_matches
from sphereface.evaluation.scores import all_pairs


@pytest.fixture(scope="module")
def judged():
    generator = np.random.default_rng(0)
    people = np.repeat(np.arange(60), 4)
    x = generator.standard_normal((60, 12))[people] + 0.5 * generator.standard_normal((240, 12))
    names = [f"p{person:02d}" for person in people]
    return x, people, all_pairs(x, names)


def plain(x, people, chosen, threshold):
    """Count in two loops."""
    unit = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    scores = [
        unit[i] @ unit[j]
        for i in range(len(x))
        for j in range(i + 1, len(x))
        if people[i] != people[j] and chosen(people[i], people[j])
    ]
    return np.mean(np.array(scores) >= threshold), len(scores)


def test_the_nearest_person_has_the_nearest_mean(judged):
    x, people, scores = judged
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    means = np.stack([unit[people == person].mean(axis=0) for person in range(60)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    cosines = means @ means.T - 9 * np.eye(60)
    assert (nearest_people(x, scores) == cosines.argmax(axis=1)).all()


def test_false_matches_of_lookalikes_counted_plainly(judged):
    x, people, scores = judged
    nearest = nearest_people(x, scores)
    found = lookalike_matches(scores, nearest, [0.6, 0.45])
    for threshold, rate in zip(found.thresholds, found.fmr, strict=True):
        value, pairs = plain(x, people, lambda a, b: nearest[a] == b or nearest[b] == a, threshold)
        assert rate.value == pytest.approx(value)
        assert found.pairs == pairs
        assert rate.low < value < rate.high
        assert rate.value > (scores.impostor.scores >= threshold).mean()
    assert (found.title, found.people) == ("look-alikes", 60)


def test_false_matches_within_the_group_counted_plainly(judged):
    x, people, scores = judged
    groups = {f"p{person:02d}": "ab"[person % 2] for person in range(50)}  # ten people have no label
    found = within_group_matches(scores, groups, [0.4])
    value, pairs = plain(x, people, lambda a, b: a < 50 and b < 50 and a % 2 == b % 2, 0.4)
    assert (found.fmr[0].value, found.pairs, found.people) == (pytest.approx(value), pairs, 50)


def test_a_rate_of_too_few_errors_has_an_upper_end_only(judged):
    x, _, scores = judged
    rate = lookalike_matches(scores, nearest_people(x, scores), [0.9999]).fmr[0]
    assert rate.value is None
    assert rate.high > 0
    assert "not supported" in rate.reason


def test_nobody_to_compare_with(judged):
    x, _, scores = judged
    alone = {f"p{person:02d}": f"group {person}" for person in range(60)}
    with pytest.raises(NotEnoughDataError, match=r"no impostor pairs \(within the group\)"):
        within_group_matches(scores, alone, [0.5])
    failed = np.ones(len(x), dtype=bool)
    failed[0] = False
    with pytest.raises(NotEnoughDataError, match="fewer than two people"):
        nearest_people(x, scores, failed=failed)
