"""Five landmarks to the template: the least-squares similarity, and what fixes none."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from sphereface.errors import DataError
from sphereface.faces.template import (
    ARCFACE_TEMPLATE,
    SPHEREFACE_TEMPLATE,
    TEMPLATES,
    after,
    apply,
    scale_of,
    similarity,
)


def umeyama(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Umeyama 1991, equations 38 to 43, by singular values as he gives them: another way to the same matrix."""
    start, centre = source.mean(0), target.mean(0)
    left, values, right = np.linalg.svd((target - centre).T @ (source - start) / len(source))
    sign = np.array([1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    turn = left @ np.diag(sign) @ right
    scale = (values * sign).sum() / ((source - start) ** 2).sum() * len(source)
    return np.column_stack([scale * turn, centre - scale * turn @ start])


def test_the_published_templates() -> None:
    assert TEMPLATES["112x112"] is ARCFACE_TEMPLATE
    assert TEMPLATES["112x96"] is SPHEREFACE_TEMPLATE
    np.testing.assert_allclose(ARCFACE_TEMPLATE[0], (38.2946, 51.6963))
    np.testing.assert_allclose(SPHEREFACE_TEMPLATE[4], (62.7299, 92.2041))
    np.testing.assert_allclose(ARCFACE_TEMPLATE - SPHEREFACE_TEMPLATE, [(8.0, 0.0)] * 5, atol=1e-12)
    with pytest.raises(ValueError, match="read-only"):
        ARCFACE_TEMPLATE[0, 0] = 0.0


@pytest.mark.parametrize("seed", range(20))
def test_it_is_umeyamas_solution(seed: int) -> None:
    generator = np.random.default_rng(seed)
    landmarks = 40.0 * generator.standard_normal((5, 2)) + 300.0
    np.testing.assert_allclose(similarity(landmarks), umeyama(landmarks, ARCFACE_TEMPLATE), atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_no_other_similarity_is_closer(seed: int) -> None:
    generator = np.random.default_rng(seed)
    landmarks = ARCFACE_TEMPLATE * 2.0 + 4.0 * generator.standard_normal((5, 2))
    best = similarity(landmarks)

    def misfit(matrix: np.ndarray) -> float:
        return float(((apply(matrix, landmarks) - ARCFACE_TEMPLATE) ** 2).sum())

    for _ in range(50):
        a, b = 1.0 + 0.01 * generator.standard_normal(), 0.01 * generator.standard_normal()
        other = after([(a, -b, generator.normal()), (b, a, generator.normal())], best)
        assert misfit(other) >= misfit(best)


def test_a_mirrored_face_is_turned_and_never_mirrored_back() -> None:
    mirrored = ARCFACE_TEMPLATE * (-1.0, 1.0) + (112.0, 0.0)
    matrix = similarity(mirrored)
    assert np.linalg.det(matrix[:, :2]) > 0


def test_points_on_one_line_are_enough() -> None:
    line = np.array([(0.0, 0.0), (4.0, 4.0), (2.0, 2.0), (1.0, 1.0), (3.0, 3.0)])
    np.testing.assert_allclose(similarity(line, 2.0 * line + 5.0), [(2.0, 0.0, 5.0), (0.0, 2.0, 5.0)], atol=1e-12)


@pytest.mark.parametrize(
    ("landmarks", "words"),
    [
        (np.full((5, 2), 7.0), "lie on one spot (7, 7)"),
        (np.zeros((5, 2)), "lie on one spot (0, 0)"),
        (np.full((5, 2), 1e6) + 1e-10 * np.arange(10).reshape(5, 2), "lie on one spot"),
        (np.where(np.eye(5, 2) > 0, np.nan, 3.0), "point 1 of 5 is not"),
        (np.array([*ARCFACE_TEMPLATE[:4], (np.inf, 0.0)]), "point 5 of 5 is not"),
        (ARCFACE_TEMPLATE[:4], "not (4, 2)"),
        (ARCFACE_TEMPLATE.ravel(), "not (10,)"),
    ],
)
def test_landmarks_that_fix_nothing_are_told(landmarks: np.ndarray, words: str) -> None:
    with pytest.raises(DataError, match=re.escape(words)):
        similarity(landmarks)


def test_landmarks_without_a_best_turn_are_told() -> None:
    star = np.exp(2j * math.pi * np.arange(5) / 5)
    start, target = np.stack([star.real, star.imag], 1), np.stack([star.real, -star.imag], 1)
    with pytest.raises(DataError, match="check their order"):
        similarity(start, target)


def test_two_maps_after_each_other() -> None:
    first, second = similarity(3.0 * ARCFACE_TEMPLATE + 9.0), np.array([(0.0, -2.0, 1.0), (2.0, 0.0, 4.0)])
    np.testing.assert_allclose(
        apply(after(second, first), ARCFACE_TEMPLATE), apply(second, apply(first, ARCFACE_TEMPLATE))
    )
    assert scale_of(after(second, first)) == pytest.approx(2.0 / 3.0)
