"""Results and pictures handed in become one HTML page, one JSON file and PNG figures; no torch, no models."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from sphereface.errors import MissingExtraError

if TYPE_CHECKING:  # the same names, for whoever reads types
    from sphereface.report.content import GalleryTrial as GalleryTrial
    from sphereface.report.content import ModelDifferences as ModelDifferences
    from sphereface.report.content import ReportInput as ReportInput
    from sphereface.report.content import Shortcut as Shortcut
    from sphereface.report.content import SphereSample as SphereSample
    from sphereface.report.writing import write_pictures as write_pictures
    from sphereface.report.writing import write_report as write_report

_PUBLIC = {
    "GalleryTrial": "sphereface.report.content",
    "ModelDifferences": "sphereface.report.content",
    "ReportInput": "sphereface.report.content",
    "Shortcut": "sphereface.report.content",
    "SphereSample": "sphereface.report.content",
    "write_pictures": "sphereface.report.writing",
    "write_report": "sphereface.report.writing",
}

__all__ = [*sorted(_PUBLIC), "require_drawing"]


def require_drawing() -> None:
    """Insist, before hours of work, on what a report is drawn with; nothing is imported.

    Raises:
        MissingExtraError: If matplotlib or jinja2 is not installed.
    """
    for module in ("matplotlib", "jinja2"):
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError(
                f"the report needs {module}, which is not installed: run pip install 'sphereface[report]'"
            )


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'sphereface.report' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
