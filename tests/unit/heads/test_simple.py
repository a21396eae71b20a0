"""simple: pairs of embeddings, score = x . k - b_theta |x| |k|, without prototypes.

alpha mean over genuine pairs of softplus(-(score - m + b) / r) + (1 - alpha) mean over impostor pairs of
softplus((score + m + b) r). Every embedding of the batch is compared with the batch and with the bank of earlier
ones; those keys are constants of the gradient, as in the authors' code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from sphereface.errors import ConfigurationError
from sphereface.heads import PairHead, build_head

DEFAULTS = {"b_theta": 0.3, "balance": 0.001, "sharpness": 2.0, "margin": 0.0, "bias": -10.0}


def per_pair(x, labels, keys, key_labels, b_theta, sharpness, margin, bias):
    """The terms of all genuine pairs and of all impostor pairs; keys begin with the batch itself."""
    genuine, impostor = [], []
    for i in range(len(x)):
        for k in range(len(keys)):
            lengths = np.sqrt((x[i] * x[i]).sum()) * np.sqrt((keys[k] * keys[k]).sum())
            score = (x[i] * keys[k]).sum() - b_theta * lengths
            if labels[i] != key_labels[k]:
                impostor.append(np.log1p(np.exp((score + margin + bias) * sharpness)))
            elif k != i:
                genuine.append(np.log1p(np.exp(-(score - margin + bias) / sharpness)))
    return genuine, impostor


def mean(terms):
    return sum(terms) / len(terms) if terms else 0.0


def equation(x, labels, keys, key_labels, **settings):
    settings = DEFAULTS | settings
    balance = settings.pop("balance")
    genuine, impostor = per_pair(x, labels, keys, key_labels, **settings)
    return balance * mean(genuine) + (1 - balance) * mean(impostor)


def make(dimension: int = 5, **settings: Any) -> PairHead:
    """A head of weight 1 unless asked otherwise."""
    head = build_head("simple", num_classes=4, embedding_dim=dimension, **{"loss_weight": 1.0, **settings})
    assert isinstance(head, PairHead)
    return head.double()


def run(head, x, labels):
    """Loss, gradient by the embeddings, and the result."""
    leaf = torch.from_numpy(x).requires_grad_()
    head.zero_grad()
    result = head(leaf, torch.from_numpy(labels))
    result.loss.backward()
    return result.loss.item(), leaf.grad.numpy(), result


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"balance": 0.5},
        {"b_theta": -0.2, "balance": 0.3, "sharpness": 1.0, "margin": 1.5, "bias": -2.0},
        {"b_theta": 1.0, "balance": 1.0, "sharpness": 3.0, "bias": 4.0},
        {"b_theta": 0.0, "balance": 0.0, "sharpness": 0.25, "bias": 0.0},
    ],
)
def test_loss_and_gradients_are_those_of_the_equation(batch, step_by_step, settings):
    """Of a batch alone, then of one with a bank behind it."""
    bias = settings.get("bias", -10.0)
    head = make(**{"first_bias" if key == "bias" else key: value for key, value in settings.items()})
    rng = np.random.default_rng(3)
    earlier, earlier_labels = rng.normal(size=(6, 5)), np.array([0, 1, 2, 3, 3, 0])
    keys, key_labels = earlier, earlier_labels
    for x, labels in ((earlier, earlier_labels), (batch.x, batch.labels)):
        if x is batch.x:
            keys, key_labels = np.concatenate([x, earlier]), np.concatenate([labels, earlier_labels])
        loss, by_x, result = run(head, x, labels)
        expected = equation(x, labels, keys, key_labels, **settings)
        assert loss == pytest.approx(expected, rel=1e-12)
        assert result.per_sample.mean().item() == pytest.approx(expected, rel=1e-12)

        def of_x(moved, labels=labels, keys=keys, key_labels=key_labels):
            return equation(moved, labels, keys, key_labels, **settings)

        def of_bias(moved, x=x, labels=labels, keys=keys, key_labels=key_labels):
            return equation(x, labels, keys, key_labels, **(settings | {"bias": moved[0]}))

        np.testing.assert_allclose(by_x, step_by_step(of_x, x), rtol=1e-9, atol=1e-11)
        expected = step_by_step(of_bias, np.array([bias]))[0]
        assert head.bias.grad.item() == pytest.approx(expected, rel=1e-10, abs=1e-14)


def test_defaults_are_those_of_the_authors_configuration():
    head = make()
    assert head.bias.item() == -10.0
    assert (head.b_theta, head.balance, head.sharpness, head.margin) == (0.3, 0.001, 2.0, 0.0)
    assert head.bank.shape == (8192, 5)


def test_the_score_by_hand():
    """x = (3, 4), k = (4, 3): 24 - 0.3 * 25 = 16.5. One genuine pair counted from both sides."""
    x = np.array([[3.0, 4.0], [4.0, 3.0]])
    loss, _, _ = run(make(2, balance=1.0, first_bias=-16.0, sharpness=1.0), x, np.array([1, 1]))
    assert loss == pytest.approx(np.log1p(np.exp(-0.5)), rel=1e-13)
    loss, _, _ = run(make(2, balance=0.0, first_bias=-16.0, sharpness=1.0), x, np.array([1, 2]))
    assert loss == pytest.approx(np.log1p(np.exp(0.5)), rel=1e-13)


def test_the_published_loss_weight(batch):
    plain = run(make(), batch.x, batch.labels)
    weighted = run(make(loss_weight=500.0), batch.x, batch.labels)
    assert weighted[0] == pytest.approx(500.0 * plain[0], rel=1e-14)
    np.testing.assert_allclose(weighted[1], 500.0 * plain[1], rtol=1e-13)


def test_an_embedding_is_never_its_own_pair(batch):
    """Alone it has no pair at all; an equal one from an earlier batch is one."""
    head = make(balance=0.5, first_bias=0.0)
    loss, by_x, _ = run(head, batch.x[:1], batch.labels[:1])
    assert loss == 0.0
    assert (by_x == 0.0).all()
    loss, _, _ = run(head, batch.x[:1], batch.labels[:1])
    square = (batch.x[0] ** 2).sum()
    assert loss == pytest.approx(0.5 * np.log1p(np.exp(-0.7 * square / 2.0)), rel=1e-12)


@pytest.mark.parametrize("bank", [0, 8])
@pytest.mark.parametrize("labels", [[0, 1, 2], [2, 2, 2], [1]])
def test_a_batch_without_one_kind_of_pair_is_finite(batch, bank, labels):
    """No genuine pairs, no impostors, no pairs: that kind counts 0."""
    x, y = batch.x[: len(labels)], np.array(labels)
    head = make(bank=bank, balance=0.3, first_bias=-1.0)
    loss, by_x, result = run(head, x, y)
    assert loss == pytest.approx(equation(x, y, x, y, balance=0.3, bias=-1.0), rel=1e-12, abs=1e-15)
    assert np.isfinite(by_x).all()
    assert bool(torch.isfinite(result.per_sample).all())
    assert bool(torch.isfinite(head.bias.grad))


def rows(bank, bank_labels):
    """What a bank holds, in no order."""
    return sorted((int(label), *row.tolist()) for row, label in zip(bank, bank_labels, strict=True) if label >= 0)


@pytest.mark.parametrize("size", [1, 4, 5, 7, 100])
@pytest.mark.parametrize("count", [1, 3, 4])
def test_the_bank_holds_the_last_embeddings(size, count):
    """A ring: whatever the sizes of bank and batch, the newest that fit, each once."""
    rng = np.random.default_rng(size * 10 + count)
    head, seen, seen_labels = make(2, bank=size), np.empty((0, 2)), np.empty(0, dtype=np.int64)
    for _ in range(6):
        x, labels = rng.normal(size=(count, 2)), rng.integers(0, 4, count)
        head(torch.from_numpy(x), torch.from_numpy(labels))
        seen, seen_labels = np.concatenate([seen, x]), np.concatenate([seen_labels, labels])
        assert rows(head.bank, head.bank_labels) == rows(seen[-size:], seen_labels[-size:])


def test_the_bank_does_not_see_its_own_batch_twice(batch):
    """The keys are the batch and what was there before it; the batch goes in afterwards."""
    first, second = slice(0, 4), slice(4, 8)
    head = make(bank=4)
    run(head, batch.x[first], batch.labels[first])
    loss, _, _ = run(head, batch.x[second], batch.labels[second])
    keys = np.concatenate([batch.x[second], batch.x[first]])
    key_labels = np.concatenate([batch.labels[second], batch.labels[first]])
    assert loss == pytest.approx(equation(batch.x[second], batch.labels[second], keys, key_labels), rel=1e-12)


@pytest.fixture
def filled(batch) -> Callable[..., PairHead]:
    """A head that saw the batch in two parts; its ring has come round."""

    def fill(**settings: Any) -> PairHead:
        head = make(bank=7, **settings)
        for part in (slice(0, 5), slice(5, 10)):
            run(head, batch.x[part], batch.labels[part])
        return head

    return fill


def test_bank_place_and_bias_are_saved_and_restored(batch, filled):
    """The next two batches have the same losses and leave the same bank, slot by slot."""
    trained = filled()
    with torch.no_grad():
        trained.bias.fill_(-3.0)
    resumed = make(bank=7)
    resumed.load_state_dict(trained.state_dict())
    for part in (slice(2, 6), slice(1, 9)):
        losses = [run(head, batch.x[part], batch.labels[part])[0] for head in (trained, resumed)]
        assert losses[0] == losses[1] != 0.0
    assert torch.equal(resumed.bank, trained.bank)
    assert torch.equal(resumed.bank_labels, trained.bank_labels)


def test_without_training_the_bank_is_used_and_left_alone(batch, filled):
    head = filled().eval()
    before = {key: value.clone() for key, value in head.state_dict().items()}
    losses = {run(head, batch.x[:3], batch.labels[:3])[0] for _ in range(2)}
    assert len(losses) == 1
    assert all(torch.equal(value, before[key]) for key, value in head.state_dict().items())
    assert losses != {run(make(), batch.x[:3], batch.labels[:3])[0]}


def test_the_reported_angle_is_to_the_class_s_mean_direction_in_the_bank(batch, filled):
    """Who is not in the bank has no direction: a right angle."""
    head = filled().eval()
    with torch.no_grad():
        head.bank_labels[head.bank_labels == 3] = 2
    _, _, result = run(head, batch.x[:4], batch.labels[:4])
    kept, labels = head.bank.numpy(), head.bank_labels.numpy()
    for i in range(4):
        means = (kept[labels == i] / np.linalg.norm(kept[labels == i], axis=1, keepdims=True)).sum(axis=0)
        cosine = means @ batch.x[i] / np.linalg.norm(means) / np.linalg.norm(batch.x[i]) if i < 3 else 0.0
        assert result.target_cosine[i].item() == pytest.approx(cosine, abs=1e-12)


@pytest.mark.parametrize("setting", ["scale", "gradient", "prototypes", "margin_ramp", "radius"])
def test_settings_of_prototypes_are_not_its_own(setting):
    with pytest.raises(ConfigurationError, match=f"head 'simple' has no setting '{setting}'"):
        build_head("simple", num_classes=4, embedding_dim=5, **{setting: 1.0})
