"""Ways of training compared over people and seeds, as files: ``comparison.json`` and ``comparison.csv``."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sphereface.evaluation.repeated import Repeated
from sphereface.report.writing import put

_COLUMNS = (
    "protocol", "figure", "way", "quantity", "value", "low", "high", "confidence", "standard_error_people",
    "standard_error_seeds", "reason",
)  # fmt: skip


@dataclass(frozen=True)
class ComparedFigure:
    """One figure of all ways of training.

    Attributes:
        figure: ``FNMR at FMR 0.001``, ``FNIR at FPIR 0.01``, ``accuracy``.
        protocol: What was compared, such as ``all pairs, at most 10 images a person``.
        runs: The figure of every run, by way of training.
        means: Their means over seeds.
        differences: Of every way but the first: its mean less the first one's. Of several, the intervals are so
            much wider that all of them hold together with the confidence asked for (Bonferroni).
        reason: Why there are no means; empty otherwise.
    """

    figure: str
    protocol: str
    runs: Mapping[str, tuple[float, ...]]
    means: Mapping[str, Repeated]
    differences: Mapping[str, Repeated]
    reason: str = ""


def comparison_data(figures: Sequence[ComparedFigure], confidence: float) -> dict[str, Any]:
    """Return what ``comparison.json`` holds; rates are shares, and each interval says its own confidence.

    Args:
        figures: What was found.
        confidence: Of the interval of a mean, and of all differences of a figure together.
    """
    return {"confidence": confidence, "figures": [_figure(figure) for figure in figures]}


def comparison_table(figures: Sequence[ComparedFigure]) -> str:
    """Return as CSV a line for each run, mean and difference, rates as shares; what is not known is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for figure in figures:
        for way, quantity, numbers in _rows(figure):
            empty = [""] * (len(_COLUMNS) - 5 - len(numbers))
            writer.writerow([figure.protocol, figure.figure, way, quantity, *numbers, *empty, figure.reason])
    return text.getvalue()


def write_comparison(folder: Path, figures: Sequence[ComparedFigure], confidence: float) -> Path:
    """Write ``comparison.json`` and ``comparison.csv`` into a folder, made if missing; return the former.

    Raises:
        DataError: The folder cannot be written.
    """
    data = json.dumps(comparison_data(figures, confidence), indent=2, ensure_ascii=False, allow_nan=False)
    put(folder / "comparison.csv", comparison_table(figures).encode())
    return put(folder / "comparison.json", f"{data}\n".encode())


def _rows(figure: ComparedFigure) -> Iterator[tuple[str, str, list[float]]]:
    for way, values in figure.runs.items():
        for number, value in enumerate(values, 1):
            yield way, f"run {number}", [value]
    for way, mean in figure.means.items():
        yield way, "mean", list(_interval(mean).values())
    first = next(iter(figure.runs), "")
    for way, difference in figure.differences.items():
        yield way, f"less {first}", list(_interval(difference).values())
    if not figure.means:  # a line for the reason
        yield "", "mean", []


def _figure(figure: ComparedFigure) -> dict[str, Any]:
    return {
        "figure": figure.figure,
        "protocol": figure.protocol,
        "reason": figure.reason or None,
        "runs": {name: list(values) for name, values in figure.runs.items()},
        "means": {name: _interval(mean) for name, mean in figure.means.items()},
        "differences": {
            name: {**_interval(found), "counts": found.counts} for name, found in figure.differences.items()
        },
    }


def _interval(found: Repeated) -> dict[str, float]:
    return {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "confidence": round(found.confidence, 6),
        "standard_error_people": found.people,
        "standard_error_seeds": found.seeds,
    }
