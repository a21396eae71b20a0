"""Refuse a bad setting or batch before it becomes a wrong number: argument, value, accepted range."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sphereface.errors import ConfigurationError


def check_batch(embeddings: Tensor, labels: Tensor, num_classes: int, embedding_dim: int) -> None:
    """Check that a batch fits a head of ``num_classes`` prototypes of ``embedding_dim``.

    Raises:
        ConfigurationError: Naming the argument, its value and the accepted range.
    """
    if embeddings.ndim != 2 or embeddings.shape[1] != embedding_dim:
        raise ConfigurationError(f"embeddings must have shape (N, {embedding_dim}), not {tuple(embeddings.shape)}")
    if not embeddings.is_floating_point():
        raise ConfigurationError(f"embeddings must be floating point, not {embeddings.dtype}")
    if labels.shape != embeddings.shape[:1]:
        raise ConfigurationError(
            f"labels must have shape ({embeddings.shape[0]},), one per embedding, not {tuple(labels.shape)}"
        )
    if labels.dtype != torch.int64:
        raise ConfigurationError(f"labels must be int64, not {labels.dtype}: call labels.long()")
    if labels.numel() == 0:
        raise ConfigurationError("the batch is empty: a loss needs at least one embedding")
    low, high = (int(bound) for bound in torch.aminmax(labels))
    if low < 0 or high >= num_classes:
        wrong = low if low < 0 else high
        raise ConfigurationError(f"labels must lie in [0, {num_classes}), but one of them is {wrong}")


def check_sizes(num_classes: int, embedding_dim: int) -> None:
    """Check the two sizes that every head needs.

    Raises:
        ConfigurationError: If there are fewer than two classes or two dimensions.
    """
    sizes: dict[str, object] = {"num_classes": num_classes, "embedding_dim": embedding_dim}
    for name, value in sizes.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 2:
            raise ConfigurationError(f"{name} must be a whole number of 2 or more, not {value!r}")


def check_number(name: str, value: float, low: float, high: float, *, above: bool = False) -> None:
    """Check that a setting is a finite number in [low, high], or (low, high] with ``above``.

    Raises:
        ConfigurationError: Naming the setting, its value and the range.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not number or value > high or value < low or (above and value == low):
        opening = "(" if above else "["
        raise ConfigurationError(f"{name} must be a number in {opening}{low:g}, {high:g}], not {value!r}")


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Check that a setting is one of a few words.

    Raises:
        ConfigurationError: Naming the setting, its value and the choices.
    """
    if value not in choices:
        raise ConfigurationError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
