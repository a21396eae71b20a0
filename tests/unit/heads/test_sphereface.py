"""sphereface: s psi(theta_y) against s cos(theta_j), psi = (-1)^k cos(m theta) - 2k, any m >= 1."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sphereface.heads.losses.sphereface import multiplied as sphereface


@pytest.fixture
def equation(softmax, on_own, multiplied):
    """(m, scale, pull, target) to the loss; without a scale rho is the norm."""
    return lambda m, scale, **soft: softmax(on_own(lambda own: multiplied(np.arccos(own), m)), scale, **soft)


@pytest.mark.parametrize(("m", "scale"), [(1.0, 30.0), (1.4, 30.0), (1.7, 32.0), (4.0, 8.0), (2.6, 1.0)])
def test_loss_and_gradients_are_those_of_the_equation(equation, agrees_in_full, m, scale):
    agrees_in_full("sphereface", equation(m, scale), margin=m, scale=scale)


def test_defaults_are_s_30_and_m_1_5(equation, agrees_in_full):
    agrees_in_full("sphereface", equation(1.5, 30.0))


@pytest.mark.parametrize("m", [1.5, 4.0])
def test_detached_gradient_is_the_plain_cosine_s_at_the_margin_s_probabilities(equation, agrees_when_detached, m):
    agrees_when_detached(
        "sphereface",
        logits=equation(m, 30.0).logits,
        rho=lambda norm: np.full_like(norm, 30.0),
        rho_slope=np.zeros_like,
        margin=m,
    )


def test_norm_of_the_embedding_as_radius_has_a_gradient_along_it(equation, agrees_in_full, agrees_when_detached):
    """nfn: dL/d|x| = sum_j p_j f_j - f_y, in both gradient modes."""
    agrees_in_full("sphereface", equation(1.5, None), radius="nfn")
    agrees_when_detached(
        "sphereface",
        logits=equation(1.5, None).logits,
        rho=lambda norm: norm,
        rho_slope=np.ones_like,
        radius="nfn",
    )


def test_fixed_norm_has_no_gradient_along_it(run_head, batch):
    """hfn: the loss does not feel the length of the embedding."""
    outcome = run_head("sphereface", radius="hfn", scale=12.0)
    assert np.abs((outcome.by_x * batch.x).sum(axis=1)).max() < 1e-13


@pytest.mark.parametrize("weight", [1.0, 0.25])
def test_soft_norm_is_the_norm_with_a_penalty(equation, agrees_in_full, weight):
    """sfn: rho = |x|, plus t mean | |x| - s |; the batch has norms on both sides of s = 3."""
    agrees_in_full(
        "sphereface",
        equation(1.5, None, pull=weight, target=3.0),
        radius="sfn",
        scale=3.0,
        radius_weight=weight,
    )


def test_soft_norm_loss_weight_leaves_the_penalty_alone(run_head, batch):
    """lw CE / s + t penalty."""
    penalty = np.abs(np.linalg.norm(batch.x, axis=1) - 3.0).mean()
    plain = run_head("sphereface", radius="sfn", radius_weight=1.0, scale=3.0).loss - penalty
    weighted = run_head("sphereface", radius="sfn", radius_weight=1.0, scale=3.0, loss_weight=6.0).loss
    assert weighted == pytest.approx(2.0 * plain + penalty, rel=1e-13)


@pytest.mark.parametrize(("m", "value"), [(1.4, -1.691), (1.5, -2.0), (1.7, -2.588), (3.0, -5.0)])
def test_value_at_the_opposite_point(m, value):
    """-(2m - 1) for whole m only."""
    assert sphereface(torch.tensor(torch.pi, dtype=torch.float64), m).item() == pytest.approx(value, abs=5e-4)


def test_projected_prototypes_differ_in_the_radial_gradient_alone(equation, run_head, batch):
    """The tangential part is the same in both modes; the radial part is g cos(theta), g = dL/dlogit s."""
    free = run_head("sphereface")
    kept = run_head("sphereface", prototypes="projected")
    assert kept.loss == pytest.approx(free.loss, rel=1e-14)
    np.testing.assert_allclose(kept.by_x, free.by_x, atol=1e-13)
    norm_w = np.linalg.norm(batch.w, axis=1, keepdims=True)
    v = batch.w / norm_w
    radial = ((kept.by_w - free.by_w) * v).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(kept.by_w - free.by_w, radial * v, atol=1e-12)
    np.testing.assert_allclose((free.by_w * v).sum(axis=1), 0.0, atol=1e-12)

    logits = equation(1.5, 30.0).logits(batch.x, batch.w, batch.labels)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    wrong = p / p.sum(axis=1, keepdims=True) - np.eye(4)[batch.labels]
    cosine = batch.x @ v.T / np.linalg.norm(batch.x, axis=1, keepdims=True)
    expected = (30.0 * wrong * cosine).mean(axis=0)[:, None] / norm_w
    np.testing.assert_allclose(radial, expected, atol=1e-12)
