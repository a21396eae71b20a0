"""A large search gives what float64 gives, whatever the blocks, the rough product and the ties."""

from __future__ import annotations

import numpy as np
import pytest

from sphereface.errors import ConfigurationError, DataError, NotEnoughDataError
from sphereface.evaluation.distractors import (
    cosines,
    float32_product,
    ranks_among,
    search_distractors,
    threshold_at_fmr,
)
from sphereface.evaluation.highest import Rough
from sphereface.evaluation.steps import threshold_at
from sphereface.quick_products import bfloat16_product


def drawn(rows, seed, dimension=24):
    return np.random.default_rng(seed).standard_normal((rows, dimension)).astype(np.float32)


def plain(probes, distractors):
    """All cosines in float64, as one table."""
    x, y = (rows.astype(np.float64) for rows in (probes, distractors))
    return (x @ y.T) / np.linalg.norm(x, axis=1)[:, None] / np.linalg.norm(y, axis=1)


def coarse(step):
    """Products rounded to a grid: off by up to half a step, and all ties within it are lost."""

    def product(probes, distractors):
        rough = float32_product(probes)(distractors)
        grid = np.round(rough.products / step) * np.float32(step)
        return Rough(grid.astype(np.float32), step / 2 + 1e-6, 0.0)

    return lambda probes: lambda distractors: product(probes, distractors)


def relative(share):
    """Products off by a share of themselves, upwards and downwards in turn."""

    def product(probes, distractors):
        products, absolute, _ = float32_product(probes)(distractors)
        sign = np.where(np.arange(products.size).reshape(products.shape) % 2, 1.0, -1.0)
        return Rough((products / (1.0 + sign * share)).astype(np.float32), absolute * 2, share * 1.001)

    return lambda probes: lambda distractors: product(probes, distractors)


PRODUCTS = {
    "float32": float32_product,
    "bfloat16": bfloat16_product(),
    "grid of 0.1": coarse(0.1),
    "off by 20 %": relative(0.2),
}


