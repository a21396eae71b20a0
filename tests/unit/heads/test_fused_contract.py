"""What the fused head promises beside the right numbers: weights, what is detached, memory, company it keeps."""

from __future__ import annotations

import copy
import math
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from sphereface.errors import ConfigurationError
from sphereface.heads import build_head
from sphereface.heads.spare import Spare
from tests.unit.heads.twins import CLASSES, COUNT, DIMENSION, assert_same, batch, lay_out, outcome, twins

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", ["arcface", "uniface", "magface"])
def test_weights_of_samples(name):
    """loss = mean(weight x loss of the sample); a sample of weight 0 might as well have any label."""
    x, labels = batch()
    weights = torch.linspace(0.0, 2.0, COUNT, dtype=torch.float64)
    reference, head = twins(name, **({"norm_weight": 0.0} if name == "magface" else {}))
    for each in (reference, head):
        result = each(x, labels, weights)
        assert result.loss.item() == pytest.approx((weights * result.per_sample).mean().item(), rel=1e-12)
    first = outcome(head, x, labels, weights)
    assert_same(first, outcome(reference, x, labels, weights))
    moved = labels.clone()
    moved[0] = (labels[0] + 1) % CLASSES
    second = outcome(head, x, moved, weights)
    assert bool((first["embeddings"][0] == 0).all())
    assert torch.allclose(first["prototypes"], second["prototypes"], rtol=0, atol=1e-14)


def test_what_comes_back_is_detached_and_losses_can_be_differentiated():
    x, labels = batch()
    for head in twins("magface"):
        result = head(x.requires_grad_(), labels)
        assert not any(each.requires_grad for each in (result.per_sample, result.target_cosine))
        losses = head.losses(x, labels)
        assert torch.allclose(losses, result.per_sample, rtol=1e-12)
        by_first = torch.autograd.grad(losses[0], x)[0]
        assert bool((by_first[0] != 0).any())
        assert bool((by_first[1:] == 0).all())


def test_logits_and_second_derivatives_name_the_reference():
    x, labels = batch()
    x.requires_grad_()
    reference, fused = twins("sphereface-r-v2")
    assert torch.allclose(fused.logits(x, labels), reference.logits(x, labels), rtol=1e-12)
    assert not fused.logits(x, labels).requires_grad
    with pytest.raises(ConfigurationError, match="implementation='reference'"):
        fused.logits(x, labels, differentiable=True)
    with pytest.raises(ConfigurationError, match="implementation='reference'"):
        torch.autograd.grad(fused(x, labels).loss, x, create_graph=True)
    assert reference.logits(x, labels, differentiable=True).requires_grad
    (by_x,) = torch.autograd.grad(reference(x, labels).loss, x, create_graph=True)
    (second,) = torch.autograd.grad(by_x.square().sum(), x)
    assert bool(second.isfinite().all())


@pytest.mark.parametrize("way", ["kept", "recomputed"])
def test_the_graph_can_be_kept_and_differentiated_again(way, monkeypatch):
    lay_out(monkeypatch, way, 4)
    x, labels = batch()
    _, head = twins("arcface")
    loss = head(x.requires_grad_(), labels).loss
    first = torch.autograd.grad(loss, [x, head.prototypes], retain_graph=True)
    second = torch.autograd.grad(2.0 * loss, [x, head.prototypes])
    for one, two in zip(first, second, strict=True):
        assert torch.equal(2.0 * one, two)


