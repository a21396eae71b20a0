"""l-softmax: |w_y| |x| (lambda cos(theta_y) + psi(theta_y)) / (1 + lambda) against x . w_j, w of any length."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sphereface.errors import ConfigurationError
from sphereface.heads import build_head

AT_THE_END = 1000.0 * (1.0 + 2.5e-5 * 28_000) ** -35.0  # the published lambda there, 8.6e-6


def psi(cosine, m):
    """Eq. 6: (-1)^k cos(m theta) - 2k for theta in [k pi / m, (k + 1) pi / m]."""
    theta = np.arccos(cosine)
    k = np.floor(m * theta.real / np.pi)
    return (-1.0) ** k * np.cos(m * theta) - 2 * k


def equation(m, weight=AT_THE_END, scale=None, held=None):
    """``held`` (N,) is psi - cos as a constant: detached mode."""

    def loss(x, w, labels):
        norm_x, norm_w = np.sqrt((x * x).sum(axis=1)), np.sqrt((w * w).sum(axis=1))
        rho = norm_x if scale is None else np.full(len(x), scale)
        logits = (x * (rho / norm_x)[:, None]) @ w.T
        rows = np.arange(len(x))
        cosine = logits[rows, labels] / (rho * norm_w[labels])
        added = psi(cosine, m) - cosine if held is None else held
        logits[rows, labels] += rho * norm_w[labels] * added / (1 + weight)
        top = logits.real.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
        return (total - logits[rows, labels]).mean()

    return loss


def added_by(m, batch):
    """psi - cos of each sample, as plain numbers."""
    own = batch.w[batch.labels]
    lengths = np.linalg.norm(batch.x, axis=1) * np.linalg.norm(own, axis=1)
    cosine = (batch.x * own).sum(axis=1) / lengths
    return psi(cosine, m) - cosine


@pytest.mark.parametrize("m", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("weight", [0.0, 5.0])
def test_loss_and_gradients_are_those_of_the_equation(agrees_in_full, m, weight):
    agrees_in_full("l-softmax", equation(m, weight), margin=m, lambda_base=0.0, lambda_min=weight)


def test_defaults_are_m_4_and_the_end_of_the_published_annealing(agrees_in_full):
    agrees_in_full("l-softmax", equation(4))


def test_lambda_on_the_way(run_head, batch):
    """base 1000, gamma 2.5e-5, power 35, floor 0, counted as in 28,000 steps: 93.7 after a tenth of them."""
    weight = 1000.0 * (1.0 + 2.5e-5 * 2_800) ** -35.0
    assert weight == pytest.approx(93.7, abs=0.05)
    outcome = run_head("l-softmax", progress=0.1)
    assert outcome.loss == pytest.approx(equation(4, weight)(batch.x, batch.w, batch.labels), rel=1e-12)


def test_a_scale_fixes_the_norm_of_the_embedding_alone(agrees_in_full):
    agrees_in_full("l-softmax", equation(3, scale=8.0), margin=3, scale=8.0)


@pytest.mark.parametrize("m", [2, 4])
def test_detached_keeps_the_slope_by_both_lengths(agrees_in_full, batch, m):
    """|x| |w_j| (cos + constant): only the slope of psi in the angle is gone."""
    agrees_in_full("l-softmax", equation(m, held=added_by(m, batch)), margin=m, gradient="detached")


def test_detached_gradient_across_the_embedding_is_the_plain_cosine_s(run_head, batch):
    """dL/dcos_ij = |x_i| |w_j| (p_ij - [j = y_i]) / N, p from the logits with margin."""
    lengths = np.linalg.norm(batch.x, axis=1, keepdims=True) * np.linalg.norm(batch.w, axis=1)
    cosine = batch.x @ batch.w.T / lengths
    own = np.eye(4)[batch.labels]
    logits = lengths * (cosine + own * added_by(4, batch)[:, None] / (1 + AT_THE_END))
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    by_cosine = lengths * (p / p.sum(axis=1, keepdims=True) - own) / len(batch.x)

    norm = np.linalg.norm(batch.x, axis=1, keepdims=True)
    u, v = batch.x / norm, batch.w / np.linalg.norm(batch.w, axis=1, keepdims=True)
    by_u = by_cosine @ v
    expected = (by_u - (by_u * u).sum(axis=1, keepdims=True) * u) / norm
    by_x = run_head("l-softmax", gradient="detached").by_x
    np.testing.assert_allclose(by_x - (by_x * u).sum(axis=1, keepdims=True) * u, expected, atol=1e-11)


def test_margin_1_is_the_softmax(run_head):
    ours, plain = run_head("l-softmax", margin=1), run_head("softmax")
    assert ours.loss == pytest.approx(plain.loss, rel=1e-14)
    np.testing.assert_allclose(ours.by_x, plain.by_x, atol=1e-13)
    np.testing.assert_allclose(ours.by_w, plain.by_w, atol=1e-13)


def test_free_prototypes_are_not_projected(agrees_in_full, head_on):
    agrees_in_full("l-softmax", equation(4), prototypes="projected")
    head = head_on("l-softmax", prototypes="projected")
    before = head.prototypes.detach().clone()
    head.advance(0.5)
    assert torch.equal(head.prototypes, before)


def test_refuses_a_fractional_margin():
    with pytest.raises(ConfigurationError, match=r"margin must be a whole number for this head, not 2\.5"):
        build_head("l-softmax", num_classes=4, embedding_dim=5, margin=2.5)
