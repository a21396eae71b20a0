"""The few words that settings of an evaluation are chosen from; free to import."""

from __future__ import annotations

from typing import Literal

Weighting = Literal["equal", "norm", "quality"]
"""How the pictures of a template count in it: alike, by the length of their embedding, or by their quality."""

Rule = Literal["middle", "plateau"]
"""How the folds of an accuracy choose a threshold (:func:`~sphereface.evaluation.folds.fold_accuracy`)."""

Calibration = Literal["platt", "beta", "isotonic", "local", "faircal"]
"""A map from scores to log-likelihood ratios (:mod:`sphereface.evaluation.calibration`)."""
