"""normface: cross-entropy of s cos(theta_j)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sphereface.errors import ConfigurationError
from sphereface.heads import build_head


def equation(scale):
    """-log( e^{s cos_y} / sum_j e^{s cos_j} ), mean over the batch."""

    def loss(x, w, labels):
        logits = scaled_cosines(scale, x, w)
        top = logits.real.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
        return (total - logits[np.arange(len(x)), labels]).mean()

    return loss


def scaled_cosines(scale, x, w):
    u = x / np.sqrt((x * x).sum(axis=1, keepdims=True))
    v = w / np.sqrt((w * w).sum(axis=1, keepdims=True))
    return scale * u @ v.T


@pytest.mark.parametrize("scale", [1.0, 30.0, 64.0])
def test_loss_and_gradients_are_those_of_the_equation(agrees_in_full, scale):
    agrees_in_full("normface", equation(scale), scale=scale)


def test_default_scale_is_30(agrees_in_full):
    agrees_in_full("normface", equation(30.0))


def test_detached_is_the_same_loss_and_gradient(agrees_in_full, agrees_when_detached):
    """Without a margin there is nothing to detach."""
    agrees_in_full("normface", equation(30.0), gradient="detached")
    agrees_when_detached(
        "normface",
        logits=lambda x, w, labels: scaled_cosines(30.0, x, w),
        rho=lambda norm: np.full_like(norm, 30.0),
        rho_slope=np.zeros_like,
    )


def test_norm_of_the_embedding_as_radius(agrees_in_full):
    """Modified softmax: |x| cos(theta_j), the gradient along the norm included."""

    def loss(x, w, labels):
        logits = x @ (w / np.sqrt((w * w).sum(axis=1, keepdims=True))).T
        top = logits.real.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
        return (total - logits[np.arange(len(x)), labels]).mean()

    agrees_in_full("normface", loss, radius="nfn")
    agrees_in_full("normface", loss, radius="nfn", scale=12.0)  # the norm takes no scale


def test_lower_bound_of_the_loss_at_the_simplex():
    """Embeddings on the prototypes of a regular simplex give log(1 + (C-1) e^{-s C / (C-1)}) exactly."""
    classes, scale = 4, 5.0
    simplex = np.eye(classes) - 1.0 / classes
    head = build_head("normface", num_classes=classes, embedding_dim=classes, scale=scale).double()
    with torch.no_grad():
        head.prototypes.copy_(torch.from_numpy(simplex))
    loss = head(torch.from_numpy(simplex), torch.arange(classes)).loss.item()
    assert loss == pytest.approx(np.log1p((classes - 1) * np.exp(-scale * classes / (classes - 1))), rel=1e-13)


def test_has_no_margin_to_set():
    with pytest.raises(ConfigurationError, match="head 'normface' has no setting 'margin'"):
        build_head("normface", num_classes=4, embedding_dim=5, margin=0.3)
