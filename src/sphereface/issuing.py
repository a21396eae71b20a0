"""From a model and people it has not seen, or from embeddings, to an operating point for a gallery of N people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path
from typing import Any

from sphereface.embedder import replace_operating_points
from sphereface.embedder.pretrained import is_shipped
from sphereface.errors import ConfigurationError, ModelError, NotEnoughDataError
from sphereface.evaluation.embedding_set import EmbeddingSet
from sphereface.evaluation.judge import drawn_search, every_pair
from sphereface.evaluation.operating_point import OperatingPoint
from sphereface.evaluation.threshold_choice import choose_operating_point, choose_verification_point
from sphereface.inquiry import Inquiry, inquire
from sphereface.progress import SILENT, Progress
from sphereface.question import Question, one_source
from sphereface.subjects import PLAIN, Reading


@dataclass(frozen=True, slots=True)
class Wish:
    """What an operating point shall promise: exactly one of the two rates.

    Attributes:
        target_fpir: False alarms among searches by strangers, at most.
        target_fmr: False matches among pairs of two people, at most.
        gallery_size: People in the gallery it is for; by default as many as are enrolled to measure it.
        templates_per_person: Pictures enrolled of each; by default as the model's recipe says.
    """

    target_fpir: float | None = None
    target_fmr: float | None = None
    gallery_size: int | None = None
    templates_per_person: int | None = None

    def __post_init__(self) -> None:
        if (self.target_fpir is None) == (self.target_fmr is None):
            raise ConfigurationError(
                "an operating point promises one rate: give --target-fpir for searching a gallery, or "
                "--target-fmr for comparing two pictures"
            )
        if self.target_fpir is None and (self.gallery_size, self.templates_per_person) != (None, None):
            raise ConfigurationError("a gallery is searched: its size and templates go with --target-fpir")


def issue(
    wish: Wish,
    *,
    model: Path | None = None,
    embeddings: Path | None = None,
    data: Sequence[Path] = (),
    reading: Reading = PLAIN,
    store: bool = False,
    progress: Progress = SILENT,
) -> OperatingPoint:
    """Measure what is wished for, and issue it or refuse to.

    Args:
        wish: The rate and the gallery.
        model: A model's folder, or an ONNX file; whoever it has learned from is left out. Or else:
        embeddings: Embeddings of people the model has not seen
            (:mod:`~sphereface.evaluation.embedding_file`).
        data: Folders of pictures for the model; by default the test people of its own run.
        reading: How they become crops.
        store: Keep the point with the model, in place of the one of its kind.
        progress: Who listens.

    Raises:
        NotEnoughDataError: If the evidence does not support it; the message names the nearest rate that it does.
        ConfigurationError: If what is asked for does not go together.
        ModelError: If there is no model, or it does not say what it was trained on and no data is given.
        DataError: If the data cannot be used.
    """
    models, files = one_source(model, embeddings)
    if store and (model is None or is_shipped(model)):
        raise ModelError(
            "an operating point is stored with a model of your own; write this one to a file with --out"
            + ("" if model is None else f", or first: sphereface models get {model.name} --out FOLDER")
        )
    inquiry = inquire(models, files, Question(), data=data, reading=reading, progress=progress)
    progress.say("measuring error rates and their intervals")
    point = _choose(inquiry, wish)
    if store and model is not None:
        replace_operating_points(model, [point])
    return point


def _choose(inquiry: Inquiry, wish: Wish) -> OperatingPoint:
    faces, settings = inquiry.faces, inquiry.settings
    evidence: dict[str, Any] = {
        "model_fingerprint": faces.fingerprint,
        "data_hash": inquiry.data_hash,
        "preprocessing": faces.preprocessing,
        "confidence": settings.confidence,
        "seed": settings.seed,
    }
    if wish.target_fmr is not None:
        return choose_verification_point(every_pair(faces, settings), wish.target_fmr, **evidence)
    assert wish.target_fpir is not None
    if wish.templates_per_person is not None:
        settings = replace(settings, templates_per_person=wish.templates_per_person)
        _check_templates(faces, wish.templates_per_person, settings.images_per_identity)
    searches = drawn_search(faces, settings)
    return choose_operating_point(searches, wish.target_fpir, gallery_size=wish.gallery_size, **evidence)


def _check_templates(faces: EmbeddingSet, wanted: int, cap: int | None) -> None:
    """Refuse more pictures to enrol than anybody has beside one to search with.

    Raises:
        NotEnoughDataError: If nobody has so many.
    """
    most = max(Counter(compress(faces.identities, ~faces.failed)).values(), default=0)
    most = most if cap is None else min(most, cap)
    if most < 2:
        raise NotEnoughDataError("nobody has two usable pictures, one to enrol and one to search with")
    if wanted >= most:
        raise NotEnoughDataError(
            f"nobody has {wanted} pictures to enrol and one more to search with, out of at most {most} that count "
            f"of a person; ask for at most {most - 1}"
        )
