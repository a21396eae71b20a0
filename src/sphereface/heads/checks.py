"""Refuse a bad setting or batch before it becomes a wrong number: argument, value, accepted range."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import TypeGuard

import torch
from torch import Tensor

from sphereface.errors import ConfigurationError
from sphereface.heads.row import Row, Setting


def check_tensor(name: str, value: object) -> None:
    """Check that this is a tensor and not an array.

    Raises:
        ConfigurationError: Naming what it is instead.
    """
    if not isinstance(value, Tensor):
        raise ConfigurationError(f"{name} must be a torch tensor, not {type(value).__name__}")


def check_shape(embeddings: Tensor, embedding_dim: int) -> None:
    """Check that these are embeddings of ``embedding_dim`` numbers.

    Raises:
        ConfigurationError: Naming what they are instead.
    """
    check_tensor("embeddings", embeddings)
    if embeddings.ndim != 2 or embeddings.shape[1] != embedding_dim:
        raise ConfigurationError(f"embeddings must have shape (N, {embedding_dim}), not {tuple(embeddings.shape)}")
    if not embeddings.is_floating_point():
        raise ConfigurationError(f"embeddings must be floating point, not {embeddings.dtype}")


def check_batch(embeddings: Tensor, labels: Tensor, num_classes: int, embedding_dim: int) -> None:
    """Check that a batch fits a head of ``num_classes`` prototypes of ``embedding_dim``.

    Raises:
        ConfigurationError: Naming the argument, its value and the accepted range.
    """
    check_shape(embeddings, embedding_dim)
    check_tensor("labels", labels)
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


def check_weights(weights: Tensor | None, count: int) -> None:
    """Check the weights of the samples.

    Raises:
        ConfigurationError: Naming what is wrong with them.
    """
    if weights is None:
        return
    if weights.shape != (count,) or not weights.is_floating_point():
        raise ConfigurationError(
            f"weights must be floating point of shape ({count},), one per embedding, not {weights.dtype} of "
            f"shape {tuple(weights.shape)}"
        )
    if not bool((torch.isfinite(weights) & (weights >= 0)).all()):
        raise ConfigurationError("weights must be finite and not negative")


def check_embeddings(embeddings: Tensor, norm: Tensor) -> None:
    """Check that every embedding has a direction.

    Args:
        embeddings: Shape (N, d).
        norm: Their lengths, (N,).

    Raises:
        ConfigurationError: If one is NaN, infinite or zero; the message says which.
    """
    wrong = ~(torch.isfinite(norm) & (norm > 0))
    if bool(wrong.any()):
        row = int(wrong.nonzero()[0, 0])
        what = "is the zero vector, which has no direction"
        if not bool(torch.isfinite(embeddings[row]).all()):
            what = "holds NaN or infinity"
        elif float(norm[row].detach()) != 0.0:
            what = f"has a length of {float(norm[row].detach()):g}, beyond the range of {embeddings.dtype}"
        raise ConfigurationError(
            f"embeddings must be finite and of a length above 0, but number {row} of {len(norm)} {what}"
        )


def check_sizes(num_classes: int, embedding_dim: int) -> None:
    """Check the two sizes that every head needs.

    Raises:
        ConfigurationError: If there are fewer than two classes or two dimensions.
    """
    sizes: dict[str, object] = {"num_classes": num_classes, "embedding_dim": embedding_dim}
    for name, value in sizes.items():
        if not is_whole(value) or value < 2:
            raise ConfigurationError(f"{name} must be a whole number of 2 or more, not {value!r}")


def is_whole(value: object) -> TypeGuard[int]:
    """Say whether this is a whole number, also one of numpy's."""
    return not isinstance(value, bool) and isinstance(value, Integral)


def is_number(value: object) -> TypeGuard[float]:
    """Say whether this is a number, also one of numpy's, and not NaN."""
    return not isinstance(value, bool) and isinstance(value, Real) and value == value


def check_number(name: str, value: float, low: float, high: float, *, above: bool = False) -> None:
    """Check that a setting is a finite number in [low, high], or (low, high] with ``above``.

    Raises:
        ConfigurationError: Naming the setting, its value and the range.
    """
    if not is_number(value) or value > high or value < low or (above and value == low):
        opening = "(" if above else "["
        raise ConfigurationError(f"{name} must be a number in {opening}{low:g}, {high:g}], not {value!r}")


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Check that a setting is one of a few words.

    Raises:
        ConfigurationError: Naming the setting, its value and the choices.
    """
    if value not in choices:
        raise ConfigurationError(f"{name} must be one of {', '.join(choices)}, not {value!r}")


def check_setting(name: str, value: object, setting: Setting) -> None:
    """Check a loss's own number against its range.

    Raises:
        ConfigurationError: Naming the setting, its value and the range.
    """
    check_number(name, value, setting.low, setting.high, above=setting.above)  # type: ignore[arg-type]
    if setting.whole and value != int(value):  # type: ignore[call-overload]
        raise ConfigurationError(f"{name} must be a whole number for this head, not {value!r}")


def check_together(row: Row, values: tuple[float, ...]) -> None:
    """Check that a loss's numbers fit each other.

    Raises:
        ConfigurationError: Saying which do not, and why.
    """
    complaint = "" if row.complaint is None else row.complaint(*values)
    if complaint:
        given = ", ".join(f"{key} = {value:g}" for key, value in zip(row.settings, values, strict=True))
        raise ConfigurationError(f"{given} do not fit together: {complaint}")


def check_steps(name: str, steps: Sequence[float]) -> tuple[float, ...]:
    """Check and return shares of a run below 1, each above the one before.

    Raises:
        ConfigurationError: Naming the setting and its value.
    """
    listed = isinstance(steps, list | tuple) and all(is_number(step) for step in steps)
    shares = tuple(float(step) for step in steps) if listed else (math.nan,)
    rising = all(earlier < later for earlier, later in itertools.pairwise(shares))
    if not rising or not all(0.0 <= share < 1.0 for share in shares):
        raise ConfigurationError(f"{name} must be rising numbers in [0, 1), not {steps!r}")
    return shares
