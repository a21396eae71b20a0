"""Judging a model on people it has not seen: every picture embedded, every failure counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sphereface.data.manifest import Manifest
from sphereface.embedder.embedder import Embedder, Face, embed_files, embedded_rows
from sphereface.embedder.judgement import Judgement
from sphereface.evaluation.embedding_set import EmbeddingSet
from sphereface.evaluation.evaluation import Evaluation
from sphereface.evaluation.judge import compare, follow, joined, judge
from sphereface.evaluation.operating_point import OperatingPoint, point_of
from sphereface.evaluation.points import choose_points
from sphereface.evaluation.protocol import Protocol
from sphereface.faces.reading import Reader
from sphereface.progress import SILENT, Progress


@dataclass(frozen=True)
class Audit:
    """A model's judgement.

    Attributes:
        people: The pictures it was judged on.
        faces: Their embeddings.
        failures: Pictures that could not be embedded, each with its outcome.
        evaluation: Every figure.
        points: Operating points that the data supports.
        refusals: Why an operating point is missing, in words.
    """

    people: Manifest
    faces: EmbeddingSet
    failures: tuple[Face, ...]
    evaluation: Evaluation
    points: tuple[OperatingPoint, ...]
    refusals: tuple[str, ...]

    def point(self, kind: str) -> OperatingPoint | None:
        """Return the operating point of this kind (``fpir`` or ``fmr``), if there is one."""
        return point_of(self.points, kind)


def embed_people(
    embedder: Embedder,
    people: Manifest,
    *,
    reader: Reader | None = None,
    workers: int | None = 1,
    title: str = "the model",
    progress: Progress = SILENT,
) -> tuple[EmbeddingSet, tuple[Face, ...]]:
    """Embed every picture of a dataset.

    Args:
        embedder: The model.
        people: Who.
        reader: What turns a file into a crop for this model; by default every picture is taken for one.
        workers: Processes that read, as in :func:`~sphereface.embedder.embedder.embed_files`.
        title: What to call the model.
        progress: Who listens.

    Returns:
        The embeddings, as long as the embedder says they were before they were put on the sphere, and the
        pictures that failed.

    Raises:
        DataError: If no picture can be embedded.
    """
    faces = embed_files(embedder, people.paths, reader=reader, workers=workers, progress=progress)
    embeddings = np.zeros((len(faces), embedder.dimension), dtype=np.float32)
    failed = np.ones(len(faces), dtype=bool)
    for row in embedded_rows(faces):
        face = faces[row]
        assert face.embedding is not None
        embeddings[row] = face.embedding if face.norm is None else face.embedding * np.float32(face.norm)
        failed[row] = False
    embedded = EmbeddingSet.of(
        embeddings,
        people.people,
        names=people.names,
        failed=failed,
        model=embedder.fingerprint,
        title=title,
    )
    return embedded, tuple(face for face in faces if not face.ok)


def audit(
    embedder: Embedder,
    people: Manifest,
    *,
    settings: Judgement,
    protocol: Protocol | None = None,
    reader: Reader | None = None,
    workers: int | None = 1,
    progress: Progress = SILENT,
) -> Audit:
    """Embed every picture, and judge all against all and what a protocol asks for beside it.

    Args:
        embedder: The model.
        people: Who to judge it on: nobody it was trained on.
        settings: How.
        protocol: Judged beside all pairs, if there is one.
        reader: What turns a file into a crop for this model; by default every picture is taken for one.
        workers: Processes that read, as in :func:`~sphereface.embedder.embedder.embed_files`.
        progress: Who listens.

    Raises:
        DataError: If no picture can be embedded.
        NotEnoughDataError: If nothing can be compared.
    """
    faces, failures = embed_people(embedder, people, reader=reader, workers=workers, progress=progress)
    progress.say("measuring error rates and their intervals")
    chosen = settings.evaluation_settings()
    comparisons = compare(faces, chosen)
    if protocol is not None:
        comparisons = joined(comparisons, follow(faces, protocol, chosen))
    evaluation = judge(comparisons, chosen)
    points = choose_points(
        comparisons,
        target_fpir=settings.target_fpir,
        target_fmr=settings.target_fmr,
        data_hash=people.data_hash,
    )
    return Audit(people, faces, failures, evaluation, points.issued, points.refused)
