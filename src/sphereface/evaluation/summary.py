"""The machine-readable form of an evaluation: what ``report.json`` holds.

Rates are ``{"value", "low", "high", "confidence", "n"}``, with ``threshold`` (``fixed`` or ``estimated``) where
that is known and a ``reason`` where there is no value. Target rates are keys in plain decimals (``"0.001"``).
Curves are thinned to at most 400 points. There is no NaN and no infinity: a figure that does not exist is null.
``schema`` grows when a key changes its meaning; ``docs/report-json.md`` has every key.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sphereface.evaluation.evaluation import Evaluation
from sphereface.evaluation.results import CrowdSearch, ErrorCurve, Identification, Rate, Verification

if TYPE_CHECKING:  # what measured them is not needed to write them
    from sphereface.evaluation.findings import Findings

SCHEMA = 2
_POINTS = 400


def to_json(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation as plain values that JSON can hold.

    Raises:
        TypeError: If the settings hold something that JSON has no word for.
    """
    plain = to_plain(
        {
            "schema": SCHEMA,
            "judged": evaluation.title,
            "images": evaluation.images,
            "unit": evaluation.unit,
            "people": evaluation.people,
            "source": evaluation.source,
            "verification": [_verification(found) for found in evaluation.verifications],
            "identification": [_identification(found) for found in evaluation.identifications],
            "crowds": [_crowd(found) for found in evaluation.crowds],
            "classes": evaluation.classes,
            "health": evaluation.health,
            "settings": evaluation.settings,
        }
    )
    assert isinstance(plain, dict)
    return plain


def findings_json(findings: Findings) -> dict[str, Any]:
    """Return what more was looked into as plain values that JSON can hold."""
    found = _fields(findings)
    found["morphing"] = [{**_fields(m), "curve": _curve(m.curve, "mmpmr", "fnmr")} for m in findings.morphing]
    plain = to_plain(found)
    assert isinstance(plain, dict)
    return plain


def _verification(result: Verification) -> dict[str, Any]:
    found = _fields(result)
    found["accuracy_is_balanced"] = found.pop("balanced")
    return {**found, "curve": _curve(result.curve, "fmr", "fnmr")}


def _identification(result: Identification) -> dict[str, Any]:
    found = _fields(result)
    for scores in ("mated_scores", "non_mated_scores", "cmc_ranks"):
        del found[scores]
    return {
        **found,
        "curve": _curve(result.curve, "fpir", "fnir"),
        "cmc": _cmc(result.cmc_ranks, result.cmc),
    }


def _crowd(result: CrowdSearch) -> dict[str, Any]:
    found = _fields(result)
    del found["cmc_ranks"]
    return {**found, "cmc": _cmc(result.cmc_ranks, result.cmc)}


def _cmc(ranks: list[int], rates: list[Rate]) -> list[dict[str, Any]]:
    return [{"rank": rank, **rate.to_json()} for rank, rate in zip(ranks, rates, strict=True)]


def _curve(curve: ErrorCurve, false: str, missed: str) -> dict[str, Any]:
    size = len(curve.thresholds)
    kept = np.unique(np.linspace(0, size - 1, min(size, _POINTS)).round().astype(np.int64))
    return {
        "threshold": curve.thresholds[kept],
        false: curve.false[kept],
        f"{false}_low": curve.false_low[kept],
        f"{false}_high": curve.false_high[kept],
        missed: curve.missed[kept],
        f"{missed}_low": curve.missed_low[kept],
        f"{missed}_high": curve.missed_high[kept],
    }


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


def decimal(target: float) -> str:
    """Write a target rate without exponent.

    >>> decimal(1e-4), decimal(0.1)
    ('0.0001', '0.1')
    """
    return np.format_float_positional(target, trim="-")


def to_plain(value: Any, other: Callable[[Any], str] | None = None) -> Any:
    """Return ``value`` as JSON has it: dataclasses by field, arrays as lists, null for NaN and infinity.

    Args:
        value: Numbers, texts, mappings, sequences, arrays, rates and other dataclasses, nested.
        other: What to make of anything else.

    Raises:
        TypeError: If something has no form in JSON and ``other`` is None.

    >>> to_plain({0.001: np.array([1.0, np.nan])})
    {'0.001': [1.0, None]}
    """
    if isinstance(value, Rate):
        value = value.to_json()
    elif is_dataclass(value) and not isinstance(value, type):
        value = _fields(value)
    if isinstance(value, Mapping):
        return {decimal(k) if isinstance(k, float) else str(k): to_plain(item, other) for k, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple | set | frozenset):
        return [to_plain(item, other) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if other is None:
        raise TypeError(f"report.json cannot hold a {type(value).__name__}")
    return other(value)
