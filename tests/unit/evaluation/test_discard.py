"""Error versus discard: counted by hand, flat for a useless measure, falling for one that knows."""

from __future__ import annotations

import numpy as np
import pytest

from sphereface.errors import DataError
from sphereface.evaluation.discard import error_versus_discard
from sphereface.evaluation.scores import PairScores, all_pairs


def world(people: int = 150, images: int = 4, seed: int = 0) -> tuple[PairScores, np.ndarray]:
    """People whose pictures are the noisier the lower their quality; scores, and the quality."""
    generator = np.random.default_rng(seed)
    quality = generator.uniform(0.0, 1.0, people * images)
    centres = np.repeat(generator.standard_normal((people, 32)), images, axis=0)
    raw = centres + (2.0 * (1.0 - quality) ** 2)[:, None] * generator.standard_normal(centres.shape)
    names = [f"p{number // images}" for number in range(people * images)]
    return all_pairs(raw / np.linalg.norm(raw, axis=1, keepdims=True), names), quality


def test_counted_by_hand() -> None:
    scores, quality = world(people=20)
    threshold = np.sort(scores.impostor.scores)[::-1]
    (point,) = error_versus_discard(scores, quality, target_fmr=0.01, shares=(0.25,))
    # The smallest threshold at which at most one impostor pair in a hundred matches.
    allowed = int(0.01 * len(threshold))
    level = threshold[allowed]
    kept = quality >= np.sort(quality)[20]
    both = kept[scores.genuine.first] & kept[scores.genuine.second]
    assert point.pairs == both.sum()
    assert point.limit == np.sort(quality)[20]
    assert point.fnmr.value == pytest.approx(np.mean(scores.genuine.scores[both] <= level))


def test_a_measure_that_knows_lowers_the_error_and_one_that_does_not_leaves_it() -> None:
    scores, quality = world()
    knows = [point.fnmr.value for point in error_versus_discard(scores, quality)]
    assert knows[0] > 0.2
    assert knows[-1] < 0.5 * knows[0]
    guesses = error_versus_discard(scores, np.random.default_rng(1).permutation(quality))
    assert guesses[-1].fnmr.value == pytest.approx(guesses[0].fnmr.value, abs=0.06)
    worst = [point.fnmr.value for point in error_versus_discard(scores, -quality)]
    assert worst[-1] > worst[0]


def test_points_carry_intervals_and_points_without_pairs_are_left_out() -> None:
    scores, quality = world(people=30, images=2)
    points = error_versus_discard(scores, quality, shares=(0.0, 0.5, 0.999))
    assert [point.share for point in points] == [0.0, 0.5]
    for point in points:
        assert point.fnmr.low <= point.fnmr.value <= point.fnmr.high


def test_mistakes_are_told() -> None:
    scores, quality = world(people=20)
    with pytest.raises(DataError, match="80 finite numbers"):
        error_versus_discard(scores, quality[1:])
    with pytest.raises(DataError, match="80 finite numbers"):
        error_versus_discard(scores, np.where(quality > 0.5, np.nan, quality))
    with pytest.raises(DataError, match=r"below 1, not 1\.0"):
        error_versus_discard(scores, quality, shares=(1.0,))
