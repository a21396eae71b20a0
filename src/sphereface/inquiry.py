"""What is asked of embeddings, and of whom: everything that is settled before a score is computed."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sphereface.data.folders import list_folder
from sphereface.data.learned import LEARNED_FILE, Learned, read_learned
from sphereface.data.manifest import Manifest, read_manifest, read_pictures
from sphereface.embedder import read_card
from sphereface.embedder.judgement import Judgement
from sphereface.errors import ConfigurationError, DataError, ModelError
from sphereface.evaluation.distractors import Product, float32_product
from sphereface.evaluation.embedding_set import EmbeddingSet
from sphereface.evaluation.judge import Comparisons, compare, follow, joined
from sphereface.evaluation.leaving_out import leave_out
from sphereface.evaluation.protocol import Protocol
from sphereface.evaluation.protocols import PROTOCOLS, Entry, read_protocol
from sphereface.evaluation.protocols.folder import UNKNOWN
from sphereface.evaluation.settings import Settings
from sphereface.evaluation.units import locate_units, pool_templates
from sphereface.participants import gather, require_judgeable
from sphereface.presentation import describe, describe_absent
from sphereface.progress import SILENT, Progress
from sphereface.question import Question
from sphereface.subjects import PLAIN, Reading, Subject, fused, in_one_order, subject_of_file, subject_of_model
from sphereface.training.recipe import parse_recipe


@dataclass(frozen=True)
class Inquiry:
    """Who is judged, and how.

    Attributes:
        subjects: The embeddings, all of the same pictures in the same order.
        people: Their pictures, where they are at hand.
        protocol: What is compared; None for all against all.
        everything: Whether all are compared with all, beside a protocol as well.
        named: Whether the subjects know who is in a picture. The folder that a picture lies in need not be the
            person's, and a protocol knows better.
        judgement: How the first model asks to be judged.
        settings: Of the evaluation.
        left_out: People who are not judged, because a model has learned from them.
        remarks: What a reader must know of who is judged, a sentence each.
    """

    subjects: tuple[Subject, ...]
    people: Manifest | None
    protocol: Protocol | None
    everything: bool
    named: bool
    judgement: Judgement
    settings: Settings
    left_out: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def faces(self) -> EmbeddingSet:
        """The first subject's embeddings."""
        return self.subjects[0].faces

    @property
    def data_hash(self) -> str:
        """Of the pictures, or where they are not at hand of their names and people."""
        return self.faces.data_hash if self.people is None else self.people.data_hash

    def describe(self) -> str:
        """Say who is judged, by what."""
        if self.protocol is not None:
            return f"Judged by {self.protocol.title} ({self.protocol.citation or 'a list of pairs'})."
        if self.people is not None:
            return f"Judged on {describe(self.people)}."
        return f"Judged on {len(self.faces):,} embeddings of {len(set(self.faces.identities)):,} people."

    def compare(self, faces: EmbeddingSet) -> Comparisons:
        """Compute every score that is asked for of these embeddings.

        Raises:
            DataError: If the protocol contradicts the embeddings or itself.
            NotEnoughDataError: If nothing can be compared.
        """
        if self.protocol is None:
            return compare(faces, self.settings)
        known = faces if self.everything or self.named else faces.nameless()
        own = follow(known, self.protocol, self.settings, _product())
        return joined(compare(faces, self.settings), own) if self.everything else own


def inquire(
    models: Sequence[Path],
    files: Sequence[Path],
    question: Question,
    *,
    data: Sequence[Path] = (),
    reading: Reading = PLAIN,
    fuse: bool = False,
    progress: Progress = SILENT,
) -> Inquiry:
    """Settle who is judged by what, and embed their pictures.

    Args:
        models: Folders of models, or ONNX files; each embeds the pictures of ``data``. Whoever one of them has
            learned from, by name or by one of their pictures, is left out for all.
        files: Embeddings that somebody made already (:mod:`~sphereface.evaluation.embedding_file`).
        question: What is asked of them.
        data: Folders of pictures; by default the test people of the first model's own run.
        reading: How pictures become crops.
        fuse: Take all of them together as one more.
        progress: Who listens.

    Raises:
        ConfigurationError: If what is asked for does not go together.
        ModelError: If there is no model, or it does not say what it was trained on and no data is given.
        DataError: If the data cannot be used, or two subjects do not speak of the same pictures.
        NotEnoughDataError: If nothing can be compared.
    """
    if not models and not files:
        raise ConfigurationError("nothing is judged: name a model or a file of embeddings")
    if data and not models:
        raise ConfigurationError("--data are pictures for a model; a file of embeddings needs none")
    if fuse and len(models) + len(files) < 2:
        raise ConfigurationError("--fuse joins several models; name two or more")
    memories = [read_learned(model, read_card(model).learned_sha256) for model in models]
    cast = _cast(models, memories, data, question, progress)
    subjects = [subject_of_file(path) for path in files]
    people = cast.people
    known = subjects[0].faces if people is None else people
    protocol, left_out = _protocol(question, known, memories, cast.left_out)
    if people is not None:
        if protocol is not None and not question.all_pairs:
            rows = locate_units(protocol.units, people.names).rows
            people = people.select(np.unique(rows[rows >= 0]))
        subjects = [*(subject_of_model(path, people, reading, progress) for path in models), *subjects]
    remarks = tuple(filter(None, (cast.caution, describe_absent(left_out))))
    for remark in remarks:
        tell = progress.warn if remark == cast.caution else progress.say
        tell(remark)
    subjects = in_one_order(subjects)
    if protocol is None:  # a protocol brings templates of its own
        if question.weighting != "equal" and not any(subject.faces.templates for subject in subjects):
            raise ConfigurationError(
                f"weighting '{question.weighting}' is about templates of several pictures, and here are none: the "
                "embeddings need a column 'template', or a protocol that has them"
            )
        subjects = [
            replace(subject, faces=pool_templates(subject.faces, question.weighting))
            if subject.faces.templates
            else subject
            for subject in subjects
        ]
    if fuse:
        subjects.append(fused(subjects))
    settings = cast.judgement.evaluation_settings(question.weighting)
    if protocol is not None:
        own = protocol.own_settings()
        if question.all_pairs and not protocol.fmr_targets:  # all pairs carry finer rates than a short list does
            own["fmr_targets"] = tuple(sorted({*own["fmr_targets"], *settings.fmr_targets}, reverse=True))
        settings = replace(settings, **own)
    if question.fmr:
        settings = replace(settings, fmr_targets=question.fmr)
    return Inquiry(
        subjects=tuple(subjects),
        people=people,
        protocol=protocol,
        everything=question.all_pairs,
        named=bool(files),
        judgement=cast.judgement,
        settings=settings,
        left_out=left_out,
        remarks=remarks,
    )


