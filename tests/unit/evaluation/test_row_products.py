"""Products of chosen rows are those of all rows at once, in little memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from sphereface.evaluation import products
from sphereface.evaluation.protocol import UnitPairs
from sphereface.evaluation.scores import listed_pairs


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dimension", [1, 7, 512])
@pytest.mark.parametrize(("held", "share"), [(1, 1), (4096, 64), (1 << 20, 1 << 13)])
def test_products_in_blocks_are_those_of_all_at_once_to_the_last_bit(monkeypatch, dtype, dimension, held, share):
    monkeypatch.setattr(products, "_BYTES", held)
    monkeypatch.setattr(products, "_SHARE", share)
    generator = np.random.default_rng(dimension)
    left, right = (generator.standard_normal((n, dimension)).astype(dtype) for n in (40, 60))
    first, second = generator.integers(0, 40, 1500), generator.integers(0, 60, 1500)
    found = products.row_products(left, right, first, second, threads=3)
    assert np.array_equal(found, np.einsum("nd,nd->n", left[first], right[second]))
    off = 1e-4 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(found, (left @ right.T)[first, second], rtol=0, atol=off)
    assert products.row_products(left, right, first[:0], second[:0]).shape == (0,)


def test_a_long_list_takes_little_memory():
    """A list of 60,000 pairs of 512 numbers would be 240 MB if all their vectors stood side by side."""
    generator = np.random.default_rng(0)
    people = [f"{number // 2:03d}" for number in range(400)]
    first = generator.integers(0, 200, 60_000) * 2
    second = np.where(np.arange(60_000) < 500, first + 1, (first + generator.integers(2, 400, 60_000)) % 400)
    same = first // 2 == second // 2
    pairs = UnitPairs("long", first, second, same)
    x = generator.standard_normal((400, 512)).astype(np.float32)
    tracemalloc.start()
    try:
        listed_pairs(x, pairs, people)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 25e6