class Products(torch.utils._python_dispatch.TorchDispatchMode):
    """Counts matrix products."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += function.overloadpacket is torch.ops.aten.mm
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ("way", "embeddings", "prototypes", "forwards", "backwards"),
    [
        ("kept", True, True, 2, 1),  # three products in all where what was seen is kept
        ("recomputed", True, True, 2, 2),  # four where it is computed again
        ("kept", False, True, 1, 1),
        ("recomputed", False, True, 1, 2),
        ("kept", True, False, 2, 0),
        ("recomputed", True, False, 2, 0),
        ("kept", False, False, 1, 0),
    ],
)
def test_products_that_nobody_needs_are_skipped(way, embeddings, prototypes, forwards, backwards, monkeypatch):
    blocks = 3
    lay_out(monkeypatch, way, blocks)
    x, labels = batch()
    _, head = twins("arcface")
    head.prototypes.requires_grad_(prototypes)
    with Products() as seen:
        result = head(x.requires_grad_(embeddings), labels)
    assert seen.count == forwards * blocks
    if embeddings or prototypes:
        with Products() as seen:
            result.loss.backward()
        assert seen.count == backwards * blocks
    with torch.no_grad(), Products() as seen:
        head(x, labels)
    assert seen.count == blocks


def test_loss_scaling_changes_nothing_but_the_factor():
    """Gradients are float32 with bfloat16 products too, and a power of two leaves every bit as it was."""
    x, labels = batch(torch.float32)
    _, head = twins("cosface", torch.float32, precision="bfloat16")
    plain, scaled = outcome(head, x, labels), outcome(head, x, labels, factor=2.0**16)
    for key in ("embeddings", "prototypes"):
        assert plain[key].dtype == torch.float32
        assert torch.equal(plain[key] * 2.0**16, scaled[key])


def test_gradients_add_up_over_several_batches():
    reference, fused = twins("sphereface-r-v2")
    for head in (reference, fused):
        for seed in (0, 1, 2):
            head(*batch(seed=seed)).loss.backward()
    assert torch.allclose(fused.prototypes.grad, reference.prototypes.grad, rtol=1e-10, atol=1e-12)


def test_the_gradient_is_handed_over_and_its_memory_used_again():
    """No second matrix of that size: the prototypes' gradient is the one that the sweep wrote."""
    x, labels = batch()
    _, head = twins("arcface")
    places = []
    take = head._memory.gradient.take

    def watched(*wanted):
        found = take(*wanted)
        places.append(found.data_ptr())
        return found

    head._memory.gradient.take = watched
    head(x, labels).loss.backward()
    assert head.prototypes.grad.data_ptr() == places[0]
    mine = head.prototypes.grad
    kept = mine.clone()
    head.zero_grad(set_to_none=True)
    head(2.0 * x.flip(0), labels).loss.backward()
    assert torch.equal(mine, kept)  # somebody still holds it, so it was left alone
    assert head.prototypes.grad.data_ptr() != mine.data_ptr()


def test_the_same_memory_serves_every_step(monkeypatch):
    """Of the gradient, and of what is kept: though the loss is held until the next step, as a loop does."""
    lay_out(monkeypatch, "kept", 4)
    places = {"gradient": set(), "kept": set()}
    _, head = twins("arcface")
    for key, seen in places.items():
        spare = getattr(head._memory, key)

        def watched(*wanted, take=spare.take, seen=seen):
            found = take(*wanted)
            seen.add(found.data_ptr())
            return found

        spare.take = watched
    optimiser = torch.optim.SGD(head.parameters(), lr=0.1, momentum=0.9)
    for seed in range(4):
        optimiser.zero_grad(set_to_none=True)
        result = head(*batch(seed=seed))
        result.loss.backward()
        torch.nn.utils.clip_grad_norm_(head.parameters(), 1.0)
        optimiser.step()
    assert {key: len(seen) for key, seen in places.items()} == {"gradient": 1, "kept": 1}


def test_memory_is_used_again_only_when_nobody_holds_it():
    spare, wanted = Spare(), ((5, 3), torch.float32, torch.device("cpu"))
    first = spare.take(*wanted)
    place = first.data_ptr()
    view = first[2:]
    del first
    assert spare.take(*wanted).data_ptr() != place  # the view holds it
    del view
    again = spare.take(*wanted)
    place = again.data_ptr()
    del again
    assert spare.take(*wanted).data_ptr() == place
    assert spare.take((5, 3), torch.float64, torch.device("cpu")).dtype == torch.float64
    for other in (copy.deepcopy(spare), pickle.loads(pickle.dumps(spare))):
        assert other.take(*wanted).data_ptr() != place


def test_a_head_can_be_copied():
    _, head = twins("arcface")
    x, labels = batch()
    head(x, labels).loss.backward()
    twin = copy.deepcopy(head)
    assert twin(x, labels).loss.item() == head(x, labels).loss.item()


def test_many_classes_are_shown_as_those_of_the_batch():
    """Above 2,048 classes the energy of SphereFace+ is that of the batch's classes, each once."""
    x, labels = batch(classes=2_100)
    assert_same(*(outcome(head, x, labels) for head in twins("sphereface-plus", classes=2_100)))


