"""Face embeddings on the hypersphere: train them, judge them open-set, use them.

Importing this package imports neither torch nor numpy: public names are loaded on first use (PEP 562).
"""

from __future__ import annotations

import importlib
from typing import Any

from sphereface.version import __version__

_PUBLIC = {
    "build_head": "sphereface.heads",
    "build_backbone": "sphereface.backbones",
    "load_embedder": "sphereface.embedder",
    "read_manifest": "sphereface.data.manifest",
    "evaluate": "sphereface.evaluation",
    "open_gallery": "sphereface.gallery",
}

__all__ = ["__version__", *sorted(_PUBLIC)]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'sphereface' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
