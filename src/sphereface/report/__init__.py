"""Results and pictures handed in become one HTML page, one JSON file and PNG figures; no torch, no models."""

from __future__ import annotations

import importlib
from typing import Any

_PUBLIC = {
    "GalleryTrial": "sphereface.report.content",
    "ReportInput": "sphereface.report.content",
    "Shortcut": "sphereface.report.content",
    "SphereSample": "sphereface.report.content",
    "write_pictures": "sphereface.report.writing",
    "write_report": "sphereface.report.writing",
}

__all__ = [*sorted(_PUBLIC)]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'sphereface.report' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
