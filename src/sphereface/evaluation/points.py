"""The operating points that comparisons support, and in words why others are missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sphereface.errors import NotEnoughDataError
from sphereface.evaluation.judge import Comparisons
from sphereface.evaluation.operating_point import OperatingPoint
from sphereface.evaluation.threshold_choice import choose_operating_point, choose_verification_point


class Points(NamedTuple):
    """What may be decided by.

    Attributes:
        issued: Operating points that the data supports.
        refused: Why one is missing, a sentence each.
    """

    issued: tuple[OperatingPoint, ...]
    refused: tuple[str, ...]


def choose_points(comparisons: Comparisons, *, target_fpir: float, target_fmr: float, data_hash: str) -> Points:
    """Choose an operating point for searching and one for comparing, or say why not.

    Args:
        comparisons: All pairs and drawn searches of people the model has not seen.
        target_fpir: Between 0 and 1.
        target_fmr: Between 0 and 1.
        data_hash: Of the pictures.

    Raises:
        ConfigurationError: If a target is out of range.
    """
    faces = comparisons.faces
    model = faces.fingerprint
    issued: list[OperatingPoint] = []
    refused: list[str] = []
    choices: tuple[Callable[[], OperatingPoint], ...] = (
        lambda: choose_operating_point(
            comparisons.searches[0],
            target_fpir,
            model_fingerprint=model,
            data_hash=data_hash,
            preprocessing=faces.preprocessing,
        ),
        lambda: choose_verification_point(
            comparisons.pairs[0],
            target_fmr,
            model_fingerprint=model,
            data_hash=data_hash,
            preprocessing=faces.preprocessing,
        ),
    )
    for choose in choices:
        try:
            issued.append(choose())
        except NotEnoughDataError as error:
            refused.append(str(error))
    return Points(tuple(issued), tuple(refused))
