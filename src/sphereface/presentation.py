"""From a judged embedding to the values of a report: pictures, samples, sanity checks, settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sphereface.data.folders import first_few
from sphereface.data.manifest import Manifest
from sphereface.embedder.embedder import Face
from sphereface.embedder.shortcuts import shortcut_rates
from sphereface.errors import ImageError
from sphereface.evaluation.embedding_set import EmbeddingSet
from sphereface.evaluation.evaluation import Evaluation
from sphereface.evaluation.findings import Findings
from sphereface.evaluation.operating_point import OperatingPoint
from sphereface.faces.image import read_image
from sphereface.progress import SILENT, Progress
from sphereface.report import GalleryTrial, ModelDifferences, ReportInput, Shortcut, SphereSample
from sphereface.surroundings import machine, versions

_SPHERE_PEOPLE, _SPHERE_IMAGES = 8, 30
_STRIP_PEOPLE, _STRIP_IMAGES = 6, 8


def present(
    evaluation: Evaluation,
    faces: EmbeddingSet,
    *,
    title: str,
    data: str,
    settings: Mapping[str, Any],
    people: Manifest | None = None,
    failures: Sequence[Face] = (),
    refusals: Sequence[str] = (),
    checks: Sequence[Shortcut] = (),
    journal: Sequence[Mapping[str, Any]] | None = None,
    gallery_trial: GalleryTrial | None = None,
    operating_point: OperatingPoint | None = None,
    others: Sequence[Evaluation] = (),
    differences: Sequence[ModelDifferences] = (),
    findings: Findings | None = None,
) -> ReportInput:
    """Gather everything a report of this evaluation shows.

    Args:
        evaluation: What was measured.
        faces: The embeddings it was measured on, as they were handed in.
        title: Heading of the page.
        data: Who is in it, in a sentence.
        settings: What is needed to repeat the run; versions, machine and evaluation settings are added.
        people: The pictures behind the embeddings, row by row, where there are any.
        failures: Pictures that could not be embedded.
        refusals: Why an operating point is missing.
        checks: Sanity checks of the data (:func:`shortcuts`).
        journal: Of the training.
        gallery_trial: The gallery tried on fresh people.
        operating_point: For searching a gallery.
        others: Other models on the same pictures.
        differences: Between the models.
        findings: What more was looked into.
    """
    return ReportInput(
        title=title,
        evaluation=evaluation,
        data=data,
        shortcuts=checks,
        settings={
            **settings,
            "test_data_hash": faces.data_hash if people is None else people.data_hash,
            "failed_pictures": {str(face.path): face.outcome for face in failures[:100]},
            "operating_points_refused": list(refusals),
            "versions": versions(),
            "machine": machine(),
        },
        **_pictured(evaluation, faces, people),
        journal=journal,
        gallery_trial=gallery_trial,
        operating_point=operating_point,
        others=others,
        differences=differences,
        findings=findings,
    )


def shortcuts(evaluation: Evaluation, people: Manifest, progress: Progress = SILENT) -> list[Shortcut]:
    """Return the sanity checks of the data beside the embedding's own equal error rate."""
    progress.say("trying shortcuts: raw pixels, colour, background, an untrained network")
    ours = Shortcut(
        "the trained network",
        evaluation.verification.eer,
        "on all pairs of the people it is judged on",
        ours=True,
    )
    return [*shortcut_rates(people), ours]


def describe_data(learners: Manifest, judged: Manifest, left_out: Sequence[str]) -> str:
    """Say in a sentence or two who is in the report."""
    return (
        f"Trained on {describe(learners)}, judged on {describe(judged).replace('people', 'other people')}. "
        f"{describe_absent(left_out)}"
    ).strip()


def describe(people: Manifest) -> str:
    """Count pictures and people."""
    return f"{len(people):,} pictures of {len(people.identities):,} people"


def describe_absent(left_out: Sequence[str]) -> str:
    """Say who was left out of the judgement; empty if nobody was."""
    if not left_out:
        return ""
    many = "1 person was" if len(left_out) == 1 else f"{len(left_out):,} people were"
    return f"{many} left out because the network has learned from them ({first_few(left_out)})."


def _pictured(evaluation: Evaluation, faces: EmbeddingSet, people: Manifest | None) -> dict[str, Any]:
    """Return the report's pictures: confused pairs, a strip of faces, and embeddings for the sphere."""
    worst = [pair for found in evaluation.verifications for pair in found.hardest_genuine + found.hardest_impostor]
    if evaluation.health is not None:
        worst += evaluation.health.nearest + evaluation.health.widest
    shown = {row for pair in worst for row in (pair.first, pair.second)}
    codes = np.unique(np.array(faces.identities), return_inverse=True)[1]
    by_size = np.argsort(-np.bincount(codes), kind="stable")
    ball = [
        row
        for person in by_size[:_SPHERE_PEOPLE]
        for row in np.flatnonzero((codes == person) & ~faces.failed)[:_SPHERE_IMAGES].tolist()
        if faces.identities[row]
    ]
    strip = [np.flatnonzero(codes == person)[:_STRIP_IMAGES].tolist() for person in by_size[:_STRIP_PEOPLE]]
    if people is not None:
        shown |= {row for rows in strip for row in rows}
    pictures = {}
    for row, path in ((row, people.paths[row]) for row in sorted(shown)) if people is not None else ():
        try:
            pictures[row] = read_image(path)
        except ImageError:
            continue  # a picture that cannot be shown is counted among the failures already
    return {
        "pictures": pictures,
        "names": {row: faces.identities[row] for row in shown},
        "row_names": {row: faces.names[row] for row in shown},
        "samples": strip if people is not None else (),
        "sphere": SphereSample(faces.embeddings[ball], [faces.identities[row] for row in ball]) if ball else None,
    }
