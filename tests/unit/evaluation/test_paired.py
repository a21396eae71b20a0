"""Two models on the same protocol: no difference where there is none, and the right width where there is one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sphereface.errors import ConfigurationError, DataError
from sphereface.evaluation.crowds import crowd_scores, judge_crowd
from sphereface.evaluation.embedding_set import EmbeddingSet
from sphereface.evaluation.identification import identify
from sphereface.evaluation.paired import compare_crowds, compare_pairs, compare_searches
from sphereface.evaluation.protocol import UnitDistractors, positions
from sphereface.evaluation.scores import score_list
from sphereface.evaluation.search import SearchScores
from sphereface.evaluation.settings import Settings
from sphereface.evaluation.verification import verify

PEOPLE, IMAGES = 60, 4
FIRST, SECOND = np.triu_indices(PEOPLE * IMAGES, 1)
OWNER = np.repeat(np.arange(PEOPLE), IMAGES)
SAME = OWNER[FIRST] == OWNER[SECOND]
NAMES = tuple(f"{number:03d}" for number in range(PEOPLE))


def two_models(seed, shared=0.9, better=0.0):
    """Scores of two models: what a pair is like is common to both, the rest is each model's own noise."""
    generator = np.random.default_rng([seed, 5])
    wolf, goat = 0.4 * generator.standard_normal(PEOPLE), 0.6 * generator.standard_normal(PEOPLE)
    one, two = OWNER[FIRST], OWNER[SECOND]
    common = np.where(SAME, 3.0 + goat[one], wolf[one] + wolf[two])
    common = common + np.sqrt(shared) * generator.standard_normal(len(FIRST))
    for extra in (better, 0.0):
        own = np.sqrt(1.0 - shared) * generator.standard_normal(len(FIRST))
        values = common + own + np.where(SAME, extra, 0.0)
        yield replace(score_list("world", values, SAME, FIRST, SECOND, OWNER, NAMES), balanced=True)


def test_a_model_against_itself_is_no_difference_at_all():
    scores, _ = two_models(0)
    for found in compare_pairs(scores, scores, fmr_targets=(0.01, 1e-5), resamples=50):
        if found.figure == "FNMR at FMR 1e-05":
            assert "not supported" in found.reason
            assert (found.difference, found.p) == (None, None)
        else:
            assert found.first == found.second
            assert (found.difference, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)
        assert not found.counts


def test_the_figures_are_those_of_each_model_alone():
    scores = list(two_models(1))
    eer, accuracy, fnmr = compare_pairs(*scores, fmr_targets=(0.01,), resamples=50)
    for side, model in enumerate(scores):
        alone = verify(model, fmr_targets=(0.01,), resamples=50)
        for found, value in ((eer, alone.eer), (accuracy, alone.accuracy), (fnmr, alone.fnmr_at_fmr[0.01])):
            assert (found.first, found.second)[side] == value.value
    assert eer.difference == eer.first - eer.second


def test_exchanging_the_models_turns_the_difference_round():
    one, two = two_models(2)
    there_and_back = compare_pairs(one, two, resamples=50), compare_pairs(two, one, resamples=50)
    for there, back in zip(*there_and_back, strict=True):
        if not there.reason:
            assert (there.difference, there.low, there.high) == (-back.difference, -back.high, -back.low)
            assert there.p == back.p


def test_what_two_models_share_makes_their_difference_better_known_than_either():
    one, two = two_models(3, shared=0.95, better=0.25)
    eer = compare_pairs(one, two)[0]
    alone = [verify(model).eer for model in (one, two)]
    assert alone[0].high > alone[1].low  # side by side the two intervals overlap
    assert eer.counts
    assert eer.difference < 0
    assert eer.p < 0.05
    assert eer.high - eer.low < 0.6 * (alone[0].high - alone[0].low)


def test_a_difference_counts_just_where_p_is_below_the_level():
    for seed in range(12):
        for found in compare_pairs(*two_models(seed, better=0.08), fmr_targets=(0.05,), resamples=60):
            assert found.counts == (found.p < 0.05)
            assert found.low <= found.difference <= found.high


