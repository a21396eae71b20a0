"""ga-softmax: s (1 - 2 m theta_y / pi) against s (1 - 2 theta_j / pi)."""

from __future__ import annotations

import numpy as np
import pytest

from sphereface.errors import ConfigurationError
from sphereface.heads import build_head


def logits_with_margin(m, x, w, labels, scale):
    norm = np.sqrt((x * x).sum(axis=1, keepdims=True))
    theta = np.arccos((x / norm) @ (w / np.sqrt((w * w).sum(axis=1, keepdims=True))).T)
    factor = np.where(np.eye(len(w), dtype=bool)[labels], m, 1.0)
    return (1 - 2 * factor * theta / np.pi) * (norm if scale is None else scale)


def equation(m=1.5, scale=30.0):
    def loss(x, w, labels):
        logits = logits_with_margin(m, x, w, labels, scale)
        top = logits.real.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
        return (total - logits[np.arange(len(x)), labels]).mean()

    return loss


@pytest.mark.parametrize(("m", "scale"), [(1.0, 30.0), (1.5, 64.0), (4.0, 8.0)])
def test_loss_and_gradients_are_those_of_the_equation(agrees_in_full, m, scale):
    agrees_in_full("ga-softmax", equation(m, scale), margin=m, scale=scale)


def test_defaults_are_s_30_and_m_1_5(agrees_in_full):
    agrees_in_full("ga-softmax", equation())


def test_norm_of_the_embedding_as_radius(agrees_in_full):
    agrees_in_full("ga-softmax", equation(1.5, None), radius="nfn")


@pytest.mark.parametrize("radius", ["hfn", "nfn"])
@pytest.mark.parametrize("m", [1.0, 1.5, 4.0])
def test_detached_gradient_is_the_plain_cosine_s_at_the_margin_s_probabilities(agrees_when_detached, m, radius):
    """Even without a margin it differs from the full one, whose slope by the cosine is 2 / (pi sin(theta))."""
    fixed = radius == "hfn"
    agrees_when_detached(
        "ga-softmax",
        logits=lambda x, w, labels: logits_with_margin(m, x, w, labels, 30.0 if fixed else None),
        rho=lambda norm: np.full_like(norm, 30.0) if fixed else norm,
        rho_slope=np.zeros_like if fixed else np.ones_like,
        radius=radius,
        margin=m,
    )


def test_the_full_gradient_has_the_margin_in_its_slope(run_head, batch):
    """2 m / pi by the own angle. The authors add (m - 1) theta without its gradient: m in the value alone."""
    logits = logits_with_margin(3.0, batch.x, batch.w, batch.labels, 30.0)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    wrong = p / p.sum(axis=1, keepdims=True) - np.eye(4)[batch.labels]
    u = batch.x / np.linalg.norm(batch.x, axis=1, keepdims=True)
    v = batch.w / np.linalg.norm(batch.w, axis=1, keepdims=True)
    cosine = u @ v.T
    slope = np.where(np.eye(4, dtype=bool)[batch.labels], 3.0, 1.0) * 2.0 / np.pi / np.sqrt(1.0 - cosine**2)
    by_u = (30.0 * wrong * slope / len(u)) @ v
    expected = (by_u - (by_u * u).sum(axis=1, keepdims=True) * u) / np.linalg.norm(batch.x, axis=1, keepdims=True)
    np.testing.assert_allclose(run_head("ga-softmax", margin=3.0).by_x, expected, rtol=1e-9, atol=1e-9)


def test_refuses_a_margin_below_1():
    with pytest.raises(ConfigurationError, match=r"margin must be a number in \[1, 100\], not 0\.9"):
        build_head("ga-softmax", num_classes=4, embedding_dim=5, margin=0.9)
