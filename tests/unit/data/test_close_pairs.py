"""Close pairs without comparing each with each, held against comparing each with each."""

from __future__ import annotations

import numpy as np
import pytest

from sphereface.data import close_pairs as module
from sphereface.data.close_pairs import MOST_PARTNERS, Vectors, close_pairs


def unit(vectors: np.ndarray) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def crowd(count: int, seed: int = 0, dimension: int = 48) -> Vectors:
    """Vectors with a few strong directions, as pictures have, and for every tenth a partner close by."""
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=(count, dimension)) / np.arange(1, dimension + 1)
    own = count // 10
    vectors[:own] = unit(vectors[own : 2 * own]) + generator.normal(scale=0.02, size=(own, dimension))
    return unit(vectors)


def brute(vectors: Vectors, queries: Vectors, smallest: float) -> set[tuple[int, int]]:
    query, vector = np.nonzero(queries @ vectors.T >= smallest)
    return set(zip(query.tolist(), vector.tolist(), strict=True))


def found(vectors: Vectors, queries: Vectors, smallest: float) -> set[tuple[int, int]]:
    query, vector = close_pairs(vectors, queries, smallest)
    pairs = list(zip(query.tolist(), vector.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)
    return set(pairs)


@pytest.mark.parametrize("count", [30, 1000, 5000])
def test_nothing_false_and_hardly_anything_missed(count: int) -> None:
    vectors = crowd(count)
    expected = brute(vectors, vectors, 0.97)
    pairs = found(vectors, vectors, 0.97)
    assert pairs <= expected
    assert len(pairs) >= 0.99 * len(expected)
    assert {(index, index) for index in range(count)} <= pairs
    own = count // 10
    assert sum((index, own + index) in pairs for index in range(own)) >= 0.99 * own


def test_most_pairs_are_never_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = crowd(5000)
    visits, posts = module._visits(vectors, module._posts(vectors))[1], len(module._posts(vectors))
    sizes = np.bincount(np.concatenate(list(module._nearest(vectors, module._posts(vectors)))), minlength=posts)
    assert sizes[visits].sum() < 0.3 * len(vectors) ** 2


def test_small_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, queries = crowd(600, 1), crowd(300, 2)
    whole = [part.tolist() for part in close_pairs(vectors, queries, 0.9)]
    monkeypatch.setattr(module, "_BLOCK", 64)
    assert [part.tolist() for part in close_pairs(vectors, queries, 0.9)] == whole


def test_a_film_gives_each_frame_its_closest_partners_only() -> None:
    vectors = unit(np.ones(16) + np.random.default_rng(3).normal(scale=0.01, size=(2000, 16)))
    query, vector = close_pairs(vectors, vectors, 0.9)
    assert np.bincount(query).tolist() == [MOST_PARTNERS] * len(vectors)
    cosines = vectors[:20] @ vectors.T
    least = np.array([cosines[row, vector[query == row]].min() for row in range(20)])
    assert (np.sort(cosines, axis=1)[:, -MOST_PARTNERS] <= least + 1e-6).mean() > 0.9


def test_nothing_to_compare() -> None:
    vectors, none = crowd(10), np.zeros((0, 48), np.float32)
    for first, second in ((none, none), (vectors, none), (none, vectors)):
        assert [len(part) for part in close_pairs(first, second, 0.5)] == [0, 0]
    alone = unit(np.ones((1, 48)))
    assert found(alone, alone, 0.5) == {(0, 0)}
