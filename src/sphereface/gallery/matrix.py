"""All templates in memory, searched exactly: no index, hence no recall to lose and no threshold to shift.

Templates lie in blocks in the order of their arrival. Each block knows how to sort its columns by person,
so that a person's score, the maximum over their templates, is one ``maximum.reduceat``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK_ROWS = 8192
_QUERY_ROWS = 64

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """Some templates, never changed: a block that grows or shrinks is replaced.

    Attributes:
        vectors: Unit vectors (B, d).
        sequence: Increasing sequence numbers (B,).
        people: Person ids (B,).
        order: Permutation (B,) that sorts the columns by person.
        starts: Where each person begins in that order.
        owners: Person id of each start.
    """

    vectors: Floats
    sequence: Integers
    people: Integers
    order: Integers
    starts: Integers
    owners: Integers


def make_block(vectors: Floats, sequence: Integers, people: Integers) -> Block:
    """Build a block from vectors (B, d), sequence numbers (B,) and person ids (B,)."""
    order = np.argsort(people, kind="stable")
    owners, starts = np.unique(people[order], return_index=True)
    return Block(vectors, sequence, people, order, starts.astype(np.int64), owners)


@dataclass(frozen=True)
class Matrix:
    """A snapshot of a gallery's templates; searching it needs no lock, for nothing in it changes."""

    blocks: tuple[Block, ...] = ()

    @cached_property
    def owners(self) -> Integers:
        """Ids of everybody who has a template, rising, (P,)."""
        return np.unique(np.concatenate([block.owners for block in self.blocks] or [np.empty(0, np.int64)]))

    @cached_property
    def places(self) -> tuple[Integers, ...]:
        """Where each block's owners are among all."""
        return tuple(np.searchsorted(self.owners, block.owners) for block in self.blocks)

    @property
    def last_sequence(self) -> int:
        """Largest sequence number held, 0 if empty."""
        return int(self.blocks[-1].sequence[-1]) if self.blocks else 0

    def __len__(self) -> int:
        return sum(len(block.sequence) for block in self.blocks)

    def with_rows(self, vectors: Floats, sequence: Integers, people: Integers) -> Matrix:
        """Return a matrix with templates added; their sequence numbers are larger than all before."""
        blocks = list(self.blocks)
        if len(sequence) and blocks and len(blocks[-1].sequence) < _BLOCK_ROWS:
            last = blocks.pop()
            vectors = np.concatenate([last.vectors, vectors])
            sequence = np.concatenate([last.sequence, sequence])
            people = np.concatenate([last.people, people])
        for start in range(0, len(sequence), _BLOCK_ROWS):
            part = slice(start, start + _BLOCK_ROWS)
            blocks.append(make_block(vectors[part], sequence[part], people[part]))
        return Matrix(tuple(blocks))

    def keeping(self, alive: Integers) -> Matrix:
        """Return a matrix with only the templates whose sequence number is in ``alive``."""
        blocks: list[Block] = []
        for block in self.blocks:
            keep = np.isin(block.sequence, alive)
            if keep.all():
                blocks.append(block)
            elif keep.any():
                blocks.append(make_block(block.vectors[keep], block.sequence[keep], block.people[keep]))
        return Matrix(tuple(blocks))

    def best_people(self, queries: Floats, count: int) -> list[list[tuple[int, float]]]:
        """Return for each unit query (Q, d) the ``count`` most similar people, best first.

        A score is the cosine of the person's most similar template, clamped to [-1, 1]; of equal scores the
        person enrolled earlier comes first.
        """
        found: list[list[tuple[int, float]]] = []
        for start in range(0, len(queries), _QUERY_ROWS):
            scores = self._person_scores(queries[start : start + _QUERY_ROWS])
            found.extend([(int(self.owners[i]), float(row[i])) for i in _top(row, count)] for row in scores)
        return found

    def _person_scores(self, queries: Floats) -> Floats:
        best = np.full((len(queries), len(self.owners)), -1.0, dtype=np.float32)
        for block, places in zip(self.blocks, self.places, strict=True):
            cosines = np.clip(queries @ block.vectors.T, -1.0, 1.0)
            peaks = np.maximum.reduceat(cosines[:, block.order], block.starts, axis=1)
            best[:, places] = np.maximum(best[:, places], peaks)
        return best


def rows_from(rows: Iterable[tuple[Any, ...]], dimension: int) -> tuple[Floats, Integers, Integers]:
    """Turn (sequence, person, vector bytes) rows into arrays (B, d), (B,), (B,)."""
    sequence, people, vectors = [], [], []
    for number, person, blob in rows:
        sequence.append(number)
        people.append(person)
        vectors.append(np.frombuffer(blob, dtype="<f4"))
    stacked = np.stack(vectors) if vectors else np.empty((0, dimension))
    return stacked.astype(np.float32), np.array(sequence, np.int64), np.array(people, np.int64)


def _top(row: Floats, count: int) -> Integers:
    """Indices of the ``count`` largest of (P,), largest first, ties in index order."""
    if count < len(row):
        smallest = np.partition(row, len(row) - count)[len(row) - count]
        chosen = np.flatnonzero(row >= smallest)
    else:
        chosen = np.arange(len(row))
    top: Integers = chosen[np.argsort(-row[chosen], kind="stable")][:count]
    return top
