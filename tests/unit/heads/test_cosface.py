"""cosface: s (cos(theta_y) - m) against s cos(theta_j)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sphereface.errors import ConfigurationError
from sphereface.heads import build_head
from sphereface.heads.schedule import MarginSchedule


def logits_with_margin(m, x, w, labels, scale):
    norm = np.sqrt((x * x).sum(axis=1, keepdims=True))
    cosine = (x / norm) @ (w / np.sqrt((w * w).sum(axis=1, keepdims=True))).T
    return (cosine - m * np.eye(len(w))[labels]) * (norm if scale is None else scale)


def equation(m, scale):
    def loss(x, w, labels):
        logits = logits_with_margin(m, x, w, labels, scale)
        top = logits.real.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
        return (total - logits[np.arange(len(x)), labels]).mean()

    return loss


@pytest.mark.parametrize(("m", "scale"), [(0.0, 30.0), (0.35, 30.0), (0.4, 64.0), (1.5, 8.0)])
def test_loss_and_gradients_are_those_of_the_equation(agrees_in_full, m, scale):
    agrees_in_full("cosface", equation(m, scale), margin=m, scale=scale)


def test_defaults_are_s_64_and_m_0_35(agrees_in_full):
    agrees_in_full("cosface", equation(0.35, 64.0))


def test_norm_of_the_embedding_as_radius(agrees_in_full):
    agrees_in_full("cosface", equation(0.35, None), radius="nfn")


def test_detached_is_the_full_gradient(agrees_in_full, agrees_when_detached):
    """A constant has no slope to detach: both modes have dL/dcos = s (p - [j = y])."""
    agrees_in_full("cosface", equation(0.35, 64.0), gradient="detached")
    agrees_when_detached(
        "cosface",
        logits=lambda x, w, labels: logits_with_margin(0.35, x, w, labels, 64.0),
        rho=lambda norm: np.full_like(norm, 64.0),
        rho_slope=np.zeros_like,
    )


def test_ramp_is_a_straight_line_from_no_margin(agrees_in_full, batch, run_head):
    """A quarter of the run at a ramp over half of it: half the margin."""
    halfway = run_head("cosface", progress=0.25, margin=0.4, margin_ramp=0.5)
    assert halfway.loss == pytest.approx(equation(0.2, 64.0)(batch.x, batch.w, batch.labels), rel=1e-12)
    ramp = MarginSchedule((0.4,), (0.0,), ramp=0.5)
    assert [ramp(p)[0] for p in (0.0, 0.125, 0.5, 0.9, 1.0)] == pytest.approx([0.0, 0.1, 0.4, 0.4, 0.4])
    assert MarginSchedule((0.4,), (0.0,))(0.0) == (0.4,)


@pytest.mark.parametrize("progress", [-0.1, 1.5, float("nan")])
def test_progress_is_a_share_of_the_run(progress):
    head = build_head("cosface", num_classes=4, embedding_dim=5)
    with pytest.raises(ConfigurationError, match=r"progress must be a number in \[0, 1\]"):
        head.advance(progress)


def test_projection_puts_prototypes_back_to_length_one(batch):
    head = build_head("cosface", num_classes=4, embedding_dim=5, prototypes="projected").double()
    with torch.no_grad():
        head.prototypes.copy_(torch.from_numpy(batch.w))
    head.advance(0.3)
    expected = batch.w / np.linalg.norm(batch.w, axis=1, keepdims=True)
    np.testing.assert_allclose(head.prototypes.detach().numpy(), expected, rtol=1e-15)
