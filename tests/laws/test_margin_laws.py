"""What psi and eta of every row obey over the whole half turn, as far as the row says so, for drawn settings.

Ordered: psi <= eta, so a margin makes the own class's task harder, never easier. Monotone: nearer is never
worse. Strict: the slope is below 0 almost everywhere, so there is always a pull. Neutral: without margin both are
the cosine. Where a published form breaks a law, what it does instead is asserted.

``SPHEREFACE_LAW_EXAMPLES`` sets how many settings are drawn for each law and row; `make test-faults` draws 1,000.
"""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sphereface.errors import ConfigurationError
from sphereface.heads import build_head
from sphereface.heads.curves import curves
from sphereface.heads.losses.arcface import added, added_easy
from sphereface.heads.losses.combined import combined
from sphereface.heads.losses.magface import margin_of_norm
from sphereface.heads.losses.sphereface import multiplied
from sphereface.heads.losses.sphereface_r_v1 import clamped
from sphereface.heads.row import ALL_LAWS
from sphereface.heads.table import HEADS

THETA = torch.linspace(0.0, math.pi, 4097, dtype=torch.float64)
FORMS = [(name, form) for name, row in HEADS.items() for form in row.form_names if row.link != "pairs"]
EASY = [pair for pair in FORMS if pair[1] == "easy"]
EXAMPLES = int(os.environ.get("SPHEREFACE_LAW_EXAMPLES", "20"))
drawn = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Tensors this small lose more to the start of threads than to arithmetic."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@st.composite
def settings_of_row(draw, name):
    """Draw numbers that the row accepts, up to 12 where it sets no practical limit."""
    found = {}
    for key, setting in HEADS[name].settings.items():
        high = min(setting.high, 12.0) if setting.low < 12.0 else setting.high
        whole = st.integers(int(setting.low), int(high)).map(float)
        found[key] = draw(whole if setting.whole else st.floats(setting.low, high, exclude_min=setting.above))
    if name == "magface":
        found["high_norm"] = found["low_norm"] + draw(st.floats(1.0, 100.0))
        found["high_margin"] = max(found["low_margin"], found["high_margin"])
    return found


def acceptable(name, numbers):
    """Leave out what the head itself refuses: combined margins that make the own class easier."""
    try:
        build_head(name, num_classes=2, embedding_dim=2, **numbers)
    except ConfigurationError:
        assume(False)


def obeying(law, forms=FORMS):
    """Rows and forms that declare this law; an easy form never declares the two that it breaks."""
    broken = {"monotone", "strict"}
    return [
        (name, form) for name, form in forms if law in HEADS[name].laws and not (form == "easy" and law in broken)
    ]


def at(name, form, numbers, norm=30.0):
    return curves(name, THETA, fallback=form, norm=norm, **numbers)


def test_every_law_is_declared_by_somebody_and_none_is_unknown():
    declared = frozenset().union(*(row.laws for row in HEADS.values()))
    assert declared == ALL_LAWS
    assert all(len(obeying(law)) > 5 for law in ALL_LAWS)


@pytest.mark.parametrize(("name", "form"), obeying("ordered"))
@drawn
@given(data=st.data(), norm=st.floats(0.1, 200.0))
def test_ordered(name, form, data, norm):
    numbers = data.draw(settings_of_row(name))
    acceptable(name, numbers)
    found = at(name, form, numbers, norm)
    assert bool((found.psi <= found.eta + 1e-12).all())


@pytest.mark.parametrize(("name", "form"), obeying("monotone"))
@drawn
@given(data=st.data(), norm=st.floats(0.1, 200.0))
def test_monotone(name, form, data, norm):
    numbers = data.draw(settings_of_row(name))
    acceptable(name, numbers)
    assert at(name, form, numbers, norm).psi.diff().max() <= 1e-12


