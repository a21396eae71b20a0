"""Backbones: an aligned image batch (N, 3, H, W) to a raw embedding (N, d). None of them normalises."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sphereface.backbones import sfnet
from sphereface.errors import ConfigurationError, nearest

if TYPE_CHECKING:
    from torch import nn

BACKBONES: dict[str, Callable[..., nn.Module]] = {
    "sfnet4": sfnet.sfnet4,
    "sfnet10": sfnet.sfnet10,
    "sfnet20": sfnet.sfnet20,
    "sfnet36": sfnet.sfnet36,
    "sfnet64": sfnet.sfnet64,
}


def build_backbone(name: str, **settings: Any) -> nn.Module:
    """Build a backbone from its name and settings.

    Args:
        name: A key of ``BACKBONES``.
        **settings: ``embedding_dim``, ``size`` (``"112x112"`` or ``"112x96"``) and what the network
            itself takes, such as ``batch_norm``.

    Raises:
        ConfigurationError: For an unknown name or setting; the message names the nearest known one.

    >>> build_backbone("sfnet4", embedding_dim=8).embedding
    Linear(in_features=21504, out_features=8, bias=True)
    """
    if name not in BACKBONES:
        raise ConfigurationError(
            f"unknown backbone '{name}'.{nearest(name, BACKBONES)} Known: {', '.join(BACKBONES)}"
        )
    known = inspect.signature(BACKBONES[name]).parameters
    for key in settings:
        if key not in known:
            raise ConfigurationError(
                f"backbone '{name}' has no setting '{key}'.{nearest(key, known)} Known: {', '.join(known)}"
            )
    return BACKBONES[name](**settings)
