"""Achieved margins by hand on the circle, the same from numpy and torch, and against the plain definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sphereface.errors import DataError
from sphereface.sphere.achieved import achieved_margins


def at(*degrees):
    turn = np.radians(np.array(degrees, dtype=np.float64))
    return np.stack([np.cos(turn), np.sin(turn)], axis=1)


def test_by_hand():
    """Prototypes at 0, 90 and 180 degrees. Class 1 has no images; class 2 loses one to class 1."""
    found = achieved_margins(at(0, 10, 30, 180, 130) * 7.0, [0, 0, 0, 2, 2], at(0, 90, 180) * 0.1)
    assert found.classes == [0, 2]
    assert found.images == [3, 2]
    np.testing.assert_allclose(np.degrees(found.minimum), [30, -10], atol=1e-9)
    np.testing.assert_allclose(np.degrees(found.median), [70, 40], atol=1e-9)
    assert found.won == 0.5
    assert math.degrees(found.typical) == pytest.approx(55)


def test_numpy_torch_and_the_definition_agree_over_many_blocks():
    rng = np.random.default_rng(0)
    prototypes = rng.normal(size=(20, 8))
    labels = rng.integers(20, size=1300)
    x = prototypes[labels] + rng.normal(size=(1300, 8))
    ours = achieved_margins(x, labels, prototypes)
    theirs = achieved_margins(torch.from_numpy(x), torch.from_numpy(labels), torch.from_numpy(prototypes))
    unit = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (x, prototypes)]
    angles = np.arccos(unit[0] @ unit[1].T)
    own = angles[np.arange(1300), labels].copy()
    angles[np.arange(1300), labels] = np.inf
    margin = angles.min(axis=1) - own
    for found in (ours, theirs):
        assert found.classes == list(range(20))
        np.testing.assert_allclose(found.minimum, [margin[labels == c].min() for c in range(20)], atol=1e-9)
        np.testing.assert_allclose(found.median, [np.median(margin[labels == c]) for c in range(20)], atol=1e-9)


def test_small_angles_keep_their_digits():
    """acos of a float32 cosine has none at 1e-4 rad."""
    x = np.array([[1.0, 1e-4]], dtype=np.float32)
    found = achieved_margins(x, [0], np.array([[1.0, 0.0], [1.0, 3e-4]], dtype=np.float32))
    assert found.minimum[0] == pytest.approx(1e-4, rel=1e-3)


def test_nobody_has_no_margin():
    found = achieved_margins(np.zeros((0, 2)), [], np.eye(2))
    assert found.classes == []
    assert math.isnan(found.won)
    assert math.isnan(found.typical)


@pytest.mark.parametrize(
    ("x", "labels", "prototypes", "sentence"),
    [
        (np.eye(2), [0, 2], np.eye(2), r"labels must lie in \[0, 2\), but one of them is 2"),
        (np.eye(2), [0, -1], np.eye(2), "one of them is -1"),
        (np.eye(2), [0], np.eye(2), "one label for each of 2 embeddings, not 1"),
        (np.eye(3), [0, 1, 1], np.eye(2), r"with one d, not \(3, 3\) and \(2, 2\)"),
        (np.eye(2), [0, 0], np.ones((1, 2)), "2 prototypes or more"),
    ],
)
def test_what_does_not_fit(x, labels, prototypes, sentence):
    with pytest.raises(DataError, match=sentence):
        achieved_margins(x, labels, prototypes)