@dataclass(frozen=True)
class _Cast:
    """Pictures of people, before a protocol has chosen among them.

    Attributes:
        people: Their pictures; None where the embeddings are there already.
        left_out: Who is not judged, because a model has learned from them.
        caution: What else must be said of them.
        judgement: How the first model asks to be judged.
    """

    people: Manifest | None
    left_out: tuple[str, ...]
    caution: str
    judgement: Judgement


def _cast(
    models: Sequence[Path],
    memories: Sequence[Learned | None],
    data: Sequence[Path],
    question: Question,
    progress: Progress,
) -> _Cast:
    """Return who is judged and how the first model asks for it; nobody whom a model has learned from."""
    given = {"target_fpir": question.target_fpir, "target_fmr": question.target_fmr}
    targets = {name: target for name, target in given.items() if target is not None}
    if not models:
        return _Cast(None, (), "", Judgement().model_copy(update=targets))
    provenance = read_card(models[0]).provenance
    recipe = parse_recipe(provenance.recipe) if provenance.recipe else None
    judgement = (Judgement() if recipe is None else recipe.judgement).model_copy(update=targets)
    if not data:
        if recipe is None:
            raise ModelError(
                f"'{models[0]}' does not say what it was trained on; name people to judge it on with --data"
            )
        participants = gather(recipe, progress)
        people, left_out = participants.judged, list(participants.left_out)
    elif question.protocol is None or _entry(question.protocol).person_folders:
        _refuse_strangers(data)
        people, left_out = read_manifest(*data, progress=progress), []
    elif question.all_pairs:
        raise ConfigurationError(
            f"the pictures of '{question.protocol}' do not lie in one folder a person, so all cannot be compared "
            "with all beside it: leave --everything out"
        )
    else:
        if question.protocol == "folder":
            _refuse_loose(data)
        return _Cast(read_pictures(*data, progress=progress), (), _cautions(models, memories), judgement)
    for learned in filter(None, memories):
        people, gone = learned.unseen(people)
        left_out.extend(gone)
    if question.all_pairs:
        require_judgeable(people, judgement)
    return _Cast(people, tuple(left_out), _cautions(models, memories) if data else "", judgement)


def _entry(name: str) -> Entry:
    if name not in PROTOCOLS:
        read_protocol(name)  # which says what there is
    return PROTOCOLS[name]


def _refuse_strangers(data: Sequence[Path]) -> None:
    for folder in data:
        if (folder / UNKNOWN).is_dir():
            raise DataError(
                f"'{folder / UNKNOWN}' holds strangers, not a person of that name: judge this folder with "
                "--protocol folder, or move it away"
            )


def _refuse_loose(data: Sequence[Path]) -> None:
    for folder in data:
        if loose := list_folder(folder).loose:
            raise DataError(
                f"'{loose[0]}' lies in no person's folder; move it into one, or into '{folder / UNKNOWN}'"
            )


def _cautions(models: Sequence[Path], memories: Sequence[Learned | None]) -> str:
    silent = [model.name for model, learned in zip(models, memories, strict=True) if learned is None]
    return " ".join(
        f"The model '{name}' has no {LEARNED_FILE}, so people it has learned from could not be left out."
        for name in silent
    )


def _protocol(
    question: Question,
    known: Manifest | EmbeddingSet,
    memories: Sequence[Learned | None],
    left_out: tuple[str, ...],
) -> tuple[Protocol | None, tuple[str, ...]]:
    """Read the protocol and leave out of it whom a model has learned from, by name or by a picture."""
    if question.protocol is None:
        return None, left_out
    people = known.identities if isinstance(known, EmbeddingSet) else known.people
    protocol = read_protocol(question.protocol, question.files, known.names, people)
    gone = dict.fromkeys(left_out)
    for learned in filter(None, memories):
        gone |= dict.fromkeys(learned.seen_names(protocol.units.people))
        if isinstance(known, Manifest):
            located = locate_units(protocol.units, known.names)
            seen = (located.rows >= 0) & learned.seen_pictures(known.hashes)[located.rows]
            gone |= dict.fromkeys(protocol.units.people[unit] for unit in located.unit[seen].tolist())
    return leave_out(protocol, gone), tuple(gone)


def _product() -> Product:
    """Return what searches a crowd first: in bfloat16 where torch is, for it is several times as fast."""
    if importlib.util.find_spec("torch") is None:
        return float32_product
    from sphereface.quick_products import bfloat16_product

    return bfloat16_product()
