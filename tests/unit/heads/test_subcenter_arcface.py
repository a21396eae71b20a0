"""subcenter-arcface: ArcFace over cos(theta_j) = max_k cos(x, w_jk), K prototypes a class."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from sphereface.errors import ConfigurationError
from sphereface.heads import build_head


@pytest.fixture
def batch(batch):
    """Three centres a class, the second that of the plain batch, the others around it; each is nearest to some."""
    aside = 0.8 * np.random.default_rng(8).normal(size=(4, 3, 5)) * np.array([1.0, 0.0, 1.0])[:, None]
    return dataclasses.replace(batch, w=batch.w[:, None, :] + aside)


def psi(theta, m, fallback="hard"):
    inside = theta.real <= (np.pi / 2 if fallback == "easy" else np.pi - m)
    return np.where(inside, np.cos(theta + m), np.cos(theta) - (0.0 if fallback == "easy" else m * np.sin(m)))


def every_cosine(x, w):
    """cos(x_i, w_jk), (N, C, K)."""
    u = x / np.sqrt((x * x).sum(axis=1, keepdims=True))
    v = w / np.sqrt((w * w).sum(axis=2, keepdims=True))
    return np.einsum("nd,ckd->nck", u, v)


def equation(m=0.5, scale=64.0, fallback="hard", held=None):
    """``held`` (N,) is psi - cos as a constant: detached mode."""

    def loss(x, w, labels):
        every = every_cosine(x, w)
        nearest = every.real.argmax(axis=2)[:, :, None]
        cosine = np.take_along_axis(every, nearest, axis=2)[:, :, 0]
        rows = np.arange(len(x))
        own = cosine[rows, labels]
        cosine[rows, labels] += psi(np.arccos(own), m, fallback) - own if held is None else held
        logits = scale * cosine
        top = logits.real.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
        return (total - logits[rows, labels]).mean()

    return loss


def test_the_batch_visits_every_centre_and_both_forms(batch):
    every = every_cosine(batch.x, batch.w)
    rows = np.arange(len(batch.x))
    assert set(every[rows, batch.labels].argmax(axis=1)) == {0, 1, 2}
    theta = np.arccos(every[rows, batch.labels].max(axis=1))
    assert theta.min() < 0.3
    assert theta.max() > np.pi - 1.2


@pytest.mark.parametrize("fallback", ["hard", "easy"])
@pytest.mark.parametrize(("m", "scale"), [(0.0, 30.0), (0.5, 64.0), (1.2, 8.0)])
def test_loss_and_gradients_are_those_of_the_equation(agrees_in_full, m, scale, fallback):
    agrees_in_full("subcenter-arcface", equation(m, scale, fallback), margin=m, scale=scale, fallback=fallback)


def test_defaults_are_three_centres_s_64_m_0_5(agrees_in_full):
    assert build_head("subcenter-arcface", num_classes=4, embedding_dim=5).prototypes.shape == (4, 3, 5)
    agrees_in_full("subcenter-arcface", equation())


def test_detached_gradient_is_the_plain_cosine_s(agrees_in_full, run_head, batch):
    """dL/dcos_ij = s (p_ij - [j = y_i]) / N for the nearest centre of each class, nothing for the rest."""
    every = every_cosine(batch.x, batch.w)
    rows = np.arange(len(batch.x))
    cosine = every.max(axis=2)
    held = psi(np.arccos(cosine[rows, batch.labels]), 0.5) - cosine[rows, batch.labels]
    agrees_in_full("subcenter-arcface", equation(held=held), gradient="detached")

    own = np.eye(4)[batch.labels]
    logits = 64.0 * (cosine + own * held[:, None])
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    by_cosine = 64.0 * (p / p.sum(axis=1, keepdims=True) - own) / len(batch.x)
    by_every = by_cosine[:, :, None] * (every == cosine[:, :, None])
    norm = np.linalg.norm(batch.w, axis=2, keepdims=True)
    u, v = batch.x / np.linalg.norm(batch.x, axis=1, keepdims=True), batch.w / norm
    by_v = np.einsum("nck,nd->ckd", by_every, u)
    expected = (by_v - (by_v * v).sum(axis=2, keepdims=True) * v) / norm
    outcome = run_head("subcenter-arcface", gradient="detached")
    np.testing.assert_allclose(outcome.by_w, expected, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("gradient", ["full", "detached"])
def test_one_centre_is_arcface(batch, gradient):
    """Loss and gradients, whatever the mode."""
    w, labels = torch.from_numpy(batch.w[:, 1]), torch.from_numpy(batch.labels)
    found = []
    for name, settings in (("subcenter-arcface", {"centres": 1}), ("arcface", {})):
        head = build_head(name, num_classes=4, embedding_dim=5, gradient=gradient, **settings).double()
        with torch.no_grad():
            head.prototypes.copy_(w.reshape(head.prototypes.shape))
        x = torch.from_numpy(batch.x).requires_grad_()
        loss = head(x, labels).loss
        loss.backward()
        found.append((loss.item(), x.grad.numpy(), head.prototypes.grad.reshape(4, 5).numpy()))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-14)
    np.testing.assert_allclose(found[0][1], found[1][1], atol=1e-12)
    np.testing.assert_allclose(found[0][2], found[1][2], atol=1e-12)


@pytest.mark.parametrize("prototypes", ["reparametrised", "projected"])
@pytest.mark.parametrize("gradient", ["full", "detached"])
def test_the_gradient_reaches_the_dominant_centre_only(head_on, batch, prototypes, gradient):
    """Of the own class and of every other one: a wrong label's centre is left alone by clean images."""
    dominant = every_cosine(batch.x, batch.w).argmax(axis=2)
    for index in range(len(batch.x)):
        head = head_on("subcenter-arcface", scale=4.0, prototypes=prototypes, gradient=gradient)
        x, label = torch.from_numpy(batch.x[[index]]), torch.from_numpy(batch.labels[[index]])
        head(x, label).loss.backward()
        reached = head.prototypes.grad.abs().amax(dim=2).numpy()
        expected = np.arange(3)[None, :] == dominant[index][:, None]
        np.testing.assert_array_equal(reached > 0, expected)


def test_the_result_s_angle_is_to_the_dominant_centre(run_head, batch):
    nearest = every_cosine(batch.x, batch.w)[np.arange(len(batch.x)), batch.labels].max(axis=1)
    np.testing.assert_allclose(run_head("subcenter-arcface").result.target_cosine.numpy(), nearest, atol=1e-14)


def test_projection_puts_every_centre_back_to_length_one(head_on, batch):
    head = head_on("subcenter-arcface", prototypes="projected")
    head.advance(0.2)
    expected = batch.w / np.linalg.norm(batch.w, axis=2, keepdims=True)
    np.testing.assert_allclose(head.prototypes.detach().numpy(), expected, rtol=1e-14)


@pytest.mark.parametrize("centres", [0, 65, 2.0, True, "3"])
def test_refuses_a_number_of_centres_that_is_none(centres):
    with pytest.raises(ConfigurationError, match="centres must be a whole number from 1 to 64, not"):
        build_head("subcenter-arcface", num_classes=4, embedding_dim=5, centres=centres)


def test_other_losses_have_one_prototype_a_class():
    with pytest.raises(ConfigurationError, match="head 'arcface' has no setting 'centres'"):
        build_head("arcface", num_classes=4, embedding_dim=5, centres=3)
