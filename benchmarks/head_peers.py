"""What bench_head.py measures: one forward and backward of a loss head, ours and other people's, by name."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from head_clones import insightface, opensphere
from torch import Tensor, nn
from torch.nn import functional

from sphereface.heads import build_head

SCALE, MARGIN = 64.0, 0.5
KEPT = 2.0**20  # memory budget in MiB: all cosines fit


@dataclass(frozen=True)
class Job:
    """One thing to measure, as a worker is told it.

    Attributes:
        peer: A key of ``PEERS``.
        row: Which loss; only ours know another than ArcFace.
        classes: C.
        centres: K, prototypes of a class.
        batch: N.
        dimension: d.
        threads: For torch.
        path: Work tree of a peer that is loaded from one.
    """

    peer: str
    row: str
    classes: int
    centres: int
    batch: int
    dimension: int
    threads: int
    path: str = ""


class Subject(Protocol):
    """A head with its data, ready to be measured."""

    @property
    def prototypes(self) -> Tensor:
        """What an optimiser would move."""
        ...

    def step(self) -> float | None:
        """Do the forward and the backward pass; return the loss if there is one."""
        ...

    def gradients(self) -> list[Tensor]:
        """Return what the last step handed over."""
        ...

    def release(self) -> None:
        """Let go of it, as a training loop does before the next step."""
        ...


def random(shape: tuple[int, ...], seed: int, factor: float = 1.0) -> Tensor:
    """Return normal numbers, the same for every peer."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).mul_(factor)


def prototypes_of(job: Job) -> Tensor:
    """Return the weights that every peer starts from, (C K, d)."""
    return random((job.classes * job.centres, job.dimension), 1, 0.05)


class Floor:
    """The three bare products x W^T, P W and P^T x; the first result, (N, C K), serves as P."""

    def __init__(self, job: Job, precision: torch.dtype, fresh: bool) -> None:
        self.prototypes = prototypes_of(job).to(precision)
        self.embeddings = random((job.batch, job.dimension), 2).to(precision)
        self.fresh = fresh
        self.results = self._room()

    def _room(self) -> list[Tensor]:
        if self.fresh:
            return []
        cells = self.prototypes.new_empty(len(self.embeddings), len(self.prototypes))
        return [cells, torch.empty_like(self.embeddings), torch.empty_like(self.prototypes)]

    def step(self) -> None:
        """Multiply three times."""
        x, W = self.embeddings, self.prototypes
        if self.fresh:
            cells = x @ W.T
            self.results = [cells, cells @ W, cells.T @ x]
            return
        cells, by_embeddings, by_prototypes = self.results
        torch.mm(x, W.T, out=cells)
        torch.mm(cells, W, out=by_embeddings)
        torch.mm(cells.T, x, out=by_prototypes)

    def gradients(self) -> list[Tensor]:
        """Return P W, (N, d), and P^T x, (C K, d)."""
        return self.results[1:]

    def release(self) -> None:
        """Let go of the results, unless their memory is used again."""
        if self.fresh:
            self.results = []


class Head:
    """A loss, called with embeddings and labels, and differentiated by embeddings and prototypes."""

    def __init__(
        self, job: Job, loss: Callable[[Tensor, Tensor], Tensor], prototypes: nn.Parameter, autocast: bool = False
    ) -> None:
        self.loss, self.prototypes, self.autocast = loss, prototypes, autocast
        self.embeddings = random((job.batch, job.dimension), 2).requires_grad_()
        self.labels = torch.randint(job.classes, (job.batch,), generator=torch.Generator().manual_seed(3))

    def step(self) -> float:
        """Do the forward and the backward pass; return the loss."""
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.autocast):
            loss = self.loss(self.embeddings, self.labels)
        loss.backward()
        return loss.item()

    def gradients(self) -> list[Tensor]:
        """Return the gradients by embeddings, (N, d), and prototypes."""
        return [leaf.grad for leaf in (self.embeddings, self.prototypes) if leaf.grad is not None]

    def release(self) -> None:
        """Drop the gradients, as ``zero_grad(set_to_none=True)`` does."""
        self.embeddings.grad = self.prototypes.grad = None


def floor(precision: torch.dtype, fresh: bool = False) -> Callable[[Job], Subject]:
    """Return the builder of a floor."""
    return lambda job: Floor(job, precision, fresh)


def too_small(job: Job) -> float:
    """Return a memory budget in MiB that never holds all cosines beside a block, however few they are."""
    return min(16.0, 8.0 * job.batch * job.classes * job.centres / 2**20)


def ours(implementation: str, precision: str, recompute: bool = False) -> Callable[[Job], Subject]:
    """Return the builder of this project's head, for any row."""

    def build(job: Job) -> Subject:
        head = build_head(
            job.row,
            num_classes=job.classes,
            embedding_dim=job.dimension,
            implementation=implementation,
            precision=precision,
            memory_budget=too_small(job) if recompute else KEPT,
        )
        assert isinstance(head.prototypes, nn.Parameter)
        head.prototypes.data = prototypes_of(job).view(head.prototypes.shape)
        return Head(job, lambda embeddings, labels: head(embeddings, labels).loss, head.prototypes)

    return build


