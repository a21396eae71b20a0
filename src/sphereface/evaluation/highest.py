"""The highest scores so far, of each probe and of all, and which rough products could still be among them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sphereface.evaluation.steps import Floats

ROUNDING = 1e-12  # of a float64 sum of some thousand products, the numbers of unit vectors
_STRIP = 256  # probes whose products are looked through at a time

Cells = tuple[NDArray[np.int64], NDArray[np.int64]]  # rows and columns


class Rough(NamedTuple):
    """Products of P probes and B distractors that are a little off.

    Attributes:
        products: Shape (P, B), float32; or int16, the bits of bfloat16, which are looked through as they are.
        absolute: No product is off by more than ``absolute + relative * abs(product)``.
        relative: From 0 to below 1.
    """

    products: NDArray[np.float32] | NDArray[np.int16]
    absolute: float
    relative: float

    def at(self, cells: Cells | slice) -> NDArray[np.float32]:
        """Return some products as float32."""
        found = self.products[cells]
        if found.dtype == np.int16:  # bfloat16 is the upper half of a float32
            return (found.astype(np.int32) << 16).view(np.float32)
        return found.astype(np.float32, copy=False)

    def reached(self, rows: slice, edges: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return which products of these rows are at least ``edges``, one a row; bfloat16 a rounding sooner.

        Numbers above 0 are ordered as their bits are, and the bits of those below 0 are negative integers.
        """
        if self.products.dtype == np.int16 and edges.min() > 0.0:
            bits = (edges.view(np.int32) >> 16).astype(np.int16)  # rounded down
            return np.asarray(self.products[rows] >= bits[:, None])
        return np.asarray(self.at(rows) >= edges[:, None])

    def reach(self, products: Floats) -> Floats:
        """Return how far these products can be off, the rounding of exact scores included."""
        return self.absolute + self.relative * np.abs(products) + ROUNDING


class Tail(NamedTuple):
    """The highest scores of all probes.

    Attributes:
        scores: Shape (m,), float64.
        probes: Shape (m,), int32: the row of the probe behind each.
    """

    scores: Floats
    probes: NDArray[np.int32]

    def joined(self, probes: NDArray[np.int64], scores: Floats, size: int) -> Tail:
        """Return the ``size`` highest of these and more; of equal scores those of the first probes."""
        scores, rows = (
            np.concatenate([self.scores, scores]),
            np.concatenate([self.probes, probes.astype(np.int32)]),
        )
        if len(scores) > size:
            least = np.partition(scores, -size)[-size]
            higher, tied = np.flatnonzero(scores > least), np.flatnonzero(scores == least)
            first = tied[np.argsort(rows[tied], kind="stable")[: size - len(higher)]]
            kept = np.concatenate([higher, first])
            scores, rows = scores[kept], rows[kept]
        return Tail(scores, rows)


class Highest:
    """Keeps the ``keep`` highest scores of each of P probes, and the ``tail`` highest of all.

    Attributes:
        floors: Shape (P,): a probe's lower scores can no longer matter.
    """

    def __init__(self, probes: int, keep: int, tail: int) -> None:
        self.floors = np.full(probes, -np.inf)
        self._top = np.full((probes, keep), -np.inf)
        self._size = tail
        self._tail = Tail(np.zeros(0), np.zeros(0, np.int32))
        self._waiting: list[tuple[NDArray[np.int64], Floats]] = []

    def add(self, rows: NDArray[np.int64], scores: Floats) -> None:
        """Take scores in, shape (n,), of these probes; the floors rise once enough wait to be worth a sort."""
        self._waiting.append((rows, scores))
        if sum(len(scores) for _, scores in self._waiting) >= self._top.size // 2:
            self._sort()

    def result(self) -> tuple[Floats, Tail]:
        """Return each probe's highest, falling, shape (P, keep), -inf where too few, and those of all, rising."""
        self._sort()
        order = np.lexsort((self._tail.probes, self._tail.scores))
        return np.sort(self._top, axis=1)[:, ::-1], Tail(self._tail.scores[order], self._tail.probes[order])

    def candidates(self, rough: Rough) -> Cells:
        """Return the cells whose exact scores may be among the highest."""
        floors = self.floors
        if np.isneginf(floors).any():  # nothing to go by yet but this very block
            floors = np.maximum(floors, self._floors_within(rough))
        least = floors - rough.absolute - ROUNDING
        least /= np.where(least >= 0.0, 1.0 + rough.relative, 1.0 - rough.relative)
        edges = np.nextafter(least.astype(np.float32), np.float32(-np.inf))  # never rounded up

        def strip(start: int) -> NDArray[np.int64]:
            rows = slice(start, start + _STRIP)
            reached = rough.reached(rows, edges[rows])
            return np.asarray(np.flatnonzero(reached.reshape(-1)) + start * reached.shape[1], dtype=np.int64)

        flat = np.concatenate([strip(start) for start in range(0, len(edges), _STRIP)])
        rows, columns = np.divmod(flat, rough.products.shape[1])
        return rows, columns

    def _floors_within(self, rough: Rough) -> Floats:
        """Return what each probe's ``keep`` highest of a block, and its ``tail`` highest, reach at least."""
        products, keep, tail = rough.at(slice(None)), self._top.shape[1], self._size
        if products.shape[1] < keep or products.size < tail:
            return np.full(len(products), -np.inf)
        last = np.partition(products, -keep, axis=1)[:, -keep].astype(np.float64)
        if tail:
            last = np.minimum(last, np.float64(np.partition(products.reshape(-1), -tail)[-tail]))
        return last - rough.reach(last)

    def _sort(self) -> None:
        if not self._waiting:
            return
        rows, scores = (np.concatenate(part) for part in zip(*self._waiting, strict=True))
        self._waiting.clear()
        keep = self._top.shape[1]
        if self._size:
            self._tail = self._tail.joined(rows, scores, self._size)
        order = np.argsort(rows, kind="stable")
        rows, scores = rows[order], scores[order]
        counts = np.bincount(rows, minlength=len(self._top))
        place = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        new = np.full((len(self._top), int(counts.max(initial=0))), -np.inf)
        new[rows, place] = scores
        self._top = np.partition(np.hstack([self._top, new]), -keep, axis=1)[:, -keep:]
        if len(self._tail.scores) == self._size:
            lowest = np.minimum(self._top.min(axis=1), self._tail.scores.min(initial=np.inf))
            self.floors = np.maximum(self.floors, lowest)
