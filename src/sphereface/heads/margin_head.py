"""MarginHead: prototypes + margin + radius + gradient mode + link = every large-margin loss with prototypes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from sphereface.heads.checks import check_batch, check_embeddings, check_number
from sphereface.heads.link import cross_entropy, one_against_all, softplus
from sphereface.heads.normalised import normalised_target
from sphereface.heads.radius import Radius, radius, radius_penalty
from sphereface.heads.row import Row, Sample, Terms
from sphereface.heads.schedule import LambdaAnnealing, MarginSchedule
from sphereface.sphere.geometry import angle, length, unit

_CHANCES = 256  # samples behind the chance level; an even number

Gradient = Literal["full", "detached", "normalised"]
Prototypes = Literal["reparametrised", "projected"]


@dataclass(frozen=True)
class HeadResult:
    """What a head returns.

    Attributes:
        loss: Scalar to minimise.
        per_sample: Loss of each sample without penalties, (N,), detached.
        target_angle: Angle of each embedding to its own prototype in radians, (N,), detached.
    """

    loss: Tensor
    per_sample: Tensor
    target_angle: Tensor

    @property
    def target_cosine(self) -> Tensor:
        """Cosine of each embedding to its own prototype, (N,)."""
        return torch.cos(self.target_angle)


class MarginHead(nn.Module):
    """A loss over rho psi(theta_y) and rho eta(theta_j); built by ``build_head``.

    The loss is always computed in float32 or wider, whatever autocast says.

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
    ) -> None:
        super().__init__()
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
        self.register_buffer("progress", torch.ones((), dtype=torch.float64))

    def forward(self, embeddings: Tensor, labels: Tensor) -> HeadResult:
        """Compute the loss of a batch.

        Args:
            embeddings: Raw embeddings (N, d), any length but zero, not normalised.
            labels: Class of each, (N,), int64 in [0, C).

        Raises:
            ConfigurationError: If shapes, dtypes or labels do not fit, or an embedding is not finite or zero;
                the message says which.
        """
        check_batch(embeddings, labels, self.prototypes.shape[0], self.prototypes.shape[-1])
        with torch.autocast(embeddings.device.type, enabled=False):
            wide = self._wide(embeddings)
            return self._loss(embeddings.to(wide), self.prototypes.to(wide), labels)

    @torch.no_grad()
    def logits(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the logits with margin (N, C), bias included, for looking at; nothing the loss remembers changes.

        Arguments and errors are those of ``forward``.
        """
        check_batch(embeddings, labels, self.prototypes.shape[0], self.prototypes.shape[-1])
        with torch.autocast(embeddings.device.type, enabled=False):
            wide = self._wide(embeddings)
            x = embeddings.to(wide)
            norm: Tensor = length(x)
            check_embeddings(x, norm)
            return self._logits(x, norm, self.prototypes.to(wide), labels, remember=False)[0]

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
        lets it shrink, and ln C is what remains. Averaged over angles on both sides of 90 degrees, for a form of
        psi may jump there and a margin may be drawn.
        """
        classes, flat = self.prototypes.shape[0], self.prototypes.flatten(0, -2)[:1].float()
        if self.row.logistic is None and (self.kind != "hfn" or not self.row.unit_prototypes):
            return math.log(classes)
        sides = torch.tensor([-1e-3, 1e-3], device=flat.device).repeat(_CHANCES // 2)
        sample = Sample(
            theta=math.pi / 2.0 + sides,
            norm=torch.full_like(sides, self.scale),
            labels=torch.zeros(_CHANCES, dtype=torch.int64, device=flat.device),
            directions=flat,
            cosine=flat.new_zeros(_CHANCES, 2),
            values=self._values(),
            training=False,
        )
        terms: Terms = self.rule(sample)
        annealing = 0.0 if self.annealing is None else self.annealing(float(self.progress))
        rho = terms.radius if terms.radius is not None else torch.full_like(sides, self.scale)
        own = rho * terms.own / (1.0 + annealing)
        eta = torch.zeros_like(sides)[:, None]
        other = rho * (eta if terms.others is None else terms.others(eta))[:, 0]
        logistic = self.row.logistic
        if logistic is None:
            return float(softplus(other - own + math.log(classes - 1)).mean())
        bias, values = self.bias.to(own), self._values()
        at_own, at_others = softplus(-own - bias), softplus(other + bias)
        return float(
            (logistic.own(*values) * at_own + (classes - 1) * logistic.others(*values) * at_others).mean()
        )

    def _wide(self, embeddings: Tensor) -> torch.dtype:
        """Return the format the loss is computed in: float32 or wider."""
        return torch.promote_types(torch.promote_types(embeddings.dtype, self.prototypes.dtype), torch.float32)

    @property
    def _projects(self) -> bool:
        """Whether prototypes are kept at length 1 by projection; free ones have nothing to keep."""
        return self.prototype_mode == "projected" and self.row.unit_prototypes

    def _directions(self, prototypes: Tensor) -> Tensor:
        """Return the prototypes at length 1, in their own shape."""
        if not self._projects:
            directions: Tensor = unit(prototypes)
            return directions
        # Held constant, the length divides the gradient without projecting it; on projected prototypes
        # it is 1 anyway.
        norm: Tensor = length(prototypes.detach(), keepdims=True)
        return prototypes / torch.where(norm > 0, norm, torch.ones_like(norm))

    def _loss(self, x: Tensor, prototypes: Tensor, labels: Tensor) -> HeadResult:
        norm: Tensor = length(x)
        check_embeddings(x, norm)
        logits, terms, theta = self._logits(x, norm, prototypes, labels, remember=self.training)
        logistic = self.row.logistic
        if logistic is None:
            per_sample = cross_entropy(logits, labels)
        else:
            values = self._values()
            per_sample = one_against_all(logits, labels, logistic.own(*values), logistic.others(*values))
        loss = per_sample.mean()
        if self.loss_weight is not None:
            fixed = self.kind != "nfn" and not self.row.own_scale
            loss = loss * (self.loss_weight / (self.scale if fixed else 1.0))
        loss = loss + self.radius_weight * radius_penalty(self.kind, norm, self.scale)
        if terms.penalty is not None:
            loss = loss + terms.penalty
        return HeadResult(loss, per_sample.detach(), theta.detach())

    def _logits(
        self, x: Tensor, norm: Tensor, prototypes: Tensor, labels: Tensor, *, remember: bool
    ) -> tuple[Tensor, Terms, Tensor]:
        """Return the logits (N, C), bias included, the loss's terms and the own-class angles (N,).

        Every logit is rho (cos theta_j + Delta_j), where Delta is what the loss adds to the plain cosine:
        psi - cos for the own class, eta - cos for the others. Detached mode is this with Delta held
        constant in theta, and a neutral margin makes Delta 0 to rounding.
        """
        directions = self._directions(prototypes)
        cosine, own_direction = _seen(unit(x), directions, labels)
        full = self.gradient == "full"
        with torch.set_grad_enabled(torch.is_grad_enabled() and full):
            theta: Tensor = angle(x, own_direction)
        terms: Terms = self.rule(
            Sample(
                theta=theta,
                norm=norm,
                labels=labels,
                directions=directions.flatten(0, -2),
                cosine=cosine.detach(),
                values=self._values(),
                training=remember,
            )
        )
        own_delta = terms.own - torch.cos(theta)
        annealing = None if self.annealing is None else self.annealing(float(self.progress))
        if annealing is not None:
            own_delta = own_delta / (1.0 + annealing)
        if terms.others is None:
            values = cosine.scatter_add(1, labels[:, None], own_delta[:, None])
        else:
            seen = cosine if full else cosine.detach()
            values = cosine + (terms.others(seen) - seen).scatter(1, labels[:, None], own_delta[:, None])
        rho = terms.radius if terms.radius is not None else radius(self.kind, norm, self.scale)
        logits = values * rho[:, None]
        if not self.row.unit_prototypes:
            logits = logits * length(prototypes)
        if self.gradient == "normalised":
            own = logits.gather(1, labels[:, None])[:, 0]
            margin = self._values()[0]
            own = normalised_target(own, x, own_direction, theta, terms.own, margin, annealing or 0.0)
            logits = logits.scatter(1, labels[:, None], own[:, None])
        if self.row.logistic is not None:
            logits = logits + self.bias.to(logits)
        return logits, terms, theta

    def _values(self) -> tuple[float, ...]:
        return self.schedule(float(self.progress))


def _seen(u: Tensor, directions: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return cosines (N, C) and own directions (N, d); of several centres a class, the nearest.

    Rows are taken by ``index_select``: the backward pass of ``directions[labels]`` adds up equal labels in the
    order of the threads, and a resumed run would not repeat its bits.
    """
    if directions.ndim == 2:
        return u @ directions.T, directions.index_select(0, labels)
    classes, centres, _ = directions.shape
    flat = directions.flatten(0, 1)
    every = (u @ flat.T).reshape(len(u), classes, centres)
    cosine = every.amax(dim=2)  # where two centres are equally near, the gradient is shared between them
    nearest = every.detach()[torch.arange(len(u), device=u.device), labels].argmax(dim=1)
    return cosine, flat.index_select(0, labels * centres + nearest)
