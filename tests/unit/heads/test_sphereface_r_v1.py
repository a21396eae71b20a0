"""sphereface-r-v1: s cos(min(m theta_y, pi)) against s cos(theta_j)."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sphereface.heads import build_head


@pytest.fixture
def equation(softmax, on_own):
    """(m, scale, pull, target) to the loss; without a scale rho is the norm."""

    def of(m, scale, **soft):
        def psi(own):
            moved = m * np.arccos(own)
            return np.cos(np.where(moved.real < np.pi, moved, np.pi))

        return softmax(on_own(psi), scale, **soft)

    return of


@pytest.mark.parametrize(("m", "scale"), [(1.0, 30.0), (1.4, 30.0), (3.0, 10.0)])
def test_loss_and_gradients_are_those_of_the_equation(equation, agrees_in_full, m, scale):
    agrees_in_full("sphereface-r-v1", equation(m, scale), margin=m, scale=scale)


def test_defaults_are_s_30_and_m_1_4(equation, agrees_in_full):
    agrees_in_full("sphereface-r-v1", equation(1.4, 30.0))


def test_norm_dependent_radii(equation, agrees_in_full):
    agrees_in_full("sphereface-r-v1", equation(1.4, None), radius="nfn")
    agrees_in_full(
        "sphereface-r-v1", equation(1.4, None, pull=1.0, target=4.0), radius="sfn", radius_weight=1.0, scale=4.0
    )


@pytest.mark.parametrize("m", [1.4, 3.0])
def test_detached_gradient_is_the_plain_cosine_s_at_the_margin_s_probabilities(equation, agrees_when_detached, m):
    agrees_when_detached(
        "sphereface-r-v1",
        logits=equation(m, 30.0).logits,
        rho=lambda norm: np.full_like(norm, 30.0),
        rho_slope=np.zeros_like,
        margin=m,
    )


@pytest.mark.parametrize(("m", "flat"), [(1.4, 0.29), (3.0, 0.67)])
def test_flat_beyond_pi_over_m_the_full_gradient_does_not_pull_to_the_own_class(m, flat):
    """The other prototype is orthogonal to the plane of motion: what is left is the own class's pull."""
    assert 1.0 - 1.0 / m == pytest.approx(flat, abs=0.005)

    def pull(angle, gradient):
        settings = {"margin": m, "scale": 4.0, "gradient": gradient}
        head = build_head("sphereface-r-v1", num_classes=2, embedding_dim=3, **settings).double()
        with torch.no_grad():
            head.prototypes.copy_(torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]))
        x = torch.tensor([[math.cos(angle), math.sin(angle), 0.0]], dtype=torch.float64, requires_grad=True)
        head(x, torch.tensor([0])).loss.backward()
        tangent = torch.tensor([-math.sin(angle), math.cos(angle), 0.0], dtype=torch.float64)
        return float(x.grad[0] @ tangent)

    inside, outside = 0.9 * math.pi / m, 1.05 * math.pi / m
    assert pull(inside, "full") > 0.1
    assert pull(outside, "full") == pytest.approx(0.0, abs=1e-12)
    assert pull(outside, "detached") > 0.1
