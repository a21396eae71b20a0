"""The effective margin of A-Softmax: published curve, closed limits, and where it ends."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sphereface.errors import ConfigurationError
from sphereface.heads.effective import annealed_target, effective_margin, effective_margin_at, last_defined_angle


@pytest.mark.parametrize(("degrees", "expected"), [(0, 1.87), (30, 1.68), (45, 1.44)])
def test_the_curve_at_lambda_5_and_m_4(degrees, expected):
    """formulas.md 1.1, to the two digits given there."""
    assert effective_margin_at(math.radians(degrees)) == pytest.approx(expected, abs=0.005)


def test_from_60_to_90_degrees_it_is_a_third():
    curve = effective_margin(torch.deg2rad(torch.linspace(60, 90, 301)))
    assert float(curve.min()) >= 1.33
    assert float(curve.max()) <= 1.36


@pytest.mark.parametrize("theta", [0.3, 0.8, 1.2, 1.7])
def test_against_the_formula_in_60_digits(theta):
    with mpmath.workdps(60):
        m, weight, t = 4, 5, mpmath.mpf(theta)
        k = int(mpmath.floor(m * t / mpmath.pi))
        target = (weight * mpmath.cos(t) + (-1) ** k * mpmath.cos(m * t) - 2 * k) / (1 + weight)
        expected = mpmath.acos(target) / t
    assert effective_margin_at(theta) == pytest.approx(float(expected), rel=1e-13)


@settings(deadline=None, max_examples=40)
@given(m=st.floats(1, 8), weight=st.floats(0, 1000))
def test_its_limit_at_0_and_its_range(m, weight):
    """sqrt((lambda + m²) / (1 + lambda)) at 0, to 1e-5 relative; nowhere below 1."""
    theta = torch.linspace(0, math.pi, 200, dtype=torch.float64)
    curve = effective_margin(theta, m, weight).numpy()
    assert curve[0] == pytest.approx(math.sqrt((weight + m * m) / (1 + weight)), rel=1e-4)
    defined = ~np.isnan(curve)
    assert curve[defined].min() >= 1 - 1e-9
    assert curve[defined].max() <= max(m, math.pi / last_defined_angle(m, weight)) + 1e-6


@settings(deadline=None, max_examples=40)
@given(m=st.floats(1, 8), weight=st.floats(0, 1000))
def test_it_ends_where_the_target_reaches_minus_one(m, weight):
    last = last_defined_angle(m, weight)
    assert math.isnan(effective_margin_at(min(last + 1e-3, math.pi), m, weight)) or last > math.pi - 2e-3
    target = float(annealed_target(torch.tensor([last], dtype=torch.float64), m, weight)[0])
    assert target == pytest.approx(-1.0, abs=1e-9)


def test_the_two_ends_of_lambda():
    theta = torch.linspace(0, math.pi / 4 - 1e-9, 50, dtype=torch.float64)
    np.testing.assert_allclose(effective_margin(theta, 4.0, 0.0).numpy(), 4.0, rtol=1e-6)
    np.testing.assert_allclose(effective_margin(theta, 4.0, 1e9).numpy(), 1.0, rtol=1e-6)
    np.testing.assert_allclose(effective_margin(theta, 1.0, 5.0).numpy(), 1.0, rtol=1e-9)
    assert math.isnan(effective_margin_at(2.0))
    assert effective_margin_at(math.pi, 1.0, 0.0) == pytest.approx(1.0)


def test_input_keeps_its_values_and_an_empty_one_is_empty():
    theta = torch.zeros(3)
    effective_margin(theta)
    assert theta.tolist() == [0.0, 0.0, 0.0]
    assert effective_margin(torch.zeros(0)).shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((1.0, 0.5, 5.0), "margin must be a number in"),
        ((1.0, 4.0, -1.0), r"lambda must be a number in \[0, 1e\+09\], not -1.0"),
        ((4.0, 4.0, 5.0), "theta must be a number in"),
        ((-0.1, 4.0, 5.0), "theta must be a number in"),
        ((math.nan, 4.0, 5.0), "theta must be a number in"),
    ],
)
def test_numbers_out_of_range(arguments, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        effective_margin_at(*arguments)
