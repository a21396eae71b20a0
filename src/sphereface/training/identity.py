"""What makes a run the same run: a fingerprint of all that decides its weights, and what differs from another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from sphereface.checkpoint import ModelCard
from sphereface.data.manifest import Manifest
from sphereface.strict_json import read_json
from sphereface.training.recipe import Recipe

_DECIDING = {"input", "backbone", "head", "regularizers", "optimiser", "training", "augmentation"}
_HARMLESS = {
    "training": {"checkpoint_every", "journal_every", "tensorboard", "threads", "workers", "precision"},
    "backbone": {"start"},  # its weights decide, not where they lie
}
_NAME, _OF_ADAMW = "optimiser.name", {"name", "beta2"}
"""Runs with SGD have no part in these keys of the optimiser, and may be older than they are."""


def fingerprint(recipe: Recipe, people: Manifest, precision: torch.dtype, start: ModelCard | None) -> str:
    """Return the hash of what decides the weights: data, networks, optimiser, training, augmentation, format.

    The format is the one in use, not the recipe's word: ``auto`` means another one on another machine. ``start``
    is the model that the run starts from, if it does.
    """
    parts = recipe.model_dump_json(include=_DECIDING, exclude=_harmless(recipe.optimiser.name))
    weights = "" if start is None else f"\n{start.weights_sha256}"
    return hashlib.sha256(f"{parts}\n{precision}\n{people.data_hash}{weights}".encode()).hexdigest()


def differences(recipe: Recipe, before: Path) -> list[str]:
    """Return which deciding settings differ from those of an earlier run.

    Args:
        recipe: The recipe now.
        before: The earlier run's ``recipe.json``; what cannot be read there differs in nothing.

    Returns:
        Sentences such as ``head.settings.margin was 0.35 and is 0.4``, in the order of the recipe.
    """
    try:
        earlier = read_json(before.read_bytes())
    except (OSError, ValueError):
        return []
    if not isinstance(earlier, dict):
        return []
    then, now = _deciding(earlier), _deciding(recipe.model_dump(mode="json"))
    if _NAME in {**then, **now}:
        then.setdefault(_NAME, "sgd")
        now.setdefault(_NAME, "sgd")
    return [
        f"{key} was {_word(then.get(key))} and is {_word(now.get(key))}"
        for key in {**now, **then}
        if now.get(key) != then.get(key)
    ]


def _deciding(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that decide the weights under their full names."""
    settings = dict(_flat(recipe))
    without = _harmless(settings.get(_NAME))
    harmless = {f"{section}.{key}" for section, keys in without.items() for key in keys}
    return {
        key: value for key, value in settings.items() if key.partition(".")[0] in _DECIDING and key not in harmless
    }


def _harmless(optimiser: object) -> dict[str, set[str]]:
    """Return the keys of each section that do not decide a run with this optimiser."""
    return _HARMLESS if optimiser == "adamw" else {**_HARMLESS, "optimiser": _OF_ADAMW}


def _flat(section: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in section.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _word(value: Any) -> str:
    return "not set" if value is None else str(value)
