"""The fused head against the reference: the same numbers in every mode, and no worse ones in low precision."""

from __future__ import annotations

import pytest
import torch

from sphereface.heads import HEADS, dense
from sphereface.heads.build import settings_of
from sphereface.heads.others import Others
from sphereface.heads.spare import Memory
from sphereface.heads.sweep import Sweep
from tests.unit.heads.twins import CLASSES, COUNT, DIMENSION, LAYOUTS, assert_same, batch, lay_out, outcome, twins

CENTRED = [name for name in HEADS if HEADS[name].link != "pairs"]


def choices(name):
    """Every combination of modes that the row takes."""
    radii = ["nfn", "hfn", "sfn"] if "radius" in settings_of(name) else [None]
    for radius in radii:
        for gradient in ("full", "detached"):
            for prototypes in ("reparametrised", "projected"):
                choice = {"gradient": gradient, "prototypes": prototypes}
                yield choice if radius is None else choice | {"radius": radius, "scale": 20.0}


@pytest.fixture(params=LAYOUTS, ids=str)
def layout(request, monkeypatch):
    """One block or several, kept or computed again."""
    lay_out(monkeypatch, *request.param)
    return request.param


def test_layouts_are_what_they_are_called(layout):
    x, labels = batch()
    u = torch.nn.functional.normalize(x)
    others = Others(u, torch.zeros(CLASSES, DIMENSION), labels, torch.ones(COUNT), None, True, "projected", False)
    found = Sweep(others, u, torch.float64, 256.0, Memory())
    assert ("kept" if found.keeps else "recomputed", len(found.edges) - 1) == layout
    assert len(list(found.strips(found.size))) > 1


@pytest.mark.usefixtures("layout")
@pytest.mark.parametrize("name", CENTRED)
def test_equal_to_the_reference_in_every_mode(name):
    """In float64 to 1e-10: loss, losses of the samples, gradients by embeddings, prototypes and bias."""
    x, labels = batch()
    for choice in choices(name):
        reference, fused = twins(name, **choice)
        for _ in range(2):  # what a loss remembers from the first batch shows in the second
            assert_same(outcome(fused, x, labels), outcome(reference, x, labels))
        assert fused.schedule_state() == pytest.approx(reference.schedule_state(), rel=1e-10)


@pytest.mark.parametrize("name", ["a-softmax", "l-softmax", "sphereface-r-v1"])
def test_equal_with_schedules_halfway(name):
    x, labels = batch()
    reference, fused = twins(name, **({} if HEADS[name].annealed else {"margin_ramp": 0.7}))
    for head in (reference, fused):
        head.advance(0.3)
    assert_same(outcome(fused, x, labels), outcome(reference, x, labels))


def test_equal_with_the_normalised_gradient():
    x, labels = batch()
    for prototypes in ("reparametrised", "projected"):
        pair = twins("a-softmax", gradient="normalised", prototypes=prototypes)
        assert_same(*(outcome(head, x, labels) for head in pair))


@pytest.mark.parametrize(
    ("count", "classes", "dimension"), [(1, 2, 2), (1, 3, 2), (2, 2, 3), (7, 2, 64), (3, 1025, 2), (130, 517, 33)]
)
@pytest.mark.parametrize("name", ["arcface", "sphereface2-c", "sphereface-r-v2", "subcenter-arcface"])
def test_odd_sizes(name, count, classes, dimension):
    x, labels = batch(count=max(count, 2), classes=classes, dimension=dimension)
    x, labels = x[:count], labels[:count]
    for budget in (256.0, 0.1):
        reference, fused = twins(name, classes=classes, dimension=dimension, memory_budget=budget)
        assert_same(outcome(fused, x, labels), outcome(reference, x, labels))


@pytest.mark.usefixtures("layout")
@pytest.mark.parametrize("name", CENTRED)
def test_a_second_batch_before_the_first_is_differentiated(name):
    """What a loss remembers has moved on when the first batch's blocks are computed again."""
    pairs = [batch(seed=seed) for seed in (0, 1)]
    gradients = []
    for head in twins(name):
        losses = [head(*pair).loss for pair in pairs]
        for loss in losses:
            loss.backward()
        gradients.append(head.prototypes.grad)
    assert torch.allclose(*gradients, rtol=1e-9, atol=1e-11)


