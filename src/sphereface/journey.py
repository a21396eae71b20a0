"""The main job as one readable function: faces to a trained, judged, reported and usable model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sphereface.checkpoint import (
    Architecture,
    ModelCard,
    Provenance,
    load_card,
    save_model,
    update_operating_points,
)
from sphereface.data.manifest import Manifest, read_manifest
from sphereface.embedder import Embedder, load_embedder
from sphereface.embedder.audit import Audit, audit, unseen
from sphereface.embedder.judgement import Judgement
from sphereface.errors import ModelError
from sphereface.evaluation.operating_point import OperatingPoint
from sphereface.gallery.trial import try_gallery
from sphereface.presentation import describe_data, present, versions
from sphereface.progress import SILENT, Progress
from sphereface.report import GalleryTrial, ReportInput, write_report
from sphereface.training.journal import read_journal
from sphereface.training.loop import Trained, check_networks, train
from sphereface.training.recipe import Recipe, parse_recipe


@dataclass(frozen=True)
class Result:
    """What a journey leaves behind.

    Attributes:
        folder: The run folder with the model, its card, the journal and the report.
        trained: How the training went.
        audit: How the model was judged.
        left_out: People of the test set who were left out because the training set has their name.
        report: What the page was made of.
    """

    folder: Path
    trained: Trained
    audit: Audit
    left_out: tuple[str, ...]
    report: ReportInput


@dataclass(frozen=True)
class Judged:
    """What judging a model again gives: the page, the judgement, and what the page was made of."""

    page: Path
    audit: Audit
    report: ReportInput


def journey(
    recipe: Recipe,
    folder: Path,
    *,
    about: str = "",
    notes: Mapping[str, Any] = MappingProxyType({}),
    progress: Progress = SILENT,
) -> Result:
    """Train as the recipe says, judge on people the network has not seen, write the report.

    A run that was killed goes on where it stopped when this is called again with the same arguments.

    Args:
        recipe: Every setting.
        folder: The run folder, made if missing.
        about: A sentence about the people, for the report.
        notes: More to print among the settings of the report.
        progress: Who listens.

    Raises:
        SpherefaceError: If data, settings or the folder are unusable; the message says what to do.
    """
    check_networks(recipe)
    learners, judged, left_out = read_people(recipe, progress)
    progress.say(f"training on {learners.describe()}")
    progress.say(f"judging on {judged.describe()}")

    trained = train(recipe, learners, folder, progress)
    keep_model(trained, recipe, learners, folder)

    embedder = load_embedder(folder)
    judgement = audit(
        embedder,
        judged,
        settings=recipe.judgement,
        pairs=recipe.data.pairs,
        without=left_out,
        progress=progress,
    )
    for refusal in judgement.refusals:
        progress.say(f"no operating point: {refusal}")
    update_operating_points(folder, judgement.points)
    trial = try_people(recipe, folder, embedder, judgement.point("fpir"), progress)

    report = present(
        judgement,
        title=recipe.title,
        data=f"{describe_data(learners, judged, left_out)} {about}".strip(),
        contract=recipe.input,
        settings={
            "recipe": recipe.model_dump(mode="json"),
            "training_data_hash": learners.data_hash,
            "model_fingerprint": embedder.fingerprint,
            "steps": trained.steps,
            "device": trained.device,
            "precision": trained.precision,
            **notes,
        },
        journal=read_journal(folder / "journal.jsonl"),
        trial=trial,
        progress=progress,
    )
    progress.say("drawing the report")
    write_report(folder, report)
    return Result(folder, trained, judgement, left_out, report)


def read_people(recipe: Recipe, progress: Progress = SILENT) -> tuple[Manifest, Manifest, tuple[str, ...]]:
    """Return who to learn from, who to be judged on, and who was left out of the judgement.

    Nobody is on both sides: either the test set is held out by person, or people whose name is in both sets
    are left out of the judgement.
    """
    learners = read_manifest(*recipe.data.train, progress=progress)
    if not recipe.data.test:
        train_part, test_part = learners.split(recipe.data.test_fraction, recipe.data.split_seed)
        return train_part, test_part, ()
    judged = read_manifest(*recipe.data.test, progress=progress)
    judged, left_out = unseen(judged, learners.identities)
    if left_out:
        progress.say(f"left out of the judgement, for the training set has them too: {', '.join(left_out)}")
    return learners, judged, left_out


def try_people(
    recipe: Recipe,
    folder: Path,
    embedder: Embedder,
    point: OperatingPoint | None,
    progress: Progress = SILENT,
) -> GalleryTrial | None:
    """Try a gallery, ``gallery.db``, on the people the recipe keeps for it; None if there are none."""
    data = recipe.data
    if data.trial_known is None or data.trial_strangers is None:
        return None
    if point is None:
        progress.say("the gallery is not tried, for there is no operating point")
        return None
    return try_gallery(
        folder / "gallery.db",
        embedder,
        point,
        read_manifest(data.trial_known),
        read_manifest(data.trial_strangers),
        templates=recipe.judgement.templates_per_person,
        progress=progress,
    )


def keep_model(trained: Trained, recipe: Recipe, learners: Manifest, folder: Path) -> ModelCard:
    """Write ``model.safetensors`` and ``model.json``: the backbone alone; the prototypes stay behind."""
    tensors = {name: value.detach().cpu().numpy() for name, value in trained.backbone.state_dict().items()}
    settings = {"size": recipe.input.size, **recipe.backbone.settings}
    card = ModelCard(
        architecture=Architecture(name=recipe.backbone.name, settings=settings),
        embedding_dimension=int(settings.get("embedding_dim", 512)),
        parameters=sum(parameter.numel() for parameter in trained.backbone.parameters()),
        input_contract=recipe.input,
        provenance=Provenance(
            recipe=recipe.model_dump(mode="json"),
            seed=recipe.training.seed,
            steps=trained.steps,
            images_seen=trained.steps * recipe.training.batch_size,
            data_hash=learners.data_hash,
            versions=versions(),
        ),
    )
    return save_model(folder, tensors, card)


def judge_model(
    folder: Path,
    *,
    data: Sequence[Path] = (),
    pairs: Path | None = None,
    out: Path | None = None,
    target_fpir: float | None = None,
    target_fmr: float | None = None,
    store: bool = False,
    progress: Progress = SILENT,
) -> Judged:
    """Judge a trained model again, on its own test people or on others, and write a report.

    Args:
        folder: The model's folder.
        data: Folders of folders to judge on; by default those of the run. People whose name the training
            set has are left out.
        pairs: An LFW or CSV pair list over these pictures.
        out: Where the report goes; by default ``evaluation/`` in the model's folder.
        target_fpir: Rate of the operating point for searches; by default the recipe's.
        target_fmr: Rate of the operating point for comparisons; by default the recipe's.
        store: Store the operating points with the model, each in place of the one of its kind.
        progress: Who listens.

    Raises:
        ModelError: If there is no model, or it does not say what it was trained on and no data is given.
        DataError: If the data cannot be used.
    """
    card = load_card(folder)
    embedder = load_embedder(folder)
    recipe = parse_recipe(card.provenance.recipe) if card.provenance.recipe else None
    if data:
        judged = read_manifest(*data, progress=progress)
        left_out: tuple[str, ...] = ()
        if recipe is not None and all(path.is_dir() for path in recipe.data.train):
            judged, left_out = unseen(judged, read_people(recipe)[0].identities)
    elif recipe is not None:
        _, judged, left_out = read_people(recipe, progress)
        pairs = pairs or recipe.data.pairs
    else:
        raise ModelError(f"'{folder}' does not say what it was trained on; name people to judge it on with --data")
    judgement_settings = recipe.judgement if recipe is not None else Judgement()
    targets = {"target_fpir": target_fpir, "target_fmr": target_fmr}
    chosen = {key: value for key, value in targets.items() if value is not None}
    judgement = audit(
        embedder,
        judged,
        settings=judgement_settings.model_copy(update=chosen),
        pairs=pairs,
        without=left_out,
        progress=progress,
    )
    if store:
        issued = {point.kind for point in judgement.points}
        kept = [point for point in card.operating_points if point.kind not in issued]
        update_operating_points(folder, [*kept, *judgement.points])
    report = present(
        judgement,
        title=f"Evaluation of {folder.name}",
        data=f"Judged on {len(judged):,} pictures of {len(judged.identities):,} people.",
        contract=card.input_contract,
        settings={
            "model": card.model_dump(mode="json", exclude={"operating_points"}),
            "model_fingerprint": embedder.fingerprint,
        },
        progress=progress,
    )
    return Judged(write_report(out or folder / "evaluation", report), judgement, report)
