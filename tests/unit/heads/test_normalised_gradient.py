"""a-softmax with gradient = 'normalised': the value of the loss with the gradient of the authors' released layer.

Not the derivative of anything: with c the own cosine, n = |x|, cw = dpsi/dc, cx = (psi - c cw) / n and
g_ij = (p_ij - [j = y_i]) / N, the layer passes back

    dL/dx_i = sum_{j != y} g_ij v_j + g_iy (lambda v_y + (cw v_y + cx x) / sqrt(cw^2 + cx^2)) / (1 + lambda)
    dL/dv_j = sum_i g_ij x_i
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sphereface.errors import ConfigurationError
from sphereface.heads import build_head


def closed_slope(m, c):
    """The derivative of ``closed_form`` by the cosine."""
    s0 = np.sign(c)
    if m == 1:
        return np.ones_like(c)
    if m == 2:
        return 4 * s0 * c
    if m == 3:
        return np.sign(np.abs(c) - 0.5) * (12 * c**2 - 3)
    return s0 * np.sign(2 * c**2 - 1) * (32 * c**3 - 16 * c)


@pytest.fixture
def released(closed_form):
    """(m, lambda, x, w, labels) to the loss, its gradient by x, and by the prototypes at length 1."""

    def layer(m, weight, x, w, labels):
        n = np.linalg.norm(x, axis=1)
        v = w / np.linalg.norm(w, axis=1, keepdims=True)
        rows = np.arange(len(x))
        logits = x @ v.T
        c = logits[rows, labels] / n
        psi, cw = closed_form(m, c), closed_slope(m, c)
        logits[rows, labels] = n * (weight * c + psi) / (1 + weight)
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        g = (p - np.eye(len(w))[labels]) / len(x)

        cx = (psi - c * cw) / n
        own = cw[:, None] * v[labels] + cx[:, None] * x
        own = (weight * v[labels] + own / np.sqrt(cw**2 + cx**2)[:, None]) / (1 + weight)
        at_own = g[rows, labels]
        by_x = g @ v - at_own[:, None] * v[labels] + at_own[:, None] * own
        return -np.log(p[rows, labels]).mean(), by_x, g.T @ x

    return layer


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_the_slope_is_that_of_the_closed_form(closed_form, step_by_step, m):
    c = np.array([-0.97, -0.8, -0.4, -0.1, 0.1, 0.4, 0.8, 0.97])
    slope = step_by_step(lambda at: closed_form(m, at).sum(), c)
    np.testing.assert_allclose(closed_slope(m, c), slope, rtol=1e-13)


@pytest.mark.parametrize("m", [1, 2, 3, 4])
@pytest.mark.parametrize("weight", [0.0, 5.0, 1000.0])
def test_loss_and_gradients_are_those_of_the_released_layer(released, run_head, batch, m, weight):
    """The layer's prototypes are projected to length 1 before each step, and their gradient is not."""
    loss, by_x, by_v = released(m, weight, batch.x, batch.w, batch.labels)
    settings = {"margin": m, "lambda_base": 0.0, "lambda_min": weight, "gradient": "normalised"}
    norm = np.linalg.norm(batch.w, axis=1, keepdims=True)
    v = batch.w / norm
    for prototypes, by_w in (("projected", by_v), ("reparametrised", by_v - (by_v * v).sum(1, keepdims=True) * v)):
        outcome = run_head("a-softmax", prototypes=prototypes, **settings)
        assert outcome.loss == pytest.approx(loss, rel=1e-12)
        np.testing.assert_allclose(outcome.by_x, by_x, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(outcome.by_w, by_w / norm, rtol=1e-9, atol=1e-11)


def test_after_a_projection_the_prototypes_gradient_is_the_plain_product(released, head_on, run_again, batch):
    """dL/dW = g^T x as it stands, the whole published layer at the end of its annealing."""
    head = head_on("a-softmax", gradient="normalised", prototypes="projected")
    head.advance(1.0)
    outcome = run_again(head)
    _, by_x, by_v = released(4, 5.0, batch.x, batch.w, batch.labels)
    np.testing.assert_allclose(outcome.by_x, by_x, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(outcome.by_w, by_v, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("m", [1, 2, 3, 4])
@pytest.mark.parametrize("progress", [0.0, 0.03, 1.0])
def test_the_value_is_the_full_mode_s(run_head, m, progress):
    full = run_head("a-softmax", progress=progress, margin=m)
    normalised = run_head("a-softmax", progress=progress, margin=m, gradient="normalised")
    assert normalised.loss == pytest.approx(full.loss, rel=1e-14)
    torch.testing.assert_close(normalised.result.per_sample, full.result.per_sample, rtol=1e-13, atol=1e-13)


def test_without_a_margin_it_is_the_gradient(run_head):
    """cw = 1 and cx = 0 at m = 1: there is nothing to normalise."""
    full, normalised = run_head("a-softmax", margin=1), run_head("a-softmax", margin=1, gradient="normalised")
    np.testing.assert_allclose(normalised.by_x, full.by_x, atol=1e-12)
    np.testing.assert_allclose(normalised.by_w, full.by_w, atol=1e-12)


def own_part(closed_form, gradient, theta, norm, m=4):
    """Coefficients of the own prototype and of x in what the own class's logit passes back, lambda = 0.

    The second prototype is at a right angle to both, so what is left in their plane is the own class's part.
    """
    head = build_head(
        "a-softmax",
        num_classes=2,
        embedding_dim=3,
        margin=m,
        lambda_base=0.0,
        lambda_min=0.0,
        gradient=gradient,
    ).double()
    with torch.no_grad():
        head.prototypes.copy_(torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]))
    point = [norm * math.cos(theta), norm * math.sin(theta), 0.0]
    x = torch.tensor([point], dtype=torch.float64, requires_grad=True)
    head(x, torch.tensor([0])).loss.backward()
    pull = -1.0 / (1.0 + math.exp(norm * closed_form(m, np.array(math.cos(theta)))))  # p_y - 1
    along, across, _ = (x.grad[0] / pull).tolist()
    of_x = across / point[1]
    return along - of_x * point[0], of_x


@pytest.mark.parametrize("norm", [0.5, 1.0, 8.0])
def test_the_prototype_s_share_is_bounded_near_0_where_the_true_one_is_m_squared(closed_form, norm):
    """dpsi/dcos -> 16 at m = 4. Normalised it is cw / sqrt(cw^2 + cx^2), at most 1 at every angle."""
    for theta in (1e-4, 1e-2):
        assert own_part(closed_form, "full", theta, norm)[0] == pytest.approx(16.0, rel=5e-3)
        assert own_part(closed_form, "normalised", theta, norm)[0] == pytest.approx(
            16.0 / math.hypot(16.0, 15.0 / norm), rel=5e-3
        )
    for theta in np.linspace(0.01, 3.13, 60):
        of_own, of_x = own_part(closed_form, "normalised", theta, norm)
        assert math.hypot(of_own, of_x) == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_finite_at_0_and_at_pi(dtype):
    """On the prototype, opposite to it, and a rounding away from both."""
    head = build_head("a-softmax", num_classes=2, embedding_dim=2, gradient="normalised").to(dtype)
    with torch.no_grad():
        head.prototypes.copy_(torch.tensor([[1.0, 0.0], [0.6, 0.8]]))
    x = torch.tensor([[2.0, 0.0], [-2.0, 0.0], [2.0, 1e-8], [-2.0, 1e-8]], dtype=dtype, requires_grad=True)
    head(x, torch.tensor([0, 0, 0, 0])).loss.backward()
    assert bool(torch.isfinite(x.grad).all())
    assert bool(torch.isfinite(head.prototypes.grad).all())
    assert float(x.grad.norm(dim=1).max()) < 3.0


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("sphereface", {"radius": "nfn"}),
        ("l-softmax", {}),
        ("sphereface-plus", {}),
        ("cosface", {}),
        ("sphereface2-c", {}),
        ("a-softmax", {"scale": 30.0}),
        ("a-softmax", {"radius": "sfn"}),
    ],
)
def test_refused_elsewhere(name, settings):
    """The formula knows psi of the cosine and the norm of x as radius, nothing else."""
    with pytest.raises(ConfigurationError, match=r"'normalised'.* a-softmax .*'full' or 'detached'"):
        build_head(name, num_classes=4, embedding_dim=5, gradient="normalised", **settings)
