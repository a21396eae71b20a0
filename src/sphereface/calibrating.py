"""A calibration for a model: fitted on people it has not learned from, worth what it proves on half of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sphereface.clock import now
from sphereface.embedder import Embedder
from sphereface.embedder.pretrained import is_shipped
from sphereface.errors import ConfigurationError, DataError, ModelError
from sphereface.evaluation.calibration import (
    CalibrationFile,
    calibrate_and_judge,
    calibration_file,
    read_calibration,
)
from sphereface.evaluation.calibration import calibrate as fit
from sphereface.evaluation.choices import Calibration
from sphereface.evaluation.embedding_file import read_embeddings
from sphereface.evaluation.judge import every_pair
from sphereface.evaluation.score_normalisation import Sides
from sphereface.inquiry import inquire
from sphereface.progress import SILENT, Progress
from sphereface.question import Question, one_source
from sphereface.subjects import PLAIN, Reading

CALIBRATION_FILE = "calibration.json"


def calibrate(
    model: Path | None,
    embeddings: Path | None,
    kind: Calibration = "platt",
    *,
    data: Sequence[Path] = (),
    cohort: Path | None = None,
    out: Path | None = None,
    reading: Reading = PLAIN,
    progress: Progress = SILENT,
) -> tuple[Path, CalibrationFile]:
    """Fit one kind of calibration on all pairs, and judge it by cross-fitting over two halves of the people.

    Args:
        model: Folder of a model, or an ONNX file.
        embeddings: A file of embeddings instead.
        kind: The map.
        data: Folders of pictures; by default the test people of the model's own run.
        cohort: A file of embeddings of people who are in none of the pairs, for ``local``.
        out: Where it is to be written; by default beside the model.
        reading: How pictures become crops.
        progress: Who listens.

    Returns:
        Where it belongs, and what it is.

    Raises:
        ConfigurationError: If what is asked for does not go together.
        ModelError: If there is no model, or it belongs to this package and there is no place to write to.
        DataError: If the data cannot be used.
        NotEnoughDataError: If half of the people are too few.
    """
    models, files = one_source(model, embeddings)
    if (kind == "local") != (cohort is not None):
        raise ConfigurationError("--kind local needs a --cohort of other people, and no other kind takes one")
    path = out or _beside(*models, *files)
    inquiry = inquire(models, files, Question(), data=data, reading=reading, progress=progress)
    faces = inquiry.faces
    pairs = every_pair(faces, inquiry.settings)
    others = None if cohort is None else read_embeddings(cohort)
    if others is not None and others.model and faces.model and others.model != faces.model:
        raise DataError(
            f"the cohort '{cohort}' was embedded by model {others.model[:12]} and the pictures by "
            f"{faces.model[:12]}; their cosines mean nothing to each other"
        )
    crowd = None if others is None else others.embeddings[~others.failed]
    progress.say("fitting on one half of the people, judging on the other")
    judged = calibrate_and_judge(
        pairs,
        faces.embeddings,
        (kind,),
        cohort=crowd,
        cohort_identities=None if others is None else others.identities,
        confidence=inquiry.settings.confidence,
        seed=inquiry.settings.seed,
    )[kind]
    fitted = fit(pairs, faces.embeddings, kind, cohort=crowd, seed=inquiry.settings.seed)
    return path, calibration_file(
        fitted,
        judged,
        model_fingerprint=faces.fingerprint,
        data_hash=inquiry.data_hash,
        created=now(),
    )


def evidence_of(
    embedder: Embedder, model: Path, vectors: NDArray[np.float32], file: Path | None = None
) -> float | None:
    """Return the log-likelihood ratio of two pictures, in nats, by a calibration of the model.

    Args:
        embedder: The model.
        model: Where it lies, and by default its calibration with or beside it.
        vectors: Shape (2, d), of the two pictures.
        file: The calibration.

    Returns:
        None where no file is given and the model has none.

    Raises:
        DataError: If the calibration cannot be used, or was fitted for another model.
    """
    path = calibration_of(model) if file is None else file
    if file is None and not path.exists():
        return None
    calibration = read_calibration(path)
    if calibration.model_fingerprint != embedder.fingerprint:
        raise DataError(
            f"the calibration '{path}' was fitted for model {calibration.model_fingerprint[:12]}, not for "
            f"{embedder.fingerprint[:12]}; fit one with 'sphereface calibrate'"
        )
    sides = Sides(vectors, np.array([0]), np.array([1]))
    score = np.clip(vectors[:1] @ vectors[1], -1.0, 1.0)
    return float(calibration.calibrator().log_likelihood_ratio(score, sides)[0])


def calibration_of(model: Path) -> Path:
    """Return where a model's calibration lies: in its folder, or beside its file."""
    return model / CALIBRATION_FILE if model.is_dir() else model.with_suffix(f".{CALIBRATION_FILE}")


def _beside(place: Path) -> Path:
    if is_shipped(place):
        raise ModelError(f"the model '{place.name}' belongs to this package: say where to write with --out")
    return calibration_of(place)
