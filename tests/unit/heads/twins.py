"""The same head twice, reference and fused, and what comes out of one."""

from __future__ import annotations

import torch

from sphereface.heads import build_head, sweep

COUNT, CLASSES, DIMENSION = 13, 41, 9  # nothing is a multiple of anything
LAYOUTS = [("kept", 1), ("kept", 4), ("recomputed", 1), ("recomputed", 4)]


def batch(dtype=torch.float64, seed=0, count=COUNT, classes=CLASSES, dimension=DIMENSION):
    generator = torch.Generator().manual_seed(seed)
    x = 3.0 * torch.randn(count, dimension, generator=generator, dtype=torch.float64)
    labels = torch.randint(classes, (count,), generator=generator)
    labels[1] = labels[0]  # somebody is there twice
    return x.to(dtype), labels


def twins(name, dtype=torch.float64, classes=CLASSES, dimension=DIMENSION, **settings):
    """The same head twice: reference and fused."""
    torch.manual_seed(3)
    own = {key: settings.pop(key) for key in ("memory_budget", "precision") if key in settings}
    shape = {"num_classes": classes, "embedding_dim": dimension}
    reference = build_head(name, implementation="reference", **shape, **settings).to(dtype)
    fused = build_head(name, implementation="fused", **shape, **settings, **own).to(dtype)
    fused.load_state_dict(reference.state_dict())
    assert (reference.implementation, fused.implementation) == ("reference", "fused")
    return reference, fused


def lay_out(patch, way, blocks):
    """Make every fused head go over so many blocks, several strips each, and keep them or compute them again."""
    patch.setattr(sweep, "_WORKING", 1)
    patch.setattr(sweep, "_LEAST", -(-CLASSES // blocks))
    patch.setattr(sweep, "_STRIP", 4 * DIMENSION * 8)
    if way == "recomputed":
        true = sweep._bytes
        patch.setattr(sweep, "_bytes", lambda *given: (true(*given)[0], 2**50))


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
