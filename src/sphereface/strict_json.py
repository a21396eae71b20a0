"""JSON from anybody, read strictly: no key twice, only finite numbers, not too deep."""

from __future__ import annotations

import json
from typing import Any, NoReturn


def read_json(data: bytes | str) -> Any:
    """Return what JSON says, or refuse what other readers would understand otherwise.

    Args:
        data: The JSON; bytes are UTF-8.

    Raises:
        ValueError: If it is not JSON, names a key of an object twice, holds NaN or infinity, or is nested deeper
            than a reader can follow.

    >>> read_json(b'{"threshold": 0.5}')
    {'threshold': 0.5}
    >>> read_json('{"threshold": 0.5, "threshold": -1.0}')
    Traceback (most recent call last):
    ...
    ValueError: the key 'threshold' is there twice
    """
    text = data.decode("utf-8") if isinstance(data, bytes) else data
    try:
        return json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:  # json would keep the last one, another reader the first
            raise ValueError(f"the key {key[:40]!r} is there twice")
        found[key] = value
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON, where every number is finite")
