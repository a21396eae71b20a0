"""The main job as one readable function: faces to a trained, judged, reported and usable model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
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
from sphereface.data.learned import LEARNED_FILE, Learned, read_learned
from sphereface.data.manifest import Manifest, read_manifest
from sphereface.embedder import Embedder, load_embedder
from sphereface.embedder.audit import Audit, audit, read_pairs
from sphereface.embedder.judgement import Judgement
from sphereface.embedder.pretrained import is_shipped
from sphereface.errors import ConfigurationError, ModelError, SpherefaceError
from sphereface.evaluation.operating_point import OperatingPoint
from sphereface.faces.choices import DetectorName, PictureKind, Policy
from sphereface.faces.detectors import reader
from sphereface.faces.quality import NO_LIMITS, QualityLimits
from sphereface.gallery.trial import try_gallery
from sphereface.participants import Participants, gather, require_judgeable
from sphereface.presentation import describe, describe_absent, describe_data, present, versions
from sphereface.progress import SILENT, Progress
from sphereface.report import GalleryTrial, ReportInput, require_drawing, write_report
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
    """What judging a model again gives.

    Attributes:
        page: The report.
        audit: How the model was judged.
        left_out: People who were left out because the model has learned from them.
        report: What the page was made of.
    """

    page: Path
    audit: Audit
    left_out: tuple[str, ...]
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
    require_drawing()
    people = gather(recipe, progress)
    progress.say(f"training on {people.learners.describe()}")
    progress.say(f"judging on {people.judged.describe()}")

    trained = train(recipe, people.learners, folder, progress)
    keep_model(trained, recipe, people.learners, folder)

    embedder = load_embedder(folder)
    judgement = audit(embedder, people.judged, settings=recipe.judgement, listed=people.pairs, progress=progress)
    for refusal in judgement.refusals:
        progress.say(f"no operating point: {refusal}")
    update_operating_points(folder, judgement.points)
    trial = try_people(recipe, people, folder, embedder, judgement.point("fpir"), progress)

    report = present(
        judgement,
        title=recipe.title,
        data=f"{describe_data(people.learners, people.judged, people.left_out)} {about}".strip(),
        settings={
            "recipe": recipe.model_dump(mode="json"),
            "training_data_hash": people.learners.data_hash,
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
    return Result(folder, trained, judgement, people.left_out, report)


def try_people(
    recipe: Recipe,
    people: Participants,
    folder: Path,
    embedder: Embedder,
    point: OperatingPoint | None,
    progress: Progress = SILENT,
) -> GalleryTrial | None:
    """Try a gallery, ``gallery.db``, on the people the recipe keeps for it; None if there are none.

    The trial comes last and a trial that fails costs the report nothing but its own part.
    """
    if people.known is None or people.strangers is None:
        return None
    if point is None:
        progress.say("the gallery is not tried, for there is no operating point")
        return None
    try:
        return try_gallery(
            folder / "gallery.db",
            embedder,
            point,
            people.known,
            people.strangers,
            templates=recipe.judgement.templates_per_person,
            progress=progress,
        )
    except (SpherefaceError, OSError) as error:
        progress.say(f"the gallery could not be tried: {error}")
        return None


def keep_model(trained: Trained, recipe: Recipe, learners: Manifest, folder: Path) -> ModelCard:
    """Write the model: the backbone alone, its card, and who was learned from; the prototypes stay behind."""
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
    saved = save_model(folder, tensors, card)
    Learned.of(learners).save(folder)
    return saved


def strangers_to(folder: Path, people: Manifest) -> tuple[Manifest, tuple[str, ...], str]:
    """Leave out whom the model in ``folder`` has learned from.

    Returns:
        The others, the names of those left out, and a caution if the model does not say whom it learned from.
    """
    learned = read_learned(folder)
    if learned is None:
        return people, (), f"The model has no {LEARNED_FILE}, so people it has learned from could not be left out."
    return *learned.unseen(people), ""


def judge_model(
    folder: Path,
    *,
    data: Sequence[Path] = (),
    pairs: Path | None = None,
    out: Path | None = None,
    target_fpir: float | None = None,
    target_fmr: float | None = None,
    store: bool = False,
    pictures: PictureKind = "auto",
    faces: Policy = "largest",
    detector: DetectorName = "yunet",
    quality: QualityLimits = NO_LIMITS,
    progress: Progress = SILENT,
) -> Judged:
    """Judge a trained model again, on its own test people or on others, and write a report.

    Args:
        folder: The model's folder.
        data: Folders of folders to judge on; by default those of the run. Whoever the model has learned from,
            by name or by one of their pictures, is left out.
        pairs: An LFW or CSV pair list over these pictures.
        out: Where the report goes; by default ``evaluation/`` in the model's folder.
        target_fpir: Rate of the operating point for searches; by default the recipe's.
        target_fmr: Rate of the operating point for comparisons; by default the recipe's.
        store: Store the operating points with the model, each in place of the one of its kind.
        pictures: Whether they are photographs or aligned crops.
        faces: Which face of a photograph counts.
        detector: Who finds it.
        quality: Which faces of a photograph are refused; a refused picture counts as one that fails.
        progress: Who listens.

    Raises:
        ModelError: If there is no model, or it does not say what it was trained on and no data is given.
        DataError: If the data cannot be used.
    """
    require_drawing()
    if faces == "all":
        raise ConfigurationError("one face of each picture is judged: choose --faces largest, central or error")
    if is_shipped(folder) and (store or out is None):
        raise ModelError(
            f"the model '{folder.name}' belongs to this package and keeps nothing: name a folder for the report "
            f"with --out, and to store operating points first make a model of your own: "
            f"sphereface models get {folder.name} --out FOLDER"
        )
    card = load_card(folder)
    embedder = load_embedder(folder)
    recipe = parse_recipe(card.provenance.recipe) if card.provenance.recipe else None
    settings = recipe.judgement if recipe is not None else Judgement()
    targets = {"target_fpir": target_fpir, "target_fmr": target_fmr}
    settings = settings.model_copy(update={key: value for key, value in targets.items() if value is not None})
    if data:
        judged, left_out, caution = strangers_to(folder, read_manifest(*data, progress=progress))
        listed = None if pairs is None else read_pairs(pairs, judged.paths, left_out)
    elif recipe is not None:
        people = gather(recipe, progress)
        judged, left_out, listed, caution = people.judged, people.left_out, people.pairs, ""
        if pairs is not None:
            listed = read_pairs(pairs, judged.paths, left_out)
    else:
        raise ModelError(f"'{folder}' does not say what it was trained on; name people to judge it on with --data")
    require_judgeable(judged, settings)
    absent = describe_absent(left_out)
    for remark in (caution, absent if data else ""):
        if remark:
            progress.say(remark)
    judgement = audit(
        embedder,
        judged,
        settings=settings,
        listed=listed,
        reader=reader(embedder.contract.size, pictures, faces, detector, quality),
        workers=1 if pictures == "aligned" else None,
        progress=progress,
    )
    if store:
        issued = {point.kind for point in judgement.points}
        kept = [point for point in card.operating_points if point.kind not in issued]
        update_operating_points(folder, [*kept, *judgement.points])
    report = present(
        judgement,
        title=f"Evaluation of {folder.name}",
        data=" ".join([f"Judged on {describe(judged)}.", absent, caution]).strip(),
        settings={
            "model": card.model_dump(mode="json", exclude={"operating_points"}),
            "model_fingerprint": embedder.fingerprint,
            "pictures": {"taken_for": pictures, "faces": faces, "detector": detector, "limits": asdict(quality)},
        },
        progress=progress,
    )
    return Judged(write_report(out or folder / "evaluation", report), judgement, left_out, report)