def test_a_grad_scaler_and_autocast_around_it():
    x, labels = batch(torch.float32)
    _, head = twins("arcface", torch.float32, precision="float32")
    plain = outcome(head, x, labels)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    optimiser = torch.optim.SGD(head.parameters(), lr=0.0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = head(x, labels).loss
    assert loss.dtype == torch.float32
    head.zero_grad()
    scaler.scale(loss).backward()
    scaler.unscale_(optimiser)
    assert torch.equal(head.prototypes.grad, plain["prototypes"])


def test_behind_a_checkpointed_and_a_compiled_backbone():
    """Activation checkpointing and torch.compile of the backbone change nothing."""
    torch.manual_seed(0)
    backbone = torch.nn.Sequential(
        torch.nn.Linear(5, 16), torch.nn.Tanh(), torch.nn.Linear(16, DIMENSION)
    ).double()
    _, head = twins("magface")
    images, labels = torch.randn(COUNT, 5, dtype=torch.float64), batch()[1]

    def gradient(embed):
        backbone.zero_grad()
        head.zero_grad()
        head(embed(images), labels).loss.backward()
        return backbone[0].weight.grad.clone()

    plain = gradient(backbone)
    saved = gradient(lambda each: torch.utils.checkpoint.checkpoint(backbone, each, use_reentrant=False))
    compiled = gradient(torch.compile(backbone, backend="aot_eager"))
    assert torch.allclose(saved, plain, rtol=1e-12)
    assert torch.allclose(compiled, plain, rtol=1e-10)


# Each leaves by os._exit, once the other is through as well: gloo's threads do not always survive the
# interpreter's own end ("terminate called without an active exception"), which says nothing of the gradients.
_RANK = """
import os, sys, time
import numpy as np, torch
from tests.unit.heads.twins import batch, twins
rank, folder = int(sys.argv[1]), sys.argv[2]
torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
fused = twins("arcface")[1]
parallel = torch.nn.parallel.DistributedDataParallel(fused)
with parallel.no_sync():
    parallel(*batch(seed=rank)).loss.backward()
parallel(*batch(seed=2 + rank)).loss.backward()
np.save(f"{folder}/{rank}.npy", fused.prototypes.grad.numpy())
until = time.monotonic() + 60
while not os.path.exists(f"{folder}/{1 - rank}.npy") and time.monotonic() < until:
    time.sleep(0.01)
os._exit(0)
"""


def test_two_processes_with_accumulation(tmp_path):
    """DistributedDataParallel with ``no_sync``: the mean over processes of the sums over their batches."""
    command = [sys.executable, "-c", _RANK]
    running = [subprocess.Popen([*command, str(rank), str(tmp_path)], cwd=ROOT) for rank in (0, 1)]
    assert [each.wait(timeout=120) for each in running] == [0, 0]
    reference, _ = twins("arcface")
    for seed in range(4):
        (reference(*batch(seed=seed)).loss / 2).backward()
    for rank in (0, 1):
        found = torch.from_numpy(np.load(tmp_path / f"{rank}.npy"))
        assert torch.allclose(found, reference.prototypes.grad, rtol=1e-10, atol=1e-12)


def test_precision_follows_the_numbers_given():
    """float64 embeddings or prototypes are computed in float64; float32 ones never better than asked."""
    x, labels = batch(torch.float32)
    _, head = twins("arcface", torch.float32, precision="bfloat16")
    assert head(x.double(), labels).loss.dtype == torch.float64
    _, exact = twins("arcface", torch.float32, precision="float32")
    low, full = head(x, labels).loss.item(), exact(x, labels).loss.item()
    assert low != full
    assert low == pytest.approx(full, rel=1e-2)
    truth = head(x.double(), labels).loss.item()
    assert full == pytest.approx(truth, rel=1e-5)


def test_a_device_without_bfloat16_computes_in_float32(monkeypatch):
    from sphereface import device

    x, labels = batch(torch.float32)
    _, automatic = twins("arcface", torch.float32)
    _, exact = twins("arcface", torch.float32, precision="float32")
    monkeypatch.setattr(device, "_computes_bfloat16", lambda _: False)
    assert automatic(x, labels).loss.item() == exact(x, labels).loss.item()


def test_wrong_choices_say_what_fits():
    shape = {"num_classes": 4, "embedding_dim": 3}
    with pytest.raises(ConfigurationError, match="implementation must be one of auto, fused, reference"):
        build_head("arcface", implementation="sharded", **shape)
    with pytest.raises(ConfigurationError, match="precision must be one of auto, float32, bfloat16"):
        build_head("arcface", precision="float16", **shape)
    with pytest.raises(ConfigurationError, match=r"precision = 'bfloat16' is for the fused implementation"):
        build_head("arcface", precision="bfloat16", implementation="reference", **shape)
    with pytest.raises(ConfigurationError, match="compares pairs of embeddings"):
        build_head("simple", implementation="fused", **shape)
    with pytest.raises(ConfigurationError, match=r"memory_budget must be a number in \(0"):
        build_head("arcface", memory_budget=0.0, **shape)
    for implementation in ("auto", "reference"):
        build_head("simple", implementation=implementation, **shape)
    head = build_head("arcface", memory_budget=1e-4, **shape)
    with pytest.raises(ConfigurationError, match=r"memory_budget = 0.0001 MiB does not hold one class.*or more"):
        head(torch.randn(512, 3), torch.zeros(512, dtype=torch.int64))
    head = build_head("arcface", **shape)
    x, labels = torch.randn(2, 3), torch.tensor([0, 1])
    for weights in (torch.ones(3), torch.ones(2).long(), torch.tensor([1.0, -1.0]), torch.tensor([1.0, math.nan])):
        with pytest.raises(ConfigurationError, match="weights must be"):
            head(x, labels, weights)
