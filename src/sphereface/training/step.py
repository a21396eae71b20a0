"""One step of training, from pictures to changed weights: what the loop does, and what a rehearsal measures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sphereface.heads import Head, HeadResult
from sphereface.training.guard import require_finite


@dataclass(frozen=True)
class Step:
    """What a step leaves behind beside the weights.

    Attributes:
        result: What the head returned.
        terms: Values of the regularizers, in their order, with their graph.
        loss: Of head and regularizers together.
        norm: Length of the gradient of backbone and head before it was clipped.
    """

    result: HeadResult
    terms: Sequence[Tensor]
    loss: float
    norm: float


def take_step(
    number: int,
    backbone: nn.Module,
    head: Head,
    regularizers: nn.ModuleList,
    optimiser: torch.optim.Optimizer,
    images: Tensor,
    labels: Tensor,
    levels: Tensor,
    *,
    precision: torch.dtype,
    clip_norm: float | None,
) -> Step:
    """Forward, backward, clip, change the weights.

    Args:
        number: Of the step, for what is said if a number is not finite.
        backbone: Images to raw embeddings.
        head: Embeddings to a loss.
        regularizers: Terms added to it.
        optimiser: Of all of their parameters.
        images: As the network takes them, (N, 3, H, W).
        labels: Shape (N,), int64.
        levels: How strongly each picture was degraded on purpose, (N,).
        precision: Format of the backbone's products.
        clip_norm: Largest norm of the gradient of backbone and head, or None. What regularizers learn beside them,
            such as the centres of ``center``, takes its own published step and is not clipped.

    Raises:
        NonFiniteLossError: If a number is not finite; the weights have not taken it in.
    """
    with torch.autocast(images.device.type, dtype=precision, enabled=precision is torch.bfloat16):
        embeddings = backbone(images)
    lengths = torch.linalg.vector_norm(embeddings.detach().float(), dim=1)
    require_finite(number, float(lengths.amax()), images, backbone, head, embeddings)
    result: HeadResult = head(embeddings, labels)
    terms = [term(embeddings, labels, levels) for term in regularizers]
    objective = sum(terms, start=result.loss)
    loss = float(objective.detach())
    require_finite(number, loss, images, backbone, head, embeddings, regularizers)

    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(objective)
    # With no bound this only measures: a gradient that is not finite must not reach the weights.
    bound = math.inf if clip_norm is None else clip_norm
    norm = float(torch.nn.utils.clip_grad_norm_([*backbone.parameters(), *head.parameters()], bound))
    rest = sum(float(value.grad.abs().amax()) for value in regularizers.parameters() if value.grad is not None)
    require_finite(number, norm + rest, images, backbone, head, embeddings, regularizers)
    optimiser.step()
    return Step(result, terms, loss, norm)
