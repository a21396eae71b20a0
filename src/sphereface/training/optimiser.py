"""The optimiser: what moves the weights, and what it keeps of every parameter from step to step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn

from sphereface.training.recipe import Optimiser, Recipe

_KEPT: Final = {"momentum_buffer": "velocity", "exp_avg": "mean", "exp_avg_sq": "square", "step": "updates"}
"""What torch calls a parameter's state, and what a snapshot does: files outlive the names of a library."""


def build_optimiser(recipe: Recipe, *parts: nn.Module) -> torch.optim.Optimizer:
    """Build SGD or AdamW; vectors (biases, slopes, norms) are not decayed, as in SphereFace's solver."""
    settings = recipe.optimiser
    parameters = [parameter for part in parts for parameter in part.parameters()]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if settings.name == "adamw":
        return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(settings.momentum, settings.beta2))
    return torch.optim.SGD(groups, lr=settings.learning_rate, momentum=settings.momentum)


def copies(settings: Optimiser) -> int:
    """Return how many tensors of a parameter's size the optimiser keeps of it.

    >>> copies(Optimiser(name="sgd")), copies(Optimiser(name="sgd", momentum=0.0)), copies(Optimiser(name="adamw"))
    (1, 0, 2)
    """
    return 2 if settings.name == "adamw" else int(settings.momentum > 0.0)


def kept(optimiser: torch.optim.Optimizer, name: str, parameter: nn.Parameter) -> dict[str, Tensor]:
    """Return what the optimiser keeps of a parameter, as ``velocity.NAME``; nothing before its first gradient."""
    state = optimiser.state.get(parameter, {})
    return {f"{word}.{name}": state[key] for key, word in _KEPT.items() if state.get(key) is not None}


def put_back(
    optimiser: torch.optim.Optimizer, name: str, parameter: nn.Parameter, tensors: Mapping[str, Tensor]
) -> None:
    """Let the optimiser go on with what :func:`kept` returned, which is among the tensors."""
    for key, word in _KEPT.items():
        value = tensors.get(f"{word}.{name}")
        if value is not None:
            # Laid out in memory as the parameter is, so that a resumed step does the very same arithmetic. The
            # number of updates is one number, which torch keeps on the processor.
            like = value if word == "updates" else parameter
            optimiser.state[parameter][key] = torch.empty_like(like).copy_(value)
