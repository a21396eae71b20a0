"""sphereface-plus: A-Softmax, plus the mean over pairs of prototypes of |v_i - v_j|^-s (s = 0: -log)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sphereface.errors import ConfigurationError
from sphereface.heads import build_head


def energy(w, power, half_space):
    """Over pairs i < j; in half space every pair counts with v_j and with -v_j."""
    v = w / np.sqrt((w * w).sum(axis=1, keepdims=True))
    each = []
    for i in range(len(v)):
        for j in range(i + 1, len(v)):
            for other in [v[j], -v[j]] if half_space else [v[j]]:
                distance = np.sqrt(((v[i] - other) ** 2).sum())
                each.append(-np.log(distance) if power == 0 else distance**-power)
    return sum(each) / len(each)


@pytest.fixture
def annealed(softmax, on_own, multiplied):
    """(m, held) to the loss without energy; lambda is 5, its value at the end.

    ``held`` (N,) is psi - cos as a constant: detached mode.
    """

    def of(m, held=None):
        def psi(own):
            return own + (multiplied(np.arccos(own), m) - own if held is None else held) / 6

        return softmax(on_own(psi))

    return of


@pytest.fixture
def equation(annealed):
    """(m, weight, power, half_space, held) to the loss."""

    def of(m=4, weight=1.0, power=0, half_space=False, held=None):
        bare = annealed(m, held)
        return lambda x, w, labels: bare(x, w, labels) + weight * energy(w, power, half_space)

    return of


@pytest.mark.parametrize("power", [0, 1, 2])
@pytest.mark.parametrize("half_space", [0, 1])
def test_loss_and_gradients_are_those_of_the_equation(equation, agrees_in_full, power, half_space):
    settings = {"energy_weight": 2.5, "energy_power": power, "half_space": half_space}
    agrees_in_full("sphereface-plus", equation(4, 2.5, power, half_space == 1), **settings)


def test_defaults_are_m_4_weight_1_logarithmic_full_space(equation, agrees_in_full):
    agrees_in_full("sphereface-plus", equation())


def test_detached_keeps_the_gradient_of_the_energy(equation, multiplied, agrees_in_full, batch):
    theta = np.arccos(
        (batch.x * batch.w[batch.labels]).sum(axis=1)
        / np.linalg.norm(batch.x, axis=1)
        / np.linalg.norm(batch.w[batch.labels], axis=1)
    )
    held = multiplied(theta, 3) - np.cos(theta)
    agrees_in_full(
        "sphereface-plus", equation(3, power=1, held=held), margin=3, energy_power=1, gradient="detached"
    )


def test_detached_and_without_energy_it_is_a_softmax(annealed, agrees_when_detached):
    """dL/dcos_ij = |x_i| (p_ij - [j = y_i]) / N; with weight 0 nothing else is left."""
    agrees_when_detached(
        "sphereface-plus",
        logits=annealed(4).logits,
        rho=lambda norm: norm,
        rho_slope=np.ones_like,
        energy_weight=0.0,
    )


def test_the_energy_is_beside_the_loss_weight(run_head, batch):
    """lw multiplies the cross-entropy alone."""
    bare = run_head("a-softmax").loss
    weighted = run_head("sphereface-plus", loss_weight=3.0).loss
    assert weighted == pytest.approx(3.0 * bare + energy(batch.w, 0, False), rel=1e-12)


def energy_of(num_classes, labels, **settings):
    """What the energy adds to the loss of a batch with these labels, and the prototypes."""
    torch.manual_seed(3)
    head = build_head("sphereface-plus", num_classes=num_classes, embedding_dim=4, **settings).double()
    bare = build_head("a-softmax", num_classes=num_classes, embedding_dim=4).double()
    bare.load_state_dict(head.state_dict())
    x = torch.randn(len(labels), 4, dtype=torch.float64)
    y = torch.tensor(labels)
    return head(x, y).loss.item() - bare(x, y).loss.item(), head.prototypes.detach().numpy()


def test_all_classes_up_to_2048():
    added, w = energy_of(2_048, [5, 5, 700, 2_047])
    v = w / np.linalg.norm(w, axis=1, keepdims=True)
    square = np.maximum(2.0 - 2.0 * v @ v.T, 1e-6)[np.triu_indices(len(v), 1)]
    assert added == pytest.approx(np.mean(-0.5 * np.log(square)), rel=1e-9)


def test_the_batch_s_classes_beyond():
    """Each class once, however often it is in the batch; pairs grow with the square of the classes."""
    added, w = energy_of(2_049, [5, 5, 700, 2_048, 700], energy_power=2)
    assert added == pytest.approx(energy(w[[5, 700, 2_048]], 2, False), rel=1e-9)
    alone, _ = energy_of(2_049, [5, 5])  # one class is no pair
    assert alone == 0.0


@pytest.mark.parametrize("power", [0, 1, 2])
@pytest.mark.parametrize("half_space", [0, 1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_coincident_and_opposite_prototypes_are_finite(power, half_space, dtype):
    head = build_head(
        "sphereface-plus", num_classes=4, embedding_dim=3, energy_power=power, half_space=half_space
    ).to(dtype)
    with torch.no_grad():
        head.prototypes.copy_(
            torch.tensor([[0.3, 0.4, 0.5], [0.6, 0.8, 1.0], [-0.3, -0.4, -0.5], [1.0, 0.0, 0.0]])
        )
    x = torch.ones(2, 3, dtype=dtype, requires_grad=True)
    loss = head(x, torch.tensor([0, 3])).loss
    loss.backward()
    assert bool(torch.isfinite(loss))
    assert bool(torch.isfinite(x.grad).all())
    assert bool(torch.isfinite(head.prototypes.grad).all())


def test_a_step_down_the_energy_moves_prototypes_apart():
    """The gradient has the right sign: the smallest angle between prototypes grows."""
    head = build_head("sphereface-plus", num_classes=3, embedding_dim=3, energy_weight=100.0).double()
    with torch.no_grad():
        head.prototypes.copy_(torch.tensor([[1.0, 0.1, 0.0], [1.0, 0.0, 0.1], [1.0, 0.0, -0.1]]))

    def nearest():
        v = head.prototypes.detach().numpy()
        v = v / np.linalg.norm(v, axis=1, keepdims=True)
        return (v @ v.T - 2.0 * np.eye(3)).max()

    before = nearest()
    head(torch.tensor([[0.0, 0.01, 0.0]], dtype=torch.float64), torch.tensor([0])).loss.backward()
    with torch.no_grad():
        head.prototypes -= 1e-5 * head.prototypes.grad
    assert nearest() < before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"energy_power": 0.5}, r"energy_power must be a whole number for this head, not 0\.5"),
        ({"energy_power": 3}, r"energy_power must be a number in \[0, 2\], not 3"),
        ({"energy_weight": -1.0}, r"energy_weight must be a number in \[0, 1e\+06\], not -1\.0"),
    ],
)
def test_refuses_an_energy_it_does_not_have(settings, message):
    with pytest.raises(ConfigurationError, match=message):
        build_head("sphereface-plus", num_classes=4, embedding_dim=5, **settings)
