"""mv-softmax: s psi(theta_y) against s cos_j, or s (t cos_j + t - 1) where cos_j > psi(theta_y).

psi is cos(theta) - m, or ArcFace's with its continuation. Which negatives win is a constant of the gradient.
"""

from __future__ import annotations

import numpy as np
import pytest

from sphereface.errors import ConfigurationError
from sphereface.heads import build_head


def psi(theta, m, fallback):
    if fallback == "hard":
        return np.cos(theta) - m
    return np.where(theta.real <= np.pi - m, np.cos(theta + m), np.cos(theta) - m * np.sin(m))


def logits_with_margin(m, t, fallback, x, w, labels, scale=32.0):
    cosine = (x / np.sqrt((x * x).sum(axis=1, keepdims=True))) @ (
        w / np.sqrt((w * w).sum(axis=1, keepdims=True))
    ).T
    rows = np.arange(len(x))
    own = psi(np.arccos(cosine[rows, labels]), m, fallback)
    values = np.where(cosine.real > own.real[:, None], t * cosine + t - 1, cosine)
    values[rows, labels] = own
    return scale * values


def equation(m=0.35, t=1.12, fallback="hard", scale=32.0):
    def loss(x, w, labels):
        logits = logits_with_margin(m, t, fallback, x, w, labels, scale)
        top = logits.real.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
        return (total - logits[np.arange(len(x)), labels]).mean()

    return loss


@pytest.mark.parametrize("fallback", ["hard", "arc"])
@pytest.mark.parametrize(
    ("m", "t", "scale"), [(0.0, 1.0, 30.0), (0.35, 1.12, 32.0), (0.5, 1.3, 64.0), (1.2, 3.0, 4.0)]
)
def test_loss_and_gradients_are_those_of_the_equation(agrees_in_full, m, t, scale, fallback):
    settings = {"margin": m, "weight": t, "scale": scale, "fallback": fallback}
    agrees_in_full("mv-softmax", equation(m, t, fallback, scale), **settings)


def test_defaults_are_s_32_m_0_35_t_1_12_on_the_cosine(agrees_in_full):
    agrees_in_full("mv-softmax", equation(0.35, 1.12, "hard", 32.0))


@pytest.mark.parametrize("fallback", ["hard", "arc"])
@pytest.mark.parametrize("t", [1.12, 2.0])
def test_detached_gradient_is_the_plain_cosine_s_at_the_margin_s_probabilities(agrees_when_detached, fallback, t):
    """A winning negative's slope t is gone; what it adds to the probability stays."""
    agrees_when_detached(
        "mv-softmax",
        logits=lambda x, w, labels: logits_with_margin(0.35, t, fallback, x, w, labels),
        rho=lambda norm: np.full_like(norm, 32.0),
        rho_slope=np.zeros_like,
        weight=t,
        fallback=fallback,
    )


def test_the_batch_has_negatives_that_win_and_some_that_do_not(batch):
    """Also some that win against the margin alone, between psi and the own cosine."""
    u = batch.x / np.linalg.norm(batch.x, axis=1, keepdims=True)
    cosine = u @ (batch.w / np.linalg.norm(batch.w, axis=1, keepdims=True)).T
    other = ~np.eye(4, dtype=bool)[batch.labels]
    own = cosine[~other][:, None]
    assert (other & (cosine <= own - 0.35)).any()
    assert (other & (cosine > own)).any()
    assert (other & (cosine > own - 0.35) & (cosine <= own)).any()


def test_a_stretch_of_1_is_the_base_loss(run_head):
    """CosFace, and ArcFace for the angular form: loss and gradients."""
    for fallback, base in (("hard", "cosface"), ("arc", "arcface")):
        ours = run_head("mv-softmax", weight=1.0, margin=0.35, fallback=fallback)
        plain = run_head(base, margin=0.35, scale=32.0)
        assert ours.loss == pytest.approx(plain.loss, rel=1e-14)
        np.testing.assert_allclose(ours.by_x, plain.by_x, atol=1e-12)
        np.testing.assert_allclose(ours.by_w, plain.by_w, atol=1e-12)


def test_a_winning_negative_is_never_easier_than_it_was():
    """t cos + t - 1 >= cos for every t >= 1; below 1 it is refused."""
    cosine, t = np.meshgrid(np.linspace(-1, 1, 201), np.linspace(1, 10, 91))
    assert (t * cosine + t - 1 >= cosine - 1e-14).all()
    with pytest.raises(ConfigurationError, match=r"weight must be a number in \[1, 10\], not 0\.9"):
        build_head("mv-softmax", num_classes=4, embedding_dim=5, weight=0.9)
