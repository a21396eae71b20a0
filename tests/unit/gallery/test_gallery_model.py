"""A gallery driven at random does what a plain dict would do."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sphereface.errors import GalleryError
from sphereface.gallery import Gallery, open_gallery

DIMENSION = 8
FINGERPRINT = "f" * 64
NAMES = ["Ann", "Bob", "Zoë", "李"]

picture_numbers = st.integers(0, 9)


def embedding(picture: int) -> np.ndarray:
    row = np.random.default_rng(picture).standard_normal(DIMENSION)
    return row / np.linalg.norm(row)


def source(picture: int) -> str:
    return hashlib.sha256(bytes([picture])).hexdigest()


class GalleryAgainstDict(RuleBasedStateMachine):
    """The oracle: name -> pictures, in order of enrolment. Two connections to one file take turns."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "g.db"
        self.galleries = [self.open(), self.open()]
        self.oracle: dict[str, list[int]] = {}
        self.forgotten: set[int] = set()

    def open(self) -> Gallery:
        return open_gallery(self.path, fingerprint=FINGERPRINT, dimension=DIMENSION, busy_seconds=1)

    def owner(self, picture: int) -> str | None:
        return next((name for name, pictures in self.oracle.items() if picture in pictures), None)

    @rule(
        which=st.integers(0, 1),
        name=st.sampled_from(NAMES),
        pictures=st.lists(picture_numbers, min_size=1, max_size=3),
    )
    def enroll(self, which: int, name: str, pictures: list[int]) -> None:
        rows, sources = [embedding(p) for p in pictures], [source(p) for p in pictures]
        if any(self.owner(picture) not in (None, name) for picture in pictures):
            with pytest.raises(GalleryError, match="already enrolled"):
                self.galleries[which].enroll(name, rows, sources)
            return
        new = list(dict.fromkeys(picture for picture in pictures if self.owner(picture) is None))
        done = self.galleries[which].enroll(name, rows, sources)
        self.oracle.setdefault(name, []).extend(new)
        self.forgotten -= set(new)
        assert (done.added, done.duplicates) == (len(new), len(pictures) - len(new))
        assert (done.person_templates, done.people) == (len(self.oracle[name]), len(self.oracle))

    @rule(which=st.integers(0, 1), name=st.sampled_from(NAMES))
    def forget(self, which: int, name: str) -> None:
        if name not in self.oracle:
            with pytest.raises(GalleryError, match="nobody called"):
                self.galleries[which].forget(name)
            return
        assert self.galleries[which].forget(name) == len(self.oracle[name])
        self.forgotten |= set(self.oracle.pop(name))

    @rule(which=st.integers(0, 1), picture=picture_numbers, threshold=st.sampled_from([-1.0, 0.3, 0.99]))
    def identify(self, which: int, picture: int, threshold: float) -> None:
        point = self.make_point(FINGERPRINT, threshold=threshold)
        answer = self.galleries[which].identify(embedding(picture), point, k=len(NAMES))[0]
        scores = {
            name: max(float(embedding(p) @ embedding(picture)) for p in pictures)
            for name, pictures in self.oracle.items()
        }
        expected = sorted(scores, key=lambda name: -scores[name])
        assert [candidate.name for candidate in answer.candidates] == expected
        for candidate in answer.candidates:
            assert candidate.score == pytest.approx(scores[candidate.name], abs=1e-6)
        matched = bool(expected) and scores[expected[0]] >= threshold
        assert answer.name == (expected[0] if matched else None)
        assert answer.gallery_people == len(self.oracle)

    @rule(which=st.integers(0, 1))
    def reopen(self, which: int) -> None:
        self.galleries[which].close()
        self.galleries[which] = self.open()

    @precondition(lambda self: self.forgotten)
    @rule()
    def nothing_forgotten_is_left(self) -> None:
        files = b"".join(file.read_bytes() for file in self.path.parent.iterdir())
        for picture in self.forgotten:
            assert embedding(picture).astype("<f4").tobytes() not in files
            assert source(picture).encode() not in files

    @invariant()
    def people_are_the_oracles(self) -> None:
        if not hasattr(self, "oracle"):
            return
        for gallery in self.galleries:
            assert {one.name: one.templates for one in gallery.people()} == {
                name: len(pictures) for name, pictures in self.oracle.items()
            }

    def teardown(self) -> None:
        if hasattr(self, "galleries"):
            assert self.galleries[0].check().ok
            for gallery in self.galleries:
                gallery.close()
            self.folder.cleanup()


def drive(make_point: Any, examples: int, steps: int) -> None:
    GalleryAgainstDict.make_point = staticmethod(make_point)  # type: ignore[attr-defined]
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        GalleryAgainstDict,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_gallery_is_a_dict(make_point: Any) -> None:
    drive(make_point, examples=20, steps=30)


@pytest.mark.faults
def test_a_gallery_is_a_dict_for_a_long_time(make_point: Any) -> None:
    drive(make_point, examples=200, steps=60)
