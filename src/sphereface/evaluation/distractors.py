"""Large search: every probe against a million distractors, exact to float64 at the price of rough products.

Only a probe's highest scores decide its rank, and only the highest of all decide a threshold at a tiny false match
rate. So rough products (float32, or bfloat16 at several times the speed) sort out the cells that cannot matter, by
a bound on their error that always holds, and the few others are computed in float64.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError, DataError, NotEnoughDataError
from sphereface.evaluation.highest import Cells, Highest, Rough
from sphereface.evaluation.products import THREADS, row_products
from sphereface.evaluation.steps import Floats, threshold_in_tail

Vectors = NDArray[np.floating[Any]]
Float32 = NDArray[np.float32]


Product = Callable[[Float32], Callable[[Float32], Rough]]  # probes, and then distractors block by block

Item = TypeVar("Item")
Made = TypeVar("Made")

_AHEAD = 24  # blocks for a first look


@dataclass(frozen=True, slots=True, eq=False)
class DistractorScores:
    """The highest cosines of P probes with D distractors.

    Attributes:
        top: Shape (P, K), float64: each probe's highest, falling; K is ``keep``, or D where that is less.
        tail: Shape (m,), float64: the highest of all P x D, rising.
        tail_probes: Shape (m,), int32: the row of the probe behind each of them.
        distractors: D.
    """

    top: Floats
    tail: Floats
    tail_probes: NDArray[np.int32]
    distractors: int

    @property
    def comparisons(self) -> int:
        """Number of cosines, P x D: the impostor scores behind a false match rate."""
        return len(self.top) * self.distractors


def float32_product(probes: Float32) -> Callable[[Float32], Rough]:
    """Return a function that multiplies these probes with distractors, both of unit norm, in float32.

    Rounding takes at most d + 8 steps of 2^-24, in whatever order the sums are taken.

    Reference: Higham, Accuracy and Stability of Numerical Algorithms, section 3.1.
    """
    bound = (probes.shape[1] + 8) * 2.0**-24 * 1.01
    return lambda distractors: Rough(probes @ distractors.T, bound, 0.0)


def search_distractors(
    probes: Vectors,
    blocks: Vectors | Iterable[Vectors],
    *,
    keep: int = 100,
    tail: int = 0,
    cells: int = 1 << 23,
    product: Product = float32_product,
) -> DistractorScores:
    """Return the highest cosines of every probe with all distractors, and the highest of all.

    The distractors are never held together: memory is about 12 bytes x ``cells``, 12 bytes a number of the probes,
    the caller's own block, and the first 24 parts of ``cells`` products in work.

    Args:
        probes: Shape (P, d), any norm but zero.
        blocks: The distractors, shape (D, d), any norm but zero (a memory-mapped array will do), or blocks of
            them.
        keep: How many scores to keep of each probe: ranks up to this one can be told.
        tail: How many scores to keep of all; a false match rate f needs f x P x D and one more.
        cells: Products held at a time.
        product: Rough products of unit vectors; ``quick_products.bfloat16_product`` where torch is at hand.

    Raises:
        ConfigurationError: If ``keep`` or ``cells`` is below 1, or ``tail`` below 0.
        DataError: If vectors are unusable, dimensions differ, or ``product`` breaks its promise.
        NotEnoughDataError: If there are no probes or no distractors.

    >>> found = search_distractors(np.eye(2), np.array([[1.0, 0.0], [3.0, 4.0]]), keep=1, tail=2)
    >>> found.top.tolist(), found.tail.tolist(), found.tail_probes.tolist()
    ([[1.0], [0.8]], [0.8, 1.0], [1, 0])
    """
    if keep < 1 or cells < 1 or tail < 0:
        raise ConfigurationError(
            f"keep and cells must be 1 or more and tail 0 or more, not {keep}, {cells} and {tail}"
        )
    exact = _directions(probes, "probe").unit()
    if not len(exact):
        raise NotEnoughDataError("there are no probes to search with")
    multiply = product(exact.astype(np.float32))
    sketched, highest = Highest(len(exact), keep, tail), Highest(len(exact), keep, tail)

    def found(part: _Part, seen: Highest) -> tuple[_Directions, Cells, Floats, Floats]:
        """Return a block, what may be among the highest in it, its rough scores and how far they can be off."""
        block = _directions(part.rows, "distractor", part.start)
        short = np.empty(block.rows.shape, np.float32)
        rough = multiply(np.multiply(block.rows, (1.0 / block.norms)[:, None], out=short, casting="same_kind"))
        cells = seen.candidates(rough)
        scores = rough.at(cells).astype(np.float64)
        return block, cells, scores, rough.reach(scores)

    def sketch(part: _Part) -> tuple[_Part, NDArray[np.int64], Floats]:
        _, (rows, _), scores, reach = found(part, sketched)
        return part, rows, scores - reach

    def compute(part: _Part) -> tuple[_Part, NDArray[np.int64], Floats]:
        block, (rows, columns), scores, reach = found(part, highest)
        true = row_products(exact, block.rows, rows, columns, threads=1) / block.norms[columns]
        if np.any(np.abs(true - scores) > reach):
            raise DataError("a rough product is off by more than it promised; take float32_product instead")
        return part, rows, true

    parts = _parts(blocks, max(1, cells // (len(exact) * THREADS)), exact.shape[1])
    # At first nearly everything is among the highest so far: a rough look ahead saves computing most of it.
    ahead = list(islice(parts, _AHEAD))
    for _, rows, scores in _in_threads(sketch, ahead):
        sketched.add(rows, scores)
    highest.floors = sketched.floors
    distractors = 0
    for part, rows, scores in _in_threads(compute, chain(ahead, parts)):
        highest.add(rows, scores)
        distractors += len(part.rows)
    if not distractors:
        raise NotEnoughDataError("there are no distractors to search among")
    top, last = highest.result()
    return DistractorScores(np.ascontiguousarray(top[:, :distractors]), last.scores, last.probes, distractors)


def cosines(first: Vectors, second: Vectors) -> Floats:
    """Return the cosine of each pair of rows as a search computes it, shape (n,): an equal vector gives a tie.

    Args:
        first: Shape (n, d): the probes.
        second: Shape (n, d): their mates.

    Raises:
        DataError: If vectors are unusable.
    """
    one, two, rows = _directions(first, "probe"), _directions(second, "mate"), np.arange(len(first))
    return row_products(one.unit(), two.rows, rows, rows) / two.norms


def ranks_among(top: Floats, own: Floats) -> NDArray[np.int64]:
    """Return the rank of each own score among one probe's distractors, shape (n,); ties count against us.

    K + 1 says that all K kept scores are as high: the rank is K + 1 or worse.

    Args:
        top: Shape (n, K): the highest scores of the probe whose mate this is, ``found.top[probes]``.
        own: Shape (n,): score with the mate; -inf where it failed.

    >>> ranks_among(np.array([[0.9, 0.5], [0.9, 0.5]]), np.array([0.9, 0.6])).tolist()
    [2, 2]
    """
    return np.asarray(1 + (top >= own[:, None]).sum(axis=1), dtype=np.int64)


def threshold_at_fmr(found: DistractorScores, target: float) -> float:
    """Return the smallest threshold whose false match rate over all P x D comparisons is at or below ``target``.

    Raises:
        NotEnoughDataError: If the kept tail does not reach down to it.
    """
    return threshold_in_tail(found.tail, found.comparisons, target)


class _Directions(NamedTuple):
    rows: Floats  # (n, d), of any norm
    norms: Floats  # (n,)

    def unit(self) -> Floats:
        return self.rows / self.norms[:, None]


def _directions(vectors: Vectors, what: str, start: int = 0) -> _Directions:
    """Return rows in float64 and their norms, or say which row has no direction."""
    array = np.asarray(vectors)
    if array.ndim != 2 or array.dtype.kind not in "fiu" or array.shape[1] == 0:
        raise DataError(f"{what}s must be numbers of shape (rows, dimension), not {array.shape} {array.dtype}")
    rows = array.astype(np.float64)
    norms = np.sqrt(np.einsum("nd,nd->n", rows, rows))
    bad = np.flatnonzero(~np.isfinite(norms) | (norms == 0.0))
    if bad.size:
        how = "is the zero vector" if norms[bad[0]] == 0.0 else "holds NaN or infinity"
        raise DataError(f"{what} {start + int(bad[0])} {how}, so it has no cosine; leave it out")
    return _Directions(rows, norms)


class _Part(NamedTuple):
    rows: Vectors  # distractors as they came
    start: int  # number of the first


def _parts(blocks: Vectors | Iterable[Vectors], most: int, dimension: int) -> Iterator[_Part]:
    """Yield at most ``most`` distractors at a time."""
    seen = 0
    for whole in [blocks] if isinstance(blocks, np.ndarray) else blocks:
        if whole.ndim != 2 or whole.shape[1] != dimension:
            raise DataError(f"distractors have shape {whole.shape}, but probes have {dimension} dimensions")
        for start in range(0, len(whole), most):
            yield _Part(whole[start : start + most], seen + start)
        seen += len(whole)


def _in_threads(work: Callable[[Item], Made], items: Iterable[Item]) -> Iterator[Made]:
    """Yield ``work(item)`` in the order of the items; as many are in work at a time as there are threads."""
    with ThreadPoolExecutor(THREADS) as pool:
        coming: deque[Future[Made]] = deque()
        for item in items:
            coming.append(pool.submit(work, item))
            if len(coming) > THREADS:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()
