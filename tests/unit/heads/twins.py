"""The same head twice, reference and fused, and what comes out of one."""

from __future__ import annotations

import torch

from sphereface.heads import build_head

COUNT, CLASSES, DIMENSION = 13, 41, 9  # nothing is a multiple of anything
KEPT, ONE_BLOCK_RECOMPUTED, SMALL_BLOCKS = 256.0, 0.008, 0.002  # MiB


def batch(dtype=torch.float64, seed=0, count=COUNT, classes=CLASSES, dimension=DIMENSION):
    generator = torch.Generator().manual_seed(seed)
    x = 3.0 * torch.randn(count, dimension, generator=generator, dtype=torch.float64)
    labels = torch.randint(classes, (count,), generator=generator)
    labels[1] = labels[0]  # somebody is there twice
    return x.to(dtype), labels


def twins(name, dtype=torch.float64, classes=CLASSES, dimension=DIMENSION, **settings):
    """The same head twice: reference and fused."""
    torch.manual_seed(3)
    budget = settings.pop("memory_budget", KEPT)
    precision = settings.pop("precision", "auto")
    shape = {"num_classes": classes, "embedding_dim": dimension}
    reference = build_head(name, implementation="reference", **shape, **settings).to(dtype)
    fused = build_head(
        name, implementation="fused", memory_budget=budget, precision=precision, **shape, **settings
    ).to(dtype)
    fused.load_state_dict(reference.state_dict())
    assert (reference.implementation, fused.implementation) == ("reference", "fused")
    return reference, fused


def outcome(head, x, labels, weights=None, factor=1.0):
    """Loss, per-sample losses, and the gradients by embeddings and every parameter."""
    x = x.clone().requires_grad_()
    head.zero_grad()
    result = head(x, labels, weights)
    (result.loss * factor).backward()
    gradients = {key: parameter.grad for key, parameter in head.named_parameters()}
    return {"loss": result.loss, "per_sample": result.per_sample, "embeddings": x.grad, **gradients}


def assert_same(found, expected, tolerance=1e-10):
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        size = max(1.0, float(value.detach().abs().max()))
        difference = float((found[key].detach() - value.detach()).abs().max())
        assert difference <= tolerance * size, f"{key}: {difference:g} beside {size:g}"