def held(worlds, better=0.0):
    """For models that are equally good: in how many worlds does the interval hold 0, by figure?"""
    inside = {}
    for seed in range(worlds):
        for found in compare_pairs(*two_models(seed, shared=0.7), fmr_targets=(0.05,), resamples=100, seed=seed):
            if not found.reason:
                inside.setdefault(found.figure, []).append(not found.counts)
    return inside


def test_equally_good_models_rarely_differ():
    for name, hits in held(16).items():
        assert len(hits) == 16
        assert hits.count(False) <= 4, (name, hits)  # of 16; more has probability 0.0009 at 95 %


@pytest.mark.faults
def test_equally_good_models_differ_in_five_worlds_of_a_hundred():
    for name, hits in held(400).items():
        print(f"\n{name}: {np.mean(hits):.1%} of {len(hits)}", end="", flush=True)
        assert 0.92 <= np.mean(hits) <= 0.98, name


def searches(seed, better=0.0):
    """Searches of two models by 80 enrolled people and 150 strangers, three each."""
    generator = np.random.default_rng([seed, 6])
    mates, strangers = np.repeat(np.arange(80), 3), 80 + np.repeat(np.arange(150), 3)
    goat = 0.6 * generator.standard_normal(80)[mates]
    common = 4.0 + goat + generator.standard_normal(240), 2.0 + 0.7 * generator.standard_normal(450)
    for extra in (better, 0.0):
        own, others = (part + 0.5 * generator.standard_normal(len(part)) for part in common)
        yield SearchScores(
            title="world",
            gallery_people=80,
            gallery_templates=80,
            names=tuple(f"{number:03d}" for number in range(230)),
            mated_scores=(own + extra).astype(np.float32),
            mated_ranks=1 + (own + extra < 1.5).astype(np.int64),
            mated_people=mates.astype(np.int32),
            non_mated_scores=others.astype(np.float32),
            non_mated_people=strangers.astype(np.int32),
            non_mated_nearest=generator.integers(0, 80, 450).astype(np.int32),
        )


def test_searches_of_two_models():
    one, two = searches(0, better=0.6)
    _, found = compare_searches(one, two, fpir_targets=(0.1,))
    assert found.figure == "FNIR at FPIR 0.1"
    assert found.counts
    assert found.difference < 0
    _, same = compare_searches(one, one, fpir_targets=(0.1,))
    assert (same.difference, same.low, same.high, same.p) == (0.0, 0.0, 0.0, 1.0)
    _, rare = compare_searches(one, two, fpir_targets=(0.001,))
    assert "non-mated searches" in rare.reason


def test_equally_good_models_rarely_differ_in_searches():
    found = [compare_searches(*searches(seed), fpir_targets=(0.1,), resamples=100)[1] for seed in range(20)]
    hits = [not each.counts for each in found]
    assert hits.count(False) <= 5  # of 20; more has probability 0.0003 at 95 %


def without_strangers(scores):
    nobody = np.zeros(0, np.int32)
    return replace(
        scores, non_mated_scores=np.zeros(0, np.float32), non_mated_people=nobody, non_mated_nearest=nobody
    )


def test_rank_1_of_searches_with_and_without_strangers():
    models = list(searches(0, better=1.2))
    with_strangers, _ = compare_searches(*models, fpir_targets=(0.1,), resamples=100)
    (rank,) = compare_searches(*map(without_strangers, models), fpir_targets=(0.1,), resamples=100)
    assert rank == with_strangers
    assert rank.figure == "rank 1"
    alone = [identify(without_strangers(model)).cmc[0].value for model in models]
    assert [rank.first, rank.second] == alone
    assert rank.difference == alone[0] - alone[1] > 0
    assert rank.counts
    turned = compare_searches(*models[::-1], resamples=100)[0]
    assert (turned.difference, turned.low, turned.high) == (-rank.difference, -rank.high, -rank.low)
    same = compare_searches(models[0], models[0])[0]
    assert (same.difference, same.low, same.high, same.p) == (0.0, 0.0, 0.0, 1.0)


