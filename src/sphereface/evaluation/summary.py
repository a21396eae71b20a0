"""The machine-readable form of an evaluation: what ``report.json`` holds.

Rates are ``{"value", "low", "high", "confidence", "n"}``, with a ``reason`` where there is no value. Target
rates are keys in plain decimals (``"0.001"``). Curves are thinned to at most 400 points. There is no NaN and
no infinity in it: a figure that does not exist is null. ``schema`` grows when a key changes its meaning.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from sphereface.evaluation.results import (
    ErrorCurve,
    Evaluation,
    Health,
    Identification,
    Rate,
    ScoredPair,
    Verification,
)

SCHEMA = 1
_POINTS = 400


def to_json(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation as plain values that JSON can hold.

    Raises:
        TypeError: If the settings hold something that JSON has no word for.
    """
    listed = evaluation.listed
    plain = _plain(
        {
            "schema": SCHEMA,
            "images": evaluation.images,
            "people": evaluation.people,
            "verification": _verification(evaluation.verification),
            "listed": None if listed is None else _verification(listed),
            "identification": _identification(evaluation.identification),
            "health": _health(evaluation.health),
            "settings": evaluation.settings,
        }
    )
    assert isinstance(plain, dict)
    return plain


def _verification(result: Verification) -> dict[str, Any]:
    return {
        "title": result.title,
        "people": result.people,
        "genuine_pairs": result.genuine_pairs,
        "impostor_pairs": result.impostor_pairs,
        "failed_pairs": result.failed_pairs,
        "eer": result.eer.to_json(),
        "auc": result.auc.to_json(),
        "accuracy": result.accuracy.to_json(),
        "accuracy_is_balanced": result.balanced,
        "accuracy_threshold": result.accuracy_threshold,
        "fnmr_at_fmr": _by_target(result.fnmr_at_fmr),
        "threshold_at_fmr": {decimal(target): t for target, t in result.threshold_at_fmr.items()},
        "curve": _curve(result.curve, "fmr", "fnmr"),
        "histogram": {
            "edges": result.histogram.edges,
            "genuine": result.histogram.genuine,
            "impostor": result.histogram.impostor,
        },
        "hardest_genuine": [_pair(pair) for pair in result.hardest_genuine],
        "hardest_impostor": [_pair(pair) for pair in result.hardest_impostor],
    }


def _identification(result: Identification) -> dict[str, Any]:
    return {
        "title": result.title,
        "gallery_people": result.gallery_people,
        "gallery_templates": result.gallery_templates,
        "mated_searches": result.mated_searches,
        "non_mated_searches": result.non_mated_searches,
        "non_mated_people": result.non_mated_people,
        "failed_mated": result.failed_mated,
        "failed_non_mated": result.failed_non_mated,
        "failed_enrolments": result.failed_enrolments,
        "fnir_at_fpir": _by_target(result.fnir_at_fpir),
        "threshold_at_fpir": {decimal(target): t for target, t in result.threshold_at_fpir.items()},
        "curve": _curve(result.curve, "fpir", "fnir"),
        "cmc": [{"rank": rank, **rate.to_json()} for rank, rate in zip(result.cmc_ranks, result.cmc, strict=True)],
    }


def _health(result: Health) -> dict[str, Any]:
    return {
        **asdict(result),
        "ideal_criterion_rate": result.ideal_criterion_rate.to_json(),
        "energy": {str(s): value for s, value in result.energy.items()},
    }


def _by_target(rates: Mapping[float, Rate]) -> dict[str, Any]:
    return {decimal(target): rate.to_json() for target, rate in rates.items()}


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


def _pair(pair: ScoredPair) -> dict[str, Any]:
    return {"first": pair.first, "second": pair.second, "score": pair.score}


def decimal(target: float) -> str:
    """Write a target rate without exponent.

    >>> decimal(1e-4), decimal(0.1)
    ('0.0001', '0.1')
    """
    return np.format_float_positional(target, trim="-")


def _plain(value: Any) -> Any:
    """Return ``value`` with arrays as lists, numpy scalars as Python's, and null for NaN and infinity."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    raise TypeError(f"report.json cannot hold a {type(value).__name__}")
