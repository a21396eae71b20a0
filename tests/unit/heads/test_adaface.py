"""adaface: s (cos(theta_y - m z) - (m + m z)) against s cos(theta_j), z = clip(h (a - mu) / (sigma + 1e-3), +-1).

a is the norm of the embedding clipped to [0.001, 100], mu and sigma running figures of it, updated from the batch
before they are used: from 20 and 100, by a share of 0.01. z is a constant of the gradient. The authors clip every
cosine, the own one included, to +-(1 - 0.001) before they take its angle, and theta - m z to [0.001, pi - 0.001].
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch


@pytest.fixture
def batch(batch):
    """Norms from 22 to 120, the last two beyond the clip at 100; every own cosine within 1 - 0.001 of its ends."""
    return dataclasses.replace(batch, x=20.0 * batch.x[1:], labels=batch.labels[1:])


def clipped(values, low, high):
    """np.clip for complex numbers, by their real part; the slope is 0 outside."""
    return np.where(values.real < low, low, np.where(values.real > high, high, values))


def cosines(x, w):
    return (x / np.sqrt((x * x).sum(axis=1, keepdims=True))) @ (w / np.sqrt((w * w).sum(axis=1, keepdims=True))).T


def quality(x, h=0.333, momentum=0.01, before=(20.0, 100.0)):
    """z of each sample and the running figures after the batch."""
    norm = np.clip(np.linalg.norm(x, axis=1), 1e-3, 100.0)
    mean = momentum * norm.mean() + (1 - momentum) * before[0]
    deviation = momentum * norm.std(ddof=1) + (1 - momentum) * before[1]
    return np.clip(h * (norm - mean) / (deviation + 1e-3), -1.0, 1.0), (mean, deviation)


def logits_with_margin(m, z, clip, x, w, labels, scale=64.0):
    cosine = clipped(cosines(x, w), clip - 1.0, 1.0 - clip)
    rows = np.arange(len(x))
    theta = clipped(np.arccos(cosine[rows, labels]) - m * z, clip, np.pi - clip)
    cosine[rows, labels] = np.cos(theta) - (m + m * z)
    return scale * cosine


def equation(m, z, clip=1e-3, scale=64.0):
    def loss(x, w, labels):
        logits = logits_with_margin(m, z, clip, x, w, labels, scale)
        top = logits.real.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
        return (total - logits[np.arange(len(x)), labels]).mean()

    return loss


@pytest.mark.parametrize(("m", "scale"), [(0.0, 30.0), (0.4, 64.0), (0.7, 8.0)])
@pytest.mark.parametrize(("h", "momentum"), [(0.333, 0.01), (0.333, 1.0), (3.0, 1.0)])
def test_loss_and_gradients_are_those_of_the_equation(agrees_in_full, batch, m, scale, h, momentum):
    """With h = 3 and figures of the batch alone, z is clipped at both ends."""
    z, _ = quality(batch.x, h, momentum)
    settings = {"margin": m, "scale": scale, "concentration": h, "momentum": momentum}
    agrees_in_full("adaface", equation(m, z, scale=scale), **settings)


def test_defaults_are_s_64_m_0_4_h_0_333_momentum_0_01_clip_0_001(agrees_in_full, batch):
    agrees_in_full("adaface", equation(0.4, quality(batch.x)[0]))


@pytest.mark.parametrize("clip", [1e-3, 0.1])
@pytest.mark.parametrize("quality_moved", [True, False])
def test_an_own_cosine_beyond_the_clip_counts_as_the_clip(agrees_in_full, batch, clip, quality_moved):
    """At 0.001 the nearest an image comes to its prototype, and to the opposite point, is 0.045 of a radian."""
    near = np.array([1e-3, 0.02, 0.04, np.pi - 0.03])
    own = batch.w[batch.labels[:4]]
    own = own / np.linalg.norm(own, axis=1, keepdims=True)
    aside = batch.x[:4] - (batch.x[:4] * own).sum(axis=1, keepdims=True) * own
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    batch.x[:4] = 30.0 * (np.cos(near)[:, None] * own + np.sin(near)[:, None] * aside)
    momentum = 1.0 if quality_moved else 0.01
    z, _ = quality(batch.x, momentum=momentum)
    agrees_in_full("adaface", equation(0.4, z, clip=clip), clip=clip, momentum=momentum)


def test_an_other_cosine_beyond_the_clip_counts_as_the_clip(agrees_in_full, batch):
    """An image of one person on another one's prototype: no gradient from there in full mode."""
    u = batch.w / np.linalg.norm(batch.w, axis=1, keepdims=True)
    batch.x[:2] = 30.0 * (u[[3, 0]] + 0.01 * u[[2, 1]])
    assert (cosines(batch.x[:2], batch.w)[[0, 1], [3, 0]] > 0.999).all()
    assert set(batch.labels[:2]).isdisjoint({3, 0})
    agrees_in_full("adaface", equation(0.4, quality(batch.x)[0]))


