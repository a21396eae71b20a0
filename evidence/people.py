"""Who takes part: people to learn from, pictures of them kept back, and strangers to judge on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sphereface.data.learned import Learned
from sphereface.data.manifest import Manifest, read_manifest
from sphereface.evaluation.protocol import Protocol
from sphereface.participants import learners_of, pairs_among
from sphereface.training.recipe import Data

WITHOUT = Path(__file__).resolve().parents[1] / "recipes" / "real-faces-without.txt"
KEPT, ENOUGH = 4, 12  # pictures kept back of everybody who has enough
TUNING_SHARE, TUNING_SEED = 0.2, 11
MOST = 10  # pictures of a person in all pairs


@dataclass(frozen=True)
class People:
    """Everybody, each with one part in a run.

    Attributes:
        learners: Pictures to learn from.
        kept: Pictures of the same people that are not learned from.
        tuning: The learners of tuning trials, and those of the learners they are judged on.
        judged: People of LFW's View 1 whom nobody learned from.
        pairs: View 1's pairs of them.
    """

    learners: Manifest
    kept: Manifest
    tuning: tuple[Manifest, Manifest]
    judged: Manifest
    pairs: Protocol


def gather_people(shared: Path) -> People:
    """Read everybody; the same folders give the same people, whatever machine reads them.

    Args:
        shared: The folder that holds ``pins112``, ``celeba112``, ``lfw112`` and ``pairsDevTrain.txt``.
    """
    data = Data(
        train=(shared / "pins112", shared / "celeba112"),
        test=(shared / "lfw112",),
        without=WITHOUT,
    )
    known, _ = learners_of(data, read_manifest(*data.train))
    judged, left_out = Learned.of(known).unseen(read_manifest(*data.test), "test data")
    learners, kept = keep_back(known)
    learning, trying = learners.split(TUNING_SHARE, TUNING_SEED)
    return People(
        learners,
        kept,
        (learning, trying.at_most(MOST)),
        judged,
        pairs_among(shared / "pairsDevTrain.txt", judged, left_out),
    )


def keep_back(people: Manifest) -> tuple[Manifest, Manifest]:
    """Return what is learned from, and ``KEPT`` pictures of everybody who has ``ENOUGH``."""
    enough = people.images_per_identity()[people.labels] >= ENOUGH
    chosen = {*people.select(enough).at_most(KEPT).paths}
    kept = np.array([path in chosen for path in people.paths])
    return people.select(~kept), people.select(kept)


def anonymous_order(names: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the order in which people are counted in a summary: by the hash of their names.

    >>> anonymous_order(("Ada", "Grace", "Mary")).tolist()
    [0, 2, 1]
    """
    ranks = sorted(range(len(names)), key=lambda number: hashlib.sha256(names[number].encode()).digest())
    return np.array(ranks, dtype=np.int64)
