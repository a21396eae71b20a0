"""Which pairs are scored, who is in them, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from sphereface.errors import DataError, NotEnoughDataError
from sphereface.evaluation.pair_list import NamedPair, locate
from sphereface.evaluation.scores import all_pairs, at_most, listed_pairs


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


def test_failed_images_are_in_no_pair():
    people, x = ["a", "a", "b", "b"], vectors(4)
    x[1] = np.nan
    scores = all_pairs(x, people, failed=np.array([False, True, False, False]))
    assert as_dictionary(scores.genuine).keys() == {(2, 3)}
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


PATHS = ["x/A/A_0001.jpg", "x/A/A_0002.jpg", "x/B/B_0001.jpg", "x/C/C_0001.jpg"]
NAMES = ["A", "A", "B", "C"]
PAIRS = [
    NamedPair("A/A_0001.jpg", "A/A_0002.jpg", "A", "A", same=True),
    NamedPair("C/C_0001.jpg", "A/A_0001.jpg", "C", "A", same=False),
    NamedPair("B/B_0001.jpg", "B/B_0002.jpg", "B", "B", same=True),  # B_0002 is not there
    NamedPair("D/D_0001.jpg", "B/B_0002.jpg", "D", "B", same=False),  # neither is there
]


def test_listed_pairs_keep_what_is_missing_as_failed():
    located = locate(PAIRS, PATHS, title="list")
    assert set(located.missing) == {"B/B_0002.jpg", "D/D_0001.jpg"}
    assert sorted(located.missing_people) == ["B", "D"]
    assert max(located.first.max(), located.second.max()) == 5
    x = vectors(4)
    scores = listed_pairs(x, located, NAMES)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    assert sorted(scores.genuine.scores) == pytest.approx([-np.inf, unit[0] @ unit[1]])
    assert sorted(scores.impostor.scores) == pytest.approx([-np.inf, unit[0] @ unit[3]])
    assert scores.failed == 2
    # An image that is there but could not be embedded fails in the same way.
    failed = np.array([True, False, False, False])
    assert listed_pairs(x, located, NAMES, failed=failed).failed == 4


def test_people_left_out_of_a_list():
    located = locate(PAIRS, PATHS, title="list", without=["b"])
    assert len(located) == 2
    with pytest.raises(DataError, match="no pair"):
        locate(PAIRS[:1], PATHS, title="list", without=["a"])


def test_lists_that_do_not_fit():
    with pytest.raises(DataError, match="none of the images"):
        locate(PAIRS, ["elsewhere/Z/Z_0001.jpg"], title="list")
    with pytest.raises(DataError, match="two evaluated files end in"):
        locate(PAIRS, [*PATHS, "y/A/A_0001.jpg"], title="list")
    located = locate(PAIRS, PATHS, title="list")
    with pytest.raises(DataError, match="made for 4 images"):
        listed_pairs(vectors(3), located, NAMES[:3])
    with pytest.raises(DataError, match="pair 1 of 'list' is listed as genuine"):
        listed_pairs(vectors(4), located, ["A", "Z", "B", "C"])
    with pytest.raises(NotEnoughDataError, match="only genuine pairs"):
        listed_pairs(vectors(4), locate(PAIRS[:1], PATHS, title="list"), NAMES)
