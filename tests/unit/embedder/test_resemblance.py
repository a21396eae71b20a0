"""People compared by face: scores against plain loops, and findings in worlds where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from sphereface.embedder.resemblance import (
    EmbeddedPeople,
    alike_level,
    find_shared,
    find_strays,
    find_twice,
)
from sphereface.errors import ConfigurationError, NotEnoughDataError


def world(seed: int, people: int = 40, images: int = 6, spread: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    """Centres and pictures of people on the sphere: labels (N,) and unit vectors (N, 64)."""
    generator = np.random.default_rng(seed)
    centres = generator.standard_normal((people, 64))
    labels = np.repeat(np.arange(people), images)
    raw = centres[labels] + spread * generator.standard_normal((len(labels), 64))
    return labels, raw / np.linalg.norm(raw, axis=1, keepdims=True)


def embedded(labels: np.ndarray, vectors: np.ndarray, prefix: str = "p") -> EmbeddedPeople:
    names = [f"{prefix}{number}" for number in range(int(labels.max()) + 1)]
    pictures = [f"{names[label]}/{index}" for index, label in enumerate(labels)]
    return EmbeddedPeople(names, labels.astype(np.int64), vectors.astype(np.float32), pictures)


def test_the_score_of_two_people_is_the_mean_over_their_five_most_alike_pairs() -> None:
    people = embedded(*world(0, people=25, images=4))
    for pair in find_twice(people, -1.0)[:50]:
        first, second = (people.labels == people.names.index(name) for name in (pair.first, pair.second))
        cosines = people.vectors[first] @ people.vectors[second].T
        assert pair.score == pytest.approx(float(np.sort(cosines, axis=None)[-5:].mean()), abs=1e-5)
        best = np.unravel_index(cosines.argmax(), cosines.shape)
        assert pair.pictures == (
            people.pictures[np.flatnonzero(first)[best[0]]],
            people.pictures[np.flatnonzero(second)[best[1]]],
        )


def test_each_pair_of_a_set_is_compared_once_and_sorted() -> None:
    people = embedded(*world(1, people=30))
    pairs = find_twice(people, -1.0)
    assert len({frozenset((pair.first, pair.second)) for pair in pairs}) == len(pairs) == 30 * 29 // 2
    assert [pair.score for pair in pairs] == sorted((pair.score for pair in pairs), reverse=True)


@pytest.mark.parametrize("seed", range(5))
def test_people_in_both_sets_are_found_and_nobody_else(seed: int) -> None:
    labels, vectors = world(seed, spread=0.4)
    half = np.arange(len(labels)) % 2 == 0
    first = embedded(labels[half & (labels < 30)], vectors[half & (labels < 30)], "a")
    there = ~half & (labels >= 20)
    second = embedded(labels[there] - 20, vectors[there], "b")
    found = {(pair.first, pair.second) for pair in find_shared(first, second, alike_level(first, 0.999))}
    assert found == {(f"a{number}", f"b{number - 20}") for number in range(20, 30)}


def test_the_level_is_reached_by_that_share_of_pictures_each_person_counting_once() -> None:
    labels, vectors = world(3, people=200, images=10)
    people = embedded(labels, vectors)
    for recall in (0.8, 0.95):
        level = alike_level(people, recall)
        gram = people.vectors @ people.vectors.T
        own = [
            np.sort(np.delete(gram[index], index)[np.delete(labels, index) == label])[-5:].mean()
            for index, label in enumerate(labels)
        ]
        assert np.mean(np.array(own) >= level - 1e-6) == pytest.approx(recall, abs=0.002)


def test_one_person_with_very_many_pictures_does_not_set_the_level_alone() -> None:
    labels, vectors = world(4, people=40, images=4)
    generator = np.random.default_rng(0)
    strange = generator.standard_normal((2000, 64))
    strange /= np.linalg.norm(strange, axis=1, keepdims=True)
    with_crowd = embedded(np.append(labels, np.full(2000, 40)), np.vstack([vectors, strange]))
    assert alike_level(with_crowd, 0.9) > 0.5 * alike_level(embedded(labels, vectors), 0.9)


@pytest.mark.parametrize("seed", range(5))
def test_pictures_under_the_wrong_name_are_found_with_whose_they_are(seed: int) -> None:
    labels, vectors = world(seed)
    wrong = labels.copy()
    moved = {3: 17, 100: 2, 200: 9}
    for picture, person in moved.items():
        wrong[picture] = person
    strays = find_strays(embedded(wrong, vectors))
    assert {int(stray.picture.split("/")[1]): stray.person for stray in strays} == {
        picture: f"p{person}" for picture, person in moved.items()
    }
    for stray in strays:
        assert stray.nearest == f"p{labels[int(stray.picture.split('/')[1])]}"
        assert stray.score < stray.nearest_score
        assert stray.own_picture.split("/")[0] == stray.person
        assert stray.nearest_picture.split("/")[0] == stray.nearest
        assert stray.picture not in (stray.own_picture, stray.nearest_picture)


def test_a_clean_set_has_no_findings() -> None:
    people = embedded(*world(9))
    assert find_strays(people) == []
    assert find_twice(people, alike_level(people)) == []


def test_a_person_with_one_picture_is_no_stray_but_can_be_somebody_else() -> None:
    labels, vectors = world(2, people=30, images=4)
    people = embedded(np.append(labels, 30), np.vstack([vectors, vectors[:1] * 0.999 + 1e-3]))
    assert all(stray.person != "p30" for stray in find_strays(people))
    assert [(pair.first, pair.second) for pair in find_twice(people, alike_level(people))] == [("p0", "p30")]


def test_a_name_without_pictures_is_like_nobody() -> None:
    labels, vectors = world(5, people=22)
    people = EmbeddedPeople(
        [*(f"p{k}" for k in range(22)), "empty"], labels, vectors.astype(np.float32), [""] * len(labels)
    )
    assert all("empty" not in (pair.first, pair.second) for pair in find_twice(people, -1.0))
    assert all(stray.nearest != "empty" for stray in find_strays(people, 0.5))


def test_mistakes_are_told() -> None:
    people = embedded(*world(0, people=19))
    with pytest.raises(NotEnoughDataError, match="19 people have two pictures or more"):
        alike_level(people)
    with pytest.raises(ConfigurationError, match="recall"):
        alike_level(embedded(*world(0)), 1.0)
    with pytest.raises(ConfigurationError, match="strangers"):
        find_strays(people, 0.0)