@pytest.mark.usefixtures("layout")
@pytest.mark.parametrize("name", ["softmax", "l-softmax", "arcface", "sphereface2-c", "sphereface-r-v2"])
@pytest.mark.parametrize("size", [0.0, 1e-25, 1e25])
def test_prototypes_of_no_length_or_an_odd_one(name, size):
    """One of them is somebody's own. Free ones have the gradient of the inner product, which needs no length."""
    x, labels = batch()
    pair = twins(name)
    for head in pair:
        with torch.no_grad():
            head.prototypes[[int(labels[0]), 5]] *= size
    if name in ("softmax", "l-softmax") and size > 1.0:
        return  # a logit of 1e25 is what was asked for
    reference, fused = (outcome(head, x, labels) for head in pair)
    assert_same(fused, reference)
    assert all(bool(value.isfinite().all()) for value in fused.values())
    if name == "softmax":
        free = pair[0].prototypes.detach().clone().requires_grad_()
        torch.nn.functional.cross_entropy(x @ free.T, labels).backward()
        assert torch.allclose(fused["prototypes"], free.grad, rtol=1e-10, atol=1e-12)


@pytest.mark.usefixtures("layout")
def test_equally_near_centres_share_the_gradient():
    """Along the axes, where a cosine is one number and not a sum: equal centres are as near on any processor."""
    _, labels = batch()
    x = torch.eye(DIMENSION, dtype=torch.float64).repeat(2, 1)[:COUNT] * torch.linspace(-2.0, 3.0, COUNT)[:, None]
    pair = twins("subcenter-arcface")
    for head in pair:
        with torch.no_grad():
            head.prototypes.copy_(head.prototypes[:, :1].expand_as(head.prototypes).clone())
    rest = [head.losses(x, labels) for head in pair]
    by_others = [
        torch.autograd.grad(each.sum(), head.prototypes)[0] for each, head in zip(rest, pair, strict=True)
    ]
    assert torch.allclose(*by_others, rtol=1e-10, atol=1e-12)


def test_the_budget_decides_what_is_kept():
    """A matrix of (N, C) in the format of the products, beside a block, or not."""
    u, labels = torch.randn(64, 32), torch.zeros(64, dtype=torch.int64)
    others = Others(u, torch.randn(20_000, 32), labels, torch.ones(64), None, True, "reparametrised", False)
    kept = 64 * 20_000 * 2 / 2**20
    generous, short, tiny = (
        Sweep(others, u, torch.bfloat16, budget, Memory()) for budget in (20 * kept, kept, 0.1)
    )
    assert generous.keeps
    assert not short.keeps
    assert not tiny.keeps
    assert tiny.size < 256 <= short.size


@pytest.mark.parametrize("layout", [("kept", 4), ("recomputed", 4)], ids=str, indirect=True)
@pytest.mark.usefixtures("layout")
@pytest.mark.parametrize("name", CENTRED)
def test_low_precision_is_no_further_from_the_truth_than_naive_low_precision(name):
    """Naive is what autocast makes of the reference: products in bfloat16, forwards and backwards.

    The own class is left in float32 there as well, so that the comparison is about the others.
    """
    shape = {"classes": 301, "dimension": 64}
    reference, fused = twins(name, torch.float32, precision="bfloat16", **shape)
    exact = twins(name, **shape)[0]
    apart = {key: [] for key in ("per_sample", "embeddings", "prototypes")}
    for seed in range(9):
        x, labels = batch(torch.float32, seed, count=33, **shape)
        truth, found = outcome(exact, x.double(), labels), outcome(fused, x, labels)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(dense, "cosines", lambda u, v: (u.bfloat16() @ v.bfloat16().T).float())
            naive = outcome(reference, x, labels)
        for key, errors in apart.items():
            true = truth[key].detach()
            errors.append([float((each[key].detach().double() - true).norm()) for each in (found, naive)])
            errors[-1].append(float(true.norm()))
    for key, errors in apart.items():
        # The median, for a rounded cosine on the wrong side of a border (CurricularFace) is a matter of luck.
        error, theirs, size = torch.tensor(errors).median(dim=0).values.tolist()
        assert error <= 1.1 * theirs + 2.0**-12 * size, f"{key}: {error:g}, naive {theirs:g} of {size:g}"