@pytest.mark.parametrize(("name", "form"), obeying("strict"))
@drawn
@given(data=st.data())
def test_strict(name, form, data):
    """The slope itself, by autograd, at every inner angle that is not where two pieces meet."""
    numbers = data.draw(settings_of_row(name))
    acceptable(name, numbers)
    theta = THETA[1:-1].clone().requires_grad_()
    (slope,) = torch.autograd.grad(curves(name, theta, fallback=form, **numbers).psi.sum(), theta)
    row = HEADS[name]
    inner = torch.ones_like(slope, dtype=torch.bool)
    for kink in () if row.kinks is None else row.kinks(*numbers.values()):
        inner &= (theta - kink * math.pi).abs() > 1e-3
    # psi' of the similarity adjustment falls like (pi - theta)^(2 t - 1): below the smallest double near pi.
    inner &= theta < math.pi - (0.1 if "sharpness" in numbers else 0.0)
    assert bool((slope[inner] < 0.0).all())


@pytest.mark.parametrize(("name", "form"), obeying("neutral"))
def test_neutral(name, form):
    found = at(name, form, HEADS[name].neutral)
    np.testing.assert_allclose(found.psi.numpy(), torch.cos(THETA).numpy(), atol=1e-12)
    np.testing.assert_allclose(found.eta.numpy(), torch.cos(THETA).numpy(), atol=1e-12)


@pytest.mark.parametrize(("name", "form"), EASY)
@drawn
@given(data=st.data(), norm=st.floats(0.1, 200.0))
def test_easy_forms_step_up_once_by_sin_m_at_a_quarter_turn(name, form, data, norm):
    numbers = data.draw(settings_of_row(name))
    m = numbers.get("margin")
    if name == "magface":
        clamped_norm = torch.tensor(norm, dtype=torch.float64).clamp(numbers["low_norm"], numbers["high_norm"])
        m = margin_of_norm(clamped_norm, tuple(numbers.values())).item()
    steps = at(name, form, numbers, norm).psi.diff()
    middle = len(THETA) // 2
    assert steps[: middle - 1].max() <= 1e-12
    assert steps[middle + 1 :].max() <= 1e-12
    near = torch.tensor([math.pi / 2 - 1e-9, math.pi / 2 + 1e-9], dtype=torch.float64)
    before, after = curves(name, near, fallback=form, norm=norm, **numbers).psi
    assert (after - before).item() == pytest.approx(math.sin(m), abs=1e-8)


def test_the_published_easy_margins_step_up_by_0_479_and_at_most_0_717():
    assert math.sin(0.5) == pytest.approx(0.479, abs=5e-4)
    assert math.sin(0.8) == pytest.approx(0.717, abs=5e-4)
    at_half_turn = torch.tensor([math.pi / 2 - 1e-9, math.pi / 2 + 1e-9], dtype=torch.float64)
    assert added_easy(at_half_turn, 0.5).diff().item() == pytest.approx(0.479, abs=5e-4)


def test_arcface_beyond_its_range_would_step_up():
    """Why a margin above pi / 2 is refused: at m = 2.5 psi rises by 0.30 at pi - m."""
    steps = added(THETA, 2.5).diff()
    assert steps.max() == pytest.approx(1 - math.cos(2.5) - 2.5 * math.sin(2.5), abs=5e-3)
    assert steps.max() > 0.29


def test_circle_beyond_its_range_would_not_be_ordered():
    """Why a margin above one half is refused: 2 m^2 exceeds the least of 2 c^2 - 2 c + 1, which is 1/2."""
    from sphereface.heads.losses.circle import weighed, weighed_others

    excess = weighed(THETA, 0.6) - weighed_others(torch.cos(THETA), 0.6)
    assert excess.max() > 0.2


