"""Neighbours and effective rank: by plain search, by hand, from torch, and whatever the blocks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sphereface.sphere import health, neighbours
from sphereface.sphere.effective_rank import effective_rank


@pytest.fixture
def faces():
    generator = np.random.default_rng(0)
    people = np.repeat(np.arange(30), generator.integers(1, 9, 30))
    x = generator.standard_normal((30, 16))[people] + 0.7 * generator.standard_normal((len(people), 16))
    return x * 5.0, people


@pytest.mark.parametrize("rows", [7, 512])
def test_neighbours_by_plain_search(faces, rows, monkeypatch):
    monkeypatch.setattr(neighbours, "_ROWS", rows)
    x, people = faces
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    found = neighbours.neighbours(x, people)
    for row in range(len(x)):
        angles = np.arccos(np.clip(unit @ unit[row], -1, 1))
        own = np.flatnonzero((people == people[row]) & (np.arange(len(x)) != row))
        others = np.flatnonzero(people != people[row])
        assert found.nearest_other[row] == others[angles[others].argmin()]
        assert found.other_angle[row] == pytest.approx(angles[others].min(), abs=1e-9)
        if own.size:
            assert found.farthest_own[row] == own[angles[own].argmax()]
            assert found.own_angle[row] == pytest.approx(angles[own].max(), abs=1e-9)
        else:
            assert found.farthest_own[row] == row
            assert math.isnan(found.own_angle[row])


def test_the_extremes_over_all_images_are_the_papers(faces):
    x, people = faces
    found, extremes = neighbours.neighbours(x, people), health.extreme_angles(x, people)
    assert np.nanmax(found.own_angle) == pytest.approx(extremes.largest_intra, abs=1e-12)
    assert min(found.other_angle) == pytest.approx(extremes.smallest_inter, abs=1e-12)


def test_one_person_and_tiny_angles():
    x = np.array([[1.0, 0.0], [1.0, 1e-5]], dtype=np.float32)
    found = neighbours.neighbours(x, [4, 4])
    assert found.own_angle == pytest.approx([1e-5, 1e-5], rel=1e-3)
    assert all(math.isnan(value) for value in found.other_angle)
    assert found.nearest_other == [0, 1]


def test_torch_tensors_give_the_same(faces):
    torch = pytest.importorskip("torch")
    x, people = faces
    one, two = neighbours.neighbours(x, people), neighbours.neighbours(torch.tensor(x), torch.tensor(people))
    assert (one.farthest_own, one.nearest_other) == (two.farthest_own, two.nearest_other)
    assert one.other_angle == pytest.approx(two.other_angle, abs=1e-12)
    assert effective_rank(torch.tensor(x)) == pytest.approx(effective_rank(x), rel=1e-10)


def test_effective_rank_is_its_definition(faces):
    x, _ = faces
    for points in (x, x[:9]):  # more images than dimensions, and fewer
        values = np.linalg.svd(points / np.linalg.norm(points, axis=1, keepdims=True), compute_uv=False)
        share = values / values.sum()
        assert effective_rank(points) == pytest.approx(np.exp(-(share * np.log(share)).sum()), rel=1e-9)


def test_effective_rank_at_the_ends():
    generator = np.random.default_rng(1)
    line = generator.standard_normal((50, 1)) * generator.standard_normal(8)
    assert effective_rank(line) == pytest.approx(1.0, abs=1e-5)
    assert effective_rank(np.concatenate([np.eye(6), -np.eye(6)])) == pytest.approx(6.0)
    plane = generator.standard_normal((500, 2)) @ np.linalg.qr(generator.standard_normal((10, 10)))[0][:2]
    assert effective_rank(plane) == pytest.approx(2.0, abs=0.02)
    assert math.isnan(effective_rank(np.zeros((0, 3))))
