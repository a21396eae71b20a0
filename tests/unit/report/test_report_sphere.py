from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sphereface.report.arrangement import place_on_globe, turn_towards_viewer, unit_rows
from sphereface.report.canvas import PEOPLE
from sphereface.report.content import SphereSample
from sphereface.report.sphere import people_of, sphere_figure, worth_drawing


def angles(points: np.ndarray) -> np.ndarray:
    return np.arccos(np.clip(points @ points.T, -1, 1))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 40))
def test_what_lies_on_a_globe_already_keeps_its_angles(seed: int, dimension: int) -> None:
    random = np.random.default_rng(seed)
    flat = unit_rows(random.standard_normal((20, 3)))
    turned = flat @ np.linalg.qr(random.standard_normal((dimension, 3)))[0].T
    globe = place_on_globe(turned)
    np.testing.assert_allclose(np.linalg.norm(globe.points, axis=1), 1)
    assert globe.angle_error < 0.01
    assert np.abs(angles(globe.points) - angles(flat)).max() < 0.05


def test_octahedron_of_people_in_many_dimensions() -> None:
    """Six people at right angles fit on a globe except for opposite poles: 12 of 15 angles can be true."""
    globe = place_on_globe(np.eye(6))
    upper = np.degrees(angles(globe.points)[np.triu_indices(6, 1)])
    assert np.isclose(np.sort(upper)[:12], 90, atol=12).all()


def test_noise_is_not_parted_into_people() -> None:
    """Names are never looked at: random vectors dealt out to six people overlap on the globe.

    LDA on the same vectors parts them perfectly, because 36 vectors in 128 dimensions can always be parted.
    """
    vectors = np.random.default_rng(5).standard_normal((36, 128))
    owners = np.repeat(np.arange(6), 6)
    globe = angles(place_on_globe(vectors).points)
    same = owners[:, None] == owners[None, :]
    upper = np.triu(np.ones_like(same), 1).astype(bool)
    within, between = np.median(globe[upper & same]), np.median(globe[upper & ~same])
    assert abs(within - between) < np.radians(20)


def test_people_stay_apart_and_are_not_flattered() -> None:
    random = np.random.default_rng(1)
    owners = np.repeat(np.arange(5), 8)
    vectors = unit_rows(np.eye(5, 64)[owners] + 0.08 * random.standard_normal((40, 64)))
    true, globe = angles(vectors), angles(place_on_globe(vectors).points)
    same = (owners[:, None] == owners[None, :]) & np.triu(np.ones((40, 40)), 1).astype(bool)
    other = (owners[:, None] != owners[None, :]) & np.triu(np.ones((40, 40)), 1).astype(bool)
    assert np.median(globe[same]) > 0.6 * np.median(true[same])
    assert np.median(globe[other]) == pytest.approx(np.median(true[other]), abs=0.25)


def test_turning_only_turns() -> None:
    random = np.random.default_rng(2)
    points = unit_rows(random.standard_normal((30, 3)))
    turned = turn_towards_viewer(points, np.repeat(np.arange(3), 10))
    np.testing.assert_allclose(turned @ turned.T, points @ points.T, atol=1e-12)
    rotation = np.linalg.lstsq(points, turned, rcond=None)[0]
    assert np.linalg.det(rotation) == pytest.approx(1)  # not a mirror image


def test_people_on_one_side_face_the_viewer() -> None:
    random = np.random.default_rng(3)
    owners = np.repeat(np.arange(3), 5)
    points = unit_rows(
        np.array([[0, 0, -1], [0.6, 0, -1], [0, 0.6, -1]])[owners] + 0.05 * random.standard_normal((15, 3))
    )
    assert (turn_towards_viewer(points, owners)[:, 2] > 0.5).all()


def test_at_most_as_many_people_as_colours_and_nothing_for_too_few() -> None:
    names = [f"p{index // 2}" for index in range(20)]
    sample = SphereSample(np.random.default_rng(0).standard_normal((20, 8)), names)
    assert people_of(sample) == [f"p{index}" for index in range(len(PEOPLE))]
    assert worth_drawing(sample)
    assert len(sphere_figure(sample).axes) == 2
    assert len(sphere_figure(sample, ("front",)).axes) == 1
    assert not worth_drawing(None)
    assert not worth_drawing(SphereSample(np.ones((6, 8)), ["one"] * 6))
    assert not worth_drawing(SphereSample(np.ones((0, 8)), []))


def test_names_must_go_with_rows() -> None:
    with pytest.raises(ValueError, match="do not go with 2 names"):
        SphereSample(np.ones((3, 8)), ["a", "b"])
