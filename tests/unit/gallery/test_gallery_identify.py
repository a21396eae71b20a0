"""A name or *unknown*, only ever by a measured operating point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError, GalleryError
from sphereface.gallery import Gallery
from sphereface.gallery.decision import check_pair_point, expected_rate

FINGERPRINT = "f" * 64
E = np.eye(32)


def enrolled(gallery: Gallery, people: int) -> Gallery:
    for index in range(people):
        gallery.enroll(f"person {index}", E[index])
    return gallery


def test_a_match_and_an_unknown(gallery: Gallery, make_point: Any) -> None:
    enrolled(gallery, 2)
    point = make_point(FINGERPRINT, threshold=0.6, target=0.02, gallery_people=50)
    match, unknown = gallery.identify([0.9 * E[1] + 0.1 * E[0], E[0] + E[1] + E[2] + E[3]], point)
    assert (match.decision, match.name) == ("match", "person 1")
    assert match.score == pytest.approx(0.9 / np.hypot(0.9, 0.1), abs=1e-6)
    assert (unknown.decision, unknown.name) == ("unknown", None)
    assert unknown.score == pytest.approx(0.5, abs=1e-6)
    for answer in (match, unknown):
        assert (answer.threshold, answer.rate) == (0.6, 0.02)
        assert answer.measured_rate == point.measured
        assert (answer.gallery_people, answer.measured_people) == (2, 50)
        assert [candidate.score for candidate in answer.candidates] == sorted(
            (candidate.score for candidate in answer.candidates), reverse=True
        )
        assert len(answer.candidates) == 2
        assert answer.warning == ""
        assert answer.notes == ()


def test_the_threshold_itself_is_accepted(gallery: Gallery, make_point: Any) -> None:
    enrolled(gallery, 1)
    probe = E[0] + E[1]
    score = gallery.search(probe)[0][0].score
    assert gallery.identify(probe, make_point(FINGERPRINT, threshold=score))[0].decision == "match"
    above = float(np.nextafter(score, 2.0))
    assert gallery.identify(probe, make_point(FINGERPRINT, threshold=above))[0].decision == "unknown"


def test_in_an_empty_gallery_everybody_is_unknown(gallery: Gallery, make_point: Any) -> None:
    answer = gallery.identify(E[0], make_point(FINGERPRINT))[0]
    assert (answer.decision, answer.name, answer.score, answer.candidates) == ("unknown", None, None, ())
    assert "empty" in answer.notes[0]


@pytest.mark.parametrize(
    ("people", "notes", "warned"), [(4, 0, False), (5, 1, False), (8, 1, False), (9, 0, True)]
)
def test_a_gallery_that_has_outgrown_its_threshold(
    gallery: Gallery, make_point: Any, people: int, notes: int, warned: bool
) -> None:
    enrolled(gallery, people)
    answer = gallery.identify(E[0], make_point(FINGERPRINT, gallery_people=4))[0]
    assert len(answer.notes) == notes
    assert bool(answer.warning) is warned
    for text in (*answer.notes, *filter(None, [answer.warning])):
        assert f"{people} people" in text
        assert "measured with 4" in text


def test_the_warning_states_the_rate_to_expect(gallery: Gallery, make_point: Any) -> None:
    enrolled(gallery, 30)
    answer = gallery.identify(E[0], make_point(FINGERPRINT, gallery_people=3, target=0.01))[0]
    assert "9.6 % of strangers" in answer.warning  # 1 - 0.99 ** 10
    assert "not 1.0 %" in answer.warning


def test_the_expected_rate_follows_the_independence_formula() -> None:
    """Simulated: the maximum of N independent scores passes what passes for N0 with probability r."""
    rng = np.random.default_rng(0)
    threshold = np.quantile(rng.random((200_000, 10)).max(axis=1), 0.95)
    measured = (rng.random((100_000, 40)).max(axis=1) >= threshold).mean()
    assert expected_rate(0.05, 40 / 10) == pytest.approx(measured, abs=0.006)
    assert expected_rate(0.05, 1) == pytest.approx(0.05)


def test_more_templates_a_person_make_a_gallery_larger_too(gallery: Gallery, make_point: Any) -> None:
    """Four people with one template each were measured; four people with three each are searched."""
    for number in range(4):
        gallery.enroll(f"p{number}", np.stack([E[number] + 0.1 * shot * E[9] for shot in range(3)]))
    answer = gallery.identify(E[0], make_point(FINGERPRINT, gallery_people=4, gallery_templates=4))[0]
    assert "12 templates" in answer.warning
    assert "3.0 % of strangers" in answer.warning  # 1 - 0.99 ** 3
    assert gallery.identify(E[0], make_point(FINGERPRINT, gallery_people=4, gallery_templates=12))[0].warning == ""


def test_a_point_for_a_gallery_of_another_size_speaks_of_that_size(gallery: Gallery, make_point: Any) -> None:
    enrolled(gallery, 6)
    smaller = make_point(FINGERPRINT, gallery_people=10, gallery_size=2, basis="thinned")
    larger = make_point(FINGERPRINT, gallery_people=2, gallery_size=6, basis="extrapolated")
    answer = gallery.identify(E[0], smaller)[0]
    assert "has 6 people, but the threshold is for 2" in answer.warning
    assert "operating-point --gallery-size 6" in answer.warning
    assert answer.measured_people == 2
    assert gallery.identify(E[0], larger)[0].warning == ""
    assert gallery.identify(E[0], larger)[0].notes == ()


READ = {"pictures": "photographs", "faces": "largest", "detector": "yunet"}


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (READ, ""),
        ({}, ""),
        (READ | {"faces": "all"}, ""),
        (READ | {"detector": "dlib"}, "detector: dlib instead of yunet"),
        (READ | {"most_yaw": "40"}, "most_yaw: 40 instead of none"),
        ({"pictures": "photographs", "faces": "largest"}, "detector: none instead of yunet"),
    ],
)
def test_pictures_that_are_read_otherwise_are_warned_of(
    gallery: Gallery, make_point: Any, now: dict[str, str], words: str
) -> None:
    enrolled(gallery, 1)
    answer = gallery.identify(E[0], make_point(FINGERPRINT, preprocessing=READ), preprocessing=now)[0]
    assert words in answer.warning
    assert bool(answer.warning) is bool(words)
    assert gallery.identify(E[0], make_point(FINGERPRINT), preprocessing=now)[0].warning == ""


def test_two_warnings_are_one_sentence_after_the_other(gallery: Gallery, make_point: Any) -> None:
    enrolled(gallery, 9)
    point = make_point(FINGERPRINT, gallery_people=3, preprocessing=READ)
    answer = gallery.identify(E[0], point, preprocessing=READ | {"detector": "dlib"})[0]
    assert "9 people" in answer.warning
    assert "dlib instead of yunet" in answer.warning


def test_two_pictures_are_compared_at_their_own_kind_of_point(make_point: Any) -> None:
    check_pair_point(make_point(FINGERPRINT, kind="fmr"), FINGERPRINT)
    with pytest.raises(GalleryError, match="measured for model 0000"):
        check_pair_point(make_point("0" * 64, kind="fmr"), FINGERPRINT)
    with pytest.raises(GalleryError, match="needs one that bounds the FMR"):
        check_pair_point(make_point(FINGERPRINT), FINGERPRINT)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        (None, "no operating point.*sphereface evaluate .*--store"),
        ({"fingerprint": "0" * 64}, "measured for model 000000000000.*belongs to ffffffffffff"),
        ({"kind": "fmr"}, "FMR of comparing two pictures.*needs one that bounds the FPIR"),
    ],
)
def test_without_a_fitting_operating_point_there_is_no_answer(
    gallery: Gallery, make_point: Any, changes: dict[str, Any] | None, match: str
) -> None:
    enrolled(gallery, 1)
    point = None if changes is None else make_point(**({"fingerprint": FINGERPRINT} | changes))
    with pytest.raises(GalleryError, match=match):
        gallery.identify(E[0], point)


def test_k_bounds_the_candidates_not_the_decision(gallery: Gallery, make_point: Callable[..., Any]) -> None:
    enrolled(gallery, 4)
    answer = gallery.identify(E[3], make_point(FINGERPRINT), k=1)[0]
    assert answer.name == "person 3"
    assert len(answer.candidates) == 1
    with pytest.raises(ConfigurationError, match="k must be"):
        gallery.identify(E[3], make_point(FINGERPRINT), k=0)


def test_many_probes_are_answered_as_one_by_one(gallery: Gallery, make_point: Any) -> None:
    rows: NDArray[np.float64] = np.random.default_rng(1).standard_normal((150, 32))
    for index, row in enumerate(rows[:70]):
        gallery.enroll(f"person {index}", row)
    point = make_point(FINGERPRINT, threshold=0.3)
    for row, answer in zip(rows, gallery.identify(rows, point), strict=True):
        alone = gallery.identify(row, point)[0]
        assert (alone.decision, alone.name) == (answer.decision, answer.name)
        assert alone.score == pytest.approx(answer.score, abs=1e-6)
