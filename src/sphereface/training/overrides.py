"""Settings of a recipe changed from outside: ``key=value``, such as ``head.settings.margin=0.4``."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from sphereface.errors import ConfigurationError


def apply_overrides(
    values: dict[str, Any],
    overrides: Sequence[str],
    paths: Collection[str],
    own: Mapping[str, tuple[str, Collection[str]]],
) -> None:
    """Change the nested dicts of a recipe in place.

    Values are TOML; what is not TOML is taken as text. A path in one starts where the program runs, not at the
    recipe. Another ``head.name`` gives up the settings of the recipe's head, for they were another loss's, and so
    does another optimiser; overrides of its settings hold, wherever they stand.

    Args:
        values: The recipe as it was read.
        overrides: Texts ``key=value``.
        paths: Keys that are paths, such as ``data.train``.
        own: By key that names something, such as ``head.name``: its value in a recipe that gives none, and the
            keys beside it that belong to what it names.

    Raises:
        ConfigurationError: If one is not ``key=value``, or its section is a value.
    """
    for override in sorted(overrides, key=lambda override: _key(override) not in own):
        _apply(values, override, paths, own)


def _apply(
    values: dict[str, Any],
    override: str,
    paths: Collection[str],
    own: Mapping[str, tuple[str, Collection[str]]],
) -> None:
    key, (_, separator, text) = _key(override), override.partition("=")
    if not separator or not key:
        raise ConfigurationError(f"--set takes key=value, such as training.seed=2, not '{override}'")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        value = text
    value = _from_here(key, value, paths)
    *sections, last = key.split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise ConfigurationError(f"--set {override}: '{section}' is a value, not a section")
    usual, belonging = own.get(key, (value, ()))
    if values.get(last, usual) != value:
        for name in belonging:
            values.pop(name, None)
    values[last] = value


def _key(override: str) -> str:
    return override.partition("=")[0].strip()


def _from_here(key: str, value: Any, paths: Collection[str]) -> Any:
    """Let the paths of a value start where the program runs."""
    if isinstance(value, dict):
        return {inner: _from_here(f"{key}.{inner}", one, paths) for inner, one in value.items()}
    if isinstance(value, list):
        return [_from_here(key, one, paths) for one in value]
    return str(Path(value).expanduser().absolute()) if key in paths and isinstance(value, str) else value
