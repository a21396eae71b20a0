"""From a judged model to the values of a report: pictures, samples, sanity checks, settings."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from sphereface.data.folders import first_few
from sphereface.data.manifest import Manifest
from sphereface.embedder.audit import Audit
from sphereface.embedder.shortcuts import shortcut_rates
from sphereface.errors import ImageError
from sphereface.faces.image import read_image
from sphereface.progress import SILENT, Progress
from sphereface.report import GalleryTrial, ReportInput, Shortcut, SphereSample

_SPHERE_PEOPLE, _SPHERE_IMAGES = 8, 30
_STRIP_PEOPLE, _STRIP_IMAGES = 6, 8
_VERSIONED = ("sphereface", "torch", "numpy", "opencv-python-headless", "pillow", "safetensors", "scipy")


def present(
    judgement: Audit,
    *,
    title: str,
    data: str,
    settings: Mapping[str, Any],
    journal: Sequence[Mapping[str, Any]] | None = None,
    trial: GalleryTrial | None = None,
    progress: Progress = SILENT,
) -> ReportInput:
    """Gather everything a report of this judgement shows.

    Args:
        judgement: What was measured.
        title: Heading of the page.
        data: Who is in it, in a sentence.
        settings: What is needed to repeat the run; versions, machine and evaluation settings are added.
        journal: The training journal, where this belongs to a run.
        trial: The gallery trial, if there was one.
        progress: Who listens.
    """
    return ReportInput(
        title=title,
        evaluation=judgement.evaluation,
        data=data,
        journal=journal,
        shortcuts=shortcuts(judgement, progress),
        gallery_trial=trial,
        operating_point=judgement.point("fpir"),
        settings={
            **settings,
            "test_data_hash": judgement.people.data_hash,
            "failed_pictures": {str(face.path): face.outcome for face in judgement.failures[:100]},
            "operating_points_refused": list(judgement.refusals),
            "versions": versions(),
            "machine": f"{platform.machine()}, {platform.system()} {platform.release()}",
        },
        **pictured(judgement),
    )


def shortcuts(judgement: Audit, progress: Progress = SILENT) -> list[Shortcut]:
    """Return the sanity checks of the data beside the trained network's own equal error rate."""
    progress.say("trying shortcuts: raw pixels, colour, background, an untrained network")
    ours = Shortcut(
        "the trained network",
        judgement.evaluation.verification.eer,
        "on all pairs of the people it is judged on",
        ours=True,
    )
    return [*shortcut_rates(judgement.people), ours]


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


def pictured(judgement: Audit) -> dict[str, Any]:
    """Return the report's pictures: confused pairs, a strip of faces, and embeddings for the sphere."""
    people, verification = judgement.people, judgement.evaluation.verification
    counts = people.images_per_identity()
    by_size = np.argsort(-counts, kind="stable")
    strip = [
        np.flatnonzero(people.labels == person)[:_STRIP_IMAGES].tolist() for person in by_size[:_STRIP_PEOPLE]
    ]
    wanted = {index for row in strip for index in row}
    for pair in [*verification.hardest_genuine, *verification.hardest_impostor]:
        wanted |= {pair.first, pair.second}
    pictures = {}
    for index in sorted(wanted):
        try:
            pictures[index] = read_image(people.paths[index])
        except ImageError:
            continue  # a picture that cannot be shown is counted among the failures already
    failed = np.linalg.norm(judgement.embeddings, axis=1) == 0.0
    ball = [
        index
        for person in by_size[:_SPHERE_PEOPLE]
        for index in np.flatnonzero((people.labels == person) & ~failed)[:_SPHERE_IMAGES].tolist()
    ]
    return {
        "pictures": pictures,
        "names": {index: people.identities[people.labels[index]] for index in wanted},
        "samples": strip,
        "sphere": SphereSample(judgement.embeddings[ball], [people.identities[people.labels[i]] for i in ball]),
    }


def versions() -> dict[str, str]:
    """Return the versions of what a result depends on."""
    found = {"python": platform.python_version()}
    for package in _VERSIONED:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
