"""Lengths, angles and great circles: numpy and torch from the same lines, held to 60-digit arithmetic."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sphereface.sphere.geometry import angle, cosine, length, slerp, unit

SEEDS = st.integers(0, 2**32 - 1)
drawn = settings(deadline=None)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Tensors this small lose more to the start of threads than to arithmetic."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def pair(seed, count=6, dimension=4):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(2, count, dimension)) * 10.0 ** rng.uniform(-3, 3, size=(2, count, 1))


def exact_angle(x, y):
    """The angle between two float64 vectors, taken as exact, in 60 digits."""
    with mpmath.workdps(60):
        a, b = [mpmath.mpf(float(v)) for v in x], [mpmath.mpf(float(v)) for v in y]
        dot = mpmath.fsum(p * q for p, q in zip(a, b, strict=True))
        square = mpmath.fsum(p * p for p in a) * mpmath.fsum(q * q for q in b)
        return mpmath.atan2(mpmath.sqrt(square - dot**2), dot)


@drawn
@given(seed=SEEDS)
def test_numpy_and_torch_agree(seed):
    x, y = pair(seed)
    a, b = torch.from_numpy(x), torch.from_numpy(y)
    for ours, theirs in [
        (length(x), length(a)),
        (length(x, axis=0, keepdims=True), length(a, axis=0, keepdims=True)),
        (unit(x), unit(a)),
        (unit(x, axis=0), unit(a, axis=0)),
        (cosine(x, y), cosine(a, b)),
        (angle(x, y), angle(a, b)),
        (slerp(x, y, 0.3), slerp(a, b, 0.3)),
    ]:
        assert isinstance(ours, np.ndarray)
        assert isinstance(theirs, torch.Tensor)
        assert theirs.dtype == torch.float64
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-12, atol=1e-14)


@drawn
@given(seed=SEEDS)
def test_lengths_and_directions(seed):
    x, y = pair(seed)
    np.testing.assert_allclose(length(x), np.linalg.norm(x, axis=-1), rtol=1e-14)
    np.testing.assert_allclose(length(unit(x)), 1.0, rtol=1e-14)
    np.testing.assert_allclose(unit(x) * length(x, keepdims=True), x, rtol=1e-14)
    np.testing.assert_allclose(unit(unit(x)), unit(x), rtol=1e-14)
    np.testing.assert_allclose(np.cos(angle(x, y)), cosine(x, y), atol=1e-14)
    np.testing.assert_allclose(angle(x, y), angle(3.0 * y, 0.2 * x), rtol=1e-13)
    np.testing.assert_allclose(angle(x, y) + angle(x, -y), np.pi, rtol=1e-14)


@drawn
@given(seed=SEEDS)
def test_angles_obey_the_triangle_inequality(seed):
    x, y = pair(seed)
    z = pair(seed + 1)[0]
    assert np.all(angle(x, z) <= angle(x, y) + angle(y, z) + 1e-14)


@pytest.mark.parametrize("theta", [10.0**-k for k in range(1, 11)] + [0.7, 1.5, 3.0])
@pytest.mark.parametrize("far", [False, True])
def test_small_angles_to_an_axis_keep_twelve_digits(theta, far):
    """acos of the cosine has none left at 1e-8; near pi it is the distance to pi that is small."""
    x = np.array([1.0, 0.0, 0.0])
    y = np.array([np.cos(theta), 0.6 * np.sin(theta), 0.8 * np.sin(theta)])
    if far:
        y = -y
    expected = float(exact_angle(x, y))
    assert float(angle(x, y)) == pytest.approx(expected, rel=1e-12)
    assert float(angle(torch.from_numpy(x), torch.from_numpy(y))) == pytest.approx(expected, rel=1e-12)


@drawn
@given(seed=SEEDS, exponent=st.floats(-12, 0), far=st.booleans())
def test_any_angle_is_right_to_rounding(seed, exponent, far):
    """Directions are rounded once, so the error is a few units in the last place of 1, at 0 and at pi too."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=5) * 7.0
    y = (-x if far else x) + 10.0**exponent * rng.normal(size=5)
    assert abs(mpmath.mpf(float(angle(x, y))) - exact_angle(x, y)) < 2e-15


