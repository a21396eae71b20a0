"""From a list of named pairs to units and positions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sphereface.errors import DataError
from sphereface.evaluation.pair_list import NamedPair
from sphereface.evaluation.protocol import UnitPairs, UnitTable, positions
from sphereface.evaluation.protocols.text_files import Row, whole, wrong

FOLDS = 10


def unit_pairs(title: str, pairs: Iterable[NamedPair], table: UnitTable) -> UnitPairs:
    """Return a list of pairs as positions in the table, which takes in their pictures.

    Raises:
        DataError: If there is no pair, or a picture is said to show two people.

    >>> table = UnitTable()
    >>> found = unit_pairs("two", [NamedPair("a/1.jpg", "a/2.jpg", "a", "a", True)], table)
    >>> found.first.tolist(), found.second.tolist(), found.same.tolist(), found.fold, len(table.units())
    ([0], [1], [True], None, 2)
    """
    rows = [
        (table.position(p.image_a, p.person_a), table.position(p.image_b, p.person_b), p.same, p.fold)
        for p in pairs
    ]
    if not rows:
        raise DataError(f"the list of '{title}' names no pair")
    first, second, same, fold = zip(*rows, strict=True)
    return UnitPairs(
        title,
        positions(first),
        positions(second),
        np.array(same, dtype=bool),
        positions(fold) if None not in fold else None,
    )


def tenths(pairs: Sequence[NamedPair]) -> list[NamedPair]:
    """Return pairs with folds: fold k has the k-th tenth of the genuine and of the impostor pairs, as listed.

    These are LFW's folds where kinds alternate in blocks, and the usual ones where all genuine pairs come first.

    >>> pairs = [NamedPair("a", "b", "A", "A", same) for same in [True] * 20 + [False] * 10]
    >>> [pair.fold for pair in tenths(pairs)][:4], [pair.fold for pair in tenths(pairs)][-2:]
    ([0, 0, 1, 1], [8, 9])
    """
    count = {same: sum(pair.same == same for pair in pairs) for same in (True, False)}
    seen = {True: 0, False: 0}
    folded = []
    for pair in pairs:
        folded.append(replace(pair, fold=seen[pair.same] * FOLDS // count[pair.same]))
        seen[pair.same] += 1
    return folded


def numbered_pair(path: Path, row: Row, fold: int | None = None) -> NamedPair:
    """Return the pair of a line ``Name 1 2`` (genuine) or ``Name 1 Other 2`` (impostor).

    Raises:
        DataError: If the line is neither.
    """
    number, words = row
    person_a, person_b = words[0], words[-2] if len(words) == 4 else words[0]
    same = len(words) == 3
    if not same and person_a == person_b:
        raise wrong(path, number, f"is an impostor pair, but names '{person_a}' twice")
    images = [whole(path, number, words[at]) for at in (1, -1)]
    return NamedPair(
        numbered_file(person_a, images[0]), numbered_file(person_b, images[1]), person_a, person_b, same, fold
    )


def numbered_file(name: str, image: int) -> str:
    """Return the file LFW, and what is laid out like it, stores an image in.

    >>> numbered_file("Ada_Lovelace", 7)
    'Ada_Lovelace/Ada_Lovelace_0007.jpg'
    """
    return f"{name}/{name}_{image:04d}.jpg"
