"""softmax: cross-entropy of x . W_j with free prototypes and no bias."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sphereface.heads import build_head


def log_sum_exp(logits):
    top = logits.real.max(axis=1, keepdims=True)
    return np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]


def equation(x, w, labels):
    """-log( e^{x . w_y} / sum_j e^{x . w_j} ), mean over the batch."""
    logits = x @ w.T
    return (log_sum_exp(logits) - logits[np.arange(len(x)), labels]).mean()


def at_scale(scale):
    """The same with every embedding at length ``scale``."""

    def scaled(x, w, labels):
        return equation(scale * x / np.sqrt((x * x).sum(axis=1, keepdims=True)), w, labels)

    return scaled


def test_loss_and_gradients_are_those_of_the_equation(agrees_in_full):
    agrees_in_full("softmax", equation)


def test_a_scale_fixes_the_norm_of_the_embedding_alone(agrees_in_full):
    agrees_in_full("softmax", at_scale(8.0), scale=8.0)


def test_there_is_no_margin_to_detach(agrees_in_full):
    agrees_in_full("softmax", equation, gradient="detached")


def test_free_prototypes_are_not_projected(agrees_in_full, batch):
    """With nothing to keep at length 1 the setting changes neither the gradient nor the prototypes."""
    agrees_in_full("softmax", equation, prototypes="projected")
    head = build_head("softmax", num_classes=4, embedding_dim=5, prototypes="projected").double()
    before = head.prototypes.detach().clone()
    head.advance(0.5)
    assert torch.equal(head.prototypes, before)


def test_gradient_is_the_closed_form(run_head, batch):
    """dL/dx = sum_j (p_j - [j = y]) w_j / N, dL/dW_j = sum_i (p_ij - [j = y_i]) x_i / N."""
    logits = batch.x @ batch.w.T
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    wrong = p / p.sum(axis=1, keepdims=True) - np.eye(4)[batch.labels]
    outcome = run_head("softmax")
    np.testing.assert_allclose(outcome.by_x, wrong @ batch.w / len(batch.x), atol=1e-13)
    np.testing.assert_allclose(outcome.by_w, wrong.T @ batch.x / len(batch.x), atol=1e-13)


def test_result_reports_each_sample(run_head, batch):
    """The mean of the per-sample losses is the loss; angle and cosine are those to the own prototype."""
    outcome = run_head("softmax")
    result = outcome.result
    own = batch.w[batch.labels]
    lengths = np.linalg.norm(batch.x, axis=1) * np.linalg.norm(own, axis=1)
    cosine = (batch.x * own).sum(axis=1) / lengths
    assert result.per_sample.mean().item() == pytest.approx(outcome.loss, rel=1e-14)
    np.testing.assert_allclose(result.target_cosine.numpy(), cosine, atol=1e-14)
    np.testing.assert_allclose(result.target_angle.numpy(), np.arccos(cosine), atol=1e-12)
    assert not any(t.requires_grad for t in (result.per_sample, result.target_angle, result.target_cosine))


def test_loss_weight_multiplies_and_divides_by_the_scale(run_head):
    """lw CE / s with a fixed scale; lw CE with the norm of the embedding, which has no s."""
    assert run_head("softmax", loss_weight=3.0).loss == pytest.approx(3.0 * run_head("softmax").loss)
    plain = run_head("softmax", scale=20.0)
    weighted = run_head("softmax", scale=20.0, loss_weight=50.0)
    assert weighted.loss == pytest.approx(50.0 * plain.loss / 20.0, rel=1e-14)
    np.testing.assert_allclose(weighted.by_x, 2.5 * plain.by_x, rtol=1e-13)
