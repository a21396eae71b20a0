"""The matrix in memory equals brute force, however it was put together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sphereface.gallery import matrix as module
from sphereface.gallery.matrix import Matrix

D = 6


def brute_force(
    queries: np.ndarray, vectors: np.ndarray, people: np.ndarray, count: int
) -> list[list[tuple[int, float]]]:
    out = []
    for query in queries.astype(np.float64):
        best = dict.fromkeys(people.tolist(), -2.0)
        for vector, person in zip(vectors.astype(np.float64), people.tolist(), strict=True):
            best[person] = max(best[person], float(query @ vector))
        out.append(sorted(best.items(), key=lambda item: (-item[1], item[0]))[:count])
    return out


@given(
    seed=st.integers(0, 10**6),
    sizes=st.lists(st.integers(0, 9), min_size=1, max_size=6),
    crowd=st.integers(1, 8),
    block=st.integers(1, 7),
    count=st.integers(1, 9),
    share_kept=st.floats(0, 1),
)
@settings(max_examples=150, deadline=None)
def test_equals_brute_force(
    seed: int, sizes: list[int], crowd: int, block: int, count: int, share_kept: float
) -> None:
    rng = np.random.default_rng(seed)
    total = sum(sizes)
    vectors = rng.standard_normal((total, D)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9
    people, sequence = rng.integers(1, crowd + 1, total), np.cumsum(rng.integers(1, 4, total))
    queries = rng.standard_normal((3, D)).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK_ROWS", block)
        patch.setattr(module, "_QUERY_ROWS", 2)
        matrix, start = Matrix(), 0
        for size in sizes:
            part = slice(start, start + size)
            matrix = matrix.with_rows(vectors[part], sequence[part], people[part])
            start += size
        keep = rng.random(total) < share_kept
        kept = matrix.keeping(sequence[keep])
        for snapshot, rows in ((matrix, np.full(total, True)), (kept, keep)):
            assert len(snapshot) == rows.sum()
            assert snapshot.last_sequence == (sequence[rows].max() if rows.any() else 0)
            expected = brute_force(queries, vectors[rows], people[rows], count)
            got = snapshot.best_people(queries, count)
            assert [[person for person, _ in found] for found in got] == [
                [person for person, _ in found] for found in expected
            ]
            for found, wanted in zip(got, expected, strict=True):
                np.testing.assert_allclose([s for _, s in found], [s for _, s in wanted], atol=1e-5)


def test_of_equal_scores_the_earlier_person_comes_first() -> None:
    same = np.tile(np.eye(D, dtype=np.float32)[0], (5, 1))
    matrix = Matrix().with_rows(same, np.arange(1, 6), np.array([7, 3, 9, 3, 1]))
    assert [person for person, _ in matrix.best_people(same[:1], 3)[0]] == [1, 3, 7]


def test_old_snapshots_do_not_change() -> None:
    eye = np.eye(D, dtype=np.float32)
    before = Matrix().with_rows(eye[:1], np.array([1]), np.array([1]))
    before.with_rows(eye[1:2], np.array([2]), np.array([2]))
    before.keeping(np.array([], dtype=np.int64))
    assert len(before) == 1
    assert before.best_people(eye[:1], 5) == [[(1, 1.0)]]
