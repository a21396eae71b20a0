"""d' by its definition, with failures, and with intervals that cover as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sphereface.embedder.separation import separation

Floats = NDArray[np.float64]


def units(rows: Floats) -> Floats:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def drawn(generator: np.random.Generator, people: int, images: int) -> tuple[Floats, NDArray[np.int64]]:
    """Embeddings of people who differ, with noise."""
    labels = np.repeat(np.arange(people), images)
    means = generator.standard_normal((people, 16))
    return units(means[labels] + generator.standard_normal((len(labels), 16))), labels


def written_out(embeddings: Floats, labels: NDArray[np.int64]) -> float:
    """d' over a list of pairs; one with a failed picture has the mean impostor score of the others."""
    cosines, same = [], []
    for first in range(len(labels)):
        for second in range(first):
            cosines.append(float(embeddings[first] @ embeddings[second]))
            same.append(labels[first] == labels[second])
    scores, genuine = np.array(cosines), np.array(same)
    scores[np.isnan(scores)] = scores[~genuine & ~np.isnan(scores)].mean()
    spread = np.sqrt((scores[genuine].var() + scores[~genuine].var()) / 2)
    return float((scores[genuine].mean() - scores[~genuine].mean()) / spread)


def test_is_d_prime_by_its_definition_with_everybody_and_without_each() -> None:
    embeddings, labels = drawn(np.random.default_rng(0), 6, 4)
    labels = np.random.default_rng(1).permutation(labels)  # the order of pictures does not matter
    found = separation(embeddings, labels)
    assert found.value == pytest.approx(written_out(embeddings, labels), rel=1e-12)
    for person in range(6):
        others = labels != person
        assert found.without[person] == pytest.approx(written_out(embeddings[others], labels[others]))


def test_failed_pictures_are_like_everybody() -> None:
    embeddings, labels = drawn(np.random.default_rng(0), 6, 4)
    values = []
    for failed in (0, 2, 8):
        spoilt = embeddings.copy()
        spoilt[np.arange(failed) * 3] = np.nan
        values.append(separation(spoilt, labels).value)
        assert values[-1] == pytest.approx(written_out(spoilt, labels))
    assert values == sorted(values, reverse=True)
    assert separation(np.full_like(embeddings, np.nan), labels).interval() == (0.0, 0.0, 0.0)


def test_scores_that_are_all_one_separate_nobody() -> None:
    assert separation(np.tile([1.0, 0.0], (8, 1)), np.repeat(np.arange(4), 2)).value == 0.0


def test_the_paired_interval_covers_no_rise_as_often_as_it_says() -> None:
    """The noise is half common to both, as that of two contracts on the same pictures."""
    generator = np.random.default_rng(3)
    covered, labels = 0, np.repeat(np.arange(15), 4)
    for _ in range(400):
        means, shared = generator.standard_normal((15, 16)), generator.standard_normal((60, 16))
        one, two = (
            separation(units(means[labels] + shared + 0.7 * generator.standard_normal((60, 16))), labels)
            for _ in range(2)
        )
        low, high = one.rise_over(two, 0.95)[1:]
        covered += low <= 0.0 <= high
    assert covered / 400 > 0.917  # three standard deviations below 0.95
