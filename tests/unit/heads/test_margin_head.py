"""MarginHead as a module: what it needs, what it leaves alone, and in which precision it counts."""

from __future__ import annotations

import math

import pytest
import torch

from sphereface.heads import HEADS, build_head

CENTRED = [name for name in HEADS if HEADS[name].link != "pairs"]  # those with prototypes to learn


def sample(seed):
    generator = torch.Generator().manual_seed(seed)
    x = 3.0 * torch.randn(6, 5, generator=generator, dtype=torch.float64)
    w = torch.randn(4, 5, generator=generator, dtype=torch.float64)
    return x, w, torch.randint(4, (6,), generator=generator)


def head_on(w, name, **settings):
    head = build_head(name, num_classes=w.shape[0], embedding_dim=w.shape[1], **settings).to(w.dtype)
    with torch.no_grad():
        head.prototypes.copy_(w if head.prototypes.ndim == 2 else w[:, None].expand_as(head.prototypes))
    return head.eval()  # what a loss remembers stays as it is


@pytest.mark.parametrize("name", CENTRED)
@pytest.mark.parametrize("prototypes", ["reparametrised", "projected"])
def test_inputs_are_not_modified(name, prototypes):
    x, w, labels = sample(0)
    head = head_on(w, name, prototypes=prototypes)
    kept = x.clone(), labels.clone()
    head(x, labels).loss.backward()
    assert torch.equal(x, kept[0])
    assert torch.equal(labels, kept[1])
    assert torch.equal(head.prototypes.detach(), head_on(w, name).prototypes.detach())


@pytest.mark.parametrize("name", HEADS)
def test_needs_only_the_two_sizes_and_works_in_double(name):
    """Prototypes are (C, d) near length 1; float64 in, float64 out; a batch of one with two classes."""
    torch.manual_seed(0)
    head = build_head(name, num_classes=2, embedding_dim=64, precision="float32").eval()
    assert tuple(head.prototypes.shape) == ((2, 64) if HEADS[name].centres is None else (2, 3, 64))
    if name in CENTRED:
        assert isinstance(head.prototypes, torch.nn.Parameter)
        assert bool(((head.prototypes.norm(dim=-1) - 1.0).abs() < 0.3).all())
    x, label = torch.randn(1, 64), torch.tensor([1])
    single = head(x, label).loss
    double = head.double()(x.double(), label).loss
    assert (single.dtype, double.dtype) == (torch.float32, torch.float64)
    assert single.item() == pytest.approx(double.item(), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("name", CENTRED)
def test_autocast_does_not_touch_the_loss(name):
    x, w, labels = sample(1)
    head = head_on(w.float(), name)
    outside = head(x.float(), labels).loss
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = head(x.float(), labels).loss
        logits = head.logits(x.bfloat16(), labels)
    assert inside.dtype == logits.dtype == torch.float32
    assert torch.equal(inside, outside)


def test_low_precision_embeddings_keep_their_angle():
    """bfloat16 embeddings a hundredth of a radian from their prototype: a cosine in bfloat16 would say 0."""
    w = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    x = torch.tensor([[1.0, 0.01]], dtype=torch.bfloat16)
    result = head_on(w, "arcface")(x, torch.tensor([0]))
    assert result.target_angle.item() == pytest.approx(math.atan(float(x[0, 1])), rel=1e-5)


def test_low_precision_prototypes_are_normalised_in_full_precision():
    _, w, labels = sample(2)
    x = torch.randn(6, 5, generator=torch.Generator().manual_seed(2))
    low = head_on(w.bfloat16(), "cosface", precision="float32")
    exact = head_on(w.bfloat16().double(), "cosface")
    assert low(x, labels).loss.item() == pytest.approx(exact(x.double(), labels).loss.item(), rel=1e-5)


@pytest.mark.parametrize("name", ["cosface", "sphereface-r-v2"])
def test_a_million_classes(name):
    """With a scale near 0 every class is equally likely: log C. Every prototype has its gradient."""
    head = build_head(name, num_classes=1_000_000, embedding_dim=2, scale=1e-6)
    loss = head(torch.randn(1, 2), torch.tensor([999_999])).loss
    loss.backward()
    assert loss.item() == pytest.approx(math.log(1e6), rel=1e-5)
    assert bool(torch.isfinite(head.prototypes.grad).all())


@pytest.mark.parametrize("name", ["arcface", "a-softmax", "subcenter-arcface", "sphereface2-c"])
def test_the_gradient_repeats_to_the_last_bit_on_several_threads(name):
    """Equal labels share a prototype; their gradients must be added in the same order every time."""
    generator = torch.Generator().manual_seed(2)
    x, labels = torch.randn(256, 64, generator=generator), torch.randint(10, (256,), generator=generator)
    head = build_head(name, num_classes=10, embedding_dim=64)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        gradients = []
        for _ in range(8):
            head.zero_grad()
            head(x, labels).loss.backward()
            gradients.append(head.prototypes.grad.clone())
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(gradients[0], other) for other in gradients[1:])
