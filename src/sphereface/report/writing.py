"""A report on disk: one page, its numbers as JSON and as tables, on request its figures. All or nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sphereface.atomic import write_bytes
from sphereface.errors import DataError, reason_of
from sphereface.evaluation.summary import findings_json, to_json, to_plain
from sphereface.report.content import ReportInput
from sphereface.version import __version__


def write_report(folder: Path, report: ReportInput) -> Path:
    """Write the report into ``folder`` (made if missing) and return the page.

    ``report.html`` for people, ``report.json`` for programs, ``table.csv`` and ``table.tex`` for a paper. All are
    complete before any appears; a page that cannot be drawn leaves an earlier one as it was.

    Args:
        folder: Where to write.
        report: What to write.

    Raises:
        MissingExtraError: matplotlib or jinja2 is not installed.
        DataError: The folder cannot be written.
    """
    from sphereface.report.comparison import table_csv, table_latex
    from sphereface.report.page import report_page

    page = report_page(report)
    texts = {
        "report.json": json.dumps(report_data(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n",
        "table.csv": table_csv(report),
        "table.tex": table_latex(report),
    }
    for name, text in texts.items():
        put(folder / name, text.encode())
    return put(folder / "report.html", page.encode())


def write_pictures(folder: Path, report: ReportInput) -> list[Path]:
    """Write every figure of the report as ``<name>.png`` (200 dots an inch) and ``<name>.pdf``; return the files.

    Raises:
        MissingExtraError: matplotlib is not installed.
        DataError: The folder cannot be written.
    """
    from sphereface.report.canvas import to_pdf, to_png
    from sphereface.report.figures import named_figures

    return [
        put(folder / f"{figure.name}.{kind}", convert(figure.draw()))
        for figure in named_figures(report)
        for kind, convert in (("png", to_png), ("pdf", to_pdf))
    ]


def report_data(report: ReportInput) -> dict[str, Any]:
    """Return what ``report.json`` holds: the evaluation's figures, and beside them what the page adds."""
    from sphereface.report.opening import opening

    words = opening(report)
    data: dict[str, Any] = {
        "title": report.title,
        "headline": words[0],
        "in_words": words,
        "data": report.data,
        "sphereface": __version__,
        **to_json(report.evaluation),
        "findings": None if report.findings is None else findings_json(report.findings),
        "others": [to_json(other) for other in report.others],
        "differences": list(report.differences),
        "row_names": {at: report.row_names[at] for at in _named(report) if at in report.row_names},
        "shortcuts": {
            check.name: {**check.rate.to_json(), "explanation": check.explanation, "ours": check.ours}
            for check in report.shortcuts
        },
        "gallery_trial": report.gallery_trial,
        "operating_point": report.operating_point.model_dump(mode="json") if report.operating_point else None,
        "training": dict(report.journal[-1]) if report.journal else None,
        "settings": {**report.settings, "evaluation": report.evaluation.settings},
    }
    plain: dict[str, Any] = to_plain(data, other=str)
    return plain


def _named(report: ReportInput) -> list[int]:
    """Return the images that the hardest pairs speak of."""
    evaluation = report.evaluation
    pairs = [pair for found in evaluation.verifications for pair in found.hardest_genuine + found.hardest_impostor]
    if evaluation.health:
        pairs += evaluation.health.nearest + evaluation.health.widest
    return sorted({at for pair in pairs for at in (pair.first, pair.second)})


def put(path: Path, content: bytes) -> Path:
    """Write one file, whole or not at all, and return its path; folders are made.

    Raises:
        DataError: It cannot be written.
    """
    try:
        write_bytes(path, content)
    except OSError as error:
        raise DataError(f"cannot write '{path}': {reason_of(error)}; choose a folder you may write to") from error
    return path
