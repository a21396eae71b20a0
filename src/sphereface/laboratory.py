"""Judging embeddings, wherever they come from: one report, with several models in it if wanted.

Runs without torch where the models do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sphereface.card import write_card
from sphereface.data.learned import read_learned
from sphereface.embedder import read_card, replace_operating_points
from sphereface.embedder.embedder import Face
from sphereface.embedder.pretrained import is_shipped
from sphereface.errors import ConfigurationError, ModelError, NotEnoughDataError
from sphereface.evaluation.embedding_file import write_embeddings
from sphereface.evaluation.embedding_set import EmbeddingSet
from sphereface.evaluation.evaluation import Evaluation
from sphereface.evaluation.findings import find
from sphereface.evaluation.judge import Comparisons, judge
from sphereface.evaluation.operating_point import point_of
from sphereface.evaluation.paired import compare_crowds, compare_pairs, compare_searches
from sphereface.evaluation.points import Points, choose_points
from sphereface.inquiry import Inquiry, inquire
from sphereface.presentation import present, shortcuts
from sphereface.progress import SILENT, Progress
from sphereface.question import Question
from sphereface.report import ModelDifferences, ReportInput, require_drawing, write_report
from sphereface.subjects import PLAIN, Reading


@dataclass(frozen=True)
class Judged:
    """What judging leaves behind.

    Attributes:
        page: The report.
        evaluations: One for each subject, in order.
        points: Operating points of the first, and why others are missing.
        failures: Pictures that the first could not embed.
        left_out: People who were left out because a model has learned from them.
        report: What the page was made of.
    """

    page: Path
    evaluations: tuple[Evaluation, ...]
    points: Points
    failures: tuple[Face, ...]
    left_out: tuple[str, ...]
    report: ReportInput


def evaluate(
    models: Sequence[Path] = (),
    files: Sequence[Path] = (),
    question: Question = Question(),  # noqa: B008 - frozen
    *,
    data: Sequence[Path] = (),
    reading: Reading = PLAIN,
    fuse: bool = False,
    store: bool = False,
    save: Path | None = None,
    out: Path | None = None,
    progress: Progress = SILENT,
) -> Judged:
    """Judge one embedding, or several side by side, and write a report.

    Args:
        models: Folders of models, or ONNX files (:func:`~sphereface.inquiry.inquire`).
        files: Embeddings that somebody made already.
        question: What is asked of them.
        data: Folders of pictures; by default the test people of the first model's own run.
        reading: How pictures become crops.
        fuse: Judge all of them together as one more model.
        store: Store the operating points with the model, each in place of the one of its kind.
        save: Write the first subject's embeddings to this file.
        out: Where the report goes; by default ``evaluation/`` in the first model's folder, or a folder beside the
            first file.
        progress: Who listens.

    Raises:
        ConfigurationError: If what is asked for does not go together.
        ModelError: If there is no model, or it does not say what it was trained on and no data is given.
        DataError: If the data cannot be used, or two subjects do not speak of the same pictures.
        NotEnoughDataError: If nothing can be compared.
    """
    require_drawing()
    _check_places(models, files, question, store=store, out=out)
    inquiry = inquire(models, files, question, data=data, reading=reading, fuse=fuse, progress=progress)
    faces, people = inquiry.faces, inquiry.people
    groups = question.groups or faces.group_of
    if save is not None:
        write_embeddings(save, faces)

    progress.say("measuring error rates and their intervals")
    compared = [inquiry.compare(subject.faces) for subject in inquiry.subjects]
    evaluations = tuple(
        _judged(subject.faces.title, comparisons, inquiry)
        for subject, comparisons in zip(inquiry.subjects, compared, strict=True)
    )
    points = Points((), ())
    if inquiry.everything:
        points = choose_points(
            compared[0],
            target_fpir=inquiry.judgement.target_fpir,
            target_fmr=inquiry.judgement.target_fmr,
            data_hash=inquiry.data_hash,
        )
    if store:
        replace_operating_points(models[0], points.issued)
    progress.say("looking into gallery sizes, groups, calibration and morphs")
    report = present(
        evaluations[0],
        faces,
        title="Evaluation of " + " and ".join(subject.faces.title for subject in inquiry.subjects),
        data=" ".join([inquiry.describe(), *inquiry.remarks]),
        settings={
            "judged": [subject.about for subject in inquiry.subjects],
            "pictures": reading.to_json() if models else "as they were embedded",
        },
        people=people,
        failures=inquiry.subjects[0].failures,
        refusals=points.refused,
        checks=shortcuts(evaluations[0], people, progress) if people is not None and inquiry.everything else (),
        operating_point=point_of(points.issued, "fpir"),
        others=evaluations[1:],
        differences=[
            found
            for other, comparisons in zip(inquiry.subjects[1:], compared[1:], strict=True)
            for found in _differences(inquiry, (faces, compared[0]), (other.faces, comparisons))
        ],
        findings=find(compared[0], evaluations[0], groups, inquiry.settings),
    )
    progress.say("drawing the report")
    page = write_report(out or _default_folder(models, files), report)
    if models:
        card = read_card(models[0])
        write_card(page.parent, card, read_learned(models[0], card.learned_sha256), report)
    return Judged(page, evaluations, points, inquiry.subjects[0].failures, inquiry.left_out, report)


def _check_places(
    models: Sequence[Path], files: Sequence[Path], question: Question, *, store: bool, out: Path | None
) -> None:
    if store and (len(models) != 1 or files or not question.all_pairs):
        raise ConfigurationError(
            "operating points are stored with one model, from all pairs of its people: name one --model, and "
            "--everything beside a protocol"
        )
    if models and is_shipped(models[0]) and (store or out is None):
        raise ModelError(
            f"the model '{models[0].name}' belongs to this package and keeps nothing: name a folder for the "
            f"report with --out, and to store operating points first make a model of your own: "
            f"sphereface models get {models[0].name} --out FOLDER"
        )


def _judged(title: str, comparisons: Comparisons, inquiry: Inquiry) -> Evaluation:
    """Judge one subject; where there are several, what cannot be judged is named."""
    try:
        return judge(comparisons, inquiry.settings)
    except NotEnoughDataError as error:
        if len(inquiry.subjects) == 1:
            raise
        raise NotEnoughDataError(f"'{title}' cannot be judged: {error}") from error


def _differences(
    inquiry: Inquiry, ours: tuple[EmbeddingSet, Comparisons], theirs: tuple[EmbeddingSet, Comparisons]
) -> Iterator[ModelDifferences]:
    """Compare two subjects pair by pair; in all pairs what either could not embed has failed for both."""
    settings, first, other = inquiry.settings, ours[0], theirs[0]
    failed = first.failed | other.failed
    one, two = (
        comparisons
        if not inquiry.everything or np.array_equal(faces.failed, failed)
        else inquiry.compare(replace(faces, failed=failed))
        for faces, comparisons in (ours, theirs)
    )
    for pairs, repeated in zip(one.pairs, two.pairs, strict=True):
        found = compare_pairs(
            pairs,
            repeated,
            fmr_targets=settings.fmr_targets,
            confidence=settings.confidence,
            seed=settings.seed,
            threshold_rule=settings.threshold_rule,
        )
        yield ModelDifferences(pairs.title, first.title, other.title, found)
    for searched, again in zip(one.searches, two.searches, strict=True):
        found = compare_searches(
            searched,
            again,
            fpir_targets=settings.fpir_targets,
            confidence=settings.confidence,
            seed=settings.seed,
        )
        yield ModelDifferences(searched.title, first.title, other.title, found)
    for crowd, same in zip(one.crowds, two.crowds, strict=True):
        found = compare_crowds(
            crowd, same, fmr_targets=settings.fmr_targets, confidence=settings.confidence, seed=settings.seed
        )
        yield ModelDifferences(crowd.title, first.title, other.title, found)


def _default_folder(models: Sequence[Path], files: Sequence[Path]) -> Path:
    if models:
        return models[0] / "evaluation" if models[0].is_dir() else models[0].with_suffix(".evaluation")
    return files[0].with_suffix(".evaluation")
