"""Backbones: an aligned image batch (N, 3, H, W) to a raw embedding (N, d). None of them normalises.

:func:`register_backbone` adds one from outside for one process; a package adds one for every process, the command
line included, with an entry point in the group ``sphereface.backbones``.
"""

from __future__ import annotations

import importlib.metadata
import inspect
from collections.abc import Callable
from typing import Any

from torch import nn

from sphereface.backbones import sfnet
from sphereface.errors import ConfigurationError, nearest

ENTRY_POINTS = "sphereface.backbones"

BACKBONES: dict[str, Callable[..., nn.Module]] = {
    "sfnet4": sfnet.sfnet4,
    "sfnet10": sfnet.sfnet10,
    "sfnet20": sfnet.sfnet20,
    "sfnet36": sfnet.sfnet36,
    "sfnet64": sfnet.sfnet64,
}

_ASKED = ("embedding_dim", "size")


def build_backbone(name: str, **settings: Any) -> nn.Module:
    """Build a backbone from its name and settings.

    Args:
        name: A key of ``BACKBONES``, or of an entry point of the group ``sphereface.backbones``.
        **settings: ``embedding_dim``, ``size`` (``"112x112"`` or ``"112x96"``) and what the network
            itself takes, such as ``batch_norm``.

    Raises:
        ConfigurationError: For an unknown name or setting; the message names the nearest known one. Also for a
            network that could not be saved and loaded again.

    >>> build_backbone("sfnet4", embedding_dim=8).embedding
    Linear(in_features=21504, out_features=8, bias=True)
    """
    build = _builder(name)
    known = _settings_of(build)
    for key in settings:
        if known is not None and key not in known:
            raise ConfigurationError(
                f"backbone '{name}' has no setting '{key}'.{nearest(key, known)} Known: {', '.join(known)}"
            )
    network = build(**settings)
    if not isinstance(network, nn.Module):
        raise ConfigurationError(f"backbone '{name}' is not a torch.nn.Module but {type(network).__name__}")
    _check_it_can_be_saved(name, network)
    return network


def register_backbone(name: str, build: Callable[..., nn.Module]) -> None:
    """Add a network of your own, for this process: ``build_backbone``, recipes and models know it from then on.

    A model folder holds the weights, the name and the settings, and no code: whoever loads it has to register
    the same network under the same name before.

    Args:
        name: What it is called, not yet taken.
        build: Called with the keywords ``embedding_dim``, ``size`` and the recipe's ``backbone.settings``; returns
            a module that takes (N, 3, H, W) to raw embeddings (N, ``embedding_dim``). It is also called on torch's
            meta device, to look at shapes.

    Raises:
        ConfigurationError: If the name is taken, or ``build`` does not take these keywords.

    >>> def tiny(embedding_dim=64, size="112x96"):
    ...     pooled = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten())
    ...     return nn.Sequential(pooled, nn.Linear(48, embedding_dim), nn.BatchNorm1d(embedding_dim))
    >>> register_backbone("tiny", tiny)
    >>> build_backbone("tiny", embedding_dim=8)[1]
    Linear(in_features=48, out_features=8, bias=True)
    >>> _ = BACKBONES.pop("tiny")
    """
    if not name or name in BACKBONES:
        raise ConfigurationError(f"a backbone needs a name that is not taken, not '{name}'")
    if not callable(build):
        raise ConfigurationError(
            f"backbone '{name}' must be a function that builds a network, not {type(build).__name__}"
        )
    known = _settings_of(build)
    missing = [] if known is None else [key for key in _ASKED if key not in known]
    if missing:
        raise ConfigurationError(
            f"the function that builds backbone '{name}' must take the keyword {' and '.join(missing)}"
        )
    BACKBONES[name] = build


def _check_it_can_be_saved(name: str, network: nn.Module) -> None:
    lost = {key for key, _ in network.named_buffers()} - {*network.state_dict()}
    if lost:
        raise ConfigurationError(
            f"backbone '{name}' has a buffer that is not saved with it: '{min(lost)}'; "
            "register it with persistent=True, or compute it in forward"
        )
    shared = {key for key, _ in network.named_parameters(remove_duplicate=False)}
    shared -= {key for key, _ in network.named_parameters()}
    if shared:
        raise ConfigurationError(
            f"backbone '{name}' has one weight under two names, '{min(shared)}' and another; a model file holds "
            "each once: use the same module twice in forward, under one name"
        )


def _builder(name: str) -> Callable[..., nn.Module]:
    """Return what builds a backbone; a package's own is loaded and registered when it is asked for."""
    if name not in BACKBONES:
        for point in importlib.metadata.entry_points(group=ENTRY_POINTS, name=name):
            try:
                build = point.load()
            except (ImportError, AttributeError) as error:
                raise ConfigurationError(f"backbone '{name}' ({point.value}) cannot be loaded: {error}") from error
            register_backbone(name, build)
    if name not in BACKBONES:
        raise ConfigurationError(
            f"unknown backbone '{name}'.{nearest(name, BACKBONES)} Known: {', '.join(BACKBONES)}; "
            "sphereface.backbones.register_backbone adds one of your own"
        )
    return BACKBONES[name]


def _settings_of(build: Callable[..., nn.Module]) -> tuple[str, ...] | None:
    """Return the names of the keywords that a function takes; None if it takes all."""
    parameters = inspect.signature(build).parameters.values()
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return tuple(
        parameter.name
        for parameter in parameters
        if parameter.kind in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    )
