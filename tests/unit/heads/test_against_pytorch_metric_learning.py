"""Same loss and gradients as pytorch-metric-learning, where it has the loss.

Its prototypes are (d, C) and its ArcFace margin is in degrees; its losses differentiate through the margin,
so they are compared with ``gradient="full"``. Its SphereFace and L-Softmax know no lambda, and multiply by
``scale`` what has the norm of x in it already. The rest of our rows it does not have.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pytorch_metric_learning import losses

from sphereface.errors import ConfigurationError
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
    """Prototypes (C, d), or (C, K, d), which theirs keep as (d, C K)."""
    x, w, labels = sample
    ours = build_head(name, num_classes=6, embedding_dim=8, **settings).double()
    with torch.no_grad():
        ours.prototypes.copy_(w)
    peer = peer.double()
    peer.W.data = w.reshape(-1, 8).T.clone()

    x_ours, x_peer = x.clone().requires_grad_(), x.clone().requires_grad_()
    loss_ours, loss_peer = ours(x_ours, labels).loss, peer(x_peer, labels)
    loss_ours.backward()
    loss_peer.backward()
    assert loss_ours.item() == pytest.approx(loss_peer.item(), rel=1e-11)
    assert x_peer.grad.abs().max() > 1e-3
    by_w = peer.W.grad.T.reshape(w.shape)
    np.testing.assert_allclose(x_ours.grad.numpy(), x_peer.grad.numpy(), rtol=1e-8, atol=1e-11)
    np.testing.assert_allclose(ours.prototypes.grad.numpy(), by_w.numpy(), rtol=1e-8, atol=1e-11)


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


@pytest.mark.parametrize("margin", [1, 2, 3, 4, 5])
def test_large_margin_softmax(sample, margin):
    """Prototypes of any length, both gradients: our l-softmax at lambda 0."""
    peer = losses.LargeMarginSoftmaxLoss(6, 8, margin=margin, scale=1)
    compare(sample, peer, "l-softmax", margin=margin, lambda_base=0.0, lambda_min=0.0)


def test_where_large_margin_softmax_differs(sample):
    """Theirs has no lambda, so ours at 5 is another loss; and it cuts a margin of 2.9 to 2 without a word."""
    x, w, labels = sample
    peer = losses.LargeMarginSoftmaxLoss(6, 8, margin=2.9, scale=1).double()
    peer.W.data = w.T.clone()
    found = {}
    for weight in (0.0, 5.0):
        settings = {"margin": 2, "lambda_base": 0.0, "lambda_min": weight}
        ours = build_head("l-softmax", num_classes=6, embedding_dim=8, **settings).double()
        with torch.no_grad():
            ours.prototypes.copy_(w)
        found[weight] = ours(x, labels).loss.item()
    assert peer(x, labels).item() == pytest.approx(found[0.0], rel=1e-11)
    assert found[5.0] < 0.9 * found[0.0]
    with pytest.raises(ConfigurationError, match="margin must be a whole number"):
        build_head("l-softmax", num_classes=6, embedding_dim=8, margin=2.9)


@pytest.mark.parametrize("centres", [1, 2, 3])
@pytest.mark.parametrize(("margin", "scale"), [(0.5, 64.0), (0.3, 30.0)])
def test_subcenter_arcface(sample, centres, margin, scale):
    """Theirs counts the classes of its (d, C K) prototypes class by class, as ours of (C, K, d)."""
    x, w, labels = sample
    aside = torch.randn(6, centres, 8, generator=torch.Generator().manual_seed(12), dtype=torch.float64)
    peer = losses.SubCenterArcFaceLoss(
        num_classes=6, embedding_size=8, margin=float(np.degrees(margin)), scale=scale, sub_centers=centres
    )
    several = x, w[:, None, :] + aside, labels
    compare(several, peer, "subcenter-arcface", margin=margin, scale=scale, centres=centres)


def circle(x, w, labels, peer):
    """Ours and theirs on the same prototypes: loss and both gradients. Theirs takes them as references."""
    ours = build_head(
        "circle", num_classes=len(w), embedding_dim=8, margin=peer.m, scale=float(peer.gamma)
    ).double()
    with torch.no_grad():
        ours.prototypes.copy_(w)
    x_ours, x_peer, w_peer = x.clone().requires_grad_(), x.clone().requires_grad_(), w.clone().requires_grad_()
    loss_ours = ours(x_ours, labels).loss
    loss_peer = peer(x_peer, labels, ref_emb=w_peer, ref_labels=torch.arange(len(w)))
    loss_ours.backward()
    loss_peer.backward()
    return (loss_ours.item(), x_ours.grad, ours.prototypes.grad), (loss_peer.item(), x_peer.grad, w_peer.grad)


@pytest.mark.parametrize(("margin", "scale"), [(0.25, 16.0), (0.4, 80.0)])
def test_circle(sample, margin, scale):
    """A loss over pairs there, the same at the level of classes with one reference a class."""
    x, w, labels = sample
    ours, theirs = circle(x, w, labels, losses.CircleLoss(m=margin, gamma=scale))
    assert ours[0] == pytest.approx(theirs[0], rel=1e-8)  # theirs drops e^-20 and less of a softplus
    np.testing.assert_allclose(ours[1].numpy(), theirs[1].numpy(), rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(ours[2].numpy(), theirs[2].numpy(), rtol=1e-7, atol=1e-8)


def test_where_circle_differs(sample):
    """Theirs averages over samples whose loss is not 0; ours over all of them.

    At gamma 256 no loss underflows, since an own logit exceeds another one by 2 gamma m^2 = 32 at most. At 8,000
    those of the images near their prototype do, and theirs is the larger by the share that is left.
    """
    x, _, labels = sample
    w = torch.eye(6, 8, dtype=torch.float64)
    near = w[labels] + torch.linspace(0.0, 0.3, len(x), dtype=torch.float64)[:, None] * x
    ours, theirs = circle(near, w, labels, losses.CircleLoss(m=0.25, gamma=256))
    assert ours[0] == pytest.approx(theirs[0], rel=1e-8)
    ours, theirs = circle(near, w, labels, losses.CircleLoss(m=0.25, gamma=8_000))
    share = theirs[0] / ours[0]
    assert share > 1.05
    assert len(x) / share == pytest.approx(round(len(x) / share), rel=1e-8)
