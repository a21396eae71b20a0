"""Same loss and gradients as pytorch-metric-learning, where it has the loss.

Its prototypes are (d, C) and its ArcFace margin is in degrees; its losses differentiate through the margin,
so they are compared with ``gradient="full"``. Its SphereFace knows no lambda and multiplies by ``scale |x|``.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pytorch_metric_learning import losses

from sphereface.heads import build_head

# Theirs: scipy.special.binom of torch integers, deprecated since numpy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array_wrap__ must accept:DeprecationWarning")


@pytest.fixture
def sample():
    """Embeddings near and far from their prototypes, none within 0.02 of a kink or of 0 and pi."""
    generator = torch.Generator().manual_seed(11)
    w = torch.randn(6, 8, generator=generator, dtype=torch.float64)
    labels = torch.arange(24) % 6
    x = 2.0 * torch.randn(24, 8, generator=generator, dtype=torch.float64)
    x += torch.linspace(-3.0, 3.0, 24, dtype=torch.float64)[:, None] * w[labels]
    return x, w, labels


def compare(sample, peer, name, **settings):
    x, w, labels = sample
    ours = build_head(name, num_classes=6, embedding_dim=8, **settings).double()
    with torch.no_grad():
        ours.prototypes.copy_(w)
    peer = peer.double()
    peer.W.data = w.T.clone()

    x_ours, x_peer = x.clone().requires_grad_(), x.clone().requires_grad_()
    loss_ours, loss_peer = ours(x_ours, labels).loss, peer(x_peer, labels)
    loss_ours.backward()
    loss_peer.backward()
    assert loss_ours.item() == pytest.approx(loss_peer.item(), rel=1e-11)
    assert x_peer.grad.abs().max() > 1e-3
    np.testing.assert_allclose(x_ours.grad.numpy(), x_peer.grad.numpy(), rtol=1e-8, atol=1e-11)
    np.testing.assert_allclose(ours.prototypes.grad.numpy(), peer.W.grad.T.numpy(), rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize(("margin", "scale"), [(0.5, 64.0), (0.3, 30.0), (1.0, 10.0)])
def test_arcface(sample, margin, scale):
    peer = losses.ArcFaceLoss(6, 8, margin=float(np.degrees(margin)), scale=scale)
    compare(sample, peer, "arcface", margin=margin, scale=scale)


def test_arcface_sample_reaches_both_forms(sample):
    x, w, labels = sample
    theta = torch.acos(torch.cosine_similarity(x, w[labels]))
    assert bool((theta > np.pi - 0.5).any())
    assert bool((theta < np.pi / 4).any())


@pytest.mark.parametrize(("margin", "scale"), [(0.35, 64.0), (0.2, 30.0)])
def test_cosface(sample, margin, scale):
    compare(sample, losses.CosFaceLoss(6, 8, margin=margin, scale=scale), "cosface", margin=margin, scale=scale)


@pytest.mark.parametrize("scale", [16.0, 30.0])
def test_normface(sample, scale):
    compare(sample, losses.NormalizedSoftmaxLoss(6, 8, temperature=1.0 / scale), "normface", scale=scale)


@pytest.mark.parametrize("margin", [1, 2, 3, 4])
def test_sphereface(sample, margin):
    """The bare margin over the norm of the embedding: our sphereface with nfn, our a-softmax at lambda 0."""
    peer = losses.SphereFaceLoss(6, 8, margin=margin, scale=1)
    compare(sample, peer, "sphereface", margin=float(margin), radius="nfn")
    peer = losses.SphereFaceLoss(6, 8, margin=margin, scale=1)
    compare(sample, peer, "a-softmax", margin=margin, lambda_base=0.0, lambda_min=0.0)


@pytest.mark.parametrize("margin", [1, 4])
def test_large_margin_softmax_at_unit_prototypes(sample, margin):
    """L-Softmax multiplies by |W_j|: at unit prototypes the loss and the gradient of x are SphereFace's."""
    x, w, labels = sample
    w = w / w.norm(dim=1, keepdim=True)
    peer = losses.LargeMarginSoftmaxLoss(6, 8, margin=margin, scale=1).double()
    peer.W.data = w.T.clone()
    ours = build_head("sphereface", num_classes=6, embedding_dim=8, margin=float(margin), radius="nfn").double()
    with torch.no_grad():
        ours.prototypes.copy_(w)
    x_ours, x_peer = x.clone().requires_grad_(), x.clone().requires_grad_()
    loss_ours, loss_peer = ours(x_ours, labels).loss, peer(x_peer, labels)
    loss_ours.backward()
    loss_peer.backward()
    assert loss_ours.item() == pytest.approx(loss_peer.item(), rel=1e-11)
    np.testing.assert_allclose(x_ours.grad.numpy(), x_peer.grad.numpy(), rtol=1e-8, atol=1e-11)


def test_plain_softmax_is_their_large_margin_softmax_with_m_1(sample):
    compare(sample, losses.LargeMarginSoftmaxLoss(6, 8, margin=1, scale=1), "softmax")
