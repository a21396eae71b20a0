"""Templates against plain loops and against the arithmetic of the field's own code."""

from __future__ import annotations

import numpy as np
import pytest

from sphereface.errors import DataError
from sphereface.evaluation import templates
from sphereface.evaluation.scores import all_pairs
from sphereface.evaluation.templates import pool


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


@pytest.fixture
def faces():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(200, 6)) * generator.uniform(0.2, 5.0, (200, 1))
    return x, generator.integers(0, 12, 200), generator.integers(0, 5, 200), generator.uniform(0, 1, 200)


def by_loops(x, codes, media, weights, keep_norm, count):
    rows = x if keep_norm else unit(x)
    out = np.zeros((count, x.shape[1]))
    for template in range(count):
        means = []
        for medium in np.unique(media[codes == template]):
            own = (codes == template) & (media == medium)
            means.append(np.mean(weights[own, None] * rows[own], axis=0))
        out[template] = unit(np.mean(means, axis=0))
    return out


@pytest.mark.parametrize("keep_norm", [False, True])
@pytest.mark.parametrize("block", [7, 1024])
def test_pooling_is_its_definition(faces, keep_norm, block, monkeypatch):
    monkeypatch.setattr(templates, "_ROWS", block)
    x, codes, media, weights = faces
    found = pool(x, codes, media, weights=weights, keep_norm=keep_norm)
    assert np.allclose(found.embeddings, by_loops(x, codes, media, weights, keep_norm, 12), atol=1e-13)
    assert found.images.tolist() == np.bincount(codes).tolist()
    assert found.media.tolist() == [len(np.unique(media[codes == code])) for code in range(12)]
    assert not found.failed.any()


def test_a_photograph_weighs_as_much_as_a_long_video():
    # 99 frames to the east, one photograph to the north: north-east by media, nearly east without.
    x = np.array([[1.0, 0.0]] * 99 + [[0.0, 1.0]])
    media = ["film"] * 99 + ["photograph"]
    assert pool(x, [0] * 100, media).embeddings[0] == pytest.approx(np.sqrt([0.5, 0.5]))
    assert pool(x, [0] * 100).embeddings[0] == pytest.approx(unit(np.array([99.0, 1.0])))


def test_norms_and_weights_are_two_ways_to_say_the_same(faces):
    x, codes, media, _ = faces
    by_norm = pool(x, codes, media, keep_norm=True).embeddings
    by_weight = pool(x, codes, media, weights=np.linalg.norm(x, axis=1)).embeddings
    assert np.allclose(by_norm, by_weight, atol=1e-13)
    assert not np.allclose(by_norm, pool(x, codes, media).embeddings, atol=1e-3)


def test_a_failed_image_is_as_if_it_had_never_been(faces):
    x, codes, media, weights = faces
    failed = np.arange(200) % 3 == 0
    broken = np.where(failed[:, None], np.nan, x)
    found = pool(broken, codes, media, weights=weights, failed=failed, count=13)
    kept = pool(x[~failed], codes[~failed], media[~failed], weights=weights[~failed], count=13)
    assert np.array_equal(found.embeddings, kept.embeddings)
    assert found.failed.tolist() == [False] * 12 + [True]
    assert not found.embeddings[12].any()


def test_templates_without_a_direction_fail_and_others_do_not():
    x = np.array([[1.0, 0.0], [-1.0, 0.0], [3.0, 4.0], [3.0, 4.0]])
    found = pool(x, [0, 0, 1, 2], weights=[1.0, 1.0, 1e-30, 0.0])
    assert found.failed.tolist() == [True, False, True]
    assert found.embeddings.tolist() == [[0.0, 0.0], [0.6, 0.8], [0.0, 0.0]]
    # A sum that is zero but for rounding has no direction either.
    third = np.radians([0.0, 120.0, 240.0])
    assert pool(np.stack([np.cos(third), np.sin(third)], axis=1), [0, 0, 0]).failed.all()


def test_no_images_at_all():
    found = pool(np.zeros((0, 4)), [], count=2)
    assert found.failed.tolist() == [True, True]
    assert found.embeddings.shape == (2, 4)


def test_failed_templates_can_be_compared_as_failed_images(faces):
    x, codes, media, _ = faces
    found = pool(x, codes, media, count=13)
    scores = all_pairs(found.embeddings, [f"p{code % 4}" for code in range(13)], failed=found.failed)
    usable = np.isfinite(scores.genuine.scores).sum() + len(scores.impostor)
    assert usable == 12 * 11 // 2
    assert scores.failed > 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"templates": [0, 1]}, "templates must be 3 values"),
        ({"templates": [0, 1, 3]}, "template 3 is out of range"),
        ({"templates": [0, 1, -1]}, "whole numbers from 0"),
        ({"templates": [0.0, 1.0, 2.0]}, "whole numbers"),
        ({"templates": [0, 1, 2], "count": 2}, "template 2 is out of range"),
        ({"media": [1]}, "media must be 3 values"),
        ({"weights": [1.0, -1.0, 1.0]}, "row 1 has -1"),
        ({"weights": [1.0, 1.0, np.nan]}, "row 2 has nan"),
        ({"embeddings": np.array([[1.0], [0.0], [1.0]])}, "embedding 1 is the zero vector"),
        ({"embeddings": np.array([[1.0], [1.0], [np.inf]])}, "embedding 2 holds NaN or infinity"),
        ({"embeddings": np.ones(3)}, "shape"),
        ({"failed": [True]}, "mask of failed images"),
    ],
)
def test_bad_input_is_answered_in_words(change, words):
    arguments = {"embeddings": np.ones((3, 2)), "templates": [0, 1, 2]} | change
    with pytest.raises(DataError, match=words):
        pool(**arguments)
