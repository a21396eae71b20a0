"""Which pairs are scored, who is in them, and what is refused."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from sphereface.errors import DataError, NotEnoughDataError
from sphereface.evaluation.images import at_most, checked
from sphereface.evaluation.protocol import UnitPairs, positions
from sphereface.evaluation.scores import all_pairs, listed_pairs


def vectors(count: int, dimension: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, dimension)) * 3.0


def as_dictionary(pairs):
    found = {
        tuple(sorted((int(one), int(two)))): float(score)
        for one, two, score in zip(pairs.first, pairs.second, pairs.scores, strict=True)
    }
    assert len(found) == len(pairs)
    return found


@pytest.mark.parametrize("people", [["b", "a", "b", "c", "a", "b"], [f"p{i % 7}" for i in range(600)]])
def test_all_pairs_are_every_pair_once(people):
    x = vectors(len(people))
    scores = all_pairs(x, people, images_per_identity=None)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    one, two = np.triu_indices(len(people), 1)
    same = np.array(people)[one] == np.array(people)[two]
    for pairs, kind in ((scores.genuine, same), (scores.impostor, ~same)):
        low, high = np.minimum(pairs.first, pairs.second), np.maximum(pairs.first, pairs.second)
        order = np.lexsort((high, low))
        assert np.array_equal(low[order], one[kind])
        assert np.array_equal(high[order], two[kind])
        assert np.allclose(pairs.scores[order], (unit @ unit.T)[one, two][kind], atol=1e-6)
    codes = scores.people
    assert (np.diff(codes[scores.impostor.first]) >= 0).all()
    assert (codes[scores.impostor.first] < codes[scores.impostor.second]).all()


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64])
def test_rows_are_brought_to_unit_norm_block_by_block_as_all_at_once(kind):
    x = (10.0 * vectors(10_000, 70)).astype(kind)  # more than two blocks
    failed = np.arange(len(x)) % 7 == 0
    x[failed] = 0
    unit, mask = checked(x, ["a"] * len(x), failed)
    whole = np.where(failed[:, None], 1.0, x.astype(np.float64))
    whole = np.where(failed[:, None], 0.0, whole / np.linalg.norm(whole, axis=1, keepdims=True))
    assert unit.dtype == np.float32
    assert np.array_equal(unit, whole.astype(np.float32))
    assert np.array_equal(mask, failed)


def test_all_bad_rows_are_counted_wherever_they_are():
    x = vectors(10_000, 70)
    x[[5000, 9999]] = 0.0
    with pytest.raises(DataError, match=r"2 of 10000 embeddings .* row 5000 \('p5000'\) is the zero vector"):
        checked(x, [f"p{at}" for at in range(len(x))])


def test_only_one_more_array_is_taken():
    x = np.ones((40_000, 64), np.float32)
    tracemalloc.start()
    checked(x, ["a"] * len(x))
    highest = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert highest < 1.6 * x.nbytes


def test_the_cap_keeps_the_same_images_whoever_else_is_there():
    people = ["a"] * 30 + ["b"] * 3 + ["c"] * 30
    kept = at_most(people, 10, seed=3)
    assert np.bincount(np.searchsorted(["a", "b", "c"], np.array(people)[kept])).tolist() == [10, 3, 10]
    assert at_most(people[:30], 10, seed=3).tolist() == kept[kept < 30].tolist()
    assert at_most(people, 10, seed=3).tolist() == kept.tolist()
    assert at_most(people, 10, seed=4).tolist() != kept.tolist()
    scores = all_pairs(vectors(63), people, seed=3)
    assert set(np.concatenate([scores.genuine.first, scores.genuine.second])) == set(kept)
    assert len(scores.genuine) == 45 + 3 + 45


def test_genuine_pairs_of_failed_images_are_misses_and_impostor_pairs_are_not_counted():
    people, x = ["a", "a", "b", "b"], vectors(4)
    x[1] = np.nan
    scores = all_pairs(x, people, failed=np.array([False, True, False, False]))
    assert as_dictionary(scores.genuine).keys() == {(0, 1), (2, 3)}
    assert as_dictionary(scores.genuine)[0, 1] == -np.inf
    assert np.isfinite(as_dictionary(scores.genuine)[2, 3])
    assert scores.people[scores.genuine.first].tolist() == [0, 1]  # still by the person of the first image
    assert scores.failed == 1
    assert as_dictionary(scores.impostor).keys() == {(0, 2), (0, 3)}


@pytest.mark.parametrize(
    ("x", "people", "words"),
    [
        (np.ones((2, 3, 1)), ["a", "b"], "shape"),
        (np.ones((2, 0)), ["a", "b"], "shape"),
        (np.array([["x"], ["y"]]), ["a", "b"], "numbers"),
        (np.ones((3, 4)), ["a", "b"], "3 embeddings but 2 identities"),
        (np.array([[1.0, 0.0], [np.nan, 0.0]]), ["a", "b"], r"row 1 \('b'\) holds NaN"),
        (np.array([[1.0, 0.0], [np.inf, 0.0]]), ["a", "b"], "row 1"),
        (np.array([[0.0, 0.0], [1.0, 0.0]]), ["a", "b"], r"row 0 \('a'\) is the zero vector"),
    ],
)
def test_unusable_embeddings_are_named(x, people, words):
    with pytest.raises(DataError, match=words):
        all_pairs(x, people)


def test_one_person_or_one_image_each_is_not_enough():
    with pytest.raises(NotEnoughDataError, match="one person"):
        all_pairs(vectors(3), ["a"] * 3)
    with pytest.raises(NotEnoughDataError, match="nobody has two images"):
        all_pairs(vectors(3), ["a", "b", "c"])
    with pytest.raises(DataError, match="images_per_identity"):
        all_pairs(vectors(3), ["a", "a", "b"], images_per_identity=0)


def test_too_many_pairs_are_refused_before_any_memory_is_taken():
    with pytest.raises(DataError, match="lower images_per_identity"):
        all_pairs(
            np.ones((15_000, 1), dtype=np.float32),
            [str(i // 100) for i in range(15_000)],
            images_per_identity=None,
        )


NAMES = ["A", "A", "B", "C"]
LIST = UnitPairs("list", positions([0, 3, 2]), positions([1, 0, 1]), np.array([True, False, False]))


def test_listed_pairs_of_failed_images_have_no_score():
    x = vectors(4)
    scores = listed_pairs(x, LIST, NAMES)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    assert scores.genuine.scores == pytest.approx([unit[0] @ unit[1]])
    assert sorted(scores.impostor.scores) == pytest.approx(sorted([unit[0] @ unit[3], unit[1] @ unit[2]]))
    assert scores.failed == 0
    failed = np.array([True, False, False, False])
    assert listed_pairs(x, LIST, NAMES, failed=failed).failed == 2
    assert not scores.balanced


def test_lists_that_do_not_fit():
    with pytest.raises(DataError, match="'list' speaks of image 3, but there are 3 embeddings"):
        listed_pairs(vectors(3), LIST, NAMES[:3])
    with pytest.raises(DataError, match="pair 1 of 'list' is listed as genuine, but shows 'A' and 'Z'"):
        listed_pairs(vectors(4), LIST, ["A", "Z", "B", "C"])
    one_kind = UnitPairs("list", LIST.first[:1], LIST.second[:1], LIST.same[:1])
    with pytest.raises(NotEnoughDataError, match="only genuine pairs"):
        listed_pairs(vectors(4), one_kind, NAMES)
