"""magface: s cos(theta_y + m(a)) against s cos(theta_j), plus lambda_g mean(a / u_a^2 + 1 / a).

a is the norm of the embedding, kept in [l_a, u_a]; m(a) = (u_m - l_m) / (u_a - l_a) (a - l_a) + l_m.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from sphereface.errors import ConfigurationError
from sphereface.heads import build_head
from sphereface.heads.losses.magface import margin_of_norm


@pytest.fixture
def batch(batch):
    """Norms from 9.5 to 114: one below l_a = 10, one above u_a = 110, the others between."""
    return dataclasses.replace(batch, x=19.0 * batch.x)


def psi(theta, m, fallback):
    if fallback == "easy":
        return np.where(theta.real < np.pi / 2, np.cos(theta + m), np.cos(theta))
    return np.where((theta + m).real <= np.pi, np.cos(theta + m), np.cos(theta) - m * np.sin(m))


def equation(low=10.0, high=110.0, low_m=0.45, high_m=0.8, weight=35.0, scale=64.0, fallback="easy", held=None):
    """``held`` (N,) are the own angles as constants: in detached mode psi still varies with the norm."""

    def loss(x, w, labels):
        norm = np.sqrt((x * x).sum(axis=1))
        cosine = (x / norm[:, None]) @ (w / np.sqrt((w * w).sum(axis=1, keepdims=True))).T
        rows = np.arange(len(x))
        own = cosine[rows, labels]
        a = np.where(norm.real < low, low, np.where(norm.real > high, high, norm))
        m = (high_m - low_m) / (high - low) * (a - low) + low_m
        if held is None:
            cosine[rows, labels] = psi(np.arccos(own), m, fallback)
        else:
            cosine[rows, labels] = own + psi(held, m, fallback) - np.cos(held)
        logits = scale * cosine
        top = logits.real.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
        return (total - logits[rows, labels]).mean() + weight * (a / high**2 + 1 / a).mean()

    return loss


def own_angles(batch):
    own = batch.w[batch.labels]
    lengths = np.linalg.norm(batch.x, axis=1) * np.linalg.norm(own, axis=1)
    return np.arccos((batch.x * own).sum(axis=1) / lengths)


@pytest.mark.parametrize("fallback", ["easy", "hard"])
@pytest.mark.parametrize(
    "settings", [{}, {"low": 20.0, "high": 60.0, "low_m": 0.1, "high_m": 1.3, "weight": 500.0, "scale": 8.0}]
)
def test_loss_and_gradients_are_those_of_the_equation(agrees_in_full, settings, fallback):
    words = {"low": "low_norm", "high": "high_norm", "low_m": "low_margin", "high_m": "high_margin"}
    named = {{"weight": "norm_weight", **words}.get(key, key): value for key, value in settings.items()}
    agrees_in_full("magface", equation(fallback=fallback, **settings), fallback=fallback, **named)


def test_defaults_are_the_authors_s_64_10_110_0_45_0_8_35_easy(agrees_in_full):
    agrees_in_full("magface", equation(10.0, 110.0, 0.45, 0.8, 35.0, 64.0, "easy"))


@pytest.mark.parametrize("fallback", ["easy", "hard"])
def test_detached_keeps_the_margin_s_slope_by_the_norm(agrees_in_full, batch, fallback):
    """Detachment removes the slope in theta alone."""
    settings = {"fallback": fallback, "gradient": "detached"}
    agrees_in_full("magface", equation(fallback=fallback, held=own_angles(batch)), **settings)


def test_detached_gradient_across_the_embedding_is_the_plain_cosine_s(run_head, batch):
    """dL/dcos_ij = s (p_ij - [j = y_i]) / N, p from the logits with margin."""
    norm = np.linalg.norm(batch.x, axis=1, keepdims=True)
    u, v = batch.x / norm, batch.w / np.linalg.norm(batch.w, axis=1, keepdims=True)
    logits, rows = 64.0 * u @ v.T, np.arange(len(u))
    m = 0.35 / 100.0 * (np.clip(norm[:, 0], 10.0, 110.0) - 10.0) + 0.45
    logits[rows, batch.labels] = 64.0 * psi(own_angles(batch), m, "easy")
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    by_cosine = 64.0 * (p / p.sum(axis=1, keepdims=True) - np.eye(4)[batch.labels]) / len(u)
    by_u = by_cosine @ v
    expected = (by_u - (by_u * u).sum(axis=1, keepdims=True) * u) / norm
    by_x = run_head("magface", gradient="detached").by_x
    np.testing.assert_allclose(by_x - (by_x * u).sum(axis=1, keepdims=True) * u, expected, atol=1e-12)


def test_gradient_along_the_norm_is_the_same_in_both_modes_and_stops_at_the_clamps(run_head, batch):
    full, detached = run_head("magface"), run_head("magface", gradient="detached")
    along = [(outcome.by_x * batch.x).sum(axis=1) for outcome in (full, detached)]
    np.testing.assert_allclose(along[0], along[1], atol=1e-11)
    np.testing.assert_allclose(along[0][[0, -1]], 0.0, atol=1e-12)  # norms 9.5 and 114
    assert np.abs(along[0][1:-1]).min() > 1e-6
    assert np.linalg.norm(full.by_x - detached.by_x) > 0.01 * np.linalg.norm(full.by_x)


def test_the_penalty_draws_norms_up(run_head, batch):
    """What is left of the gradient along x without the margin's part: lambda_g (a / u_a^2 - 1 / a) / N < 0."""
    with_penalty = run_head("magface", norm_weight=7.0).by_x
    without = run_head("magface", norm_weight=0.0).by_x
    norm = np.linalg.norm(batch.x, axis=1)
    expected = np.where((norm > 10.0) & (norm < 110.0), 7.0 * (norm / 110.0**2 - 1.0 / norm) / len(norm), 0.0)
    np.testing.assert_allclose(((with_penalty - without) * batch.x).sum(axis=1), expected, atol=1e-12)
    assert (expected[1:-1] < 0).all()


