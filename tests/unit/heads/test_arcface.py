"""arcface: s cos(theta_y + m) against s cos(theta_j), with the authors' continuations beyond pi - m."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sphereface.errors import ConfigurationError
from sphereface.heads import build_head
from sphereface.heads.losses.arcface import added as arcface
from sphereface.heads.losses.arcface import added_easy as arcface_easy


def psi(theta, m, fallback):
    if fallback == "easy":
        return np.where(np.cos(theta.real) > 0, np.cos(theta + m), np.cos(theta))
    return np.where(np.cos(theta.real) > np.cos(np.pi - m), np.cos(theta + m), np.cos(theta) - m * np.sin(m))


def logits_with_margin(m, fallback, x, w, labels, scale):
    norm = np.sqrt((x * x).sum(axis=1, keepdims=True))
    cosine = (x / norm) @ (w / np.sqrt((w * w).sum(axis=1, keepdims=True))).T
    rows = np.arange(len(x))
    values = cosine.copy()
    values[rows, labels] = psi(np.arccos(cosine[rows, labels]), m, fallback)
    return values * (norm if scale is None else scale)


def equation(m, scale, fallback="hard"):
    def loss(x, w, labels):
        logits = logits_with_margin(m, fallback, x, w, labels, scale)
        top = logits.real.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
        return (total - logits[np.arange(len(x)), labels]).mean()

    return loss


@pytest.mark.parametrize("fallback", ["hard", "easy"])
@pytest.mark.parametrize(("m", "scale"), [(0.0, 30.0), (0.3, 30.0), (0.5, 64.0), (1.2, 8.0)])
def test_loss_and_gradients_are_those_of_the_equation(agrees_in_full, m, scale, fallback):
    agrees_in_full("arcface", equation(m, scale, fallback), margin=m, scale=scale, fallback=fallback)


def test_defaults_are_s_64_m_0_5_hard(agrees_in_full):
    agrees_in_full("arcface", equation(0.5, 64.0))


def test_norm_of_the_embedding_as_radius(agrees_in_full):
    agrees_in_full("arcface", equation(0.5, None), radius="nfn")


@pytest.mark.parametrize("fallback", ["hard", "easy"])
def test_detached_gradient_is_the_plain_cosine_s_at_the_margin_s_probabilities(agrees_when_detached, fallback):
    agrees_when_detached(
        "arcface",
        logits=lambda x, w, labels: logits_with_margin(0.5, fallback, x, w, labels, 64.0),
        rho=lambda norm: np.full_like(norm, 64.0),
        rho_slope=np.zeros_like,
        fallback=fallback,
    )


def test_full_and_detached_are_different_gradients(run_head):
    """The world's usual ArcFace is the detached one; the two are not close."""
    full, detached = run_head("arcface"), run_head("arcface", gradient="detached")
    assert full.loss == pytest.approx(detached.loss, rel=1e-14)
    assert np.linalg.norm(full.by_x - detached.by_x) > 0.05 * np.linalg.norm(full.by_x)


def test_values_beyond_the_natural_range():
    """By hand, m = 0.5: at 3.0 hard is cos 3 - 0.5 sin 0.5, easy is cos 3; at 1.0 both are cos 1.5."""
    theta = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    hard = [math.cos(1.5), math.cos(2.5), math.cos(3.0) - 0.5 * math.sin(0.5)]
    easy = [math.cos(1.5), math.cos(2.0), math.cos(3.0)]
    np.testing.assert_allclose(arcface(theta, 0.5).numpy(), hard, rtol=1e-15)
    np.testing.assert_allclose(arcface_easy(theta, 0.5).numpy(), easy, rtol=1e-15)


def test_size_of_the_steps():
    """Hard steps down at pi - m by cos m + m sin m - 1 (0.117), easy up at pi / 2 by sin m (0.479)."""
    around = torch.tensor([-1e-9, 1e-9], dtype=torch.float64)
    down = arcface(math.pi - 0.5 + around, 0.5).diff().item()
    up = arcface_easy(math.pi / 2 + around, 0.5).diff().item()
    assert down == pytest.approx(-(math.cos(0.5) + 0.5 * math.sin(0.5) - 1), abs=1e-8)
    assert down == pytest.approx(-0.117, abs=5e-4)
    assert up == pytest.approx(math.sin(0.5), abs=1e-8)
    assert up == pytest.approx(0.479, abs=5e-4)


@pytest.mark.parametrize("margin", [-0.1, 1.58, 28.6, float("inf")])
def test_margin_is_in_radians_and_at_most_a_quarter_turn(margin):
    with pytest.raises(ConfigurationError, match=r"margin must be a number in \[0, 1\.5708\], not"):
        build_head("arcface", num_classes=4, embedding_dim=5, margin=margin)


def test_only_arcface_has_an_easy_form():
    with pytest.raises(ConfigurationError, match="'cosface' has no setting 'fallback'"):
        build_head("cosface", num_classes=4, embedding_dim=5, fallback="easy")
    with pytest.raises(ConfigurationError, match="fallback must be one of hard, easy, not 'soft'"):
        build_head("arcface", num_classes=4, embedding_dim=5, fallback="soft")