@pytest.mark.parametrize("cells", [1, 500, 4000, 1 << 24])
@pytest.mark.parametrize("product", PRODUCTS)
def test_the_highest_scores_are_those_of_float64(product, cells):
    probes, distractors = drawn(40, 0), drawn(600, 1)
    found = search_distractors(probes, distractors, keep=7, tail=300, cells=cells, product=PRODUCTS[product])
    table = plain(probes, distractors)
    np.testing.assert_allclose(found.top, -np.sort(-table, axis=1)[:, :7], rtol=0, atol=1e-14)
    order = np.argsort(table, axis=None)[-300:]
    np.testing.assert_allclose(found.tail, table.reshape(-1)[order], rtol=0, atol=1e-14)
    assert np.array_equal(found.tail_probes, order // 600)
    assert (found.distractors, found.comparisons) == (600, 24_000)


def test_a_probe_that_resembles_everybody_fills_the_tail_beyond_what_is_kept_of_it():
    distractors = drawn(500, 2) + 2.0
    probes = np.vstack([np.ones((1, 24)), drawn(9, 3)])
    found = search_distractors(probes, distractors, keep=5, tail=400, cells=1000)
    table = plain(probes, distractors)
    tail = np.sort(table, axis=None)[-400:]
    assert (table[0] >= tail[0]).sum() > 300  # far more than the five of its own
    np.testing.assert_allclose(found.tail, tail, rtol=0, atol=1e-14)


@pytest.mark.parametrize("size", [1, 13, 100, 600])
def test_blocks_of_any_size_give_the_same_numbers_to_the_last_bit(size):
    probes, distractors = drawn(20, 4), drawn(600, 5)
    whole = search_distractors(probes, distractors, keep=30, tail=100)
    parts = search_distractors(
        probes,
        (distractors[i : i + size] for i in range(0, 600, size)),
        keep=30,
        tail=100,
        product=bfloat16_product(),
    )
    assert np.array_equal(whole.top, parts.top)
    assert np.array_equal(whole.tail, parts.tail)
    assert np.array_equal(whole.tail_probes, parts.tail_probes)


def test_a_memory_mapped_array_is_read_in_blocks(tmp_path):
    np.save(tmp_path / "distractors.npy", drawn(300, 6))
    mapped = np.load(tmp_path / "distractors.npy", mmap_mode="r")
    found = search_distractors(drawn(5, 7), mapped, keep=3, cells=100)
    assert np.array_equal(found.top, search_distractors(drawn(5, 7), drawn(300, 6), keep=3).top)


@pytest.mark.parametrize("product", PRODUCTS)
def test_ranks_are_those_of_float64_with_ties_counted_against_us(product):
    probes, distractors = drawn(30, 8), drawn(400, 9)
    mates = probes + 1.5 * drawn(30, 10)
    mates[:10] = distractors[:10]  # a distractor that is the mate's very vector, at another norm
    distractors[:10] *= 4.0
    own = cosines(probes, mates)
    ranks = ranks_among(search_distractors(probes, distractors, keep=400, product=PRODUCTS[product]).top, own)
    table = plain(probes, distractors)
    expected = 1 + (table >= own[:, None] - 1e-12).sum(axis=1)
    assert ranks.tolist() == expected.tolist()
    assert (ranks[:10] > 1).all()
    short = ranks_among(search_distractors(probes, distractors, keep=3, product=PRODUCTS[product]).top, own)
    assert short.tolist() == np.minimum(expected, 4).tolist()


def test_a_mate_without_a_score_ranks_behind_everything():
    assert ranks_among(np.array([[0.5, 0.1]]), np.array([-np.inf])).tolist() == [3]


def test_fewer_distractors_than_kept():
    found = search_distractors(drawn(3, 11), drawn(4, 12), keep=100, tail=1000)
    table = plain(drawn(3, 11), drawn(4, 12))
    np.testing.assert_allclose(found.top, -np.sort(-table, axis=1), atol=1e-14)
    np.testing.assert_allclose(found.tail, np.sort(table, axis=None), atol=1e-14)
    assert threshold_at_fmr(found, 1.0) == found.tail[0]


def test_all_distractors_alike():
    found = search_distractors(drawn(4, 13), np.ones((50, 24), np.float32), keep=6, tail=60, cells=40)
    assert (found.top == found.top[:, :1]).all()
    assert len(np.unique(found.tail)) <= 2  # 50 ties of the highest probe, and 10 of the next
    second, first = np.argsort(found.top[:, 0])[-2:]
    assert found.tail_probes.tolist() == [second] * 10 + [first] * 50


@pytest.mark.parametrize("target", [0.0, 0.001, 0.01])
def test_the_threshold_at_a_rate_over_all_comparisons(target):
    probes, distractors = drawn(10, 14), drawn(300, 15)
    found = search_distractors(probes, distractors, keep=2, tail=31)
    everything = np.sort(search_distractors(probes, distractors, keep=300).top, axis=None)
    assert threshold_at_fmr(found, target) == threshold_at(everything, target)
    assert (everything >= threshold_at_fmr(found, target)).mean() <= target


def test_a_tail_that_is_too_short_says_how_long_it_must_be():
    found = search_distractors(drawn(10, 16), drawn(300, 17), keep=2, tail=30)
    with pytest.raises(NotEnoughDataError, match=r"number 31 from the top of 3,000 .* keep a longer tail"):
        threshold_at_fmr(found, 0.01)


@pytest.mark.parametrize(("value", "words"), [(np.nan, "holds NaN"), (np.inf, "holds NaN"), (0.0, "is the zero")])
def test_a_distractor_without_a_direction_is_refused_by_its_number(value, words):
    distractors = drawn(100, 18)
    distractors[77] = value
    with pytest.raises(DataError, match=f"distractor 77 {words}"):
        search_distractors(drawn(5, 19), distractors, cells=50)


def test_a_product_that_breaks_its_promise_is_found_out():
    def liar(probes):
        return lambda distractors: Rough(probes @ distractors.T + np.float32(0.01), 0.001, 0.0)

    with pytest.raises(DataError, match="off by more than it promised"):
        search_distractors(drawn(5, 20), drawn(50, 21), product=liar)


@pytest.mark.parametrize("product", PRODUCTS)
def test_what_a_product_promises_is_true(product):
    for dimension in (2, 24, 700):
        x, y = drawn(30, 22, dimension), drawn(200, 23, dimension)
        unit = [(rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32) for rows in (x, y)]
        rough = PRODUCTS[product](unit[0])(unit[1])
        products = rough.at(slice(None))
        off = np.abs(products - plain(x, y)) - rough.relative * np.abs(products)
        assert off.max() <= rough.absolute


@pytest.mark.parametrize("low", [-0.5, 1e-30, 0.2])
def test_bits_of_bfloat16_are_looked_through_as_the_numbers_they_are(low):
    """Whatever reaches an edge is found; what is found besides is within one rounding below it."""
    generator = np.random.default_rng(26)
    exact = generator.uniform(-1, 1, (40, 300)).astype(np.float32)
    exact[0, :4] = (0.0, -0.0, 1.0, -1.0)
    bits = (exact.view(np.int32) >> 16).astype(np.int16)
    rough = Rough(bits, 0.0, 2.0**-8)
    numbers = rough.at(slice(None))
    assert np.abs(numbers - exact).max() < 2.0**-7
    edges = generator.uniform(low, 1, 40).astype(np.float32)
    edges[:2] = low, numbers[1, 5]
    found = rough.reached(slice(0, 40), edges)
    assert found[numbers >= edges[:, None]].all()
    assert (numbers[found] >= (edges[:, None] * np.where(edges > 0, 1 - 2.0**-7, 1 + 2.0**-7)[:, None]
                               * np.ones_like(numbers))[found]).all()  # fmt: skip
    cells = np.array([1, 2]), np.array([3, 4])
    assert rough.at(cells).tolist() == numbers[cells].tolist()


def test_what_cannot_be_searched_is_refused():
    probes, distractors = drawn(3, 24), drawn(5, 25)
    for wrong in ({"keep": 0}, {"cells": 0}, {"tail": -1}):
        with pytest.raises(ConfigurationError, match="keep and cells"):
            search_distractors(probes, distractors, **wrong)
    with pytest.raises(DataError, match="24 dimensions"):
        search_distractors(probes, distractors[:, :8])
    with pytest.raises(DataError, match="probes must be numbers"):
        search_distractors(probes[0], distractors)
    with pytest.raises(NotEnoughDataError, match="no probes"):
        search_distractors(probes[:0], distractors)
    with pytest.raises(NotEnoughDataError, match="no distractors"):
        search_distractors(probes, [])
