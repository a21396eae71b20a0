"""Several lists as one against the list that holds all of their pairs, and thresholds against those of a table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sphereface.evaluation.counting import false_matches, misses
from sphereface.evaluation.lists import thresholds_at_fmr, together
from sphereface.evaluation.scores import all_pairs, score_list
from sphereface.evaluation.verification import verify

NAMES = tuple(f"p{number:02d}" for number in range(30))
PEOPLE = np.repeat(np.arange(30), 6)


def drawn(seed: int, size: int = 4000):
    generator = np.random.default_rng(seed)
    first, second = generator.choice(len(PEOPLE), (2, size))
    kept = first != second
    first, second = first[kept], second[kept]
    same = PEOPLE[first] == PEOPLE[second]
    return generator.normal(size=len(first)).astype(np.float32) + same, same, first, second


def test_lists_together_are_the_list_of_all_their_pairs():
    parts = [drawn(seed) for seed in range(3)]
    lists = [score_list(f"list {at}", *part, PEOPLE, NAMES) for at, part in enumerate(parts)]
    whole = score_list("whole", *(np.concatenate(column) for column in zip(*parts, strict=True)), PEOPLE, NAMES)
    found = together(lists)
    assert found.title == "3 lists together: list 0, list 1, list 2"
    for kind in ("genuine", "impostor"):
        ours, theirs = getattr(found, kind), getattr(whole, kind)
        assert (np.diff(PEOPLE[ours.first]) >= 0).all()
        for column in ("scores", "first", "second"):
            assert (getattr(ours, column) == getattr(theirs, column)).all()
    at = np.array([0.5, 1.0, 2.0])
    for rate in (misses, false_matches):
        assert (rate(found, at).rate == rate(whole, at).rate).all()
        assert (rate(found, at).variance == rate(whole, at).variance).all()


def test_lists_of_other_rows_stay_out():
    one, two = (score_list(f"list {seed}", *drawn(seed), PEOPLE, NAMES) for seed in (0, 1))
    everything = all_pairs(np.random.default_rng(0).standard_normal((180, 8)), [NAMES[at] for at in PEOPLE])
    assert together([one]) is one
    assert together([everything, one, two]) is everything
    assert together([one, everything]) is one
    assert together([one, replace(two, people=two.people[::-1])]) is one
    assert together([one, replace(two, names=two.names[::-1])]) is one


def test_thresholds_are_those_of_the_table():
    scores = score_list("list", *drawn(0, 20_000), PEOPLE, NAMES)
    targets = (0.1, 0.01, 0.001, 1e-5)
    found = thresholds_at_fmr(scores, targets)
    assert found == verify(scores, fmr_targets=targets, resamples=20).threshold_at_fmr
    assert 0.1 in found
    assert 1e-5 not in found
    for target, threshold in found.items():
        assert (scores.impostor.scores >= np.float32(threshold)).mean() <= target
        below = np.nextafter(np.float32(threshold), np.float32(-np.inf))
        assert (scores.impostor.scores >= below).mean() > target
