"""The field's evaluation files (``.bin``: pickled pictures and truth values) as folders and a CSV of pairs.

Such a file names nobody. Two pictures are known to show one person if their pair says so or if they are equal
byte for byte, and all that follows from it; these groups stand in for people.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sphereface.data.intake import Intake, fault_of
from sphereface.data.plain_pickle import read_plain
from sphereface.data.streams import Source
from sphereface.errors import DataError
from sphereface.progress import Task

FOLDS: Final = 10


@dataclass(frozen=True)
class PairTable:
    """The pairs of an evaluation file, whose pictures have been written.

    Attributes:
        text: A CSV with the columns image_a, image_b, same and fold, one line a pair in the file's order.
        pairs: N.
        contradictions: Numbers of the pairs, from 0, that are said to show two people, although the rest of
            the file makes them one. Their second pictures have a second copy each, filed as another person.
    """

    text: str
    pairs: int
    contradictions: tuple[int, ...]


def read_pickled_pairs(file: Source, size: int, name: str) -> tuple[list[bytes], list[bool]]:
    """Read an evaluation file of the field: (list of 2 N encoded pictures, list of N truth values).

    Pictures 2 i and 2 i + 1 are compared; truth value i says whether they show one person.

    Args:
        file: Read from where it stands.
        size: How many bytes it has from there.
        name: What to call it in messages.

    Raises:
        DataError: As :func:`~sphereface.data.plain_pickle.read_plain`, or if the value is of another form.
    """
    value = read_plain(file, size, name)
    fault = f"'{name}' is no evaluation file: instead of 2 N pictures as bytes and N truth values it holds"
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise DataError(f"{fault} no two lists")
    first, second = (list(part) if isinstance(part, list | tuple) else [] for part in value)
    pictures = [picture for picture in first if isinstance(picture, bytes)]
    same = [truth for truth in second if isinstance(truth, bool)]
    if len(pictures) < len(first) or len(same) < len(second):
        raise DataError(f"{fault} something else among them")
    if not same or len(pictures) != 2 * len(same):
        raise DataError(f"{fault} {len(pictures):,} pictures and {len(same):,} truth values")
    return pictures, same


def store_pairs(
    pictures: Sequence[bytes], same: Sequence[bool], intake: Intake, prefix: str, task: Task
) -> PairTable:
    """Write the pictures of an evaluation file, each once however often it occurs, and list its pairs.

    Files are named after the first position of the picture, people after the first position of theirs. A
    picture that is refused keeps its pair: the CSV then names a file that is not there, ``000012.missing``.
    Pair i of N belongs to fold floor(10 i / N).

    Args:
        pictures: 2 N encoded pictures.
        same: N truth values.
        intake: Where they go.
        prefix: Of the names of people.
        task: Told about every picture.

    Raises:
        OSError: If the disk is full or the folder cannot be written.
    """
    origins = _origins(pictures)
    people = _people(origins, same)

    def store(slot: int, person: int) -> str:
        folder, stem = f"{prefix}{person:06d}", f"{slot:06d}"
        return intake.store(folder, stem, pictures[slot], f"picture {slot}") or f"{folder}/{stem}.missing"

    names: list[str] = []
    for slot, origin in enumerate(origins):
        names.append(store(slot, people[slot]) if origin == slot else names[origin])
        task.advance()

    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["image_a", "image_b", "same", "fold"])
    contradictions: list[int] = []
    copies: dict[int, str] = {}  # one of a picture, so that a small file cannot fill a disk
    for pair, truth in enumerate(same):
        one, other = 2 * pair, 2 * pair + 1
        second = names[other]
        if not truth and people[one] == people[other]:
            contradictions.append(pair)
            if origins[other] not in copies:
                copies[origins[other]] = store(other, other)  # a free number: it is not the first of its person
            second = copies[origins[other]]
        writer.writerow([names[one], second, int(truth), FOLDS * pair // len(same)])
    return PairTable(table.getvalue(), len(same), tuple(contradictions))


def _origins(pictures: Sequence[bytes]) -> list[int]:
    """Return the first position of an equal picture for every position; what is no picture equals nothing."""
    first: dict[bytes, int] = {}
    known: dict[int, int] = {}  # a file may refer to one object a million times; it is hashed once
    origins = []
    for slot, picture in enumerate(pictures):
        if id(picture) not in known:
            usable = not fault_of(picture)
            known[id(picture)] = first.setdefault(hashlib.sha256(picture).digest(), slot) if usable else -1
        origin = known[id(picture)]
        origins.append(slot if origin < 0 else origin)
    return origins


def _people(origins: Sequence[int], same: Sequence[bool]) -> list[int]:
    """Return the first position of the person for every position, by equal pictures and genuine pairs."""
    parent = list(origins)

    def root(slot: int) -> int:
        while parent[slot] != slot:
            parent[slot] = parent[parent[slot]]
            slot = parent[slot]
        return slot

    for pair, truth in enumerate(same):
        if truth:
            one, other = sorted((root(2 * pair), root(2 * pair + 1)))
            parent[other] = one
    return [root(slot) for slot in range(len(parent))]
