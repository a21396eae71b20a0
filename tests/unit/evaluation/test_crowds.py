"""A few people among a crowd: every rank and rate against a plain float64 computation."""

from __future__ import annotations

import numpy as np
import pytest

from sphereface.errors import DataError, NotEnoughDataError
from sphereface.evaluation import crowds
from sphereface.evaluation.crowds import RANKS, crowd_rates, crowd_scores, hits_within, judge_crowd, search_crowd
from sphereface.evaluation.embedding_set import EmbeddingSet
from sphereface.evaluation.protocol import UnitDistractors, positions
from sphereface.evaluation.settings import Settings


def world(people=6, images=4, crowd=300, noise=1.2, seed=0):
    generator = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), images)
    x = generator.standard_normal((people, 8))[who] + noise * generator.standard_normal((len(who), 8))
    x = np.concatenate([x, generator.standard_normal((crowd, 8))])
    names = [f"p{w}" for w in who] + [f"d{n}" for n in range(crowd)]
    return x, names, UnitDistractors("c", positions(range(len(who))), positions(range(len(who), len(x))))


def plain(x, names, crowd, failed):
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    ranks, genuine = [], []
    good = [d for d in crowd.distractors if not failed[d]]
    for one in crowd.probes:
        for two in crowd.probes:
            if one == two or names[one] != names[two]:
                continue
            if failed[one] or failed[two]:
                ranks.append(np.inf)
                score = -np.inf
            else:
                score = unit[one] @ unit[two]
                ranks.append(1 + np.sum(unit[good] @ unit[one] >= score))
            if one < two:
                genuine.append(score)
    impostor = np.array([unit[p] @ unit[d] for p in crowd.probes if not failed[p] for d in good])
    return np.array(ranks), np.array(genuine), impostor


@pytest.mark.parametrize("broken", [(), (0, 7), (0, 1, 2, 3, 40)])
def test_everything_as_computed_plainly(broken):
    x, names, crowd = world()
    failed = np.zeros(len(x), dtype=bool)
    failed[list(broken)] = True
    settings = Settings(fmr_targets=(0.1, 0.01))
    found = search_crowd(EmbeddingSet.of(x, names, failed=failed), crowd, settings)
    ranks, genuine, impostor = plain(x, names, crowd, failed)
    assert (found.people, found.searches, found.distractors) == (6, len(ranks), 300)
    assert found.failed == np.isinf(ranks).sum()
    assert found.cmc_ranks == list(RANKS)
    np.testing.assert_allclose([rate.value for rate in found.cmc], [(ranks <= r).mean() for r in RANKS])
    comparisons = len(impostor)
    for target, threshold in found.threshold_at_fmr.items():
        # The smallest threshold that keeps the promise, but for the last digit: just lower, and it is broken.
        assert (impostor >= threshold + 1e-12).sum() / comparisons <= target
        assert (impostor >= threshold - 1e-12).sum() / comparisons > target
        rate = found.fnmr_at_fmr[target]
        assert rate.value == (genuine < threshold).mean()
        assert rate.threshold == "estimated"


def test_a_tie_with_a_distractor_counts_against_us():
    x = np.array([[1.0, 0.0], [0.6, 0.8], [0.6, -0.8], [0.0, 1.0]])
    crowd = UnitDistractors("c", positions([0, 1]), positions([2, 3]))
    found = search_crowd(EmbeddingSet.of(x, ["a", "a", "b", "c"]), crowd)
    # The first sees its mate and the third at 0.6 alike; the second sees the fourth at 0.8, before its mate.
    assert found.cmc[0].value == 0.0
    assert found.cmc[1].value == 1.0


def test_what_the_crowd_cannot_support():
    x, names, crowd = world()
    found = search_crowd(EmbeddingSet.of(x, names), crowd, Settings(fmr_targets=(1e-6,)))
    rate = found.fnmr_at_fmr[1e-6]
    assert rate.value is None
    assert "not supported by this data: needs about 10,000,000 impostor scores, has " in rate.reason
    assert found.threshold_at_fmr == {}


def of_person(p):
    """Positions of a person's pictures in `world`."""
    return slice(4 * p, 4 * p + 4)


@pytest.mark.parametrize("targets", [(0.5,), (0.02,)])  # every score is kept, or the highest only
def test_false_matches_are_clustered_by_the_person_of_the_probe(targets):
    x, names, crowd = world(crowd=800)
    failed = np.zeros(len(x), dtype=bool)
    failed[[1, 30]] = True
    scores = crowd_scores(EmbeddingSet.of(x, names, failed=failed), crowd, targets)
    assert (len(scores.tail) == 23 * 799) == (targets == (0.5,))
    rates = crowd_rates(scores, targets)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    table = np.where(failed[:24, None] | failed[24:], -np.inf, unit[:24] @ unit[24:].T)
    trials = np.array([3, 4, 4, 4, 4, 4]) * 799
    assert scores.trials.tolist() == trials.tolist()
    assert len(rates.grid) > 100
    for k, threshold in enumerate(rates.grid):
        low, high = (table >= threshold + 1e-12).sum(), (table >= threshold - 1e-12).sum()
        errors = np.round(rates.false.residuals[:, k] + rates.false.rate[k] * trials)
        assert low <= errors.sum() <= high
        if low == high:
            assert errors.tolist() == [(table[of_person(p)] >= threshold).sum() for p in range(6)]
        own = [[unit[i] @ unit[j] for i in range(4 * p, 4 * p + 4) for j in range(4 * p, i)] for p in range(6)]
        own[0] = [-np.inf if {i, j} & {1} else unit[i] @ unit[j] for i in range(4) for j in range(i)]
        missed = np.round(rates.missed.residuals[:, k] + rates.missed.rate[k] * 6)
        below = [[sum(score < threshold + off for score in scores) for scores in own] for off in (-1e-12, 1e-12)]
        assert all(a <= m <= b for a, m, b in zip(below[0], missed, below[1], strict=True))


