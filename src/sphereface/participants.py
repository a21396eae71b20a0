"""Who takes part in a run, and as what; everything about them that can be refused is refused before training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sphereface.checkpoint import load_card
from sphereface.data.exclusion import leave_out, read_exclusions
from sphereface.data.folders import first_few, person_folders
from sphereface.data.learned import LEARNED_FILE, Learned, read_learned
from sphereface.data.manifest import Manifest, read_manifest
from sphereface.embedder.judgement import Judgement
from sphereface.errors import ConfigurationError, DataError, NotEnoughDataError
from sphereface.evaluation.judge import draw_split
from sphereface.evaluation.leaving_out import leave_out as leave_people_out
from sphereface.evaluation.pair_list import kind_of_pair_list
from sphereface.evaluation.protocol import Protocol
from sphereface.evaluation.protocols import read_protocol
from sphereface.evaluation.units import locate_units
from sphereface.gallery import new_name
from sphereface.progress import SILENT, Progress
from sphereface.training.recipe import Data, Recipe


@dataclass(frozen=True)
class Participants:
    """The people of a run; nobody has two parts.

    Attributes:
        learners: Whom the network learns from.
        learned: Whom it knows in the end: those, and whom its first weights learned from.
        judged: Whom it is judged on.
        left_out: People who were meant to be judged on and are not, for the network learns from them.
        pairs: A pair list over ``judged``, if there is one.
        known: People to enrol in a trial gallery, if there is to be one.
        strangers: People who search it in vain; given iff ``known`` is.
    """

    learners: Manifest
    learned: Learned
    judged: Manifest
    left_out: tuple[str, ...]
    pairs: Protocol | None = None
    known: Manifest | None = None
    strangers: Manifest | None = None


def gather(recipe: Recipe, progress: Progress = SILENT) -> Participants:
    """Read everybody the recipe names and give each one part only.

    Whoever is learned from, by name or by one of their pictures, is left out of the judgement; whoever took
    part in either is left out of the gallery's trial.

    Raises:
        DataError: If a folder or pair list cannot be used, or a part is left without people.
        NotEnoughDataError: If the people to be judged on allow no evaluation.
        GalleryError: If somebody of the trial has a name that no gallery takes.
    """
    data = recipe.data
    learners, held_out = learners_of(data, read_manifest(*data.train, progress=progress), progress)
    judged = read_manifest(*data.test, progress=progress) if held_out is None else held_out
    learned = known_to(recipe, learners)
    judged, left_out = learned.unseen(judged, "test data")
    if left_out:
        progress.say(_left_out(left_out, "the judgement", "the training set"))
    require_judgeable(judged, recipe.judgement)
    pairs = None if data.pairs is None else pairs_among(data.pairs, judged, left_out)
    if data.trial_known is None or data.trial_strangers is None:
        return Participants(learners, learned, judged, left_out, pairs)

    before = learned.and_those_of(judged)
    known, met = before.unseen(read_manifest(data.trial_known), "trial of the gallery")
    strangers, also_met = before.and_those_of(known).unseen(
        read_manifest(data.trial_strangers), "trial's strangers"
    )
    if met or also_met:
        progress.say(_left_out((*met, *also_met), "the gallery's trial", "another part of the run"))
    require_templates(known, recipe.judgement.templates_per_person)
    for name in known.identities:
        new_name(name)  # a name that cannot be enrolled is told before anything is trained
    return Participants(learners, learned, judged, left_out, pairs, known, strangers)


def known_to(recipe: Recipe, learners: Manifest) -> Learned:
    """Return whom a run's network knows in the end: whom it learns from, and whom its first weights learned from.

    Raises:
        ModelError: If the model that the run starts from cannot be opened.
        DataError: If nobody can tell whom that model knows.
    """
    start = recipe.backbone.start
    if start is None:
        return Learned.of(learners)
    before = read_learned(start, load_card(start).learned_sha256)
    if before is None:
        raise DataError(
            f"backbone.start: '{start / LEARNED_FILE}' is missing, so nobody could tell whom the new model knows, "
            "and it might be judged on them; restore it from a copy"
        )
    return before.and_those_of(learners)


def pairs_among(path: Path, people: Manifest, left_out: Sequence[str] = ()) -> Protocol:
    """Read a pair list of any known kind over these pictures.

    Args:
        path: LFW View 1 or 2, or CSV, told by the file.
        people: Whose pictures it should name.
        left_out: People whose pairs are left out, such as those of the training set.

    Raises:
        DataError: If the file cannot be read, is of none of these kinds, or names none of the pictures.
    """
    protocol = read_protocol(kind_of_pair_list(path), path, people.names, people.people)
    locate_units(protocol.units, people.names)
    return leave_people_out(protocol, left_out)


def learners_of(data: Data, people: Manifest, progress: Progress = SILENT) -> tuple[Manifest, Manifest | None]:
    """Return whom a run learns from, and whom of its training folders it holds out to be judged on.

    Args:
        data: The recipe's.
        people: Of its training folders.
        progress: Told who is left out.

    Returns:
        Nobody is held out, and None returned, if the recipe names people to be judged on.

    Raises:
        DataError: If the list of people to leave out cannot be used.
    """
    if data.without is not None:
        listed = read_exclusions(data.without)
        people, gone = leave_out(people, listed)
        unknown = f"; {len(listed) - len(gone)} names of it are not in the training folders"
        progress.say(
            f"left out of the training set by '{data.without.name}': {len(gone)} people"
            + (unknown if len(listed) > len(gone) else "")
        )
    return (people, None) if data.test else people.split(data.test_fraction, data.split_seed)


def count_learners(data: Data) -> tuple[int, int]:
    """Count the people a run learns from and their pictures by the names in its folders; no file is opened.

    Raises:
        ConfigurationError: If a training folder is not there.
        DataError: If a folder holds no people, or the list of people to leave out cannot be used.
    """
    absent = [folder for folder in data.train if not folder.exists()]
    if absent:
        raise ConfigurationError(
            f"the recipe's data.train has no folder '{absent[0]}', so there is nobody to count: name yours with "
            "--set 'data.train=[\"/path/to/people\"]', or say how many with --people and --pictures"
        )
    found: dict[str, list[Path]] = {}
    for folder in data.train:
        for name, files in person_folders(folder).items():
            found.setdefault(name, []).extend(files)
    paths = tuple(path for files in found.values() for path in files)
    labels = np.repeat(np.arange(len(found)), [len(files) for files in found.values()])
    # Who is held out or left out depends on names alone, so that the hashes may stay empty.
    learners, _ = learners_of(data, Manifest(tuple(found), paths, labels, ("",) * len(paths)))
    return len(learners.identities), len(learners)


def require_judgeable(people: Manifest, settings: Judgement) -> None:
    """Insist on people who can be compared and searched for.

    Raises:
        NotEnoughDataError: If nobody has two pictures, or an open-set search cannot be drawn from them.
    """
    if people.images_per_identity().max() < 2:
        raise NotEnoughDataError(
            "nobody to be judged on has two images, so nothing genuine can be compared; add images of some of them"
        )
    draw_split(people.people, settings.evaluation_settings())


def require_templates(known: Manifest, templates: int) -> None:
    """Insist on a picture to search with beside those that are enrolled, for everybody.

    Raises:
        DataError: If somebody has too few.
    """
    short = [
        name
        for name, count in zip(known.identities, known.images_per_identity(), strict=True)
        if count <= templates
    ]
    if short:
        raise DataError(
            f"the gallery's trial enrols {templates} pictures of everybody and searches with the others, but "
            f"{first_few(short)} {'has' if len(short) == 1 else 'have'} no more than that; add pictures"
        )


def _left_out(names: tuple[str, ...], of: str, because: str) -> str:
    return f"left out of {of}, for {because} has them too: {', '.join(names[:20])}" + (
        f" and {len(names) - 20} more" if len(names) > 20 else ""
    )
