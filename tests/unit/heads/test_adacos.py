"""adacos: s cos(theta_j) with s = log(B) / cos(min(pi / 4, median theta_y)), set from the batch before it is used.

B is the batch's mean of sum_{j != y} exp(s' cos(theta_j)) at the scale s' before. The scale is a constant of the
gradient. It starts at sqrt(2) log(C - 1); a floor of 1 under it is ours.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from sphereface.errors import ConfigurationError
from sphereface.heads import build_head

FIRST_SCALE = math.sqrt(2.0) * math.log(3.0)  # of four classes


def cosines(x, w):
    return (x / np.sqrt((x * x).sum(axis=1, keepdims=True))) @ (w / np.sqrt((w * w).sum(axis=1, keepdims=True))).T


def scale_after(batch, before=FIRST_SCALE):
    """Of an even number of angles the lower middle one counts, as torch.median has it in the published code."""
    cosine = cosines(batch.x, batch.w)
    own = np.eye(len(batch.w), dtype=bool)[batch.labels]
    mean = np.where(own, 0.0, np.exp(before * cosine)).sum(axis=1).mean()
    angles = np.sort(np.arccos(cosine[own]))
    return np.log(mean) / np.cos(min(np.pi / 4, angles[(len(angles) - 1) // 2]))


def equation(scale):
    def loss(x, w, labels):
        logits = scale * cosines(x, w)
        top = logits.real.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
        return (total - logits[np.arange(len(x)), labels]).mean()

    return loss


def test_loss_and_gradients_are_those_of_the_equation(agrees_in_full, batch):
    """Half the batch beyond a right angle: the median counts as pi / 4."""
    agrees_in_full("adacos", equation(scale_after(batch)))


@pytest.mark.parametrize("count", [5, 4, 3])
def test_a_median_below_45_degrees_counts_as_it_is(head_on, batch, count):
    """0.7, 0.3 (the lower of two) and 0.3."""
    batch.x[0] *= 3.0
    x, labels = batch.x[:count], batch.labels[:count]
    scale = scale_after(dataclasses.replace(batch, x=x, labels=labels))
    head = head_on("adacos")
    loss = head(torch.from_numpy(x), torch.from_numpy(labels)).loss.item()
    assert head.schedule_state()["scale"] == pytest.approx(scale, rel=1e-13)
    assert loss == pytest.approx(equation(scale)(x, batch.w, labels), rel=1e-12)


def test_there_is_no_margin_to_detach(agrees_in_full, agrees_when_detached, batch):
    scale = scale_after(batch)
    agrees_in_full("adacos", equation(scale), gradient="detached")
    agrees_when_detached(
        "adacos",
        logits=lambda x, w, labels: scale * cosines(x, w),
        rho=lambda norm: np.full_like(norm, scale),
        rho_slope=np.zeros_like,
    )


def test_the_scale_follows_batch_by_batch(head_on, run_again, batch):
    head, expected = head_on("adacos"), FIRST_SCALE
    for _ in range(4):
        expected = scale_after(batch, expected)
        outcome = run_again(head)
        assert head.schedule_state()["scale"] == pytest.approx(expected, rel=1e-12)
        assert outcome.loss == pytest.approx(equation(expected)(batch.x, batch.w, batch.labels), rel=1e-12)


@pytest.mark.parametrize("num_classes", [4, 330, 10_572])
def test_starts_at_root_2_log_of_the_other_classes(num_classes):
    head = build_head("adacos", num_classes=num_classes, embedding_dim=2)
    assert head.schedule_state()["scale"] == pytest.approx(math.sqrt(2.0) * math.log(num_classes - 1), rel=1e-14)


def test_two_classes_are_finite():
    """log(C - 1) is 0 there: the scale stands on its floor, and the loss still falls towards the own class."""
    head = build_head("adacos", num_classes=2, embedding_dim=3).double()
    assert head.schedule_state()["scale"] == 1.0
    with torch.no_grad():
        head.prototypes.copy_(torch.eye(2, 3))
    x = torch.tensor([[0.0, 1.0, 0.5], [0.3, -1.0, 0.0]], dtype=torch.float64, requires_grad=True)
    for _ in range(20):
        loss = head(x, torch.tensor([0, 1])).loss
        assert bool(torch.isfinite(loss))
        assert 1.0 <= head.schedule_state()["scale"] < 100.0
    loss.backward()
    assert bool(torch.isfinite(x.grad).all())
    assert float(x.grad.norm()) > 1e-3


def test_many_classes_do_not_overflow():
    """The sum of exponentials is taken as a logarithm: a scale of 600 is no infinity."""
    head = build_head("adacos", num_classes=4, embedding_dim=5).double()
    head.rule.scale.fill_(800.0)
    with torch.no_grad():
        head.prototypes.copy_(torch.ones(4, 5))
    loss = head(torch.ones(3, 5, dtype=torch.float64), torch.tensor([0, 1, 2])).loss
    assert bool(torch.isfinite(loss))
    assert head.schedule_state()["scale"] == pytest.approx(800.0 + math.log(3.0), rel=1e-12)


def test_the_scale_is_saved_and_restored_and_stands_still_without_training(run_head, head_on, run_again, batch):
    trained = run_head("adacos").head
    resumed = head_on("adacos")
    resumed.load_state_dict(trained.state_dict())
    assert resumed.schedule_state() == trained.schedule_state() != {"scale": FIRST_SCALE}
    scale = trained.schedule_state()["scale"]
    outcome = run_again(resumed.eval())
    assert outcome.loss == pytest.approx(equation(scale)(batch.x, batch.w, batch.labels), rel=1e-12)
    assert resumed.schedule_state()["scale"] == scale
    assert run_again(resumed.train()).loss == run_again(trained).loss


@pytest.mark.parametrize("setting", ["scale", "radius", "radius_weight", "margin"])
def test_has_nothing_to_choose(setting):
    with pytest.raises(ConfigurationError, match=f"head 'adacos' has no setting '{setting}'"):
        build_head("adacos", num_classes=4, embedding_dim=5, **{setting: 1.0})
