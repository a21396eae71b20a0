"""Health as a whole: each figure from the function that defines it, and the people who spoil the criterion."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import spearmanr

from sphereface.errors import DataError
from sphereface.evaluation.hypersphere import measure_health
from sphereface.sphere import health


def at(*degrees):
    angle = np.radians(np.array(degrees, dtype=np.float64))
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def world(people=40, images=6, seed=0):
    generator = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), images)
    x = generator.standard_normal((people, 24))[who] + 0.7 * generator.standard_normal((len(who), 24))
    return x, [f"p{number:03d}" for number in who], who


def test_every_figure_is_the_one_of_its_definition():
    x, names, who = world()
    found = measure_health(x, names)
    extremes = health.extreme_angles(x, who)
    assert found.largest_intra_angle == pytest.approx(extremes.largest_intra, abs=1e-6)
    assert found.smallest_inter_angle == pytest.approx(extremes.smallest_inter, abs=1e-6)
    assert found.ideal_criterion_met == extremes.met
    assert found.alignment == pytest.approx(health.alignment(x, who), abs=1e-6)
    assert found.uniformity == pytest.approx(health.uniformity(x), abs=1e-5)
    assert found.ideal_criterion_rate.value == health.ideal_criterion_draws(x, who).rate
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    share = np.linalg.svd(unit, compute_uv=False)
    share /= share.sum()
    assert found.effective_rank == pytest.approx(np.exp(-(share * np.log(share)).sum()), rel=1e-5)


def test_the_criterion_person_by_person_in_plain_loops():
    x, names, who = world(images=4)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    cosine = unit @ unit.T
    met = []
    for person in range(40):
        own = cosine[np.ix_(who == person, who == person)].min()
        met.append(own > cosine[np.ix_(who == person, who != person)].max())
    rate = measure_health(x, names).person_criterion
    assert 0.0 < rate.value < 1.0
    assert rate.value == pytest.approx(np.mean(met))
    assert rate.low < rate.value < rate.high


def test_worst_offenders_by_hand():
    # a: 0 and 30 degrees; b: 40 and 100, a failed image between; c: 112 and 200 degrees; d alone at 310.
    x = at(0, 30, 70, 40, 100, 112, 200, 310)
    names = list("aabbbccd")
    failed = np.arange(8) == 2
    found = measure_health(x, names, failed=failed)
    assert [(pair.first, pair.second) for pair in found.widest] == [(5, 6), (3, 4), (0, 1)]
    assert [math.degrees(math.acos(pair.score)) for pair in found.widest] == pytest.approx([88, 60, 30], abs=1e-4)
    near = [(pair.first, pair.second) for pair in found.nearest]
    # One pair a couple: 30-40 of a and b, 100-112 of b and c; then d's nearest, the image of a at 0.
    assert near == [(1, 3), (4, 5), (0, 7)]
    assert found.largest_intra_angle == pytest.approx(math.radians(88), abs=1e-6)
    assert found.smallest_inter_angle == pytest.approx(math.radians(10), abs=1e-6)
    assert found.person_criterion.value == 0.0  # of a, b and c; d has no angle of their own


def test_norm_against_quality():
    x, names, _ = world()
    generator = np.random.default_rng(1)
    norms = generator.uniform(5, 30, len(x))
    quality = norms + generator.normal(0, 10, len(x))
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    expected = spearmanr(norms, quality).statistic
    from_rows = measure_health(unit * norms[:, None], names, quality=quality).norm_quality
    assert from_rows.value == pytest.approx(expected, abs=1e-12)
    assert from_rows.low < expected < from_rows.high
    given = measure_health(unit, names, norms=norms, quality=quality).norm_quality
    assert given.value == pytest.approx(expected, abs=1e-12)
    assert "one norm" in measure_health(unit, names, quality=quality).norm_quality.reason
    assert measure_health(unit, names).norm_quality is None
    for word in ("norms", "quality"):
        with pytest.raises(DataError, match=f"{word} must be 240 finite"):
            measure_health(unit, names, **({"quality": quality} | {word: norms[:3]}))


def test_what_a_set_cannot_show_is_not_a_number_and_no_error():
    strangers = measure_health(at(0, 90, 180), list("abc"))
    assert math.isnan(strangers.largest_intra_angle)
    assert not strangers.ideal_criterion_met
    assert strangers.widest == []
    assert "two images" in strangers.person_criterion.reason
    alone = measure_health(at(0, 10), list("aa"))
    assert math.isnan(alone.smallest_inter_angle)
    assert alone.nearest == []
    assert alone.person_criterion.value is None
    with pytest.raises(DataError, match="nothing to measure"):
        measure_health(at(0, 10), list("aa"), failed=np.ones(2, dtype=bool))


def test_a_perfect_embedding_meets_everything():
    x = np.repeat(np.eye(30), 5, axis=0)
    found = measure_health(x, [f"p{number:02d}" for number in np.repeat(np.arange(30), 5)])
    assert found.ideal_criterion_met
    assert found.person_criterion.value == found.ideal_criterion_rate.value == 1.0
    assert found.effective_rank == pytest.approx(30.0)
    assert found.alignment == pytest.approx(0.0, abs=1e-12)