def test_float32_beats_acos_of_the_cosine():
    """At 1e-4 rad float32's cosine is exactly 1; the angle still has four digits."""
    x = torch.tensor([1.0, 2.0, -0.5])
    y = x + 1e-4 * x.norm() * torch.tensor([2.0, -1.0, 0.0]) / 5**0.5
    assert torch.acos(cosine(x, y)).item() != pytest.approx(1e-4, rel=0.5)
    assert angle(x, y).item() == pytest.approx(1e-4, rel=2e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_are_finite_everywhere(dtype):
    """At 0 and pi the gradient of the angle is 0 by definition, as is that of the length at the origin."""
    e = torch.tensor([0.6, 0.8, 0.0], dtype=dtype)
    zero = torch.zeros(3, dtype=dtype)
    near = e + torch.tensor([0.0, 0.0, 1e-7], dtype=dtype)
    for x, y in [
        (e, e),
        (2 * e, e),
        (e, -e),
        (e, -3 * e),
        (zero, e),
        (e, zero),
        (zero, zero),
        (near, e),
        (near, -e),
    ]:
        for function in (
            angle,
            cosine,
            lambda a, b: slerp(a, b, 0.3).sum(),
            lambda a, b: (unit(a) - length(b)).sum(),
        ):
            a, b = x.clone().requires_grad_(), y.clone().requires_grad_()
            value = function(a, b)
            value.sum().backward()
            assert bool(torch.isfinite(value).all())
            assert bool(torch.isfinite(a.grad).all())
            assert bool(torch.isfinite(b.grad).all())
    for x in (e, -e):
        a = x.clone().requires_grad_()
        angle(a, e).backward()
        assert a.grad.norm() < 1e-6
    a = zero.clone().requires_grad_()
    length(a).backward()
    assert not a.grad.any()


def test_angle_has_slope_one_along_the_great_circle():
    """However near to 0 or pi: moving x by a short way t away from y turns the angle by t / |x|."""
    y = torch.tensor([1.0, 0.0], dtype=torch.float64)
    for theta in (1e-9, 1e-4, 1.0, np.pi - 1e-4, np.pi - 1e-9):
        x = torch.tensor([2.0 * np.cos(theta), 2.0 * np.sin(theta)], dtype=torch.float64, requires_grad=True)
        angle(x, y).backward()
        np.testing.assert_allclose(x.grad.numpy(), [-np.sin(theta) / 2, np.cos(theta) / 2], atol=2e-7)


def test_gradients_by_finite_differences():
    x, y = (torch.from_numpy(v).requires_grad_() for v in np.random.default_rng(3).normal(size=(2, 4, 5)))
    for function in (
        angle,
        cosine,
        lambda a, b: slerp(a, b, 0.3),
        lambda a, b: unit(a) * length(b, keepdims=True),
    ):
        assert torch.autograd.gradcheck(function, (x, y))


def test_the_zero_vector():
    zero, x = np.zeros(3), np.array([0.0, 2.0, 0.0])
    assert length(zero) == 0.0
    assert unit(zero).tolist() == [0.0, 0.0, 0.0]
    assert cosine(zero, x) == 0.0
    assert angle(zero, x) == pytest.approx(np.pi / 2)


def test_cosine_stays_within_its_range():
    """Rounding would give 1.0000000000000002 and a NaN from acos."""
    x = np.random.default_rng(0).normal(size=(2000, 7))
    assert cosine(x, x).max() == 1.0
    assert cosine(x, -5.0 * x).min() == -1.0


@drawn
@given(seed=SEEDS, t=st.floats(0, 1))
def test_slerp_goes_evenly_along_the_great_circle(seed, t):
    """Unit length, a share t of the angle from x and 1 - t from y, the same both ways round."""
    x, y = pair(seed)
    theta = angle(x, y)
    z = slerp(x, y, t)
    np.testing.assert_allclose(length(z), 1.0, rtol=1e-12)
    np.testing.assert_allclose(angle(x, z), t * theta, atol=1e-7)
    np.testing.assert_allclose(angle(z, y), (1 - t) * theta, atol=1e-7)
    np.testing.assert_allclose(slerp(y, x, 1 - t), z, atol=1e-9)


def test_slerp_is_not_the_chord_even_for_short_ways():
    """Over 0.005 rad the chord would be 2e-9 rad uneven."""
    x, y = np.array([1.0, 0.0]), np.array([np.cos(0.005), np.sin(0.005)])
    assert float(angle(x, slerp(x, y, 0.25))) == pytest.approx(0.00125, abs=1e-13)


def test_slerp_at_its_ends_and_in_its_corners():
    x, y = pair(4)
    np.testing.assert_allclose(slerp(x, y, 0.0), unit(x), atol=1e-12)
    np.testing.assert_allclose(slerp(x, y, 1.0), unit(y), atol=1e-12)
    np.testing.assert_allclose(slerp(x, 2.0 * x, 0.4), unit(x), atol=1e-12)
    near = unit(x) + 1e-9 * unit(y)
    np.testing.assert_allclose(slerp(x, near, 0.5), unit(x), atol=1e-9)
    np.testing.assert_allclose(slerp(x, -x, 0.25), unit(x), atol=1e-12)


def test_inputs_are_not_modified():
    x, y = pair(5)
    kept = x.copy(), y.copy()
    for function in (angle, cosine, lambda a, b: slerp(a, b, 0.3), lambda a, b: unit(a)):
        function(x, y)
    np.testing.assert_array_equal(x, kept[0])
    np.testing.assert_array_equal(y, kept[1])
