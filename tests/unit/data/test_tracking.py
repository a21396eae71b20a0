"""Faces linked from frame to frame: what goes on, what begins anew, and what must never be joined."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphereface.data.tracking import Sighting, Tracker, TrackLimits, sighting
from sphereface.errors import ConfigurationError
from sphereface.faces.detection import Detection
from sphereface.faces.template import ARCFACE_TEMPLATE

LOOKS = np.linalg.qr(np.random.default_rng(1).standard_normal((400, 6)))[0].T.reshape(6, 20, 20)


def at(x: float, y: float = 100.0, side: float = 40.0, person: int = 0) -> Sighting:
    return Sighting(np.array((x, y)), side, LOOKS[person])


def numbers(*frames: list[Sighting], limits: TrackLimits | None = None) -> list[list[int]]:
    tracker = Tracker(limits)
    return [tracker.follow(faces) for faces in frames]


def test_who_stays_where_they_are_stay_who_they_are() -> None:
    assert numbers([at(0), at(200)], [at(205), at(3)], [at(6), at(210)]) == [[0, 1], [1, 0], [0, 1]]


def test_who_keeps_moving_is_met_where_they_were_going() -> None:
    """At 15 pixels a look, faster than half a side once a look is missed."""
    assert numbers([at(0)], [at(15)], [], [at(45)], [at(60)]) == [[0], [0], [], [0], [0]]


def test_two_who_pass_each_other_keep_their_numbers() -> None:
    frames = [[at(10.0 * step), at(100.0 - 10.0 * step, 104.0)] for step in range(11)]
    assert numbers(*frames) == [[0, 1]] * 11


def test_a_jump_a_change_of_size_and_another_look_begin_anew() -> None:
    assert numbers([at(0)], [at(25)]) == [[0], [1]]
    assert numbers([at(0)], [at(0, side=70)]) == [[0], [1]]
    assert numbers([at(0)], [at(0, person=1)]) == [[0], [1]]


def test_who_is_behind_somebody_for_a_moment_comes_back() -> None:
    one, other = at(0), at(0, person=1)
    assert numbers([one], [other], [other], [one]) == [[0], [1], [1], [0]]


@pytest.mark.parametrize("gap", [0, 1, 3])
def test_a_track_ends_after_the_longest_gap(gap: int) -> None:
    limits = TrackLimits(longest_gap=gap)
    assert numbers([at(0)], *([[]] * gap), [at(0)], limits=limits)[-1] == [0]
    assert numbers([at(0)], *([[]] * (gap + 1)), [at(0)], limits=limits)[-1] == [1]


def test_after_a_cut_everybody_is_new() -> None:
    tracker = Tracker()
    assert tracker.follow([at(0)]) == [0]
    tracker.cut()
    assert tracker.living == set()
    assert tracker.follow([at(0)]) == [1]


def test_of_several_links_the_shortest_together_are_taken() -> None:
    """The first face alone would go to the nearer track, and leave nothing to the second."""
    assert numbers([at(0), at(16)], [at(12), at(24)]) == [[0, 1], [0, 1]]


@given(st.lists(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 3)), max_size=5), max_size=8))
def test_no_two_faces_of_a_frame_share_a_track(frames: list[list[tuple[int, int]]]) -> None:
    seen = numbers(*([at(float(x), person=person) for x, person in faces] for faces in frames))
    for faces, given_numbers in zip(frames, seen, strict=True):
        assert len(set(given_numbers)) == len(faces)
    every = [number for given_numbers in seen for number in given_numbers]
    assert sorted(set(every)) == list(range(len(set(every))))  # counted without gaps


@pytest.mark.parametrize(
    "wrong", [{"most_away": 0.0}, {"most_growth": 0.9}, {"least_alike": 1.1}, {"longest_gap": -1}]
)
def test_limits_are_checked(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="tracks need"):
        TrackLimits(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [112, 96])
def test_a_look_is_blind_to_light_and_contrast(width: int) -> None:
    crop = np.random.default_rng(2).integers(0, 100, (112, width, 3), dtype=np.uint8)
    face = Detection(10.0, 20.0, 30.0, 40.0, 0.9, ARCFACE_TEMPLATE)
    first, second = sighting(face, crop), sighting(face, 2 * crop + 20)
    assert (first.look * second.look).sum() > 0.99
    assert first.centre.tolist() == [25.0, 40.0]
    assert first.side == pytest.approx(1200**0.5)
    flat = sighting(face, np.full_like(crop, 7))
    assert not flat.look.any()
