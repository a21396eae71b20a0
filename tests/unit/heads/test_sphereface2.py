"""sphereface2-c, -a, -m: lambda softplus(-(r f_y + b)) + (1 - lambda) sum_j softplus(r f_j + b).

With g(z) = 2 ((z + 1) / 2)^t - 1:
C: f_y = g(cos(theta_y)) - m,              f_j = g(cos(theta_j)) + m;
A: f_y = g(cos(min(theta_y + m, pi))),     f_j = g(cos(theta_j));
M: f_y = g(cos(min(m theta_y, pi))),       f_j = g(cos(theta_j)).
The authors divide by r and multiply by lw; the plain loss here is lw = r.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sphereface.heads import build_head

FORMS = ["sphereface2-c", "sphereface2-a", "sphereface2-m"]
MARGIN = {"sphereface2-c": 0.4, "sphereface2-a": 0.5, "sphereface2-m": 1.7}


def g(cosine, t):
    return 2 * ((cosine + 1) / 2) ** t - 1


@pytest.fixture
def logits_with_margin(cosines, on_own):
    """(form, m, t, r, x, w, labels) to r f, (N, C), without the bias; r None is |x|."""

    def of(form, m, t, r, x, w, labels):
        def psi(own):
            if form == "sphereface2-c":
                return g(own, t) - m
            moved = np.arccos(own) + m if form == "sphereface2-a" else m * np.arccos(own)
            return g(np.cos(np.where(moved.real < np.pi, moved, np.pi)), t)

        norm, cosine = cosines(x, w)
        others = g(cosine, t) + (m if form == "sphereface2-c" else 0.0)
        own = np.eye(len(w), dtype=bool)[labels]
        return (norm if r is None else r) * np.where(own, on_own(psi)(cosine, labels), others)

    return of


@pytest.fixture
def equation(logits_with_margin, logistic):
    """(form, bias, m, t, balance, r) to the loss."""

    def of(form, bias, m=None, t=3.0, balance=0.7, r=40.0):
        def loss(x, w, labels):
            z = logits_with_margin(form, MARGIN[form] if m is None else m, t, r, x, w, labels) + bias
            return logistic(z, labels, balance, 1 - balance)[0].mean()

        return loss

    return of


@pytest.mark.parametrize(
    ("form", "m"),
    [
        ("sphereface2-c", 0.0),
        ("sphereface2-c", 0.3),
        ("sphereface2-a", 0.0),
        ("sphereface2-a", 1.2),
        ("sphereface2-m", 1.0),
        ("sphereface2-m", 2.5),
    ],
)
@pytest.mark.parametrize(("t", "balance", "r"), [(3.0, 0.7, 40.0), (1.0, 0.5, 8.0), (4.5, 0.9, 20.0)])
def test_loss_and_gradients_are_those_of_the_equation(equation, agrees_in_full, head_on, form, m, t, balance, r):
    settings = {"margin": m, "sharpness": t, "balance": balance, "scale": r}
    bias = head_on(form, **settings).bias.item()
    agrees_in_full(form, equation(form, bias, m, t, balance, r), **settings)


@pytest.mark.parametrize("form", FORMS)
def test_defaults_are_r_40_t_3_lambda_0_7_and_the_form_s_margin(equation, agrees_in_full, head_on, form):
    agrees_in_full(form, equation(form, head_on(form).bias.item()))


@pytest.mark.parametrize("form", FORMS)
def test_published_loss_weight(equation, agrees_in_full, head_on, form):
    """lw / r times the loss: 10 at r = 40 is a quarter of it."""
    plain = equation(form, head_on(form).bias.item())
    agrees_in_full(form, lambda x, w, labels: plain(x, w, labels) / 4.0, loss_weight=10.0)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("radius", ["hfn", "nfn"])
def test_detached_gradient_is_the_plain_cosine_s_at_the_margin_s_sigmoids(
    logits_with_margin, agrees_when_detached, head_on, form, radius
):
    """dL/dcos_y = -rho lambda (1 - sigma(z_y)) and dL/dcos_j = rho (1 - lambda) sigma(z_j)."""
    fixed = radius == "hfn"

    def logits(x, w, labels):
        return logits_with_margin(form, MARGIN[form], 3.0, 40.0 if fixed else None, x, w, labels)

    agrees_when_detached(
        form,
        logits=logits,
        rho=lambda norm: np.full_like(norm, 40.0) if fixed else norm,
        rho_slope=np.zeros_like if fixed else np.ones_like,
        logistic=(0.7, 1.0 - 0.7),
        bias=head_on(form, radius=radius, scale=40.0).bias.item(),
        radius=radius,
        scale=40.0,
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("gradient", ["full", "detached"])
def test_the_bias_learns_in_every_mode(equation, run_head, step_by_step, batch, form, gradient):
    outcome = run_head(form, gradient=gradient)

    def of_bias(bias):
        return equation(form, bias[0])(batch.x, batch.w, batch.labels)

    expected = step_by_step(of_bias, np.array([outcome.head.bias.item()]))
    assert outcome.head.bias.grad.item() == pytest.approx(expected[0], rel=1e-11)


@pytest.mark.parametrize(
    ("form", "num_classes", "value"),
    [
        ("sphereface2-c", 8_631, 5.785),
        ("sphereface2-c", 85_742, 3.488),
        ("sphereface2-c", 330, 9.06),
        ("sphereface2-a", 8_631, 21.785),
        ("sphereface2-m", 8_631, 21.785),
    ],
)
def test_first_bias_of_published_runs(form, num_classes, value):
    """VGGFace2 and MS1M; the angular forms have no margin on the others, 16 lower at r = 40."""
    head = build_head(form, num_classes=num_classes, embedding_dim=2)
    assert head.bias.item() == pytest.approx(value, abs=5e-3 if value == 9.06 else 5e-4)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("balance", [0.05, 0.7, 0.99])
@pytest.mark.parametrize("num_classes", [2, 3, 4, 30, 8_631])
def test_the_first_bias_balances_own_class_and_others_at_right_angles(
    logits_with_margin, form, balance, num_classes
):
    """lambda (1 - sigma(z_y)) = (1 - lambda) (C - 1) sigma(z_j), which is what it is chosen for."""
    b = build_head(form, num_classes=num_classes, embedding_dim=2, balance=balance).bias.item()
    x, w = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0], [0.0, -1.0]])
    ((at_own, at_others),) = logits_with_margin(form, MARGIN[form], 3.0, 40.0, x, w, np.array([0]))
    pull = balance / (1 + np.exp(at_own + b))
    push = (1 - balance) * (num_classes - 1) / (1 + np.exp(-at_others - b))
    assert pull == pytest.approx(push, rel=1e-4)


@pytest.mark.parametrize("form", FORMS)
def test_two_classes_are_finite(form):
    """With two classes the ratio of the weights exceeds 1, where the textbook root cancels to 0."""
    head = build_head(form, num_classes=2, embedding_dim=64)
    assert np.isfinite(head.bias.item())
    x = head.prototypes.detach().clone().requires_grad_()
    loss = head(x, torch.tensor([0, 1])).loss
    loss.backward()
    assert np.isfinite(loss.item())
    assert np.isfinite(x.grad.numpy()).all()
    assert np.isfinite(head.prototypes.grad.numpy()).all()
    assert np.isfinite(head.bias.grad.item())


@pytest.mark.parametrize("form", FORMS)
def test_logits_to_look_at_have_the_bias(logits_with_margin, head_on, batch, form):
    head = head_on(form)
    expected = logits_with_margin(form, MARGIN[form], 3.0, 40.0, batch.x, batch.w, batch.labels) + head.bias.item()
    found = head.logits(torch.from_numpy(batch.x), torch.from_numpy(batch.labels))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("classes", "settings"),
    [(2, {"scale": 1000.0}), (3, {"margin": 2.0, "scale": 200.0}), (2, {"balance": 0.5, "scale": 9000.0})],
)
def test_the_first_bias_is_finite_for_few_classes_and_large_scales(
    classes: int, settings: dict[str, float]
) -> None:
    head = build_head("sphereface2-c", num_classes=classes, embedding_dim=4, **settings)
    assert bool(torch.isfinite(head.bias))
