"""SoftmaxHead: prototypes + margin + radius + gradient mode = every large-margin softmax loss."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from sphereface.heads.checks import check_batch, check_number
from sphereface.heads.radius import Radius, radius, radius_penalty
from sphereface.heads.schedule import LambdaAnnealing, MarginRamp
from sphereface.heads.table import Eta, Psi
from sphereface.sphere.geometry import angle, length, unit

Gradient = Literal["full", "detached"]
Prototypes = Literal["reparametrised", "projected"]


@dataclass(frozen=True)
class HeadResult:
    """What a head returns.

    Attributes:
        loss: Scalar to minimise.
        per_sample: Cross-entropy of each sample, (N,), detached.
        target_angle: Angle of each embedding to its own prototype in radians, (N,), detached.
    """

    loss: Tensor
    per_sample: Tensor
    target_angle: Tensor

    @property
    def target_cosine(self) -> Tensor:
        """Cosine of each embedding to its own prototype, (N,)."""
        return torch.cos(self.target_angle)


class SoftmaxHead(nn.Module):
    """Cross-entropy over rho psi(theta_y) and rho eta(theta_j); built by ``build_head``.

    The loss is always computed in float32 or wider, whatever autocast says.

    Gradient modes: ``full`` differentiates what is written. ``detached`` is the characteristic gradient
    detachment of SphereFace-R: the forward value has the margin, the backward pass sees the plain
    cosine, so dL/dcos_j = rho (p_j - [j = y]) with p from the logits with margin.

    Prototypes: ``reparametrised`` normalises them inside the graph (the gradient is tangential).
    ``projected`` puts them back to length 1 before each step (``advance``) and does not project the
    gradient, as the authors' Caffe code does: dcos_j/dW_j is the embedding's direction itself. What psi
    adds to the cosine passes through the angle, which has no radial slope; so the modes differ along W_j
    alone, for the own class by rho (p_y - 1) cos(theta_y) in every row. The setting does not touch plain
    softmax, whose prototypes are free.

    Attributes:
        prototypes: The class centres, (C, d).
        progress: Share of the run that is done, in the state that is saved and resumed; 1.0 (schedules at
            their end) until ``advance`` is called.
    """

    progress: Tensor

    def __init__(
        self,
        *,
        num_classes: int,
        embedding_dim: int,
        psi: Psi,
        eta: Eta | None,
        ramp: MarginRamp,
        annealing: LambdaAnnealing | None,
        kind: Radius,
        scale: float,
        radius_weight: float,
        gradient: Gradient,
        prototypes: Prototypes,
        unit_prototypes: bool,
        loss_weight: float | None,
    ) -> None:
        super().__init__()
        self.psi, self.eta = psi, eta
        self.ramp, self.annealing = ramp, annealing
        self.kind, self.scale, self.radius_weight = kind, scale, radius_weight
        self.gradient, self.prototype_mode = gradient, prototypes
        self.unit_prototypes, self.loss_weight = unit_prototypes, loss_weight
        bound = math.sqrt(3.0 / embedding_dim)  # rows start near length 1
        self.prototypes = nn.Parameter(torch.empty(num_classes, embedding_dim).uniform_(-bound, bound))
        self.register_buffer("progress", torch.ones((), dtype=torch.float64))

    def forward(self, embeddings: Tensor, labels: Tensor) -> HeadResult:
        """Compute the loss of a batch.

        Args:
            embeddings: Raw embeddings (N, d), any length, not normalised.
            labels: Class of each, (N,), int64 in [0, C).

        Raises:
            ConfigurationError: If shapes, dtypes or labels do not fit; the message says which.
        """
        num_classes, embedding_dim = self.prototypes.shape
        check_batch(embeddings, labels, num_classes, embedding_dim)
        with torch.autocast(embeddings.device.type, enabled=False):
            wide = torch.promote_types(embeddings.dtype, self.prototypes.dtype)
            wide = torch.promote_types(wide, torch.float32)
            logits, theta, norm = self._logits(embeddings.to(wide), self.prototypes.to(wide), labels)
            per_sample = functional.cross_entropy(logits, labels, reduction="none")
            loss = per_sample.mean()
            if self.loss_weight is not None:
                loss = loss * (self.loss_weight / (1.0 if self.kind == "nfn" else self.scale))
            loss = loss + self.radius_weight * radius_penalty(self.kind, norm, self.scale)
        return HeadResult(loss, per_sample.detach(), theta.detach())

    @torch.no_grad()
    def advance(self, progress: float) -> None:
        """Move the schedules to this share of the run, and project the prototypes if they are ``projected``.

        A training loop calls it before every step.

        Raises:
            ConfigurationError: If ``progress`` is not in [0, 1].
        """
        check_number("progress", progress, 0.0, 1.0)
        self.progress.fill_(progress)
        if self._projects:
            wide = torch.promote_types(self.prototypes.dtype, torch.float32)
            self.prototypes.copy_(unit(self.prototypes.to(wide)))

    def schedule_state(self) -> dict[str, float]:
        """Return the margin, and lambda where there is one, at the present progress, for the journal."""
        state = {"margin": self._margin()}
        if self.annealing is not None:
            state["lambda"] = self.annealing(float(self.progress))
        return state

    @property
    def _projects(self) -> bool:
        """Whether prototypes are kept at length 1 by projection; free ones have nothing to keep."""
        return self.prototype_mode == "projected" and self.unit_prototypes

    def _directions(self, prototypes: Tensor) -> Tensor:
        """Return the prototypes at length 1, (C, d)."""
        if not self._projects:
            directions: Tensor = unit(prototypes)
            return directions
        # Held constant, the length divides the gradient without projecting it; on projected prototypes
        # it is 1 anyway.
        norm: Tensor = length(prototypes.detach(), keepdims=True)
        return prototypes / torch.where(norm > 0, norm, torch.ones_like(norm))

    def _logits(self, x: Tensor, prototypes: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the logits (N, C), the own-class angles (N,) and the norms of the embeddings (N,).

        Every logit is rho (cos theta_j + Delta_j), where Delta is what the loss adds to the plain cosine:
        psi - cos for the own class, eta - cos for the others. Detached mode is this with Delta held
        constant, and a neutral margin makes Delta 0 to rounding.
        """
        own = labels[:, None]
        directions = self._directions(prototypes)
        cosine = unit(x) @ directions.T
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.gradient == "full"):
            theta = angle(x, directions[labels])
            own_delta = self._own_delta(theta)[:, None]
            other_delta = None if self.eta is None else self.eta(cosine, self._margin()) - cosine
        if other_delta is None:
            values = cosine.scatter_add(1, own, own_delta)
        else:
            values = cosine + other_delta.scatter(1, own, own_delta)
        norm = length(x)
        logits = values * radius(self.kind, norm, self.scale)[:, None]
        if not self.unit_prototypes:
            logits = logits * length(prototypes)
        return logits, theta, norm

    def _own_delta(self, theta: Tensor) -> Tensor:
        """Return psi(theta) - cos(theta), weakened by lambda where it is annealed, (N,)."""
        delta = self.psi(theta, self._margin()) - torch.cos(theta)
        return delta if self.annealing is None else delta / (1.0 + self.annealing(float(self.progress)))

    def _margin(self) -> float:
        return self.ramp(float(self.progress))