def linear(autocast: bool) -> Callable[[Job], Subject]:
    """Return the builder of ArcFace as one writes it in plain torch."""

    def build(job: Job) -> Subject:
        prototypes = nn.Parameter(prototypes_of(job))

        def loss(embeddings: Tensor, labels: Tensor) -> Tensor:
            cosines = functional.linear(functional.normalize(embeddings), functional.normalize(prototypes))
            own = cosines.gather(1, labels[:, None]).float().clamp(-1.0 + 1e-6, 1.0 - 1e-6)
            theta = own.arccos()
            beyond = own - MARGIN * math.sin(MARGIN)
            own = torch.where(theta + MARGIN <= math.pi, torch.cos(theta + MARGIN), beyond)
            return functional.cross_entropy(SCALE * cosines.scatter(1, labels[:, None], own.to(cosines)), labels)

        return Head(job, loss, prototypes, autocast)

    return build


def metric_learning(autocast: bool) -> Callable[[Job], Subject]:
    """Return the builder of pytorch-metric-learning's ArcFaceLoss; its weights lie as (d, C)."""

    def build(job: Job) -> Subject:
        from pytorch_metric_learning.losses import ArcFaceLoss

        loss = ArcFaceLoss(job.classes, job.dimension, margin=math.degrees(MARGIN), scale=SCALE)
        loss.W.data = prototypes_of(job).T.contiguous()
        return Head(job, loss, loss.W, autocast)

    return build


def from_opensphere(autocast: bool) -> Callable[[Job], Subject]:
    """Return the builder of OpenSphere's ArcFace."""

    def build(job: Job) -> Subject:
        head = opensphere(job.path, job.dimension, job.classes, SCALE, MARGIN)
        head.w.data = prototypes_of(job)
        return Head(job, head, head.w, autocast)

    return build


def from_insightface(autocast: bool) -> Callable[[Job], Subject]:
    """Return the builder of InsightFace's PartialFC over all classes; it has its own switch for autocast."""

    def build(job: Job) -> Subject:
        head = insightface(job.path, job.dimension, job.classes, SCALE, MARGIN, autocast)
        head.weight.data = prototypes_of(job)
        return Head(job, head, head.weight)

    return build


@dataclass(frozen=True)
class Peer:
    """One name of the table.

    Attributes:
        build: Makes the subject.
        kind: ``floor``, ``ours`` or ``peer``.
        cells: Estimated bytes at the peak for each of the N x C K cosines.
        copies: Estimated copies of the prototypes at the peak, in float32, they themselves and the gradient in it.
        needs: Package or clone that must be there.
        note: How its margin differs from ArcFace's hard one, if it does.
    """

    build: Callable[[Job], Subject]
    kind: str
    cells: float
    copies: float
    needs: str = ""
    note: str = ""


HELD = "the margin is held constant in the backward pass, so the gradient is that of the plain cosine; "
OPENSPHERE = HELD + "theta + m stops at pi; the prototypes are put back to length 1 in each forward pass"
INSIGHTFACE = HELD + "cos(theta + m) goes on beyond pi"

# The estimates only decide who may run where memory is short; they are on the high side of what was seen.
PEERS: dict[str, Peer] = {
    "floor-float32": Peer(floor(torch.float32), "floor", 4, 2),
    "floor-bfloat16": Peer(floor(torch.bfloat16), "floor", 2, 1.5),
    "floor-float32-fresh": Peer(floor(torch.float32, fresh=True), "floor", 4, 2),
    "floor-bfloat16-fresh": Peer(floor(torch.bfloat16, fresh=True), "floor", 2, 1.5),
    "linear": Peer(linear(autocast=False), "peer", 24, 6),
    "linear-autocast": Peer(linear(autocast=True), "peer", 24, 6),
    "metric-learning": Peer(metric_learning(autocast=False), "peer", 40, 6, "pytorch-metric-learning"),
    "metric-learning-autocast": Peer(metric_learning(autocast=True), "peer", 40, 6, "pytorch-metric-learning"),
    "opensphere": Peer(from_opensphere(autocast=False), "peer", 40, 6, "opensphere", OPENSPHERE),
    "opensphere-autocast": Peer(from_opensphere(autocast=True), "peer", 40, 6, "opensphere", OPENSPHERE),
    "insightface": Peer(from_insightface(autocast=False), "peer", 32, 6, "insightface", INSIGHTFACE),
    "insightface-autocast": Peer(from_insightface(autocast=True), "peer", 32, 6, "insightface", INSIGHTFACE),
    "sphereface": Peer(ours("fused", "auto"), "ours", 4, 3.1),
    "sphereface-recompute": Peer(ours("fused", "auto", recompute=True), "ours", 0, 2.1),
    "sphereface-float32": Peer(ours("fused", "float32"), "ours", 4, 2.1),
    "sphereface-float32-recompute": Peer(ours("fused", "float32", recompute=True), "ours", 0, 2.1),
    "sphereface-reference": Peer(ours("reference", "auto"), "ours", 40, 6),
}
