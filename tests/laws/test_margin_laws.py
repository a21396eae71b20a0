"""What psi and eta of every row obey over the whole half turn, for drawn margins.

Ordered: psi <= eta, so a margin makes the own class's task harder, never easier. Decreasing: nearer is never
worse; where a published form breaks this, its upward step is asserted instead.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sphereface.heads import margins
from sphereface.heads.table import SOFTMAX_ROWS

THETA = torch.linspace(0.0, math.pi, 4097, dtype=torch.float64)
FORMS = [(name, form) for name, row in SOFTMAX_ROWS.items() for form in ("hard", *row.fallbacks)]
drawn = settings(max_examples=30, deadline=None)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Tensors this small lose more to the start of threads than to arithmetic."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def psi_of(name, form):
    row = SOFTMAX_ROWS[name]
    return {"hard": row.psi, **row.fallbacks}[form]


def margins_of(name):
    """Draw a margin that the row accepts, up to 12 where it sets no practical limit."""
    row = SOFTMAX_ROWS[name]
    if row.whole:
        return st.integers(int(row.lowest), int(row.highest)).map(float)
    return st.floats(row.lowest, min(row.highest, 12.0))


def eta(name, m):
    """eta at THETA."""
    other = SOFTMAX_ROWS[name].eta
    return torch.cos(THETA) if other is None else other(torch.cos(THETA), m)


@pytest.mark.parametrize(("name", "form"), FORMS)
@drawn
@given(data=st.data())
def test_ordered(name, form, data):
    m = data.draw(margins_of(name))
    assert bool((psi_of(name, form)(THETA, m) <= eta(name, m) + 1e-12).all())


@pytest.mark.parametrize(("name", "form"), [pair for pair in FORMS if pair[1] != "easy"])
@drawn
@given(data=st.data())
def test_decreasing(name, form, data):
    m = data.draw(margins_of(name))
    assert psi_of(name, form)(THETA, m).diff().max() <= 1e-12
    assert eta(name, m).diff().max() <= 1e-12


@drawn
@given(m=st.floats(0.0, math.pi / 2))
def test_arcface_easy_steps_up_once_by_sin_m_at_a_quarter_turn(m):
    values = margins.arcface_easy(THETA, m)
    middle = len(THETA) // 2
    steps = values.diff()
    assert steps[: middle - 1].max() <= 1e-12
    assert steps[middle + 1 :].max() <= 1e-12
    just_before, just_after = margins.arcface_easy(
        torch.tensor([math.pi / 2 - 1e-9, math.pi / 2 + 1e-9], dtype=torch.float64), m
    )
    assert (just_after - just_before).item() == pytest.approx(math.sin(m), abs=1e-8)


def test_arcface_beyond_its_range_would_step_up():
    """Why a margin above pi / 2 is refused: at m = 2.5 psi rises by 0.30 at pi - m."""
    steps = margins.arcface(THETA, 2.5).diff()
    assert steps.max() == pytest.approx(1 - math.cos(2.5) - 2.5 * math.sin(2.5), abs=5e-3)
    assert steps.max() > 0.29


@drawn
@given(m=st.floats(1.0, 12.0), data=st.data())
def test_sphereface_is_smooth_where_its_pieces_meet(m, data):
    """At k pi / m value and slope are continuous: psi = 1 - 2k and psi' = 0 from both sides."""
    k = data.draw(st.integers(1, int(m)))
    at = k * math.pi / m
    theta = torch.tensor([at - 1e-7, at + 1e-7], dtype=torch.float64, requires_grad=True)
    values = margins.sphereface(theta, m)
    (slope,) = torch.autograd.grad(values.sum(), theta)
    np.testing.assert_allclose(values.detach().numpy(), 1.0 - 2.0 * k, atol=1e-11)
    np.testing.assert_allclose(slope.numpy(), 0.0, atol=1e-6 * m**2)


@drawn
@given(m=st.floats(1.0, 12.0))
def test_sphereface_r_v1_is_sphereface_up_to_pi_over_m_and_flat_beyond(m):
    inside = m * THETA <= math.pi
    ours, whole = margins.sphereface_r_v1(THETA, m), margins.sphereface(THETA, m)
    np.testing.assert_allclose(ours[inside].numpy(), whole[inside].numpy(), atol=1e-12)
    np.testing.assert_allclose(ours[~inside].numpy(), -1.0, atol=1e-12)


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_neutral_margin_is_no_margin(name, form):
    neutral = SOFTMAX_ROWS[name].neutral
    np.testing.assert_allclose(psi_of(name, form)(THETA, neutral).numpy(), torch.cos(THETA).numpy(), atol=1e-12)
    np.testing.assert_allclose(eta(name, neutral).numpy(), torch.cos(THETA).numpy(), atol=1e-12)


@pytest.mark.parametrize(("name", "form"), FORMS)
@drawn
@given(data=st.data())
def test_slopes_are_finite_and_bounded(name, form, data):
    """|psi'| <= m for the multiplicative margins and 1 for the others, at the ends of the half turn too."""
    m = data.draw(margins_of(name))
    theta = THETA.clone().requires_grad_()
    (slope,) = torch.autograd.grad(psi_of(name, form)(theta, m).sum(), theta)
    assert bool(torch.isfinite(slope).all())
    assert slope.abs().max() <= max(1.0, m if SOFTMAX_ROWS[name].neutral == 1.0 else 1.0) + 1e-12


@pytest.mark.parametrize(("name", "form"), FORMS)
@drawn
@given(data=st.data())
def test_single_precision_agrees_with_double(name, form, data):
    """Away from steps; the angle is rounded to float32 first, so that both see the same one."""
    m = data.draw(margins_of(name))
    theta = THETA.float()
    edges = [math.pi - m, math.pi / 2]
    smooth = torch.stack([(theta - edge).abs() > 1e-5 for edge in edges]).all(dim=0)
    single, double = psi_of(name, form)(theta, m), psi_of(name, form)(theta.double(), m)
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single[smooth].numpy(), double[smooth].numpy(), atol=2e-6 * (1 + m))


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_any_shape_and_inputs_left_alone(name, form):
    m = SOFTMAX_ROWS[name].margin
    theta = THETA[:24].clone()
    whole = psi_of(name, form)(theta, m)
    assert torch.equal(psi_of(name, form)(theta.reshape(2, 3, 4), m), whole.reshape(2, 3, 4))
    assert torch.equal(theta, THETA[:24])