def test_margin_of_norm_at_its_ends():
    """0.45 at a norm of 10, 0.8 at 110, the middle in the middle; nothing beyond, by the clamp."""
    values = (10.0, 110.0, 0.45, 0.8, 35.0)
    norm = torch.tensor([10.0, 60.0, 110.0], dtype=torch.float64)
    np.testing.assert_allclose(margin_of_norm(norm, values).numpy(), [0.45, 0.625, 0.8], rtol=1e-14)


def test_the_easy_form_jumps_up_by_the_sine_of_its_margin_at_a_right_angle(head_on, batch):
    """+0.717 at m = 0.8."""
    head = head_on("magface", scale=1.0)
    v = batch.w[0] / np.linalg.norm(batch.w[0])
    aside = np.linalg.svd(v[None, :])[2][1]
    angles = np.pi / 2 + np.array([-1e-9, 1e-9])
    x = 110.0 * (np.cos(angles)[:, None] * v + np.sin(angles)[:, None] * aside)
    below, above = head.logits(torch.from_numpy(x), torch.tensor([0, 0]))[:, 0].tolist()
    assert above - below == pytest.approx(math.sin(0.8), abs=1e-8)
    assert above - below == pytest.approx(0.717, abs=5e-4)


@pytest.mark.parametrize(
    "settings",
    [{"low_norm": 110.0, "high_norm": 10.0}, {"low_norm": 50.0, "high_norm": 50.0}, {"low_margin": 0.9}],
)
def test_refuses_ranges_that_do_not_rise(settings):
    """A margin that falls with the norm, or a range without width, which would divide by 0."""
    with pytest.raises(ConfigurationError, match=next(iter(settings))):
        build_head("magface", num_classes=4, embedding_dim=5, **settings)
