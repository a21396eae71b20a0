"""A report on disk: one page, one JSON file, and on request the figures as pictures. All or nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sphereface.atomic import write_bytes
from sphereface.errors import DataError
from sphereface.evaluation.results import Rate
from sphereface.report.content import GalleryTrial, ReportInput
from sphereface.version import __version__


def write_report(folder: Path, report: ReportInput) -> Path:
    """Write ``report.html`` and ``report.json`` into ``folder`` (made if missing) and return the page.

    Both files are complete before either appears; a page that cannot be drawn leaves an earlier one as it was.

    Args:
        folder: Where to write.
        report: What to write.

    Raises:
        MissingExtraError: matplotlib or jinja2 is not installed.
        DataError: The folder cannot be written.
    """
    from sphereface.report.page import report_page

    page = report_page(report)
    data = json.dumps(report_data(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    _put(folder / "report.json", data.encode())
    return _put(folder / "report.html", page.encode())


def write_pictures(folder: Path, report: ReportInput) -> list[Path]:
    """Write every figure of the report as ``<name>.png`` (200 dots an inch) and return the files.

    Raises:
        MissingExtraError: matplotlib is not installed.
        DataError: The folder cannot be written.
    """
    from sphereface.report.canvas import to_png
    from sphereface.report.figures import named_figures

    return [_put(folder / f"{figure.name}.png", to_png(figure.draw())) for figure in named_figures(report)]


def report_data(report: ReportInput) -> dict[str, Any]:
    """Return what ``report.json`` holds: the evaluation's figures, and beside them what the page adds."""
    from sphereface.report.wording import headline

    summary = report.summary
    if summary is None:
        from sphereface.evaluation.summary import to_json

        summary = to_json(report.evaluation)
    data: dict[str, Any] = {
        "title": report.title,
        "headline": headline(report),
        "data": report.data,
        "sphereface": __version__,
        **summary,
        "shortcuts": {
            check.name: {**check.rate.to_json(), "explanation": check.explanation, "ours": check.ours}
            for check in report.shortcuts
        },
        "gallery_trial": _trial_data(report.gallery_trial) if report.gallery_trial else None,
        "operating_point": report.operating_point.model_dump(mode="json") if report.operating_point else None,
        "training": dict(report.journal[-1]) if report.journal else None,
        "settings": {**report.settings, "evaluation": report.evaluation.settings},
    }
    return _plain_mapping(data)


def _trial_data(trial: GalleryTrial) -> dict[str, Any]:
    fields = {name: getattr(trial, name) for name in GalleryTrial.__slots__}
    return {name: value.to_json() if isinstance(value, Rate) else value for name, value in fields.items()}


def _plain_mapping(values: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): _plain(value) for key, value in values.items()}


def _plain(value: Any) -> Any:
    """Return a value JSON has: no NaN (null), no arrays (lists), no paths (text)."""
    if isinstance(value, Rate):
        return _plain(value.to_json())
    if isinstance(value, Mapping):
        return _plain_mapping(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if hasattr(value, "__dataclass_fields__"):
        return _plain(asdict(value))
    return str(value)


def _put(path: Path, content: bytes) -> Path:
    try:
        write_bytes(path, content)
    except OSError as error:
        raise DataError(
            f"cannot write '{path}': {error.strerror or error}; choose a folder you may write to"
        ) from error
    return path
