"""MarginHead: prototypes + margin + radius + gradient mode + link = every large-margin loss with prototypes."""

from __future__ import annotations

import math
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from sphereface.device import choose_precision
from sphereface.errors import ConfigurationError
from sphereface.heads.batch import wide_batch, without_autocast
from sphereface.heads.chance import chance
from sphereface.heads.checks import check_number, check_weights
from sphereface.heads.dense import dense, dense_logits
from sphereface.heads.fused import fused
from sphereface.heads.normalised import normalised_target
from sphereface.heads.others import Lengths, Others
from sphereface.heads.prototypes import cosines, directions, nearest, own_rows, shown
from sphereface.heads.radius import Radius, radius, radius_penalty
from sphereface.heads.row import Gradient, Row, Sample, Terms
from sphereface.heads.schedule import LambdaAnnealing, MarginSchedule, remind
from sphereface.heads.seen import HeadResult, Seen
from sphereface.heads.softplus import softplus
from sphereface.heads.spare import Memory
from sphereface.sphere.geometry import angle, length, unit

Prototypes = Literal["reparametrised", "projected"]
Implementation = Literal["fused", "reference"]
Precision = Literal["auto", "float32", "bfloat16"]


class MarginHead(nn.Module):
    """A loss over rho psi(theta_y) and rho eta(theta_j); built by ``build_head``.

    The loss is always computed in float32 or wider, whatever autocast says; only the products of the fused
    implementation are in bfloat16 where the processor has it (``precision``). Two implementations give the same
    numbers: ``fused`` (``heads/fused.py``) goes over the classes block by block and can be differentiated once,
    ``reference`` (``heads/dense.py``) builds the matrix of all logits.

    Gradient modes: ``full`` differentiates what is written, except what the authors hold constant.
    ``detached`` is the characteristic gradient detachment of SphereFace-R: the forward value has the margin,
    the backward pass sees the plain cosine, so dL/dcos_j = rho (p_j - [j = y]) with p from the logits with
    margin. It removes the slope in theta alone: what depends on the norm (the radius, MagFace's margin)
    keeps its gradient. ``normalised`` is the authors' own gradient of A-Softmax (``heads/normalised.py``).

    Prototypes: ``reparametrised`` normalises them inside the graph (the gradient is tangential).
    ``projected`` puts them back to length 1 before each step (``advance``) and does not project the
    gradient, as the authors' Caffe code does: dcos_j/dW_j is the embedding's direction itself. What psi
    adds to the cosine passes through the angle, which has no radial slope; so the modes differ along W_j
    alone, for the own class by rho (p_y - 1) cos(theta_y) in every row. The setting does not touch losses
    whose prototypes are free.

    Attributes:
        prototypes: The class centres, (C, d), or (C, K, d) where a class has K of them.
        bias: The one bias of a one-against-all loss, (); absent otherwise.
        progress: Share of the run that is done, in the state that is saved and resumed; 1.0 (schedules at
            their end) until ``advance`` is called.
    """

    progress: Tensor

    def __init__(
        self,
        row: Row,
        *,
        num_classes: int,
        embedding_dim: int,
        schedule: MarginSchedule,
        annealing: LambdaAnnealing | None,
        form: str,
        kind: Radius,
        scale: float,
        radius_weight: float,
        gradient: Gradient,
        prototypes: Prototypes,
        centres: int | None,
        loss_weight: float | None,
        implementation: Implementation,
        precision: Precision,
        memory_budget: float,
    ) -> None:
        super().__init__()
        self.implementation, self.precision, self.memory_budget = implementation, precision, memory_budget
        self._memory = Memory()
        self.row, self.schedule, self.annealing = row, schedule, annealing
        self.kind, self.scale, self.radius_weight = kind, scale, radius_weight
        self.gradient, self.prototype_mode = gradient, prototypes
        self.loss_weight = loss_weight
        bound = math.sqrt(3.0 / embedding_dim)  # rows start near length 1
        shape = (num_classes, embedding_dim) if centres is None else (num_classes, centres, embedding_dim)
        self.prototypes = nn.Parameter(torch.empty(shape).uniform_(-bound, bound))
        if row.logistic is not None:
            first = row.logistic.bias(num_classes, scale, *schedule.values)
            self.bias = nn.Parameter(torch.tensor(first))
        self.rule = row.make_rule(num_classes, form)
        self._advanced = False
        self._first_version: int | None = None
        self.register_buffer("progress", torch.ones((), dtype=torch.float64))

    def forward(self, embeddings: Tensor, labels: Tensor, weights: Tensor | None = None) -> HeadResult:
        """Compute the loss of a batch.

        Args:
            embeddings: Raw embeddings (N, d), any length but zero, not normalised.
            labels: Class of each, (N,), int64 in [0, C).
            weights: What each sample's loss is multiplied by before the mean over N, (N,), not negative; None
                is 1. Penalties are not weighed.

        Raises:
            ConfigurationError: If shapes, dtypes or labels do not fit, or an embedding is not finite or zero;
                the message says which.
        """
        if self.training and not self._advanced and torch.is_grad_enabled():
            self._look_out_for_a_loop()
        with without_autocast(embeddings):
            seen = self._look(embeddings, labels, weights, remember=self.training)
            per_sample = self._per_sample(seen)
            loss = (per_sample if weights is None else per_sample * weights.to(per_sample)).mean()
            if self.loss_weight is not None:
                fixed = self.kind != "nfn" and not self.row.own_scale
                loss = loss * (self.loss_weight / (self.scale if fixed else 1.0))
            loss = loss + self.radius_weight * radius_penalty(self.kind, seen.norm, self.scale)
            if seen.penalty is not None:
                loss = loss + seen.penalty
            return HeadResult(loss, per_sample.detach(), seen.theta.detach())

    def _look_out_for_a_loop(self) -> None:
        """Remind a loop, and nobody who only looks at a loss, of ``advance``: its prototypes have been stepped."""
        version = self.prototypes._version
        if self._first_version is None:
            self._first_version = version
        elif version != self._first_version:
            self._advanced = True  # it is said once
            remind(self.schedule, self.annealing, projected=self._lengths == "projected")

    def losses(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of each sample, (N,), to be differentiated by whoever asks; nothing remembered changes.

        Arguments and errors are those of ``forward``; penalties and ``loss_weight`` are not in it.
        """
        with without_autocast(embeddings):
            return self._per_sample(self._look(embeddings, labels, remember=False))

    def logits(self, embeddings: Tensor, labels: Tensor, *, differentiable: bool = False) -> Tensor:
        """Return the logits with margin (N, C), bias included; nothing the loss remembers changes.

        Args:
            embeddings: As for ``forward``.
            labels: As for ``forward``.
            differentiable: Keep the graph; else the logits are for looking at.

        Raises:
            ConfigurationError: As ``forward``, and if the head is fused and the graph is asked for.
        """
        if differentiable and self.implementation != "reference":
            raise ConfigurationError(
                "logits of the fused head cannot be differentiated, for it never has them all: build the head "
                "with implementation='reference'"
            )
        with without_autocast(embeddings), torch.set_grad_enabled(differentiable):
            seen = self._look(embeddings, labels, remember=False)
            return dense_logits(seen.others).scatter(1, labels[:, None], seen.own[:, None])

    def cosines(self, embeddings: Tensor) -> Tensor:
        """Return the cosine of every embedding to every class, (N, C), without margin, scale or bias.

        To the nearest centre where a class has several. The row's highest is the class that the head would name.

        Args:
            embeddings: Raw embeddings (N, d), any length but zero.

        Raises:
            ConfigurationError: If the shape does not fit, or an embedding is not finite or zero.
        """
        return cosines(embeddings, self.prototypes)

    @torch.no_grad()
    def advance(self, progress: float) -> None:
        """Move the schedules to this share of the run, and project the prototypes if they are ``projected``.

        A training loop calls it before every step.

        Raises:
            ConfigurationError: If ``progress`` is not in [0, 1].
        """
        check_number("progress", progress, 0.0, 1.0)
        self._advanced = True
        self.progress.fill_(float(progress))
        if self._lengths == "projected":
            wide = torch.promote_types(self.prototypes.dtype, torch.float32)
            self.prototypes.copy_(unit(self.prototypes.to(wide)))

    def schedule_state(self) -> dict[str, float]:
        """Return for the journal what moves: scheduled numbers, lambda, what a rule remembers, the bias."""
        values = dict(zip(self.row.settings, self._values(), strict=True))
        state = {name: value for name, value in values.items() if name in self.row.neutral or name == "margin"}
        if self.annealing is not None:
            state["lambda"] = self.annealing(float(self.progress))
        for name, buffer in self.rule.named_buffers():
            state[name] = float(buffer)
        if self.row.logistic is not None:
            state["bias"] = float(self.bias.detach())
        return state

    @torch.no_grad()
    def chance_loss(self) -> float:
        """Return ``per_sample`` of a network that knows nothing: embeddings at 90 degrees to every prototype.

        ln C without a margin at present, and where the length of the embedding decides: a network that gives up
        lets it shrink, and ln C is what remains.
        """
        classes = self.prototypes.shape[0]
        if self.row.logistic is None and (self.kind != "hfn" or not self.row.unit_prototypes):
            return math.log(classes)
        values, bias = self._values(), 0.0 if self.row.logistic is None else float(self.bias)
        annealing = 0.0 if self.annealing is None else self.annealing(float(self.progress))
        return chance(self.row, self.rule, classes, self.scale, values, annealing, bias)

    def extra_repr(self) -> str:
        """Return name, sizes, scale and settings, for ``print``."""
        numbers = dict(zip(self.row.settings, self.schedule.values, strict=True))
        words = {
            "classes": self.prototypes.shape[0],
            "embedding_dim": self.prototypes.shape[-1],
            "radius": self.kind,
            "scale": "own" if self.row.own_scale else self.scale if self.kind != "nfn" else None,
            **numbers,
            "gradient": self.gradient,
            "implementation": self.implementation,
        }
        told = (f"{key}={value}" for key, value in words.items() if value is not None)
        return ", ".join([self.row.title, *told])

    @property
    def _lengths(self) -> Lengths:
        return self.prototype_mode if self.row.unit_prototypes else "free"

    def _look(self, embeddings: Tensor, labels: Tensor, weights: Tensor | None = None, *, remember: bool) -> Seen:
        """See the batch from the prototypes: the own logits, and what is to be asked of all other classes.

        Every logit is rho (cos theta_j + Delta_j), where Delta is what the loss adds to the plain cosine:
        psi - cos for the own class, eta - cos for the others. Detached mode is this with Delta held
        constant in theta, and a neutral margin makes Delta 0 to rounding.
        """
        classes, width = self.prototypes.shape[0], self.prototypes.shape[-1]
        x, norm = wide_batch(embeddings, labels, classes, width, self.prototypes)
        check_weights(weights, len(x))  # before a loss remembers anything of the batch
        u: Tensor = unit(x)
        prototypes = self.prototypes.to(x.dtype)
        if self.implementation == "reference":
            rows = prototypes.index_select(0, labels)
        else:
            rows, prototypes = own_rows(prototypes, labels)
        if rows.ndim == 3:
            rows = nearest(u, rows)
        own_direction = directions(rows, self._lengths)
        full = self.gradient == "full"
        with torch.set_grad_enabled(torch.is_grad_enabled() and full):
            theta: Tensor = angle(x, own_direction)
        others = partial(
            Others,
            u=u,
            prototypes=prototypes,
            labels=labels,
            slope=full,
            lengths=self._lengths,
        )
        terms: Terms = self.rule(
            Sample(
                theta=theta,
                norm=norm,
                labels=labels,
                directions=lambda: shown(prototypes, labels, own_direction),
                others_at=lambda scale: self._rest(
                    others(rho=scale.to(norm).expand_as(norm), eta=None, logistic=False)
                ),
                values=self._values(),
                training=remember,
            )
        )
        rho = terms.radius if terms.radius is not None else radius(self.kind, norm, self.scale)
        own_delta = terms.own - torch.cos(theta)
        annealing = 0.0 if self.annealing is None else self.annealing(float(self.progress))
        free = self._lengths == "free"
        size = length(rows) if free else torch.ones_like(norm)
        own = rho * ((u * (rows if free else own_direction)).sum(dim=1) + size * own_delta / (1.0 + annealing))
        if self.gradient == "normalised":
            own = normalised_target(own, x, own_direction, theta, terms.own, self._values()[0], annealing)
        bias = None if self.row.logistic is None else self.bias.to(x.dtype)
        if bias is not None:
            own = own + bias
        against = others(rho=rho, eta=terms.others, logistic=bias is not None, bias=bias)
        return Seen(own, against, theta, norm, terms.penalty)

    def _per_sample(self, seen: Seen) -> Tensor:
        """Return each sample's loss, (N,)."""
        rest = self._rest(seen.others)
        if self.row.logistic is None:
            return softplus(rest - seen.own)  # log(e^own + e^rest) - own
        values = self._values()
        return self.row.logistic.own(*values) * softplus(-seen.own) + self.row.logistic.others(*values) * rest

    def _rest(self, others: Others) -> Tensor:
        """Ask the implementation for what the other classes contribute, (N,)."""
        if self.implementation == "reference":
            return dense(others)
        return fused(others, choose_precision(self.precision, others.u.device), self.memory_budget, self._memory)

    def _values(self) -> tuple[float, ...]:
        return self.schedule(float(self.progress))
