"""Fusion by hand, and the identity it rests on: the cosine of a concatenation is the mean of the cosines."""

from __future__ import annotations

import numpy as np
import pytest

from sphereface.errors import ConfigurationError, DataError
from sphereface.evaluation.fusion import fuse_flips, fuse_models, fuse_scores
from sphereface.evaluation.scores import all_pairs, score_list


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


@pytest.fixture
def models():
    generator = np.random.default_rng(3)
    return [generator.normal(size=(12, width)) * generator.uniform(0.1, 9) for width in (4, 7, 5)]


NAMES = [name for name in "abcd" for _ in range(3)]


def test_the_cosine_of_a_concatenation_is_the_weighted_mean_of_the_cosines(models):
    for weights in (None, [0.5, 0.3, 0.2], [5, 3, 2], [1, 0, 0]):
        shares = np.ones(3) / 3 if weights is None else np.array(weights) / sum(weights)
        mean = sum(share * unit(x) @ unit(x).T for share, x in zip(shares, models, strict=True))
        fused = fuse_models(models, weights)
        assert np.allclose(fused @ fused.T, mean, atol=1e-14)


def test_scores_fused_are_the_scores_of_the_fused(models):
    one = fuse_scores([all_pairs(x, NAMES) for x in models], [2, 1, 1])
    two = all_pairs(fuse_models(models, [2, 1, 1]), NAMES)
    assert np.allclose(one.genuine.scores, two.genuine.scores, atol=1e-6)
    assert np.allclose(one.impostor.scores, two.impostor.scores, atol=1e-6)


def test_a_pair_that_one_model_could_not_score_has_no_score():
    same, people = np.array([True, True, False]), np.array([0, 0, 1, 1])
    parts = [
        score_list("list", np.array(scores), same, np.array([0, 2, 0]), np.array([1, 3, 3]), people, ("a", "b"))
        for scores in ([0.9, 0.8, 0.1], [-np.inf, 0.4, 0.3])
    ]
    # A model without weight has a say in whether there is a score.
    fused = fuse_scores(parts, [1, 0])
    assert fused.genuine.scores.tolist() == [-np.inf, 0.8]
    assert fuse_scores(parts, [1, 3]).impostor.scores == pytest.approx([0.25])
    assert fuse_scores(parts).failed == 1


def test_flips(models):
    x, y = models[0], models[0][::-1]
    # The sum of two vectors and the concatenation rank by different cosines; both by their definition.
    both = fuse_flips(x, y, "concatenate")
    assert np.allclose(both @ both.T, x @ x.T + y @ y.T)
    total = fuse_flips(x, y)
    assert np.allclose(total @ total.T, x @ x.T + x @ y.T + y @ x.T + y @ y.T)


def test_failed_rows_are_zero_and_not_looked_at(models):
    broken = models[0].copy()
    broken[2] = np.nan
    failed = np.arange(12) == 2
    fused = fuse_models([broken, models[1]], failed=failed)
    assert not fused[2].any()
    assert np.allclose(np.linalg.norm(fused[~failed], axis=1), 1.0)
    with pytest.raises(DataError, match="row 2 of part 0"):
        fuse_models([broken, models[1]])


def test_bad_input_is_answered_in_words(models):
    with pytest.raises(ConfigurationError, match="nothing to fuse"):
        fuse_models([])
    for weights in ([1, 2], [0, 0, 0], [1, -1, 1], [1, np.nan, 1]):
        with pytest.raises(ConfigurationError, match="give 3 weights"):
            fuse_models(models, weights)
    with pytest.raises(DataError, match="same images"):
        fuse_models([models[0], models[1][:5]])
    with pytest.raises(DataError, match="mask of failed"):
        fuse_models(models, failed=np.zeros(3, dtype=bool))
    with pytest.raises(DataError, match="differ in shape"):
        fuse_flips(models[0], models[1])
    with pytest.raises(ConfigurationError, match="not 'mean'"):
        fuse_flips(models[0], models[0], "mean")
    with pytest.raises(DataError, match="not the same pairs"):
        fuse_scores([all_pairs(models[0], NAMES), all_pairs(models[0][:9], NAMES[:9])])
