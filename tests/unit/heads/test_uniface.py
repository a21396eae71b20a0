"""uniface: softplus(-(s (cos(theta_y) - m) + b)) + l sum_j softplus(s cos(theta_j) + b), one bias for all classes.

The authors write s cos - b, b from log(10 C), and clamp every logit to [-s, s]; here the softplus is exact and b
has the other sign.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sphereface.heads import build_head


def logits_with_margin(m, x, w, labels, scale=64.0):
    """Without the bias."""
    cosine = (x / np.sqrt((x * x).sum(axis=1, keepdims=True))) @ (
        w / np.sqrt((w * w).sum(axis=1, keepdims=True))
    ).T
    return scale * (cosine - m * np.eye(len(w))[labels])


def equation(bias, m=0.4, weight=1.0, scale=64.0):
    def loss(x, w, labels):
        z = logits_with_margin(m, x, w, labels, scale) + bias
        own = np.eye(len(w), dtype=bool)[labels]
        return np.where(own, np.log1p(np.exp(-z)), weight * np.log1p(np.exp(z))).sum(axis=1).mean()

    return loss


FIRST_BIAS = float(np.float32(-np.log(10.0 * 4)))  # of four classes


@pytest.mark.parametrize(("m", "scale"), [(0.0, 30.0), (0.4, 8.0), (1.5, 16.0)])
@pytest.mark.parametrize("weight", [1.0, 0.2])
def test_loss_and_gradients_are_those_of_the_equation(agrees_in_full, m, scale, weight):
    expected = equation(FIRST_BIAS, m, weight, scale)
    agrees_in_full("uniface", expected, margin=m, scale=scale, others_weight=weight)


def test_defaults_are_s_64_m_0_4_weight_1(agrees_in_full):
    agrees_in_full("uniface", equation(FIRST_BIAS))


def test_detached_is_the_full_gradient(agrees_in_full, agrees_when_detached):
    """The margin has no slope: dL/dcos_y = -s (1 - sigma(z_y)), dL/dcos_j = s l sigma(z_j) in both modes."""
    agrees_in_full("uniface", equation(FIRST_BIAS, weight=0.5), others_weight=0.5, gradient="detached")
    agrees_when_detached(
        "uniface",
        logits=lambda x, w, labels: logits_with_margin(0.4, x, w, labels),
        rho=lambda norm: np.full_like(norm, 64.0),
        rho_slope=np.zeros_like,
        logistic=(1.0, 0.5),
        bias=FIRST_BIAS,
        others_weight=0.5,
    )


@pytest.mark.parametrize("gradient", ["full", "detached"])
def test_the_bias_learns(run_head, step_by_step, batch, gradient):
    outcome = run_head("uniface", gradient=gradient)
    at = np.array([FIRST_BIAS])
    expected = step_by_step(lambda bias: equation(bias[0])(batch.x, batch.w, batch.labels), at)
    assert outcome.head.bias.grad.item() == pytest.approx(expected[0], rel=1e-11)


@pytest.mark.parametrize("num_classes", [2, 330, 85_742])
def test_first_bias_is_minus_log_10_c(num_classes):
    head = build_head("uniface", num_classes=num_classes, embedding_dim=2)
    assert head.bias.item() == pytest.approx(-np.log(10.0 * num_classes), rel=1e-6)


def test_minus_b_over_s_is_the_cosine_at_which_another_class_counts_half(head_on):
    """The unified threshold: there its logit is 0, the same for every class and every person."""
    head = head_on("uniface")
    threshold = -head.bias.item() / 64.0
    assert threshold == pytest.approx(np.log(40.0) / 64.0, rel=1e-6)
    v = torch.nn.functional.normalize(head.prototypes.detach(), dim=1)
    across = torch.linalg.qr(torch.stack([v[1], v[0]], dim=1))[0][:, 1]
    x = threshold * v[1] + (1.0 - threshold**2) ** 0.5 * across
    assert head.logits(x[None, :], torch.tensor([0]))[0, 1].item() == pytest.approx(0.0, abs=1e-12)


def test_the_softplus_is_exact_where_the_authors_clamp():
    """An image on another class's prototype: z = s + b; theirs would not pass s, nor -s at the other end."""
    head = build_head("uniface", num_classes=2, embedding_dim=2).double()
    with torch.no_grad():
        head.prototypes.copy_(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))
        head.bias.fill_(10.0)
    x = torch.tensor([[-1.0, 0.0]], dtype=torch.float64)
    loss = head(x, torch.tensor([0])).loss.item()
    expected = np.log1p(np.exp(64.0 * 1.4 - 10.0)) + np.log1p(np.exp(64.0 + 10.0))
    assert loss == pytest.approx(expected, rel=1e-12)