def test_a_person_who_resembles_the_crowd_leaves_little_evidence():
    x, names, crowd = world(crowd=2000)
    even = crowd_rates(crowd_scores(EmbeddingSet.of(x, names), crowd, (0.01,)), (0.01,))
    x[of_person(0)] = x[24:].mean(axis=0) + np.array([3.0, *[0.0] * 7]) + 0.01 * x[of_person(0)]
    x[24:, 0] += 1.5  # the crowd lies where the first person is
    wolf = crowd_rates(crowd_scores(EmbeddingSet.of(x, names), crowd, (0.01,)), (0.01,))
    assert wolf.false.errors.max() > 1000
    evidence = [float(r.false.effective()[np.searchsorted(r.grid, r.thresholds[0.01])]) for r in (even, wolf)]
    assert evidence[1] < evidence[0] / 5
    assert evidence[1] < 24 * 2000 / 50  # though that is how many scores there are
    assert "impostor scores" in wolf.unsupported(0.01)
    found = search_crowd(EmbeddingSet.of(x, names), crowd, Settings(fmr_targets=(0.01,)))
    assert found.fnmr_at_fmr[0.01].value is None
    assert found.threshold_at_fmr == {}


def test_where_some_resemble_the_crowd_the_choice_of_the_threshold_widens_the_interval():
    towards, ratios = np.eye(32)[0], []
    for seed in range(5):
        generator = np.random.default_rng(seed)
        centres = generator.standard_normal((20, 32))
        centres /= np.linalg.norm(centres, axis=1, keepdims=True)
        centres += generator.random((20, 1)) * towards
        centres /= np.linalg.norm(centres, axis=1, keepdims=True)
        _, names, crowd = world(people=20, images=8, crowd=3000)
        x = generator.standard_normal((len(names), 32)) / np.sqrt(32)
        x[:160] = np.repeat(centres, 8, axis=0) + 0.9 * x[:160]
        x[160:] += 0.4 * towards
        scores = crowd_scores(EmbeddingSet.of(x, names), crowd, (0.001,))
        rates = crowd_rates(scores, (0.001,))
        at = np.searchsorted(rates.grid, rates.thresholds[0.001])
        low, high = (float(end[at]) for end in rates.missed.band(0.95))
        rate = judge_crowd(scores, Settings(fmr_targets=(0.001,))).fnmr_at_fmr[0.001]
        assert rate.threshold == "estimated"
        ratios.append((rate.high - rate.low) / (high - low))
    assert np.mean(ratios) > 1.2


def test_a_tail_that_was_cut_tells_no_rate_beyond_it(monkeypatch):
    x, names, crowd = world()
    whole = crowd_scores(EmbeddingSet.of(x, names), crowd, (0.1, 0.01))
    monkeypatch.setattr(crowds, "_MOST_TAIL", 500)
    scores = crowd_scores(EmbeddingSet.of(x, names), crowd, (0.1, 0.01))
    assert np.array_equal(scores.tail, whole.tail[-500:])
    assert np.array_equal(scores.tail_people, whole.tail_people[-500:])
    found = judge_crowd(scores, Settings(fmr_targets=(0.1, 0.01)))
    assert found.fnmr_at_fmr[0.1].reason == "not measured: more than 500 false matches would have to be kept"
    assert 0.1 not in found.threshold_at_fmr
    assert crowd_rates(scores, (0.01,)).thresholds == crowd_rates(whole, (0.01,)).thresholds


def test_hits_are_counted_by_person():
    x, names, crowd = world()
    scores = crowd_scores(EmbeddingSet.of(x, names), crowd)
    hits = hits_within(scores, [1, 10])
    for person in range(6):
        ranks = scores.ranks[scores.people == person]
        assert len(ranks) == 12
        expected = [(ranks <= rank).sum() - 12 * rate for rank, rate in zip((1, 10), hits.rate, strict=True)]
        np.testing.assert_allclose(hits.residuals[person], expected)


def test_who_cannot_be_looked_for():
    x, names, crowd = world()
    with pytest.raises(DataError, match="'p0' is both a probe and a distractor"):
        search_crowd(
            EmbeddingSet.of(x, names), UnitDistractors("c", crowd.probes[1:], positions([0, *crowd.distractors]))
        )
    with pytest.raises(NotEnoughDataError, match="nobody has two probes in 'c'"):
        search_crowd(EmbeddingSet.of(x, names), UnitDistractors("c", crowd.probes[::4], crowd.distractors))
