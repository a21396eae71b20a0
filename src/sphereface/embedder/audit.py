"""Judging a model on people it has not seen: every picture embedded, every failure counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sphereface.data.manifest import Manifest
from sphereface.embedder.embedder import Embedder, Face, embed_files, embedded_rows
from sphereface.embedder.judgement import Judgement
from sphereface.errors import DataError, NotEnoughDataError
from sphereface.evaluation.judge import Comparisons, compare, judge
from sphereface.evaluation.operating_point import OperatingPoint
from sphereface.evaluation.pair_list import PairList, locate
from sphereface.evaluation.protocols.lfw import read_lfw_view1, read_lfw_view2
from sphereface.evaluation.protocols.pairs import read_pairs_csv
from sphereface.evaluation.results import Evaluation
from sphereface.evaluation.threshold_choice import choose_operating_point, choose_verification_point
from sphereface.faces.reading import Reader
from sphereface.progress import SILENT, Progress


@dataclass(frozen=True)
class Audit:
    """A model's judgement.

    Attributes:
        people: The pictures it was judged on.
        embeddings: Shape (N, d), unit rows; zero where a picture failed.
        failures: Pictures that could not be embedded, each with its outcome.
        evaluation: Every figure.
        points: Operating points that the data supports.
        refusals: Why an operating point is missing, in words.
    """

    people: Manifest
    embeddings: NDArray[np.float32]
    failures: tuple[Face, ...]
    evaluation: Evaluation
    points: tuple[OperatingPoint, ...]
    refusals: tuple[str, ...]

    def point(self, kind: str) -> OperatingPoint | None:
        """Return the operating point of this kind (``fpir`` or ``fmr``), if there is one."""
        return next((point for point in self.points if point.kind == kind), None)


def audit(
    embedder: Embedder,
    people: Manifest,
    *,
    settings: Judgement,
    listed: PairList | None = None,
    reader: Reader | None = None,
    workers: int | None = 1,
    progress: Progress = SILENT,
) -> Audit:
    """Embed every picture and judge the embedding.

    Args:
        embedder: The model.
        people: Who to judge it on: nobody it was trained on.
        settings: How.
        listed: A protocol's own pairs over these pictures (:func:`read_pairs`).
        reader: What turns a file into a crop for this model; by default every picture is taken for one.
        workers: Processes that read, as in :func:`~sphereface.embedder.embedder.embed_files`.
        progress: Who listens.

    Raises:
        DataError: If no picture can be embedded.
        NotEnoughDataError: If nothing can be compared.
    """
    faces = embed_files(embedder, people.paths, reader=reader, workers=workers, progress=progress)
    embeddings = np.zeros((len(faces), embedder.dimension), dtype=np.float32)
    failed = np.ones(len(faces), dtype=bool)
    for row in embedded_rows(faces):
        embeddings[row], failed[row] = faces[row].embedding, False
    names = [people.identities[label] for label in people.labels]

    progress.say("measuring error rates and their intervals")
    comparisons = compare(
        embeddings,
        names,
        listed=listed,
        failed=failed,
        images_per_identity=settings.images_per_identity,
        enrolled_fraction=settings.enrolled_fraction,
        templates_per_person=settings.templates_per_person,
        least_images=settings.least_images,
        seed=settings.seed,
    )
    points, refusals = _operating_points(comparisons, settings, embedder.fingerprint, people.data_hash)
    failures = tuple(face for face in faces if not face.ok)
    return Audit(people, embeddings, failures, judge(comparisons), points, refusals)


def read_pairs(path: Path, images: Sequence[Path], without: Sequence[str] = ()) -> PairList:
    """Read a pair list of any known kind and find its images among ``images``.

    The kind is told by the file: ``.csv`` is a list of pairs, one number in the first line is LFW View 1, two
    are View 2.

    Args:
        path: The list.
        images: What its positions will refer to.
        without: People whose pairs are left out, such as those of the training set.

    Raises:
        DataError: If the file cannot be read or is of none of these kinds.
    """
    if path.suffix.lower() == ".csv":
        return locate(read_pairs_csv(path), images, title=path.name, without=without)
    try:
        with path.open(encoding="utf-8") as file:
            columns = len(file.readline(1000).split())
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the pair list '{path}': {error}") from None
    if columns == 2:
        return locate(read_lfw_view2(path), images, title=f"LFW View 2 ({path.name})", without=without)
    return locate(read_lfw_view1(path), images, title=f"LFW View 1 ({path.name})", without=without)


def _operating_points(
    comparisons: Comparisons, settings: Judgement, model: str, data: str
) -> tuple[tuple[OperatingPoint, ...], tuple[str, ...]]:
    points: list[OperatingPoint] = []
    refusals: list[str] = []
    choices: tuple[Callable[[], OperatingPoint], ...] = (
        lambda: choose_operating_point(
            comparisons.searches, settings.target_fpir, model_fingerprint=model, data_hash=data
        ),
        lambda: choose_verification_point(
            comparisons.pairs, settings.target_fmr, model_fingerprint=model, data_hash=data
        ),
    )
    for choose in choices:
        try:
            points.append(choose())
        except NotEnoughDataError as error:
            refusals.append(str(error))
    return tuple(points), tuple(refusals)
