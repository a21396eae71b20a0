"""Means over galleries against sums by hand, and their interval against galleries that share all or nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sphereface.evaluation.averages import average, average_galleries
from sphereface.evaluation.results import Rate
from tests.report_example import example_evaluation


def rates(*values, width=0.05):
    return [
        Rate(value, value - width * at, value + 2 * width * at, 0.95, 100.0 / at, threshold="estimated")
        for at, value in enumerate(values, 1)
    ]


def test_the_mean_of_rates_and_of_their_ends_by_hand():
    found = average(rates(0.2, 0.4, 0.9))
    assert found.mean.value == pytest.approx(1.5 / 3)
    assert found.mean.low == pytest.approx(0.5 - 0.05 * 2)
    assert found.mean.high == pytest.approx(0.5 + 0.05 * 4)
    assert (found.mean.n, found.mean.confidence, found.mean.threshold) == (
        pytest.approx(100 / 3),
        0.95,
        "estimated",
    )
    assert found.deviation == pytest.approx(np.sqrt((0.3**2 + 0.1**2 + 0.4**2) / 2))
    assert average(rates(0.2, 0.4)).deviation is None


def test_one_gallery_without_a_value_leaves_no_mean():
    lacking = Rate(None, None, 0.3, 0.95, 10, "not supported by this data: needs about 600 searches")
    found = average([*rates(0.2), lacking, lacking])
    assert found.mean.value is found.mean.low is found.deviation is None
    assert found.mean.reason == (
        "not supported by this data: 2 of 3 galleries have no value; needs about 600 searches"
    )


def test_galleries_are_averaged_figure_by_figure():
    search = example_evaluation().identification
    other = replace(
        search,
        fnir_at_fpir={
            at: replace(rate, value=0.5) if rate.value else rate for at, rate in search.fnir_at_fpir.items()
        },
        cmc=[replace(search.cmc[0], value=0.5)],
    )
    found = average_galleries([search, other])
    assert found.galleries == 2
    assert found.rank_1.mean.value == pytest.approx((search.cmc[0].value + 0.5) / 2)
    assert found.fnir_at_fpir[0.05].mean.value == pytest.approx((search.fnir_at_fpir[0.05].value + 0.5) / 2)
    assert found.fnir_at_fpir[0.01].mean.value is None
    assert average_galleries([search, replace(other, cmc=[])]).rank_1 is None
    assert list(average_galleries([search, replace(other, fnir_at_fpir={})]).fnir_at_fpir) == []
    assert average_galleries([search]) is average_galleries([]) is None


@pytest.mark.parametrize("shared", [0.0, 0.5, 1.0])
def test_the_interval_holds_however_much_the_galleries_share(shared):
    generator = np.random.default_rng(1)
    both, own = generator.standard_normal((4000, 1)), generator.standard_normal((4000, 10))
    estimates = 0.5 + 0.01 * (np.sqrt(shared) * both + np.sqrt(1 - shared) * own)
    hits = 0
    for row in estimates:
        mean = average([Rate(v, v - 0.0196, v + 0.0196, 0.95, 9) for v in row]).mean
        hits += mean.low <= 0.5 <= mean.high
    assert hits / 4000 >= 0.94  # 95 % where all is shared, more otherwise
    assert (hits / 4000 > 0.98) == (shared < 1)
