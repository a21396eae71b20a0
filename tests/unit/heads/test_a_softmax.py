"""a-softmax: |x| (lambda cos(theta_y) + psi(theta_y)) / (1 + lambda) against |x| cos(theta_j), integer m."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sphereface.errors import ConfigurationError
from sphereface.heads import build_head
from sphereface.heads.losses.sphereface import multiplied as sphereface
from sphereface.heads.schedule import LambdaAnnealing


@pytest.fixture
def equation(softmax, on_own, closed_form):
    """(m, lambda, scale) to the loss; without a scale rho is the norm."""

    def of(m, weight, scale=None):
        return softmax(on_own(lambda own: (weight * own + closed_form(m, own)) / (1 + weight)), scale)

    return of


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_loss_and_gradients_are_those_of_the_closed_form(equation, agrees_in_full, m):
    """At the end of the annealing, lambda = 5; and with lambda = 0, the bare margin."""
    agrees_in_full("a-softmax", equation(m, 5.0), margin=m)
    agrees_in_full("a-softmax", equation(m, 0.0), margin=m, lambda_base=0.0, lambda_min=0.0)


@pytest.mark.parametrize("m", [2, 4])
def test_detached_gradient_is_the_plain_cosine_s_at_the_margin_s_probabilities(equation, agrees_when_detached, m):
    agrees_when_detached(
        "a-softmax",
        logits=equation(m, 5.0).logits,
        rho=lambda norm: norm,
        rho_slope=np.ones_like,
        margin=m,
    )


def test_a_scale_replaces_the_norm(equation, agrees_in_full):
    agrees_in_full("a-softmax", equation(4, 5.0, scale=16.0), scale=16.0)


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_psi_is_the_closed_form_over_the_whole_half_turn(closed_form, m):
    theta = np.linspace(0.0, np.pi, 4001)
    ours = sphereface(torch.from_numpy(theta), float(m)).numpy()
    np.testing.assert_allclose(ours, closed_form(m, np.cos(theta)), atol=4e-15 * m**2)
    assert ours[-1] == pytest.approx(1 - 2 * m)


def test_lambda_of_the_published_run():
    """base 1000, gamma 0.12, power 1, floor 5 over 28,000 steps: the floor at 1,658.3 of them."""
    annealing = LambdaAnnealing()

    def at(step):
        return annealing(step / 28_000)

    assert at(0) == 1000.0
    assert at(100) == pytest.approx(1000 / 13.0)
    assert at(1000) == pytest.approx(1000 / 121.0)
    assert at(1658) == pytest.approx(1000 / 199.96)
    assert 5.0 < at(1658) < 5.002
    assert at(1659) == at(28_000) == 5.0


def test_lambda_with_a_power():
    """The MNIST example of L-Softmax: base 1000, gamma 2.5e-5, power 35, floor 0."""
    annealing = LambdaAnnealing(1000.0, 2.5e-5, 35.0, 0.0)
    assert annealing(0.5) == pytest.approx(1000.0 * 1.35**-35)


def test_the_head_follows_the_schedule(run_head):
    """Where the run stands decides lambda: 1000 at its start is nearly no margin, 5 after 6 % of it."""
    start = run_head("a-softmax", progress=0.0)
    floor = run_head("a-softmax", progress=0.06)
    end = run_head("a-softmax")
    neutral = run_head("normface", radius="nfn")
    assert neutral.loss < start.loss < neutral.loss + 0.02
    assert floor.loss == end.loss > start.loss


def test_schedule_state_is_saved_and_resumed():
    sizes = {"num_classes": 4, "embedding_dim": 5}
    head = build_head("a-softmax", margin_ramp=0.5, **sizes)
    assert head.schedule_state() == {"margin": 4.0, "lambda": 5.0}
    head.advance(0.01)
    state = head.schedule_state()
    assert state["lambda"] == pytest.approx(1000 / (1 + 0.12 * 280))
    assert state["margin"] == pytest.approx(1.0 + 3.0 * 0.02)
    resumed = build_head("a-softmax", margin_ramp=0.5, **sizes)
    resumed.load_state_dict(head.state_dict())
    assert resumed.schedule_state() == state


def test_effective_margin_of_the_annealed_loss():
    """lambda = 5, m = 4: arccos(target) / theta is 1.68 at 30, 1.44 at 45, 1.33-1.36 at 60-90 degrees."""
    theta = np.radians([0.01, 30.0, 45.0, 60.0, 90.0])
    target = (5 * np.cos(theta) + sphereface(torch.from_numpy(theta), 4.0).numpy()) / 6
    effective = np.arccos(target) / theta
    np.testing.assert_allclose(effective[:3], [1.87, 1.68, 1.44], atol=0.005)
    assert np.all((effective[3:] > 1.325) & (effective[3:] < 1.365))


def test_slope_by_the_cosine_reaches_m_squared():
    """d psi / d cos = m sin(m theta) / sin(theta) -> 16: why full gradients pull so hard near 0."""
    theta = torch.tensor([1e-3, 0.5], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(sphereface(theta, 4.0).sum(), theta)
    by_cosine = (slope / -torch.sin(theta.detach())).numpy()
    assert by_cosine[0] == pytest.approx(16.0, rel=1e-4)
    assert by_cosine[1] == pytest.approx(4 * math.sin(2.0) / math.sin(0.5))


@pytest.mark.parametrize("margin", [0.5, 4.5, 5.0, float("nan"), "4", True])
def test_refuses_a_margin_it_does_not_have(margin):
    with pytest.raises(ConfigurationError, match="margin must be a"):
        build_head("a-softmax", num_classes=4, embedding_dim=5, margin=margin)


def test_refuses_a_fractional_margin():
    with pytest.raises(ConfigurationError, match=r"margin must be a whole number for this head, not 1\.5"):
        build_head("a-softmax", num_classes=4, embedding_dim=5, margin=1.5)
