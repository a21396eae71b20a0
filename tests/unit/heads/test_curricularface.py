"""curricularface: s cos(theta_y + m) against s cos(theta_j), hard ones s cos_j (t + cos_j).

Hard is cos(theta_j) > cos(theta_y + m). t is a running mean of the own cosines, updated from the batch before it
is used. Beyond pi - m the own class has ArcFace's cos(theta) - m sin(m); the border of the hard negatives is
cos(theta_y + m) itself even there.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sphereface.heads import build_head


def cosines(x, w):
    return (x / np.sqrt((x * x).sum(axis=1, keepdims=True))) @ (w / np.sqrt((w * w).sum(axis=1, keepdims=True))).T


def psi(theta, m):
    return np.where(theta.real <= np.pi - m, np.cos(theta + m), np.cos(theta) - m * np.sin(m))


def state_of(batch, m, momentum, before=0.0):
    """t after the batch and the mask of its hard negatives, (N, C): constants of the gradient."""
    cosine = cosines(batch.x, batch.w)
    own = cosine[np.arange(len(batch.x)), batch.labels]
    t = momentum * own.mean() + (1.0 - momentum) * before
    return t, cosine > np.cos(np.arccos(own) + m)[:, None]


def logits_with_margin(m, t, hard, x, w, labels, scale=64.0):
    cosine = cosines(x, w)
    rows = np.arange(len(x))
    values = np.where(hard, cosine * (t + cosine), cosine)
    values[rows, labels] = psi(np.arccos(cosine[rows, labels]), m)
    return scale * values


def equation(m, t, hard, scale=64.0):
    def loss(x, w, labels):
        logits = logits_with_margin(m, t, hard, x, w, labels, scale)
        top = logits.real.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
        return (total - logits[np.arange(len(x)), labels]).mean()

    return loss


@pytest.mark.parametrize(("m", "scale"), [(0.0, 30.0), (0.3, 64.0), (1.2, 8.0)])
@pytest.mark.parametrize("momentum", [0.01, 1.0])
def test_loss_and_gradients_are_those_of_the_equation(agrees_in_full, batch, m, scale, momentum):
    t, hard = state_of(batch, m, momentum)
    agrees_in_full("curricularface", equation(m, t, hard, scale), margin=m, scale=scale, momentum=momentum)


def test_defaults_are_s_64_m_0_5_momentum_0_01(agrees_in_full, batch):
    agrees_in_full("curricularface", equation(0.5, *state_of(batch, 0.5, 0.01)))


@pytest.mark.parametrize("momentum", [0.01, 1.0])
def test_detached_gradient_is_the_plain_cosine_s_at_the_margin_s_probabilities(
    agrees_when_detached, batch, momentum
):
    """The hard negatives' slope t + 2 cos is gone as well."""
    t, hard = state_of(batch, 0.5, momentum)
    agrees_when_detached(
        "curricularface",
        logits=lambda x, w, labels: logits_with_margin(0.5, t, hard, x, w, labels),
        rho=lambda norm: np.full_like(norm, 64.0),
        rho_slope=np.zeros_like,
        momentum=momentum,
    )


def test_t_starts_at_0_and_is_updated_before_use(run_head, run_again, batch):
    """The first batch is weighed by 0.01 of its own mean, not by 0; the second by 0.99 of that plus its own."""
    mean = cosines(batch.x, batch.w)[np.arange(len(batch.x)), batch.labels].mean()
    head = build_head("curricularface", num_classes=4, embedding_dim=5)
    assert head.schedule_state()["curriculum"] == 0.0
    outcome = run_head("curricularface")
    assert outcome.head.schedule_state()["curriculum"] == pytest.approx(0.01 * mean, rel=1e-13)
    t, hard = state_of(batch, 0.5, 0.01, before=0.01 * mean)
    second = run_again(outcome.head)
    assert second.head.schedule_state()["curriculum"] == pytest.approx(t, rel=1e-13)
    assert second.loss == pytest.approx(equation(0.5, t, hard)(batch.x, batch.w, batch.labels), rel=1e-12)


def test_the_border_of_hard_negatives_is_the_raw_cosine_beyond_pi_less_m():
    """At theta_y = 3, m = 1.2: cos 4.2 = -0.490 is the border, not psi = -2.108. A negative at -0.8 stays easy."""
    theta, m, t = 3.0, 1.2, np.cos(3.0)
    other = np.arccos(-0.8)
    head = build_head(
        "curricularface", num_classes=3, embedding_dim=3, margin=m, momentum=1.0, scale=2.0, radius="hfn"
    ).double()
    with torch.no_grad():
        directions = [
            [np.cos(theta), np.sin(theta), 0.0],
            [np.cos(other), 0.0, np.sin(other)],
            [-0.2, 0.0, 0.9**0.5],
        ]
        head.prototypes.copy_(torch.tensor(directions))
    third = -0.2 / np.sqrt(0.04 + 0.9)  # above the border: hard
    logits = head.logits(torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64), torch.tensor([0]))
    at_own = np.cos(theta) - m * np.sin(m)
    assert at_own < -0.8 < np.cos(theta + m) < third
    np.testing.assert_allclose(logits.numpy() / 2.0, [[at_own, -0.8, third * third]], atol=1e-12)  # t is 0 so far
    head(torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64), torch.tensor([0]))
    logits = head.logits(torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64), torch.tensor([0]))
    np.testing.assert_allclose(logits.numpy() / 2.0, [[at_own, -0.8, third * (t + third)]], atol=1e-12)


def test_t_is_saved_and_restored(run_head, run_again, head_on):
    trained = run_head("curricularface", momentum=0.3).head
    resumed = head_on("curricularface", momentum=0.3)
    resumed.load_state_dict(trained.state_dict())
    assert resumed.schedule_state() == trained.schedule_state()
    assert run_again(resumed).loss == run_again(trained).loss
    assert resumed.schedule_state() == trained.schedule_state()


def test_t_is_left_alone_without_training(run_again, head_on, batch):
    head = head_on("curricularface").eval()
    t, hard = state_of(batch, 0.5, 0.0)
    assert t == 0.0
    assert run_again(head).loss == pytest.approx(equation(0.5, t, hard)(batch.x, batch.w, batch.labels), rel=1e-12)
    assert head.schedule_state()["curriculum"] == 0.0
    head.train().logits(torch.from_numpy(batch.x), torch.from_numpy(batch.labels))
    assert head.schedule_state()["curriculum"] == 0.0
    assert head.training
