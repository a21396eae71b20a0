"""From a cosine to a log-likelihood ratio, fitted on other people than those judged.

Importing this package is free: each public name is loaded on first use (PEP 562).
"""

from __future__ import annotations

import importlib
from typing import Any

_PUBLIC = {
    "Calibrator": "likelihood",
    "probability": "likelihood",
    "fit_platt": "platt",
    "fit_beta": "beta",
    "fit_isotonic": "isotonic",
    "fit_local": "local",
    "fit_faircal": "faircal",
    "cllr": "figures",
    "min_cllr": "figures",
    "brier": "figures",
    "expected_calibration_error": "figures",
    "split_people": "judging",
    "cross_fit": "judging",
    "judge_calibration": "judging",
    "calibrate": "judging",
    "calibrate_and_judge": "judging",
    "CalibrationResult": "results",
    "Reliability": "results",
    "CalibrationFile": "file",
    "calibration_file": "file",
    "read_calibration": "file",
    "write_calibration": "file",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'sphereface.evaluation.calibration' has no attribute {name!r}")
    return getattr(importlib.import_module(f"sphereface.evaluation.calibration.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
