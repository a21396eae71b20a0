"""Accuracy over folds: solved by hand, against brute force, and no word from the tested fold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sphereface.evaluation import folds as module
from sphereface.evaluation.folds import fold_accuracy, fold_of
from sphereface.evaluation.scores import score_list


def view2(genuine, impostor):
    """Pairs of people who occur once, with the fold of each pair: two lists of (score, fold)."""
    rows = [*((*row, True) for row in genuine), *((*row, False) for row in impostor)]
    n = len(rows)
    people = np.repeat(np.arange(2 * n), 1)
    second = np.where([row[2] for row in rows], 2 * np.arange(n), 2 * np.arange(n) + 1)
    return score_list(
        "fixture",
        np.array([row[0] for row in rows]),
        np.array([row[2] for row in rows]),
        2 * np.arange(n),
        second,
        people,
        tuple(f"{i:04d}" for i in range(2 * n)),
        np.array([row[1] for row in rows]),
    )


def test_two_folds_by_hand():
    scores = view2(
        genuine=[(0.6, 0), (0.8, 0), (0.5, 1), (0.9, 1)],
        impostor=[(0.1, 0), (0.7, 0), (0.2, 1), (0.3, 1)],
    )
    # For fold 0, learn from fold 1: everything in (0.3, 0.5] is perfect, its middle is 0.4.
    # It accepts 0.6 and 0.8, rejects 0.1, accepts 0.7 wrongly: 3 of 4.
    # For fold 1, learn from fold 0: (0.1, 0.6] errs on 0.7, (0.7, 0.8] errs on 0.6; the lower is taken, 0.35.
    # It accepts 0.5 and 0.9, rejects 0.2 and 0.3: 4 of 4.
    result = fold_accuracy(scores)
    assert result.value == 7 / 8
    assert result.threshold == pytest.approx((0.4 + 0.35) / 2)


def test_the_plateau_rule_takes_the_mean_of_all_best_thresholds():
    scores = view2(
        genuine=[(0.6, 0), (0.8, 0), (0.5, 1), (0.9, 1)],
        impostor=[(0.1, 0), (0.7, 0), (0.2, 1), (0.3, 1)],
    )
    # Fold 0: the same stretch, mean 0.40005 on the grid. Fold 1: both stretches, 0.1..0.6 and 0.7..0.8.
    grid = np.linspace(-1, 1, 20_001)
    both = grid[((grid > 0.1) & (grid <= 0.6)) | ((grid > 0.7) & (grid <= 0.8))].mean()
    result = fold_accuracy(scores, rule="plateau")
    assert result.threshold == pytest.approx((grid[(grid > 0.3) & (grid <= 0.5)].mean() + both) / 2, abs=1e-4)
    assert result.value == 7 / 8


def test_all_scores_equal_are_no_better_than_a_coin():
    result = fold_accuracy(view2([(0.5, f) for f in range(4)], [(0.5, f) for f in range(4)]))
    assert result.value == 0.5


def test_pairs_without_a_score_are_errors_of_both_kinds():
    genuine = [(0.9, f) for f in range(4)]
    impostor = [(0.1, f) for f in range(4)]
    assert fold_accuracy(view2(genuine, impostor)).value == 1.0
    assert fold_accuracy(view2([*genuine, (-np.inf, 0)], impostor)).value == 8 / 9
    assert fold_accuracy(view2(genuine, [*impostor, (-np.inf, 0)])).value == 8 / 9


@pytest.mark.parametrize("rule", ["middle", "plateau"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_without_genuine_scores_every_genuine_pair_is_an_error_and_without_any_there_is_a_reason(rule, dtype):
    def scores(impostor):
        found = view2([(-np.inf, f) for f in range(4)], [(impostor, f) for f in range(4)])
        kinds = (replace(kind, scores=kind.scores.astype(dtype)) for kind in (found.genuine, found.impostor))
        return replace(found, **dict(zip(("genuine", "impostor"), kinds, strict=True)))

    assert fold_accuracy(scores(0.3), rule).value == 0.5
    # A threshold above "no score" would be the lowest number there is, and the mean of several overflows.
    nothing = fold_accuracy(scores(-np.inf), rule)
    assert nothing.value is None
    assert "no pair outside one of the folds has a score" in nothing.reason


def test_a_fold_with_nothing_to_learn_from_gives_no_number_but_a_reason():
    result = fold_accuracy(view2([(0.9, 0)], [(0.1, 0)]))
    assert result.value is None
    assert result.reason == "too few folds in the list: one has nothing to learn from"


def test_the_threshold_never_comes_from_the_tested_fold():
    """In fold 0 the two kinds are swapped round a gap; only a threshold from fold 0 could serve it."""
    genuine = [*((-0.2 - 0.01 * i, 0) for i in range(20)), *((0.9, 1) for _ in range(20))]
    impostor = [*((-0.4 - 0.01 * i, 0) for i in range(20)), *((0.7, 1) for _ in range(20))]
    scores = view2(genuine, impostor)
    # From fold 1: T = 0.8, which rejects all of fold 0: half right. From fold 0: T = about -0.4, which accepts
    # all of fold 1: half right. A threshold learnt on the tested fold too would be right nearly everywhere.
    assert fold_accuracy(scores).value == 0.5


def pairs_of_people(seed=0, people=16, images=3, decimals=2):
    generator = np.random.default_rng(seed)
    owner = np.repeat(np.arange(people), images)
    first, second = np.triu_indices(len(owner), 1)
    same = owner[first] == owner[second]
    values = (generator.normal(size=len(first)) + 2.0 * same).round(decimals)
    names = tuple(f"person {number:03d}" for number in range(people))
    return score_list("fixture", values, same, first, second, owner, names)


@pytest.mark.parametrize("balanced", [False, True])
def test_folds_of_people_agree_with_brute_force(balanced):
    scores = replace(pairs_of_people(), balanced=balanced)
    right = {True: 0, False: 0}
    fold = np.array([fold_of(name) for name in scores.names])[scores.people]
    kinds = {True: scores.genuine, False: scores.impostor}
    ends = {same: np.sort([fold[p.first], fold[p.second]], axis=0).T for same, p in kinds.items()}
    for one, two in {tuple(end) for rows in ends.values() for end in rows.tolist()}:
        apart = {same: ~np.isin(rows, (one, two)).any(axis=1) for same, rows in ends.items()}
        learn = {same: pairs.scores[apart[same]] for same, pairs in kinds.items()}
        candidates = np.unique(np.concatenate([*learn.values(), [99.0]]))
        weight = {same: (1 if balanced else len(kinds[same])) / len(learn[same]) for same in kinds}
        gain = [
            weight[True] * (learn[True] >= t).sum() + weight[False] * (learn[False] < t).sum() for t in candidates
        ]
        best = int(np.argmax(np.isclose(gain, max(gain), rtol=0, atol=1e-12)))
        threshold = (candidates[best] + candidates[max(best - 1, 0)]) / 2
        for same, pairs in kinds.items():
            tested = pairs.scores[(ends[same] == (one, two)).all(axis=1)]
            right[same] += int(((tested >= threshold) == same).sum())
    shares = [right[same] / len(kinds[same]) for same in kinds]
    total = sum(right.values()) / sum(map(len, kinds.values()))
    assert fold_accuracy(scores).value == pytest.approx(np.mean(shares) if balanced else total, abs=1e-12)


def test_leaving_people_out_does_not_tilt_the_threshold():
    """Folds of people drop more impostor than genuine pairs; a count of what is left accepts too easily."""
    generator = np.random.default_rng(0)
    people, pairs = 1500, 60_000
    one = generator.integers(0, people, pairs)
    two = (one + generator.integers(1, people, pairs)) % people
    first, second = np.concatenate([2 * one, 2 * one]), np.concatenate([2 * one + 1, 2 * two])
    same = np.repeat([True, False], pairs)
    values = generator.normal(size=2 * pairs) + 2.0 * same
    names = tuple(f"{number:04d}" for number in range(people))
    owner = np.repeat(np.arange(people), 2)
    scores = score_list("fixture", values, same, first, second, owner, names)
    # Normal scores at 0 and 2 with equal spread: the best threshold is 1. Were the kinds weighed 80 to 64, as
    # the pairs that are left, it would be 1 - log(80 / 64) / 2 = 0.89 for pairs that span two folds.
    thresholds = []
    original = module._middle_threshold

    def watch(genuine, impostor, share):
        thresholds.append(original(genuine, impostor, share))
        return thresholds[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_middle_threshold", watch)
        fold_accuracy(scores)
    assert len(thresholds) == 55
    assert np.mean(thresholds) == pytest.approx(1.0, abs=0.05)


def test_the_people_of_a_tested_pair_have_no_say_in_its_threshold(monkeypatch):
    """Every group of pairs is learnt from pairs of other people: looked at from inside."""
    scores = pairs_of_people(people=30)
    fold = np.array([fold_of(name) for name in scores.names])[scores.people]
    seen = []
    original = module._middle_threshold

    def watch(genuine, impostor, share):
        seen.append(np.concatenate([*genuine, *impostor]))
        return original(genuine, impostor, share)

    monkeypatch.setattr(module, "_middle_threshold", watch)
    # Every impostor score is replaced by a mark of its two folds, far above the genuine scores.
    impostor = scores.impostor
    marked = 10_000.0 + np.minimum(fold[impostor.first], fold[impostor.second]) * 100.0
    marked += np.maximum(fold[impostor.first], fold[impostor.second])
    scores = replace(scores, impostor=replace(impostor, scores=marked))
    fold_accuracy(scores)
    groups = sorted({divmod(int(mark) - 10_000, 100) for mark in marked} | {(int(f), int(f)) for f in fold})
    assert len(seen) == len(groups)
    for group, values in zip(groups, seen, strict=True):
        marks = {divmod(int(value) - 10_000, 100) for value in values[values >= 10_000]}
        assert marks
        assert all(set(group).isdisjoint(mark) for mark in marks)


@pytest.mark.parametrize("names", [range(10), range(250, 260), range(1990, 2000), range(0, 4000, 400)])
def test_folds_may_be_numbered_as_they_like(names):
    generator = np.random.default_rng(0)
    n = 300
    same = np.arange(n) % 2 == 0
    scores = np.where(same, 0.3, 0.0) + 0.2 * generator.standard_normal(n)
    fold = np.array(names)[np.arange(n) // 30]
    people = np.arange(2 * n, dtype=np.int32)
    people[np.flatnonzero(same) + n] = np.flatnonzero(same)
    listed = score_list(
        "l", scores, same, np.arange(n), np.arange(n) + n, people, tuple(map(str, range(2 * n))), fold
    )
    plain = score_list(
        "l",
        scores,
        same,
        np.arange(n),
        np.arange(n) + n,
        people,
        tuple(map(str, range(2 * n))),
        np.arange(n) // 30,
    )
    assert module.fold_accuracy(listed) == module.fold_accuracy(plain)


def test_hundreds_of_folds_keep_their_borders():
    generator = np.random.default_rng(1)
    n = 800
    same = np.arange(n) % 2 == 0
    scores = np.where(same, 0.3, 0.0) + 0.2 * generator.standard_normal(n)
    fold = np.arange(n) // 2
    people = np.arange(2 * n, dtype=np.int32)
    people[np.flatnonzero(same) + n] = np.flatnonzero(same)
    names = tuple(map(str, range(2 * n)))
    listed = score_list("l", scores, same, np.arange(n), np.arange(n) + n, people, names, fold)
    groups = module._by_group(listed.genuine, listed)
    assert len(groups) == 400
    for (one, two), held in groups.items():
        assert one == two
        assert held == scores[(fold == one) & same]
