"""What a gallery answers: plain frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sphereface.evaluation.operating_point import MeasuredRate


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What one call of ``enroll`` stored.

    Attributes:
        name: The person, as stored (NFC, outer spaces removed).
        added: Templates added now.
        duplicates: Pictures that this person already had; they are not stored twice.
        template_ids: Ids of the added templates, in order. An id is never used again.
        person_templates: Templates this person has now.
        people: People in the gallery now.
    """

    name: str
    added: int
    duplicates: int
    template_ids: tuple[str, ...]
    person_templates: int
    people: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """One enrolled person and how alike they are to a probe: the cosine of their most similar template."""

    name: str
    score: float


@dataclass(frozen=True, slots=True)
class Identification:
    """A name or *unknown*, with everything needed to judge the answer.

    Attributes:
        decision: ``match`` if the best score reaches the threshold, else ``unknown``.
        name: The person matched; None for an unknown.
        score: Best score of any enrolled person; None in an empty gallery.
        threshold: Accept iff score >= threshold. Comes from the operating point, never from code.
        rate: Share of strangers the operating point was set to let through at most (FPIR).
        measured_rate: Share it did let through when it was measured, with the interval.
        gallery_people: People in the gallery that was searched.
        measured_people: People in the gallery that the operating point's rate is meant for.
        candidates: The k most similar people, best first, whatever the decision.
        notes: What a reader of the answer should know, in sentences.
        warning: Loud: the stated rate no longer holds. Empty if it does.
    """

    decision: Literal["match", "unknown"]
    name: str | None
    score: float | None
    threshold: float
    rate: float
    measured_rate: MeasuredRate
    gallery_people: int
    measured_people: int
    candidates: tuple[Candidate, ...] = ()
    notes: tuple[str, ...] = ()
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """One enrolled person."""

    name: str
    templates: int
    created: str


@dataclass(frozen=True, slots=True)
class GalleryInfo:
    """What a gallery is and holds.

    Attributes:
        path: Its file.
        gallery_id: A UUID given when it was made.
        created: When it was made, ISO 8601 in UTC.
        format_version: Layout of the file.
        fingerprint: Of the model whose vectors it holds.
        dimension: Width of those vectors.
        people: People enrolled.
        templates: Templates enrolled.
        bytes_on_disk: Size of the file and its side files.
    """

    path: Path
    gallery_id: str
    created: str
    format_version: int
    fingerprint: str
    dimension: int
    people: int
    templates: int
    bytes_on_disk: int


@dataclass(frozen=True, slots=True)
class GalleryCheck:
    """What ``Gallery.check`` found: every row read, every checksum computed again.

    Attributes:
        people: People seen.
        templates: Templates seen.
        problems: One sentence each; empty if the gallery is sound.
    """

    people: int
    templates: int
    problems: tuple[str, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems
