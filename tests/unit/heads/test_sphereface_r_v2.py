"""sphereface-r-v2: s cos(theta_y) against s cos(theta_j / m): the margin sits on the other classes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sphereface.heads.arccosine import arccosine as angle_of_cosine
from sphereface.heads.losses.sphereface_r_v2 import divided as sphereface_r_v2_others


@pytest.fixture
def equation(softmax):
    """(m, scale, pull, target) to the loss; without a scale rho is the norm."""

    def of(m, scale, **soft):
        def values(cosine, labels):
            own = np.eye(cosine.shape[1], dtype=bool)[labels]
            return np.where(own, cosine, np.cos(np.arccos(cosine) / m))

        return softmax(values, scale, **soft)

    return of


@pytest.mark.parametrize(("m", "scale"), [(1.0, 30.0), (1.4, 30.0), (3.0, 10.0)])
def test_loss_and_gradients_are_those_of_the_equation(equation, agrees_in_full, m, scale):
    agrees_in_full("sphereface-r-v2", equation(m, scale), margin=m, scale=scale)


def test_defaults_are_s_60_and_m_1_4(equation, agrees_in_full):
    agrees_in_full("sphereface-r-v2", equation(1.4, 60.0))


def test_published_loss_weight(equation, agrees_in_full):
    """lw = 50 at s = 60: 50 / 60 of the cross-entropy."""
    agrees_in_full("sphereface-r-v2", lambda x, w, y: equation(1.4, 60.0)(x, w, y) * 50.0 / 60.0, loss_weight=50.0)


def test_norm_dependent_radii(equation, agrees_in_full):
    agrees_in_full("sphereface-r-v2", equation(1.4, None), radius="nfn")
    agrees_in_full(
        "sphereface-r-v2", equation(1.4, None, pull=1.0, target=4.0), radius="sfn", radius_weight=1.0, scale=4.0
    )


@pytest.mark.parametrize("radius", ["hfn", "nfn"])
@pytest.mark.parametrize("m", [1.4, 3.0])
def test_detached_gradient_is_the_plain_cosine_s_at_the_margin_s_probabilities(
    equation, agrees_when_detached, m, radius
):
    fixed = radius == "hfn"
    agrees_when_detached(
        "sphereface-r-v2",
        logits=equation(m, 60.0 if fixed else None).logits,
        rho=lambda norm: np.full_like(norm, 60.0) if fixed else norm,
        rho_slope=np.zeros_like if fixed else np.ones_like,
        radius=radius,
        margin=m,
    )


def test_the_other_classes_never_look_further_than_they_are():
    """eta >= cos: the margin is a handicap for the own class, and none at m = 1."""
    cosine = torch.linspace(-1, 1, 1001, dtype=torch.float64)
    assert bool((sphereface_r_v2_others(cosine, 1.4) >= cosine - 1e-15).all())
    np.testing.assert_allclose(sphereface_r_v2_others(cosine, 1.0).numpy(), cosine.numpy(), atol=1e-15)


def test_angle_of_a_cosine_and_its_bounded_slope():
    cosine = torch.linspace(-0.999, 0.999, 101, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(angle_of_cosine, (cosine,))
    edge = torch.tensor([-1.0, 1.0, 1.0 + 1e-12, -1.0 - 1e-12], dtype=torch.float64, requires_grad=True)
    theta = angle_of_cosine(edge)
    np.testing.assert_allclose(theta.detach().numpy(), [np.pi, 0.0, 0.0, np.pi])
    (slope,) = torch.autograd.grad(theta.sum(), edge)
    np.testing.assert_allclose(slope.numpy(), -1.0 / np.sqrt(np.finfo(np.float64).eps))
