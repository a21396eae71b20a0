"""The main job as one readable function: faces to a trained, judged, reported and usable model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sphereface.atomic import held
from sphereface.card import write_card
from sphereface.checkpoint import (
    Architecture,
    ModelCard,
    Provenance,
    load_card,
    save_model,
    update_operating_points,
)
from sphereface.clock import now
from sphereface.data.learned import Learned
from sphereface.data.manifest import Manifest
from sphereface.embedder import Embedder, load_embedder, replace_operating_points
from sphereface.embedder.audit import Audit, audit
from sphereface.embedder.known_answer import answer_of, summary_of
from sphereface.errors import ModelError, SpherefaceError
from sphereface.evaluation.operating_point import OperatingPoint
from sphereface.gallery_trial import try_gallery
from sphereface.participants import Participants, gather
from sphereface.presentation import describe_data, present, shortcuts
from sphereface.progress import SILENT, Progress
from sphereface.report import GalleryTrial, ReportInput, require_drawing, write_report
from sphereface.surroundings import versions
from sphereface.training.journal import read_journal
from sphereface.training.loop import Trained, train
from sphereface.training.network_check import check_networks
from sphereface.training.recipe import Backbone, Head, Recipe, settings_in_words


@dataclass(frozen=True)
class Result:
    """What a journey leaves behind.

    Attributes:
        folder: The run folder with the model, its card to read, the journal and the report.
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
    folder = Path(folder)
    check_networks(recipe)
    require_drawing()
    people = gather(recipe, progress)
    progress.say(f"network: {_named(recipe.backbone)}; loss: {_named(recipe.head)}")
    progress.say(f"training on {people.learners.describe()}")
    progress.say(f"judging on {people.judged.describe()}")

    trained = train(recipe, people.learners, folder, progress)
    keep_model(trained, recipe, people.learners, people.learned, folder)

    embedder = load_embedder(folder)
    judgement = audit(embedder, people.judged, settings=recipe.judgement, protocol=people.pairs, progress=progress)
    for refusal in judgement.refusals:
        progress.say(f"no operating point: {refusal}")
    replace_operating_points(folder, judgement.points)
    card = load_card(folder)
    trial = try_people(recipe, people, folder, embedder, judgement.point("fpir"), progress)

    report = present(
        judgement.evaluation,
        judgement.faces,
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
        people=people.judged,
        failures=judgement.failures,
        refusals=judgement.refusals,
        checks=shortcuts(judgement.evaluation, people.judged, progress),
        journal=read_journal(folder / "journal.jsonl"),
        gallery_trial=trial,
        operating_point=judgement.point("fpir"),
    )
    progress.say("drawing the report")
    write_report(folder, report)
    write_card(folder, card, people.learned, report)
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


def keep_model(trained: Trained, recipe: Recipe, learners: Manifest, learned: Learned, folder: Path) -> ModelCard:
    """Write the model: the backbone alone, its card, and who was learned from; the prototypes stay behind.

    Operating points of the very same model stay: a finished run that is asked for again loses nothing.
    """
    tensors = {name: value.detach().cpu().numpy() for name, value in trained.backbone.state_dict().items()}
    card = ModelCard(
        architecture=Architecture(name=recipe.backbone.name, settings=recipe.backbone_settings),
        embedding_dimension=recipe.embedding_dimension,
        parameters=sum(parameter.numel() for parameter in trained.backbone.parameters()),
        input_contract=recipe.input,
        known_answer=summary_of(answer_of(trained.backbone, recipe.input.height, recipe.input.width)),
        provenance=Provenance(
            recipe=recipe.model_dump(mode="json"),
            seed=recipe.training.seed,
            steps=trained.steps,
            images_seen=trained.steps * recipe.training.batch_size,
            start=trained.start,
            data_hash=learners.data_hash,
            versions=versions(),
            created=now(),
            licence=recipe.licence,
        ),
    )
    with held(folder):
        remembered = learned.save(folder)  # first: a model must not be without the memory of its people
        before = _points_in(folder)
        saved = save_model(folder, tensors, card.model_copy(update={"learned_sha256": remembered}))
        kept = [point for point in before if point.model_fingerprint == saved.fingerprint]
        return update_operating_points(folder, kept) if kept else saved


def _named(part: Backbone | Head) -> str:
    """Name a network or a loss with its settings, so that what was not set is seen too."""
    return f"{part.name} ({settings_in_words(part.settings) or 'its own settings'})"


def _points_in(folder: Path) -> tuple[OperatingPoint, ...]:
    """Return the operating points of the model that a folder holds, if it holds one that can be read."""
    try:
        return load_card(folder).operating_points
    except ModelError:
        return ()
