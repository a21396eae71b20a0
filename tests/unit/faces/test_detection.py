"""A detection is checked once; the choice among several follows its policy and says why."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from sphereface.errors import ConfigurationError, DataError
from sphereface.faces import image
from sphereface.faces.detection import POLICIES, Choice, Detection, choose
from sphereface.faces.outcomes import OUTCOMES
from sphereface.faces.template import ARCFACE_TEMPLATE

SIZE = (400, 600)


def face(x: float, y: float, scale: float = 1.0, score: float = 0.9) -> Detection:
    """Return a face whose crop would be ``scale`` times as large as the template."""
    place = ARCFACE_TEMPLATE * scale + (x, y)
    return Detection(x + 20 * scale, y + 10 * scale, 70 * scale, 95 * scale, score, place)


SMALL, LARGE, MIDDLE = face(20, 20, 0.8, 0.95), face(350, 150, 2.0, 0.8), face(250, 140, 1.0, 0.85)


def test_figures_of_a_face() -> None:
    assert LARGE.area == pytest.approx(140 * 190)
    assert LARGE.enlargement == pytest.approx(0.5)


def test_a_detection_keeps_its_own_landmarks() -> None:
    points = ARCFACE_TEMPLATE.copy()
    found = Detection(0, 0, 10, 10, 1.0, points)
    points[0] = 0.0
    assert found.landmarks[0, 0] == ARCFACE_TEMPLATE[0, 0]
    with pytest.raises(ValueError, match="read-only"):
        found.landmarks[0, 0] = 1.0


@pytest.mark.parametrize(
    ("box", "points", "words"),
    [
        ((0, 0, 10, 10, np.nan), ARCFACE_TEMPLATE, "finite box and score"),
        ((0, np.inf, 10, 10, 1.0), ARCFACE_TEMPLATE, "finite box and score"),
        ((0, 0, 10, 10, 1.0), ARCFACE_TEMPLATE * np.nan, "finite landmarks"),
        ((0, 0, 10, 10, 1.0), ARCFACE_TEMPLATE[:3], "shape (3, 2)"),
        ((0, 0, 0, 10, 1.0), ARCFACE_TEMPLATE, "not 0x10 pixels"),
        ((0, 0, 10, -2, 1.0), ARCFACE_TEMPLATE, "not 10x-2 pixels"),
    ],
)
def test_a_detection_that_is_none_is_told(box: tuple[float, ...], points: np.ndarray, words: str) -> None:
    with pytest.raises(DataError, match=re.escape(words)):
        Detection(*box, points)


def test_a_detection_moves_with_its_picture() -> None:
    moved = SMALL.moved([(0.0, -2.0, 500.0), (2.0, 0.0, 7.0)])  # turned by a quarter, twice as large
    assert (moved.x, moved.y) == pytest.approx((500 - 2 * (SMALL.y + SMALL.height), 7 + 2 * SMALL.x))
    assert (moved.width, moved.height) == pytest.approx((2 * SMALL.height, 2 * SMALL.width))
    assert moved.landmarks[2] == pytest.approx([500 - 2 * SMALL.landmarks[2, 1], 7 + 2 * SMALL.landmarks[2, 0]])
    assert moved.score == SMALL.score


def test_each_policy_chooses_its_own() -> None:
    found = (SMALL, LARGE, MIDDLE)
    assert choose(found, "largest", SIZE) == Choice("ok", (LARGE,))
    assert choose(found, "central", SIZE) == Choice("ok", (MIDDLE,))
    assert choose(found, "all", SIZE).chosen == (LARGE, MIDDLE, SMALL)
    several = choose(found, "error", SIZE)
    assert (several.outcome, several.chosen) == ("several-faces", ())
    assert several.message.startswith("3 faces were found")


@pytest.mark.parametrize("policy", POLICIES)
def test_the_only_face_is_chosen_and_none_is_told_by_every_policy(policy: str) -> None:
    assert choose([MIDDLE], policy, SIZE).chosen == (MIDDLE,)  # type: ignore[arg-type]
    nothing = choose([], policy, SIZE)  # type: ignore[arg-type]
    assert (nothing.outcome, nothing.chosen) == ("no-face", ())
    tiny = choose([face(0, 0, 0.4)], policy, SIZE)  # type: ignore[arg-type]
    assert (tiny.outcome, tiny.chosen) == ("too-small", ())
    assert "2.5 times, and 2 is the most" in tiny.message


def test_a_small_face_is_not_exchanged_for_another() -> None:
    centre = face(270, 170, 0.4)
    assert choose([centre, LARGE], "central", SIZE).outcome == "too-small"
    assert choose([centre, LARGE], "all", SIZE).chosen == (LARGE,)
    assert choose([centre, LARGE], "error", SIZE).outcome == "several-faces"
    assert choose([centre], "central", SIZE, most_enlarged=3.0).chosen == (centre,)


def test_ties_have_an_order_that_does_not_depend_on_the_list() -> None:
    left, right = face(100, 140, 1.0, 0.7), face(388, 140, 1.0, 0.8)  # mirror images about the middle
    low, high = face(250, 140, 1.0, 0.7), face(250, 140, 1.0, 0.8)
    for policy in ("largest", "central"):
        assert choose([low, high], policy, SIZE).chosen == choose([high, low], policy, SIZE).chosen == (high,)
        assert choose([left, right], policy, SIZE).chosen == choose([right, left], policy, SIZE).chosen
    nearer = face(240, 130)
    assert choose([left, nearer], "largest", SIZE).chosen == (nearer,)


def test_settings_are_checked() -> None:
    with pytest.raises(ConfigurationError, match="no policy is called 'biggest'"):
        choose([], "biggest", SIZE)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="Did you mean 'largest'"):
        choose([], "largst", SIZE)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="above 0"):
        choose([], "all", SIZE, most_enlarged=0.0)


def test_every_outcome_of_the_decoder_is_in_the_one_list() -> None:
    said = set(re.findall(r'"([a-z]+(?:-[a-z]+)*)"\)', Path(image.__file__).read_text()))
    assert {"missing", "refused", "too-large", "undecodable"} <= said & set(OUTCOMES)
    assert len(OUTCOMES) == len(set(OUTCOMES))
