"""Everything a report is made of, as plain values: what a journey hands over and the page draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import DataError
from sphereface.evaluation.evaluation import Evaluation
from sphereface.evaluation.results import Rate

if TYPE_CHECKING:  # what measured them is not needed to show them
    from sphereface.evaluation.findings import Findings
    from sphereface.evaluation.paired import Difference

Picture = NDArray[np.uint8]


class StatedThreshold(Protocol):
    """What a report reads of an operating point, such as ``evaluation.operating_point.OperatingPoint``."""

    @property
    def threshold(self) -> float:
        """Accept iff the cosine is at least this."""

    def describe(self) -> str:
        """Say in one sentence what the threshold means."""

    def model_dump(self, *, mode: str = "python") -> dict[str, Any]:
        """Return every field by name."""


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A way to tell people apart that must not work well, or the trained embedding to compare it with.

    Attributes:
        name: What was tried, e.g. ``raw pixels``.
        rate: Its equal error rate.
        explanation: One sentence: what it does and what its figure means.
        ours: True for the trained embedding itself, drawn as the one that should be lowest.
    """

    name: str
    rate: Rate
    explanation: str
    ours: bool = False


@dataclass(frozen=True, slots=True)
class GalleryTrial:
    """The gallery as it is used, tried on people who took part in no measurement before.

    Attributes:
        gallery_people: People enrolled.
        known_searches: Searches by enrolled people.
        named_correctly: Share of them that were given their own name.
        named_wrongly: Share of them that were given another's name, if counted.
        stranger_people: Different strangers.
        stranger_searches: Searches by strangers.
        stated_fpir: FPIR the operating point promises.
        realised_fpir: Share of the strangers' searches that raised an alarm.
    """

    gallery_people: int
    known_searches: int
    named_correctly: Rate
    stranger_people: int
    stranger_searches: int
    stated_fpir: float
    realised_fpir: Rate
    named_wrongly: Rate | None = None


@dataclass(frozen=True, slots=True)
class SphereSample:
    """A handful of people's embeddings for the picture of the sphere.

    Attributes:
        embeddings: Shape (N, d), rows of unit norm (they are normalised again, to be sure).
        people: Name of each row's person, N of them.
    """

    embeddings: NDArray[np.floating[Any]]
    people: Sequence[str]

    def __post_init__(self) -> None:
        if self.embeddings.ndim != 2 or len(self.embeddings) != len(self.people):
            raise ValueError(
                f"embeddings of shape {self.embeddings.shape} do not go with {len(self.people)} names"
            )


@dataclass(frozen=True, slots=True)
class ModelDifferences:
    """What two models of a report differ by, on one list of pairs or one gallery.

    Attributes:
        title: The list or gallery.
        first: Label of the one model.
        second: Label of the other.
        differences: First minus second, figure by figure.
    """

    title: str
    first: str
    second: str
    differences: Sequence[Difference]


@dataclass(frozen=True, slots=True)
class ReportInput:
    """One report: the evaluation and what makes it understandable.

    Attributes:
        title: Heading of the page.
        evaluation: What was measured.
        data: One or two sentences: which people and pictures, and whether drawings or photographs.
        pictures: Image index of the evaluation -> (H, W, 3) RGB uint8. An image without an entry is left out.
        names: Image index -> name of the person in it.
        samples: Rows of image indices for the strip of sample faces: one row a person.
        journal: Rows of the training journal: ``step``, ``images``, ``loss``, ``angle`` (radians),
            ``learning_rate``, ``gradient_norm``, ``images_per_second`` and, where the head has them, ``lambda`` or
            ``margin``.
        shortcuts: Checks that the data cannot be solved by something simple.
        gallery_trial: The gallery tried on fresh people.
        operating_point: The threshold the gallery uses, marked in the figures.
        sphere: Embeddings for the picture of the sphere.
        others: Other models on the same people and the same protocol: drawn on one another, compared in a table.
        differences: Paired differences between the models, each with its interval.
        findings: What more was looked into: larger galleries, groups, calibration, morphs.
        row_names: Image index -> name of the picture, printed where there is no picture to show.
        links: Image index -> where the picture is, as an address from the page's folder; a name alone has no link.
        settings: Every setting needed to repeat the run, nested as it comes.
    """

    title: str
    evaluation: Evaluation
    data: str
    pictures: Mapping[int, Picture] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    samples: Sequence[Sequence[int]] = ()
    journal: Sequence[Mapping[str, Any]] | None = None
    shortcuts: Sequence[Shortcut] = ()
    gallery_trial: GalleryTrial | None = None
    operating_point: StatedThreshold | None = None
    sphere: SphereSample | None = None
    others: Sequence[Evaluation] = ()
    differences: Sequence[ModelDifferences] = ()
    findings: Findings | None = None
    row_names: Mapping[int, str] = field(default_factory=dict)
    links: Mapping[int, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        asked = _questions(self.evaluation)
        for other in self.others:
            if _questions(other) != asked:
                raise DataError(
                    f"'{other.title}' and '{self.evaluation.title}' were not judged on the same pairs and "
                    "searches; a report compares models under one protocol"
                )
        for link in self.links.values():
            if urlsplit(link).scheme not in ("", "file", "http", "https"):
                raise DataError(f"a report links to files and web pages, not to '{link}'")

    @property
    def models(self) -> tuple[Evaluation, ...]:
        """Every model's evaluation, the report's own first."""
        return (self.evaluation, *self.others)

    @property
    def labels(self) -> tuple[str, ...]:
        """A name for each model, no two alike."""
        titles = [model.title or "this model" for model in self.models]
        return tuple(
            title if titles.count(title) == 1 else f"{title} ({titles[:at].count(title) + 1})"
            for at, title in enumerate(titles)
        )


def _questions(evaluation: Evaluation) -> list[list[str]]:
    kinds = (evaluation.verifications, evaluation.identifications, evaluation.crowds, evaluation.classes)
    return [[found.title for found in kind] for kind in kinds]
