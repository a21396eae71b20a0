"""Inner products of chosen rows, without the copies of all rows that numpy's indexing makes."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)

_BYTES = 1 << 20  # gathered at a time from either side: what a core's cache holds
_SHARE = 1 << 13  # pairs that a thread takes on at a time
THREADS = min(4, os.cpu_count() or 1)


def row_products(
    left: NDArray[Real],
    right: NDArray[Real],
    first: NDArray[np.integer[Any]],
    second: NDArray[np.integer[Any]],
    threads: int = THREADS,
) -> NDArray[Real]:
    """Return the inner product of each pair of rows: that of left[first[i]] and right[second[i]], shape (n,).

    The same numbers as ``einsum("nd,nd->n", left[first], right[second])``, bit for bit, whatever the blocks and
    threads; the products of equal rows are therefore equal.

    Args:
        left: Shape (N, d).
        right: Shape (M, d), of the same precision.
        first: Shape (n,), positions from 0 to N - 1.
        second: Shape (n,), positions from 0 to M - 1.
        threads: How many at once; 1 inside a thread of the caller's own.

    >>> rows = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> row_products(rows, rows, np.array([0, 1]), np.array([0, 0])).tolist()
    [5.0, 11.0]
    """
    out = np.empty(len(first), left.dtype)
    step = max(1, _BYTES // (left.itemsize * left.shape[1]))

    def part(start: int) -> None:
        end = min(start + _SHARE, len(out))
        for at in range(start, end, step):
            rows = slice(at, min(at + step, end))
            one, two = np.take(left, first[rows], axis=0), np.take(right, second[rows], axis=0)
            np.einsum("nd,nd->n", one, two, out=out[rows])

    starts = range(0, len(out), _SHARE)
    if threads == 1 or len(starts) <= 1:
        for start in starts:
            part(start)
        return out
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(part, starts))
    return out
