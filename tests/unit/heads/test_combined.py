"""combined: s ((-1)^k cos(phi) - 2k - m3) against s cos(theta_j), phi = m1 theta_y + m2, k = floor(phi / pi)."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sphereface.errors import ConfigurationError
from sphereface.heads import build_head
from sphereface.heads.losses.arcface import added as arcface
from sphereface.heads.losses.combined import combined
from sphereface.heads.losses.cosface import subtracted as cosface
from sphereface.heads.losses.sphereface import multiplied as sphereface

HALF_TURN = torch.linspace(0.0, torch.pi, 4001, dtype=torch.float64)


def psi(theta, m1, m2, m3):
    phi = m1 * theta + m2
    k = np.floor(phi.real / np.pi)
    return (-1.0) ** k * np.cos(phi) - 2 * k - m3


def logits_with_margin(m1, m2, m3, x, w, labels, scale):
    norm = np.sqrt((x * x).sum(axis=1, keepdims=True))
    cosine = (x / norm) @ (w / np.sqrt((w * w).sum(axis=1, keepdims=True))).T
    rows = np.arange(len(x))
    values = cosine.copy()
    values[rows, labels] = psi(np.arccos(cosine[rows, labels]), m1, m2, m3)
    return values * (norm if scale is None else scale)


def equation(m1, m2, m3, scale=64.0):
    def loss(x, w, labels):
        logits = logits_with_margin(m1, m2, m3, x, w, labels, scale)
        top = logits.real.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
        return (total - logits[np.arange(len(x)), labels]).mean()

    return loss


@pytest.mark.parametrize(
    ("m1", "m2", "m3", "scale"),
    [
        (1.0, 0.0, 0.0, 30.0),
        (1.0, 0.5, 0.0, 64.0),
        (1.35, 0.0, 0.0, 64.0),  # arcface_torch: "No active exception to reraise"
        (1.0, 0.3, 0.2, 64.0),  # arcface_torch: m2 is lost, CosFace(0.2)
        (0.9, 0.4, 0.15, 64.0),
        (3.0, 0.7, 0.1, 16.0),
        (4.0, 0.0, 0.0, 8.0),
    ],
)
def test_loss_and_gradients_are_those_of_the_equation(agrees_in_full, m1, m2, m3, scale):
    agrees_in_full("combined", equation(m1, m2, m3, scale), m1=m1, m2=m2, m3=m3, scale=scale)


def test_defaults_are_s_64_and_the_preset_1_0_3_0_2(agrees_in_full):
    agrees_in_full("combined", equation(1.0, 0.3, 0.2))


def test_norm_of_the_embedding_as_radius(agrees_in_full):
    agrees_in_full("combined", equation(1.35, 0.2, 0.1, None), m1=1.35, m2=0.2, m3=0.1, radius="nfn")


@pytest.mark.parametrize("margins", [(1.35, 0.0, 0.0), (1.0, 0.3, 0.2), (0.9, 0.4, 0.15), (3.0, 0.7, 0.1)])
def test_detached_gradient_is_the_plain_cosine_s_at_the_margin_s_probabilities(agrees_when_detached, margins):
    agrees_when_detached(
        "combined",
        logits=lambda x, w, labels: logits_with_margin(*margins, x, w, labels, 64.0),
        rho=lambda norm: np.full_like(norm, 64.0),
        rho_slope=np.zeros_like,
        **dict(zip(("m1", "m2", "m3"), margins, strict=True)),
    )


@pytest.mark.parametrize("m", [1.0, 1.4, 2.0, 3.0, 4.0])
def test_contains_a_softmax_exactly(m):
    assert torch.equal(combined(HALF_TURN, m, 0.0, 0.0), sphereface(HALF_TURN, m))


@pytest.mark.parametrize("m", [0.0, 0.35, 1.5])
def test_contains_cosface_exactly(m):
    inside = HALF_TURN[:-1]  # at pi itself the next piece begins: the same value, rounded otherwise
    assert torch.equal(combined(inside, 1.0, 0.0, m), cosface(inside, m))
    np.testing.assert_allclose(combined(HALF_TURN[-1:], 1.0, 0.0, m).numpy(), [-1.0 - m], atol=1e-15)


@pytest.mark.parametrize("m", [0.0, 0.3, 0.5, 1.2])
def test_contains_arcface_up_to_pi_less_its_margin(m):
    """Beyond, cos phi is mirrored down, ArcFace's own form steps to cos(theta) - m sin(m)."""
    inside = HALF_TURN[HALF_TURN + m < math.pi]
    assert torch.equal(combined(inside, 1.0, m, 0.0), arcface(inside, m))
    beyond = HALF_TURN[HALF_TURN + m > math.pi + 1e-9]
    np.testing.assert_allclose(
        combined(beyond, 1.0, m, 0.0).numpy(), -2.0 - np.cos(beyond.numpy() + m), atol=1e-15
    )


def test_the_peer_s_broken_presets_are_losses_of_their_own(run_head):
    """(1.35, 0, 0) is SphereFace's m = 1.35; (1, 0.3, 0.2) is neither CosFace(0.2) nor ArcFace(0.3)."""
    ours = run_head("combined", m1=1.35, m2=0.0, m3=0.0)
    assert ours.loss == pytest.approx(run_head("sphereface", margin=1.35, scale=64.0).loss, rel=1e-14)
    preset = run_head("combined", m1=1.0, m2=0.3, m3=0.2).loss
    assert preset > run_head("cosface", margin=0.2, scale=64.0).loss + 0.1
    assert preset > run_head("arcface", margin=0.3, scale=64.0).loss + 0.1


def test_arcface_s_second_combined_margin_is_accepted(run_head):
    """CM2 (0.9, 0.4, 0.15): m1 is below 1, and the other two make up for it at every angle."""
    theta = HALF_TURN.numpy()
    assert (psi(theta, 0.9, 0.4, 0.15) < np.cos(theta)).all()
    assert run_head("combined", m1=0.9, m2=0.4, m3=0.15).loss > run_head("normface", scale=64.0).loss


def test_a_margin_that_helps_is_refused_with_a_sentence():
    """Its numbers, the angle at which it helps most and by how much: cos 1.8 - cos 2.25 = 0.401."""
    sentence = (
        r"m1 = 0\.8, m2 = 0, m3 = 0 .*2\.25 rad .*exceeds the plain cosine by 0\.401.* raise one of m1, m2, m3"
    )
    with pytest.raises(ConfigurationError, match=sentence):
        build_head("combined", num_classes=4, embedding_dim=5, m1=0.8, m2=0.0, m3=0.0)


def test_below_1_is_legal_if_and_only_if_psi_stays_below_the_cosine():
    rng = np.random.default_rng(5)
    theta = np.linspace(0.0, np.pi, 4001)
    accepted = 0
    for _ in range(150):
        m1, m2, m3 = rng.uniform(0.5, 1.0), rng.uniform(0.0, 0.6), rng.uniform(0.0, 0.3)
        excess = (psi(theta, m1, m2, m3) - np.cos(theta)).max()
        if abs(excess) < 1e-6:
            continue  # nearer to the border than the grids
        try:
            build_head("combined", num_classes=2, embedding_dim=2, m1=m1, m2=m2, m3=m3)
        except ConfigurationError:
            assert excess > 0.0, (m1, m2, m3)
        else:
            assert excess < 0.0, (m1, m2, m3)
            accepted += 1
    assert 20 < accepted < 130  # both happen
