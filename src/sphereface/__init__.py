"""Face embeddings on the hypersphere: train them, judge them open-set, use them.

Importing this package imports neither torch nor numpy: public names are loaded on first use (PEP 562).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sphereface.version import __version__

if TYPE_CHECKING:  # the same names, for whoever reads types
    from sphereface.backbones import build_backbone as build_backbone
    from sphereface.data.manifest import read_manifest as read_manifest
    from sphereface.embedder import load_embedder as load_embedder
    from sphereface.evaluation import evaluate as evaluate
    from sphereface.gallery import open_gallery as open_gallery
    from sphereface.heads import build_head as build_head

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
