"""Scores are told in standard deviations above what a face usually gets, by equations written out again here."""

from __future__ import annotations

import numpy as np
import pytest

from sphereface.errors import ConfigurationError, DataError
from sphereface.evaluation import score_normalisation
from sphereface.evaluation.score_normalisation import (
    NORMALISATIONS,
    Sides,
    adaptive_s_norm,
    cohort_statistics,
    normalised_pairs,
    s_norm,
    t_norm,
    z_norm,
)
from sphereface.evaluation.scores import all_pairs, score_list
from sphereface.evaluation.verification import verify

GENERATOR = np.random.default_rng(7)
IMAGES = GENERATOR.normal(size=(9, 6))
COHORT = GENERATOR.normal(size=(40, 6)) + 0.3
FIRST, SECOND = np.array([0, 1, 2, 3]), np.array([4, 5, 5, 8])


def angle_cosine(x, y):
    return float(x @ y / np.sqrt((x @ x) * (y @ y)))


SCORES = np.array([angle_cosine(IMAGES[i], IMAGES[j]) for i, j in zip(FIRST, SECOND, strict=True)])
SIDES = Sides(IMAGES, FIRST, SECOND)


def plain(score, image, top):
    """One score against one image, in plain Python."""
    cosines = sorted((angle_cosine(IMAGES[image], other) for other in COHORT), reverse=True)[:top]
    mean = sum(cosines) / len(cosines)
    return (score - mean) / (sum((c - mean) ** 2 for c in cosines) / len(cosines)) ** 0.5


def test_each_normalisation_is_its_equation():
    z = [plain(s, i, 40) for s, i in zip(SCORES, FIRST, strict=True)]
    t = [plain(s, j, 40) for s, j in zip(SCORES, SECOND, strict=True)]
    near = [(plain(s, i, 7) + plain(s, j, 7)) / 2 for s, i, j in zip(SCORES, FIRST, SECOND, strict=True)]
    np.testing.assert_allclose(z_norm(SCORES, SIDES, COHORT), z, rtol=0, atol=1e-12)
    np.testing.assert_allclose(t_norm(SCORES, SIDES, COHORT), t, rtol=0, atol=1e-12)
    np.testing.assert_allclose(s_norm(SCORES, SIDES, COHORT), np.add(z, t) / 2, rtol=0, atol=1e-12)
    np.testing.assert_allclose(adaptive_s_norm(SCORES, SIDES, COHORT, top=7), near, rtol=0, atol=1e-12)


def test_the_nearest_of_all_is_plain_s_norm():
    for top in (40, 1000):
        assert np.array_equal(adaptive_s_norm(SCORES, SIDES, COHORT, top=top), s_norm(SCORES, SIDES, COHORT))


def test_the_order_of_the_images_matters_to_z_and_t_only():
    turned = Sides(IMAGES, SECOND, FIRST)
    assert np.array_equal(z_norm(SCORES, turned, COHORT), t_norm(SCORES, SIDES, COHORT))
    np.testing.assert_allclose(s_norm(SCORES, turned, COHORT), s_norm(SCORES, SIDES, COHORT), atol=1e-14)


def test_neither_norms_nor_the_size_of_blocks_matter(monkeypatch):
    whole = cohort_statistics(IMAGES, COHORT, top=5)
    monkeypatch.setattr(score_normalisation, "_CELLS", 2 * len(COHORT))
    scales = np.arange(1, 10)[:, None]
    for one, two in zip(whole, cohort_statistics(scales * IMAGES, 3.0 * COHORT, top=5), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-14)


def test_a_failed_comparison_stays_failed_and_its_image_needs_no_embedding():
    lost = IMAGES.copy()
    lost[0] = 0.0
    scores = SCORES.copy()
    scores[0] = -np.inf
    for normalise in NORMALISATIONS.values():
        result = normalise(scores, Sides(lost, FIRST, SECOND), COHORT)
        assert result[0] == -np.inf
        assert np.isfinite(result[1:]).all()
    with pytest.raises(DataError, match="pair 0 has a score, but its image 0 has no embedding"):
        s_norm(SCORES, Sides(lost, FIRST, SECOND), COHORT)


