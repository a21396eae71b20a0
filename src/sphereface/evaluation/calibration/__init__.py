"""From a cosine to a log-likelihood ratio, fitted on other people than those judged.

Importing this package is free: each public name is loaded on first use (PEP 562).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the same names, for whoever reads types
    from sphereface.evaluation.calibration.beta import fit_beta as fit_beta
    from sphereface.evaluation.calibration.faircal import fit_faircal as fit_faircal
    from sphereface.evaluation.calibration.figures import brier as brier
    from sphereface.evaluation.calibration.figures import cllr as cllr
    from sphereface.evaluation.calibration.figures import expected_calibration_error as expected_calibration_error
    from sphereface.evaluation.calibration.figures import min_cllr as min_cllr
    from sphereface.evaluation.calibration.file import CalibrationFile as CalibrationFile
    from sphereface.evaluation.calibration.file import calibration_file as calibration_file
    from sphereface.evaluation.calibration.file import read_calibration as read_calibration
    from sphereface.evaluation.calibration.file import write_calibration as write_calibration
    from sphereface.evaluation.calibration.isotonic import fit_isotonic as fit_isotonic
    from sphereface.evaluation.calibration.judging import calibrate as calibrate
    from sphereface.evaluation.calibration.judging import calibrate_and_judge as calibrate_and_judge
    from sphereface.evaluation.calibration.judging import cross_fit as cross_fit
    from sphereface.evaluation.calibration.judging import judge_calibration as judge_calibration
    from sphereface.evaluation.calibration.judging import split_people as split_people
    from sphereface.evaluation.calibration.likelihood import Calibrator as Calibrator
    from sphereface.evaluation.calibration.likelihood import probability as probability
    from sphereface.evaluation.calibration.local import fit_local as fit_local
    from sphereface.evaluation.calibration.platt import fit_platt as fit_platt
    from sphereface.evaluation.calibration.results import CalibrationResult as CalibrationResult
    from sphereface.evaluation.calibration.results import Reliability as Reliability

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
