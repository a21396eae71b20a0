"""circle: s a_y (cos(theta_y) - (1 - m)) against s a_j (cos(theta_j) - m).

The weights a_y = max(0, 1 + m - cos(theta_y)) and a_j = max(0, cos(theta_j) + m) are constants of the gradient.
"""

from __future__ import annotations

import numpy as np
import pytest

from sphereface.errors import ConfigurationError
from sphereface.heads import build_head


def logits_with_margin(m, x, w, labels, scale=256.0, weights=None):
    cosine = (x / np.sqrt((x * x).sum(axis=1, keepdims=True))) @ (
        w / np.sqrt((w * w).sum(axis=1, keepdims=True))
    ).T
    own = np.eye(len(w), dtype=bool)[labels]
    if weights is None:
        weights = np.maximum(np.where(own, 1 + m - cosine, cosine + m), 0.0)
    return scale * weights * (cosine - np.where(own, 1 - m, m)), weights


def equation(m, batch, scale=256.0):
    _, weights = logits_with_margin(m, batch.x, batch.w, batch.labels)

    def loss(x, w, labels):
        logits, _ = logits_with_margin(m, x, w, labels, scale, weights)
        top = logits.real.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
        return (total - logits[np.arange(len(x)), labels]).mean()

    return loss


@pytest.mark.parametrize(("m", "scale"), [(0.0, 64.0), (0.1, 80.0), (0.25, 256.0), (0.5, 4.0)])
def test_loss_and_gradients_are_those_of_the_equation(agrees_in_full, batch, m, scale):
    agrees_in_full("circle", equation(m, batch, scale), margin=m, scale=scale)


def test_defaults_are_s_256_m_0_25(agrees_in_full, batch):
    agrees_in_full("circle", equation(0.25, batch))


def test_the_batch_has_others_without_weight(batch):
    """Beyond cos(theta_j) = -m they are far enough: neither value nor gradient."""
    own = np.eye(4, dtype=bool)[batch.labels]
    _, weights = logits_with_margin(0.25, batch.x, batch.w, batch.labels)
    assert (weights[~own] == 0.0).any()
    assert (weights[~own] > 0.0).any()


def test_the_weights_are_constants_of_the_gradient(run_head, step_by_step, batch):
    """With their own slope the value is the same and the gradient another: that term is missing on purpose."""
    own = np.eye(4, dtype=bool)[batch.labels]
    v = batch.w / np.linalg.norm(batch.w, axis=1, keepdims=True)

    def with_slope(x):
        cosine = (x / np.sqrt((x * x).sum(axis=1, keepdims=True))) @ v.T
        weights = np.where(own, 1.25 - cosine, cosine + 0.25)
        logits = 4.0 * np.where(weights.real > 0, weights, 0.0) * (cosine - np.where(own, 0.75, 0.25))
        return (np.log(np.exp(logits).sum(axis=1)) - logits[own]).mean()

    outcome = run_head("circle", scale=4.0)
    assert outcome.loss == pytest.approx(with_slope(batch.x), rel=1e-12)
    slope = step_by_step(with_slope, batch.x)
    assert np.linalg.norm(outcome.by_x - slope) > 0.2 * np.linalg.norm(slope)


def test_detached_gradient_is_the_plain_cosine_s_at_the_margin_s_probabilities(agrees_when_detached):
    """Not even the weights multiply: dL/dcos_ij = s (p_ij - [j = y_i]) / N."""
    agrees_when_detached(
        "circle",
        logits=lambda x, w, labels: logits_with_margin(0.25, x, w, labels, 16.0)[0],
        rho=lambda norm: np.full_like(norm, 16.0),
        rho_slope=np.zeros_like,
        scale=16.0,
    )


def test_margin_above_a_half_is_refused():
    """There psi would exceed eta near 0."""
    with pytest.raises(ConfigurationError, match=r"margin must be a number in \[0, 0\.5\], not 0\.6"):
        build_head("circle", num_classes=4, embedding_dim=5, margin=0.6)