def crowds(seed, better=0.0, people=20, images=6, distractors=1000):
    """Searches of two models for 20 people, some of whom resemble the crowd."""
    generator = np.random.default_rng([seed, 7])
    towards = np.eye(16)[0]
    centres = generator.standard_normal((people, 16)) / 4.0 + generator.random((people, 1)) * towards
    x = np.concatenate(
        [
            np.repeat(centres, images, axis=0) + 0.15 * generator.standard_normal((people * images, 16)),
            generator.standard_normal((distractors, 16)) / 4.0 + 0.4 * towards,
        ]
    )
    probes = people * images
    names = [f"p{at // images:02d}" for at in range(probes)] + [f"d{at}" for at in range(distractors)]
    crowd = UnitDistractors("crowd", positions(range(probes)), positions(range(probes, len(x))))
    for noise in (0.1, 0.1 + better):
        y = x + noise * generator.standard_normal(x.shape)
        yield crowd_scores(EmbeddingSet.of(y, names), crowd, (0.01,))


def test_a_crowd_searched_by_two_models():
    models = list(crowds(0, better=0.1))
    found = compare_crowds(*models, fmr_targets=(0.01, 1e-6), resamples=100)
    assert [each.figure for each in found] == ["rank 1", "FNMR at FMR 0.01", "FNMR at FMR 1e-06"]
    rank, fnmr, rare = found
    for side, model in enumerate(models):
        alone = judge_crowd(model, Settings(fmr_targets=(0.01,)))
        assert (rank.first, rank.second)[side] == alone.cmc[0].value
        assert (fnmr.first, fnmr.second)[side] == alone.fnmr_at_fmr[0.01].value
    assert rank.counts
    assert rank.difference > 0
    assert fnmr.counts
    assert fnmr.difference < 0
    assert "not supported by this data" in rare.reason
    back = compare_crowds(*models[::-1], fmr_targets=(0.01,), resamples=100)
    for there, again in zip(found[:2], back, strict=True):
        assert (there.difference, there.low, there.high) == (-again.difference, -again.high, -again.low)
    for same in compare_crowds(models[0], models[0], fmr_targets=(0.01,), resamples=100):
        assert (same.difference, same.low, same.high, same.p) == (0.0, 0.0, 0.0, 1.0)


def test_a_rate_the_tails_were_not_kept_for():
    one, two = (replace(model, tail=model.tail[-50:], tail_people=model.tail_people[-50:]) for model in crowds(1))
    rank, fnmr = compare_crowds(one, two, fmr_targets=(0.01,), resamples=50)
    assert rank.difference is not None
    assert fnmr.reason == "not measured: too few of the highest scores were kept"


def test_equally_good_models_rarely_differ_in_a_crowd():
    found = [compare_crowds(*crowds(seed), fmr_targets=(0.01,), resamples=100) for seed in range(16)]
    for figure in range(2):
        assert sum(each[figure].counts for each in found) <= 4  # of 16; more has probability 0.0009 at 95 %


def test_only_the_same_protocol_can_be_compared():
    one, two = two_models(4)
    fewer = replace(two, genuine=replace(two.genuine, first=two.genuine.first[::-1]))
    with pytest.raises(DataError, match="same genuine pairs"):
        compare_pairs(one, fewer)
    with pytest.raises(DataError, match="same people"):
        compare_pairs(one, replace(two, names=("x", *NAMES[1:])))
    with pytest.raises(ConfigurationError, match="confidence"):
        compare_pairs(one, two, confidence=2.0)
    first, second = searches(1)
    with pytest.raises(DataError, match="same searches"):
        compare_searches(first, replace(second, mated_people=second.mated_people[::-1]))
    here, there = crowds(0)
    for other in (replace(there, people=there.people[::-1]), replace(there, distractors=5)):
        with pytest.raises(DataError, match="same crowd"):
            compare_crowds(here, other)
    with pytest.raises(ConfigurationError, match="must lie between"):
        compare_crowds(here, there, fmr_targets=(0.0,))
