"""Quality: the pose of a known rotation, sharpness that light leaves alone, limits that say what they refuse."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphereface.data.synthetic import SyntheticFaces
from sphereface.errors import ConfigurationError
from sphereface.faces.detection import Detection
from sphereface.faces.quality import (
    FACE_MODEL,
    NO_LIMITS,
    Quality,
    QualityLimits,
    appearance,
    pose,
    quality_of,
    read_limits,
)
from sphereface.faces.template import ARCFACE_TEMPLATE

FACE = SyntheticFaces(5).image(0, 0)
angles = st.floats(-60.0, 60.0)


def turned(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Rotate the model as Quality says, one axis after the other, and look at it from far away."""
    (cy, sy), (cp, sp), (cr, sr) = (
        (math.cos(math.radians(a)), math.sin(math.radians(a))) for a in (yaw, pitch, roll)
    )
    about_y = np.array([(cy, 0, sy), (0, 1, 0), (-sy, 0, cy)])
    about_x = np.array([(1, 0, 0), (0, cp, -sp), (0, sp, cp)])
    in_plane = np.array([(cr, -sr, 0), (sr, cr, 0), (0, 0, 1)])
    return (FACE_MODEL @ (in_plane @ about_x @ about_y).T)[:, :2]


@given(angles, angles, st.floats(-170.0, 170.0), st.floats(5.0, 500.0))
def test_the_pose_of_a_rotated_model_is_its_rotation(yaw: float, pitch: float, roll: float, scale: float) -> None:
    found = pose(scale * turned(yaw, pitch, roll) + (300.0, 200.0))
    assert found == pytest.approx((yaw, pitch, roll), abs=1e-6)


def test_signs_are_as_stated() -> None:
    """The nose goes to the person's left (right in the picture), up, and the head tilts clockwise."""
    straight = turned(0, 0, 0)
    assert (turned(20, 0, 0) - straight)[2, 0] - (turned(20, 0, 0) - straight)[:2, 0].mean() > 0.1
    assert (turned(0, 20, 0) - straight)[2, 1] - (turned(0, 20, 0) - straight)[:2, 1].mean() < -0.1
    tilted = turned(0, 0, 20)
    assert tilted[1, 1] > tilted[0, 1]


def test_the_published_template_looks_straight_ahead() -> None:
    assert np.abs(pose(ARCFACE_TEMPLATE)).max() < 6.0


def test_blur_lowers_sharpness_and_light_does_not() -> None:
    sharp = appearance(FACE)[0]
    blurred = [appearance(cv2.GaussianBlur(FACE, (0, 0), sigma))[0] for sigma in (1.0, 2.0, 4.0)]
    assert sharp > blurred[0] > blurred[1] > blurred[2] > 0.0
    dimmed = (FACE.astype(np.float64) * 0.5 + 20.0).round().astype(np.uint8)
    assert appearance(dimmed)[0] == pytest.approx(sharp, rel=0.05)


def test_brightness_and_clipping() -> None:
    assert appearance(np.full((112, 112, 3), 255, np.uint8)) == pytest.approx((0.0, 1.0, 1.0))
    assert appearance(np.zeros((112, 96, 3), np.uint8)) == pytest.approx((0.0, 0.0, 1.0))
    grey = np.full((112, 112, 3), 128, np.uint8)
    grey[:56] = 0
    _, brightness, clipped = appearance(grey)
    assert clipped == pytest.approx(28 / 76)  # rows 28 to 55 of 28 to 103
    assert brightness == pytest.approx((1 - clipped) * 128 / 255, abs=0.01)


def test_quality_of_a_face() -> None:
    points = 2.0 * ARCFACE_TEMPLATE
    found = quality_of(Detection(0, 0, 200, 200, 0.9, points), FACE)
    assert found.enlargement == pytest.approx(0.5)
    assert (found.sharpness, found.brightness, found.clipped) == appearance(FACE)
    assert found.score == 0.9


@pytest.mark.parametrize(
    ("limit", "word"),
    [
        ({"most_yaw": 10.0}, "turned by 30 degrees"),
        ({"most_pitch": 10.0}, "bent by 20 degrees"),
        ({"least_sharpness": 0.5}, "sharpness is 0.200"),
        ({"least_brightness": 0.6}, "brightness is 0.40"),
        ({"most_brightness": 0.3}, "brightness is 0.40"),
        ({"most_clipped": 0.1}, "25% of it are black or white"),
        ({"least_score": 0.9}, "score is 0.80"),
    ],
)
def test_each_limit_refuses_what_it_names(limit: dict[str, float], word: str) -> None:
    poor = Quality(1.0, -30.0, -20.0, 0.0, 0.2, 0.4, 0.25, 0.8)
    complaint = QualityLimits(**limit).complaint(poor)
    assert word in complaint
    assert "better picture" in complaint
    assert NO_LIMITS.complaint(poor) == ""
    (name,) = limit
    measured = {"yaw": 30.0, "pitch": 20.0, "sharpness": 0.2, "brightness": 0.4, "clipped": 0.25, "score": 0.8}[
        name.split("_")[1]
    ]
    assert QualityLimits(**{name: measured}).complaint(poor) == ""  # at the limit is good enough


def test_a_limit_that_is_none() -> None:
    for value in (-1.0, math.nan, math.inf):
        with pytest.raises(ConfigurationError, match="most-yaw"):
            QualityLimits(most_yaw=value)


def test_limits_as_a_user_writes_them() -> None:
    assert read_limits([]) == NO_LIMITS
    assert read_limits(["most-yaw=40", "least_sharpness = 0.2"]) == QualityLimits(
        most_yaw=40.0, least_sharpness=0.2
    )
    with pytest.raises(ConfigurationError, match=r"no limit is called 'most-yav'.*Did you mean 'most-yaw'"):
        read_limits(["most-yav=3"])
    with pytest.raises(ConfigurationError, match="most-yaw=NUMBER, not 'most-yaw'"):
        read_limits(["most-yaw"])
    with pytest.raises(ConfigurationError, match="0 or more"):
        read_limits(["most-yaw=-3"])
