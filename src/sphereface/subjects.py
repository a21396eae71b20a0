"""What is judged: embeddings from a model and pictures, or from a file that somebody made."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from sphereface.data.manifest import Manifest
from sphereface.embedder import load_embedder
from sphereface.embedder.audit import embed_people
from sphereface.embedder.embedder import Face
from sphereface.errors import ConfigurationError, DataError
from sphereface.evaluation.embedding_file import read_embeddings
from sphereface.evaluation.embedding_set import EmbeddingSet
from sphereface.evaluation.fusion import fuse_models
from sphereface.faces.choices import DetectorName, PictureKind, Policy
from sphereface.faces.detectors import reader
from sphereface.faces.quality import NO_LIMITS, QualityLimits
from sphereface.progress import SILENT, Progress


@dataclass(frozen=True)
class Reading:
    """How pictures become crops for a model.

    Attributes:
        pictures: Whether they are photographs or aligned crops.
        faces: Which face of a photograph counts.
        detector: Who finds it.
        quality: Which faces of a photograph are refused; a refused picture counts as one that fails.
    """

    pictures: PictureKind = "auto"
    faces: Policy = "largest"
    detector: DetectorName = "yunet"
    quality: QualityLimits = NO_LIMITS

    def __post_init__(self) -> None:
        if self.faces == "all":
            raise ConfigurationError(
                "one face of each picture is judged: choose --faces largest, central or error"
            )

    def to_json(self) -> dict[str, Any]:
        """Return it as a report writes it."""
        limits = asdict(self.quality)
        return {"taken_for": self.pictures, "faces": self.faces, "detector": self.detector, "limits": limits}

    def preprocessing(self) -> dict[str, str]:
        """Return it as texts that travel with embeddings and operating points."""
        limits = {name: limit for name, limit in asdict(self.quality).items() if limit is not None}
        told = {"pictures": self.pictures, "faces": self.faces, "detector": self.detector}
        return told | {name: f"{limit:g}" for name, limit in limits.items()}


PLAIN: Final = Reading()


@dataclass(frozen=True)
class Subject:
    """One embedding.

    Attributes:
        faces: It.
        failures: Pictures that could not be embedded.
        about: What it is, for the report.
    """

    faces: EmbeddingSet
    failures: tuple[Face, ...] = ()
    about: str = ""


def subject_of_model(
    path: Path, people: Manifest, reading: Reading = PLAIN, progress: Progress = SILENT
) -> Subject:
    """Embed pictures with a model: a run's folder, or an ONNX file.

    Raises:
        ModelError: If there is no model, or it is damaged.
        DataError: If no picture can be embedded.
    """
    embedder = load_embedder(path)
    faces, failures = embed_people(
        embedder,
        people,
        reader=reader(embedder.contract.size, reading.pictures, reading.faces, reading.detector, reading.quality),
        workers=1 if reading.pictures == "aligned" else None,
        title=path.resolve().name,
        progress=progress,
    )
    faces = replace(faces, preprocessing=reading.preprocessing())
    return Subject(faces, failures, f"{faces.title}, fingerprint {embedder.fingerprint}")


def subject_of_file(path: Path) -> Subject:
    """Read embeddings that somebody made.

    Raises:
        DataError: If the file cannot be used.
    """
    faces = read_embeddings(path)
    return Subject(faces, (), f"{path.name}, embeddings {faces.fingerprint}")


def in_one_order(subjects: Sequence[Subject]) -> list[Subject]:
    """Bring all into the order of the first, so that row i shows the same picture in each.

    A title that is taken gets a number.

    Raises:
        DataError: If one has pictures that another has not, or says somebody else is in one.
    """
    first = subjects[0].faces
    ordered: list[Subject] = []
    for number, subject in enumerate(subjects):
        faces = subject.faces
        if number and faces.names != first.names:
            faces = faces.select(_rows_of(first, faces))
        other = next((at for at in range(len(first)) if faces.identities[at] != first.identities[at]), None)
        if other is not None:
            raise DataError(
                f"'{first.names[other]}' shows '{first.identities[other]}' in '{first.title}', but "
                f"'{faces.identities[other]}' in '{faces.title}'"
            )
        taken = {each.faces.title for each in ordered}
        numbered = (f"{faces.title} ({count})" for count in itertools.count(number + 1))
        title = next(title for title in itertools.chain([faces.title], numbered) if title not in taken)
        ordered.append(replace(subject, faces=replace(faces, title=title)))
    return ordered


def fused(subjects: Sequence[Subject]) -> Subject:
    """Return all of them as one: their unit embeddings end to end, so that its cosine is the mean of theirs.

    A picture that one of them could not embed has failed.
    """
    faces = [subject.faces for subject in subjects]
    failed = np.any([each.failed for each in faces], axis=0)
    together = fuse_models([each.embeddings for each in faces], failed=failed)
    title = " + ".join(each.title for each in faces)
    model = "+".join(each.fingerprint for each in faces)
    joined = replace(faces[0], embeddings=together, failed=failed, title=title, model=model, quality=None)
    return Subject(joined, (), f"{title}, end to end")


def _rows_of(first: EmbeddingSet, faces: EmbeddingSet) -> list[int]:
    """Return for each row of the first the row of the other that has its name."""
    at = {name: row for row, name in enumerate(faces.names)}
    for one, other in ((first, faces), (faces, first)):
        alone = next(iter(sorted(set(one.names) - set(other.names))), None)
        if alone is not None:
            raise DataError(
                f"'{alone}' is in '{one.title}', but not in '{other.title}'; "
                "models are compared on the same pictures"
            )
    return [at[name] for name in first.names]
