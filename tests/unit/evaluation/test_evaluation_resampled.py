"""Figures read off resampled curves are those of the scores themselves where the curve is the scores' own."""

from __future__ import annotations

import numpy as np
import pytest

from sphereface.evaluation.resampled import area, crossing, judged_elsewhere, missed_at
from sphereface.evaluation.steps import accepted, area_under_curve, equal_error_rate, rejected


@pytest.fixture(scope="module")
def curves():
    """Five sets of scores, their curves at all thresholds, each a row."""
    generator = np.random.default_rng(0)
    sets = [(np.sort(generator.normal(1.5, 1, 80)), np.sort(generator.normal(0, 1, 200))) for _ in range(5)]
    thresholds = np.unique(np.concatenate([np.concatenate(pair) for pair in sets]))
    false = np.stack([accepted(impostor, thresholds) for _, impostor in sets])
    missed = np.stack([rejected(genuine, thresholds) for genuine, _ in sets])
    return sets, false, missed


def test_equal_error_rate_and_area(curves):
    sets, false, missed = curves
    assert crossing(false, missed) == pytest.approx([equal_error_rate(*pair)[0] for pair in sets], abs=1e-12)
    assert area(false, missed) == pytest.approx([area_under_curve(*pair) for pair in sets], abs=1e-12)


def test_missed_at_a_false_rate_that_a_threshold_hits(curves):
    sets, false, missed = curves
    # 20 of 200: FMR is 0.1 from directly above the 21st highest score on, and stays so up to the 20th.
    expected = [float(rejected(genuine, np.nextafter(impostor[-21], 9.0))) for genuine, impostor in sets]
    assert missed_at(false, missed, 0.1) == pytest.approx(expected, abs=1 / 80 + 1e-12)


def test_curves_that_never_come_down_or_start_below_have_their_ends():
    high, low = np.array([[0.9, 0.8]]), np.array([[0.001, 0.0]])
    assert missed_at(high, np.array([[0.0, 0.1]]), 0.01)[0] == pytest.approx(0.1 + 0.9 * 0.79 / 0.8)
    assert missed_at(low, np.array([[0.2, 0.3]]), 0.01)[0] == pytest.approx(0.2 * 0.99 / 0.999)
    assert crossing(np.array([[0.0]]), np.array([[1.0]]))[0] == pytest.approx(0.5)
    assert crossing(np.array([[0.2, 0.1]]), np.array([[0.2, 0.3]]))[0] == pytest.approx(0.2)


def test_the_threshold_of_one_resample_judges_another():
    errors = np.array([[0.1, 0.3, 0.5], [0.4, 0.2, 0.6], [0.7, 0.8, 0.0]])
    # Best in the last is 2, in the first 0, in the second 1.
    assert judged_elsewhere(errors).tolist() == [0.5, 0.4, 0.8]
