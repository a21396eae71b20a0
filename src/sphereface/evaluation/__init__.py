"""Judging an embedding: numbers in, numbers out, an interval on every rate; no images, no models.

Importing this package is free: each public name is loaded on first use (PEP 562).
"""

from __future__ import annotations

import importlib
from typing import Any

_PUBLIC = {
    "evaluate": "sphereface.evaluation.judge",
    "compare": "sphereface.evaluation.judge",
    "judge": "sphereface.evaluation.judge",
    "all_pairs": "sphereface.evaluation.scores",
    "listed_pairs": "sphereface.evaluation.scores",
    "verify": "sphereface.evaluation.verification",
    "open_set_split": "sphereface.evaluation.search",
    "search": "sphereface.evaluation.search",
    "identify": "sphereface.evaluation.identification",
    "OperatingPoint": "sphereface.evaluation.operating_point",
    "choose_operating_point": "sphereface.evaluation.threshold_choice",
    "choose_verification_point": "sphereface.evaluation.threshold_choice",
    "read_operating_point": "sphereface.evaluation.operating_point",
    "write_operating_point": "sphereface.evaluation.operating_point",
    "read_lfw_view1": "sphereface.evaluation.protocols.lfw",
    "read_lfw_view2": "sphereface.evaluation.protocols.lfw",
    "read_pairs_csv": "sphereface.evaluation.protocols.pairs",
    "locate": "sphereface.evaluation.pair_list",
    "to_json": "sphereface.evaluation.summary",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'sphereface.evaluation' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
