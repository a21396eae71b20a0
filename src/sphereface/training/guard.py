"""When the loss is not finite: find the first bad tensor and say what to try."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from sphereface.errors import NonFiniteLossError


def explain_non_finite(
    step: int,
    images: Tensor,
    backbone: nn.Module,
    head: nn.Module,
    embeddings: Tensor,
    regularizers: nn.Module | None = None,
) -> str:
    """Return the sentence for a non-finite loss at ``step``: where it began and what to try."""
    learned = [("backbone", backbone), ("head", head)]
    learned += [] if regularizers is None else [("regularizer", regularizers)]
    candidates = [("the images of the batch", images)]
    for whose, module in learned:
        candidates += [(f"{whose} parameter '{name}'", value) for name, value in module.named_parameters()]
    candidates += [(f"backbone statistic '{name}'", value) for name, value in backbone.named_buffers()]
    candidates += [("the embeddings", embeddings)]
    candidates += [
        (f"the gradient of {whose} parameter '{name}'", value.grad)
        for whose, module in learned
        for name, value in module.named_parameters()
        if value.grad is not None
    ]
    for name, value in candidates:
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            place = f"the first tensor that is not finite is {name}"
            break
    else:
        place = "all weights and embeddings are finite, so it arose in the loss itself"
    return (
        f"the loss at step {step} is not a finite number: {place}. Try a lower optimiser.learning_rate, "
        "optimiser.clip_norm = 5, a smaller scale or margin, or training.precision = 'float32'"
    )


def require_finite(
    step: int,
    value: float,
    images: Tensor,
    backbone: nn.Module,
    head: nn.Module,
    embeddings: Tensor,
    regularizers: nn.Module | None = None,
) -> None:
    """Stop the run at a loss or a norm of the gradient that is not finite, before the weights take it in.

    Raises:
        NonFiniteLossError: Naming the first bad tensor and what to try.
    """
    if not math.isfinite(value):
        raise NonFiniteLossError(explain_non_finite(step, images, backbone, head, embeddings, regularizers))
