"""The fused head against the reference: the same numbers in every mode, and no worse ones in low precision."""

from __future__ import annotations

import pytest
import torch

from sphereface.heads import HEADS, dense
from sphereface.heads.build import settings_of
from sphereface.heads.table import ROWS
from tests.unit.heads.twins import (
    CLASSES,
    COUNT,
    DIMENSION,
    KEPT,
    ONE_BLOCK_RECOMPUTED,
    SMALL_BLOCKS,
    assert_same,
    batch,
    outcome,
    twins,
)

CENTRED = [name for name in HEADS if ROWS[name].link != "pairs"]


def choices(name):
    """Every combination of modes that the row takes."""
    radii = ["nfn", "hfn", "sfn"] if "radius" in settings_of(name) else [None]
    for radius in radii:
        for gradient in ("full", "detached"):
            for prototypes in ("reparametrised", "projected"):
                choice = {"gradient": gradient, "prototypes": prototypes}
                yield choice if radius is None else choice | {"radius": radius, "scale": 20.0}


@pytest.mark.parametrize("budget", [KEPT, ONE_BLOCK_RECOMPUTED, SMALL_BLOCKS])
@pytest.mark.parametrize("name", CENTRED)
def test_equal_to_the_reference_in_every_mode(name, budget):
    """In float64 to 1e-10: loss, losses of the samples, gradients by embeddings, prototypes and bias."""
    x, labels = batch()
    budget *= 3.0 if name == "subcenter-arcface" else 1.0
    for choice in choices(name):
        reference, fused = twins(name, memory_budget=budget, **choice)
        for _ in range(2):  # what a loss remembers from the first batch shows in the second
            assert_same(outcome(fused, x, labels), outcome(reference, x, labels))
        assert fused.schedule_state() == pytest.approx(reference.schedule_state(), rel=1e-10)


@pytest.mark.parametrize("name", ["a-softmax", "l-softmax", "sphereface-r-v1"])
def test_equal_with_schedules_halfway(name):
    x, labels = batch()
    reference, fused = twins(name, **({} if ROWS[name].annealed else {"margin_ramp": 0.7}))
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
    for budget in (KEPT, 0.1):
        reference, fused = twins(name, classes=classes, dimension=dimension, memory_budget=budget)
        assert_same(outcome(fused, x, labels), outcome(reference, x, labels))


def test_budgets_choose_what_is_kept():
    """The three budgets of the tests above mean what they are called."""
    from sphereface.heads.others import Others
    from sphereface.heads.sweep import Sweep

    x, labels = batch()
    u = torch.nn.functional.normalize(x)
    others = Others(u, torch.zeros(CLASSES, DIMENSION), labels, torch.ones(COUNT), None, True, "projected", False)
    found = [Sweep(others, u, torch.float64, budget) for budget in (KEPT, ONE_BLOCK_RECOMPUTED, SMALL_BLOCKS)]
    assert [(sweep.keeps, len(sweep.edges) - 1) for sweep in found][:2] == [(True, 1), (False, 2)]
    assert not found[2].keeps
    assert len(found[2].edges) > 4


@pytest.mark.parametrize("name", CENTRED)
def test_low_precision_is_no_further_from_the_truth_than_naive_low_precision(name):
    """Naive is what autocast makes of the reference: products in bfloat16, forwards and backwards.

    The own class is left in float32 there as well, so that the comparison is about the others.
    """
    shape = {"classes": 301, "dimension": 64}
    reference, fused = twins(name, torch.float32, precision="bfloat16", **shape)
    exact = twins(name, **shape)[0]
    apart = {key: [] for key in ("loss", "embeddings", "prototypes")}
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
        assert error <= 1.1 * theirs + 2.0**-10 * size, f"{key}: {error:g}, naive {theirs:g} of {size:g}"