@pytest.mark.parametrize(
    ("cohort", "message"),
    [
        (COHORT[:1], "at least two"),
        (np.zeros((3, 6)), "none of them zero"),
        (np.full((3, 6), np.nan), "none of them zero"),
        (COHORT[:, :5], "5 dimensions, but the embeddings have 6"),
        (np.tile(COHORT[0], (5, 1)), "equally near to all of the cohort"),
        (COHORT[0], "shape"),
    ],
)
def test_an_unusable_cohort_is_refused(cohort, message):
    with pytest.raises(DataError, match=message):
        s_norm(SCORES, SIDES, cohort)


def test_a_neighbourhood_of_one_is_refused():
    with pytest.raises(ConfigurationError, match="top must be 2 or more"):
        adaptive_s_norm(SCORES, SIDES, COHORT, top=1)


@pytest.fixture(scope="module")
def crowd():
    """60 people of four images: half lie in a crowd, where strangers look alike."""
    generator = np.random.default_rng(0)
    crowded = np.arange(60) % 2 == 0
    centre = generator.normal(size=32)
    centre /= np.linalg.norm(centre)

    def people(count, inside):
        own = generator.normal(size=(count, 32)) / np.sqrt(32)
        return own + np.where(inside[:, None], 1.0, 0.0) * centre

    faces = np.repeat(people(60, crowded), 4, axis=0) + generator.normal(size=(240, 32)) * 0.11
    names = [f"{number:02d}" for number in range(60) for _ in range(4)]
    return faces, names, people(300, np.arange(300) % 2 == 0)


def test_normalised_pairs_are_the_same_pairs_and_can_be_judged(crowd):
    faces, names, cohort = crowd
    pairs = all_pairs(faces, names)
    normalised = normalised_pairs(pairs, faces, cohort, "adaptive-s", top=50)
    assert normalised.title == "all pairs, at most 10 images a person, adaptive-s-norm"
    for before, after in ((pairs.genuine, normalised.genuine), (pairs.impostor, normalised.impostor)):
        assert np.array_equal(before.first, after.first)
        expected = adaptive_s_norm(before.scores, Sides(faces, before.first, before.second), cohort, top=50)
        np.testing.assert_allclose(after.scores, expected, atol=1e-12)
    raw, better = verify(pairs, resamples=20), verify(normalised, resamples=20)
    assert better.eer.value < 0.8 * raw.eer.value  # in a crowd and outside of it one threshold then does for both


def test_a_listed_image_that_is_missing_stays_a_failed_pair():
    first, second = np.array([0, 2, 0, 1]), np.array([1, 4, 2, 3])  # image 4 was never embedded
    people = np.array([0, 0, 1, 1, 1])
    same = np.array([True, True, False, False])
    scores = score_list("list", np.array([0.5, -np.inf, 0.1, 0.2]), same, first, second, people, ("a", "b"))
    normalised = normalised_pairs(scores, IMAGES[:4], COHORT, "s")
    assert normalised.failed == scores.failed == 1


def test_who_is_judged_cannot_be_in_the_cohort(crowd):
    faces, names, cohort = crowd
    pairs = all_pairs(faces, names)
    with pytest.raises(DataError, match="1 people of the cohort are also judged, such as '07'"):
        normalised_pairs(pairs, faces, cohort, "s", cohort_identities=["07", "stranger"])
    with pytest.raises(
        ConfigurationError, match=r"unknown score normalisation 'adaptive_s'.*Did you mean 'adaptive-s'"
    ):
        normalised_pairs(pairs, faces, cohort, "adaptive_s")
    with pytest.raises(DataError, match="240 images, but there are 241 embeddings"):
        normalised_pairs(pairs, np.ones((241, 32)), cohort, "s")