@drawn
@given(m=st.floats(1.0, 12.0), data=st.data())
def test_sphereface_is_smooth_where_its_pieces_meet(m, data):
    """At k pi / m value and slope are continuous: psi = 1 - 2k and psi' = 0 from both sides."""
    k = data.draw(st.integers(1, int(m)))
    at_joint = k * math.pi / m
    theta = torch.tensor([at_joint - 1e-7, at_joint + 1e-7], dtype=torch.float64, requires_grad=True)
    values = multiplied(theta, m)
    (slope,) = torch.autograd.grad(values.sum(), theta)
    np.testing.assert_allclose(values.detach().numpy(), 1.0 - 2.0 * k, atol=1e-11)
    np.testing.assert_allclose(slope.numpy(), 0.0, atol=1e-6 * m**2)


@drawn
@given(m=st.floats(1.0, 12.0))
def test_sphereface_r_v1_is_sphereface_up_to_pi_over_m_and_flat_beyond(m):
    inside = m * THETA <= math.pi
    ours, whole = clamped(THETA, m), multiplied(THETA, m)
    np.testing.assert_allclose(ours[inside].numpy(), whole[inside].numpy(), atol=1e-12)
    np.testing.assert_allclose(ours[~inside].numpy(), -1.0, atol=1e-12)


@drawn
@given(m1=st.floats(1.0, 12.0), m3=st.floats(0.0, 2.0))
def test_combined_contains_the_others(m1, m3):
    np.testing.assert_allclose(combined(THETA, m1, 0.0, 0.0).numpy(), multiplied(THETA, m1).numpy(), atol=1e-12)
    np.testing.assert_allclose(combined(THETA, 1.0, 0.0, m3).numpy(), (torch.cos(THETA) - m3).numpy(), atol=1e-12)
    before = math.pi - 0.5 - 1e-9 >= THETA
    np.testing.assert_allclose(
        combined(THETA, 1.0, 0.5, 0.0)[before].numpy(), added(THETA, 0.5)[before].numpy(), atol=1e-12
    )


@pytest.mark.parametrize(("name", "form"), FORMS)
@drawn
@given(data=st.data(), norm=st.floats(0.1, 200.0))
def test_curves_and_their_slopes_are_finite_at_every_angle(name, form, data, norm):
    theta, numbers = THETA.clone().requires_grad_(), data.draw(settings_of_row(name))
    acceptable(name, numbers)
    found = curves(name, theta, fallback=form, norm=norm, **numbers)
    for curve in (found.psi, found.eta):
        (slope,) = torch.autograd.grad(curve.sum(), theta, retain_graph=True)
        assert bool(torch.isfinite(curve).all())
        assert bool(torch.isfinite(slope).all())


@pytest.mark.parametrize(("name", "form"), FORMS)
@drawn
@given(data=st.data())
def test_single_precision_agrees_with_double(name, form, data):
    """Away from kinks; the angle is rounded to float32 first, so that both see the same one."""
    numbers = data.draw(settings_of_row(name))
    acceptable(name, numbers)
    theta = THETA.float()
    kinks = [0.5, *(() if HEADS[name].kinks is None else HEADS[name].kinks(*numbers.values()))]
    if name == "magface":  # its margin differs from norm to norm
        theta = theta[theta < math.pi - numbers["high_margin"] - 1e-4]
    smooth = torch.stack([(theta - kink * math.pi).abs() > 1e-5 for kink in kinks]).all(dim=0)
    single = curves(name, theta, fallback=form, **numbers).psi
    double = curves(name, theta.double(), fallback=form, **numbers).psi
    assert single.dtype == torch.float32
    size = 1.0 + max([abs(number) for number in numbers.values()], default=0.0)
    np.testing.assert_allclose(single[smooth].numpy(), double[smooth].numpy(), atol=4e-6 * size)


@pytest.mark.parametrize("name", [name for name, row in HEADS.items() if row.psi is not None])
def test_any_shape_and_inputs_left_alone(name):
    row = HEADS[name]
    values = [setting.default for setting in row.settings.values()]
    for psi in (row.psi, *row.forms.values()):
        theta = THETA[:24].clone()
        whole = psi(theta, *values)
        assert torch.equal(psi(theta.reshape(2, 3, 4), *values), whole.reshape(2, 3, 4))
        assert torch.equal(theta, THETA[:24])