def test_the_clip_can_be_switched_off(agrees_in_full, batch):
    batch.x[0] = 30.0 * (batch.w[batch.labels[0]] + 0.01 * batch.w[0])
    z, _ = quality(batch.x)
    agrees_in_full("adaface", equation(0.4, z, clip=0.0), clip=0.0)


@pytest.mark.parametrize(("h", "momentum"), [(0.333, 0.01), (3.0, 1.0)])
def test_detached_gradient_is_the_plain_cosine_s_at_the_margin_s_probabilities(
    agrees_when_detached, batch, h, momentum
):
    z, _ = quality(batch.x, h, momentum)
    agrees_when_detached(
        "adaface",
        logits=lambda x, w, labels: logits_with_margin(0.4, z, 1e-3, x, w, labels),
        rho=lambda norm: np.full_like(norm, 64.0),
        rho_slope=np.zeros_like,
        concentration=h,
        momentum=momentum,
    )


@pytest.mark.parametrize("gradient", ["full", "detached"])
def test_the_quality_is_a_constant_in_every_mode(run_head, batch, gradient):
    """The norm has no gradient."""
    outcome = run_head("adaface", gradient=gradient, momentum=1.0, concentration=1.0)
    assert np.abs((outcome.by_x * batch.x).sum(axis=1)).max() < 1e-11


def figures(head):
    state = head.schedule_state()
    return state["mean"], state["deviation"]


def test_running_figures_start_at_20_and_100_and_are_updated_before_use(head_on, run_again, batch):
    head = head_on("adaface")
    assert figures(head) == (20.0, 100.0)
    run_again(head)
    _, first = quality(batch.x)
    assert figures(head) == pytest.approx(first, rel=1e-13)
    z, second = quality(batch.x, before=first)
    assert run_again(head).loss == pytest.approx(equation(0.4, z)(batch.x, batch.w, batch.labels), rel=1e-12)
    assert figures(head) == pytest.approx(second, rel=1e-13)


def test_a_batch_of_one_has_no_deviation_and_updates_nothing(head_on, batch):
    head = head_on("adaface")
    x, labels = torch.from_numpy(batch.x[[4]]).requires_grad_(), torch.from_numpy(batch.labels[[4]])
    loss = head(x, labels).loss
    loss.backward()
    z, _ = quality(batch.x[[4, 4]], momentum=0.0)
    assert loss.item() == pytest.approx(equation(0.4, z[:1])(batch.x[[4]], batch.w, batch.labels[[4]]), rel=1e-12)
    assert bool(torch.isfinite(x.grad).all())
    assert figures(head) == (20.0, 100.0)


def test_without_training_the_figures_stay(head_on, run_again, batch):
    head = head_on("adaface").eval()
    z, _ = quality(batch.x, momentum=0.0)
    assert run_again(head).loss == pytest.approx(equation(0.4, z)(batch.x, batch.w, batch.labels), rel=1e-12)
    assert figures(head) == (20.0, 100.0)


def test_running_figures_are_saved_and_restored(run_head, head_on, run_again):
    trained = run_head("adaface", momentum=0.3).head
    resumed = head_on("adaface", momentum=0.3)
    resumed.load_state_dict(trained.state_dict())
    assert figures(resumed) == figures(trained) != (20.0, 100.0)
    assert run_again(resumed).loss == run_again(trained).loss
