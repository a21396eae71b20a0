"""A calibration as JSON beside its model: the map, whose scores it is for, and what it was measured to be worth.

The numbers are written so that they are read back bit for bit. ``local`` and ``faircal`` carry embeddings (a
cohort, centres of clusters): keep such a file as you keep the embeddings themselves.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sphereface.atomic import write_text
from sphereface.errors import ConfigurationError, DataError, reason_of
from sphereface.evaluation.calibration.beta import Beta
from sphereface.evaluation.calibration.faircal import FairCal
from sphereface.evaluation.calibration.isotonic import Isotonic
from sphereface.evaluation.calibration.likelihood import Calibrator
from sphereface.evaluation.calibration.local import Local
from sphereface.evaluation.calibration.platt import Platt
from sphereface.evaluation.calibration.results import CalibrationResult
from sphereface.strict_json import read_json

LARGEST_FILE = 16 << 20  # 524,288 numbers of 22 characters, and room for the rest

CALIBRATORS: dict[str, Any] = {
    "platt": Platt,
    "beta": Beta,
    "isotonic": Isotonic,
    "local": Local,
    "faircal": FairCal,
}

Number = int | float


class MeasuredCost(BaseModel):
    """A cost in bits with its interval; ``people`` is how many people it was measured on."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    value: float = Field(ge=0)
    low: float = Field(ge=0)
    high: float = Field(ge=0)
    confidence: float = Field(gt=0, lt=1)
    people: int = Field(ge=2)

    @model_validator(mode="after")
    def _ordered(self) -> MeasuredCost:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"the interval {self.low} to {self.high} does not hold the value {self.value}")
        return self


class CalibrationFile(BaseModel):
    """A map from cosines to log-likelihood ratios and its evidence.

    No prior is in it: a ratio has none.

    Attributes:
        schema_number: ``schema`` in the file.
        kind: ``platt``, ``beta``, ``isotonic``, ``local`` or ``faircal``.
        parameters: Of the calibrator: numbers, lists of numbers, or rows of numbers.
        cllr: As measured on people who were not fitted on.
        min_cllr: Likewise, under the best rising map.
        measured: How.
        genuine_pairs: Pairs of one person that were judged.
        impostor_pairs: Pairs of two people that were judged.
        data_hash: Of the images it was fitted on.
        model_fingerprint: Of the model whose scores it is for; it holds for no other.
        created: Time of fitting, ISO 8601 in UTC.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, populate_by_name=True)

    schema_number: Literal[1] = Field(default=1, alias="schema")
    kind: Literal["platt", "beta", "isotonic", "local", "faircal"]
    parameters: dict[str, Number | list[Number] | list[list[Number]]]
    cllr: MeasuredCost
    min_cllr: float = Field(ge=0, le=1.000001)
    measured: str
    genuine_pairs: int = Field(ge=1)
    impostor_pairs: int = Field(ge=1)
    data_hash: str
    model_fingerprint: str
    created: str = ""

    @model_validator(mode="after")
    def _usable(self) -> CalibrationFile:
        self.calibrator()
        return self

    def calibrator(self) -> Calibrator:
        """Return the map.

        Raises:
            ValueError: If its parameters are not those of its kind.
        """
        known = {field.name: field.type for field in fields(CALIBRATORS[self.kind])}
        wrong = sorted(known.keys() ^ self.parameters.keys())
        if wrong:
            raise ValueError(f"the parameters of '{self.kind}' are {', '.join(sorted(known))}; see '{wrong[0]}'")
        for name, value in self.parameters.items():
            asked = {"int": (int,), "float": (int, float)}.get(str(known[name]), (list,))
            if not isinstance(value, asked):
                raise ValueError(f"parameter '{name}' of '{self.kind}' has the wrong type")
            try:
                np.asarray(value, np.float64)
            except OverflowError:  # a whole number in JSON may have any number of digits
                raise ValueError(f"parameter '{name}' of '{self.kind}' holds too large a number") from None
        made: Calibrator = CALIBRATORS[self.kind](**self.parameters)
        return made


def calibration_file(
    calibrator: Calibrator,
    result: CalibrationResult,
    *,
    model_fingerprint: str,
    data_hash: str,
    measured: str = "cross-fitted: each half of the people judged by a calibration fitted on the other half",
    created: str = "",
) -> CalibrationFile:
    """Join a calibrator with what its kind was measured to be worth.

    Args:
        calibrator: Fitted on all pairs.
        result: Of the same kind on the same pairs.
        model_fingerprint: Of the model whose scores were calibrated.
        data_hash: Of the images.
        measured: How the result came about.
        created: ISO 8601 in UTC.

    Raises:
        ConfigurationError: If the result is of another kind or has no Cllr.
    """
    cllr = result.cllr
    if calibrator.kind != result.kind or cllr.value is None or cllr.low is None or cllr.high is None:
        raise ConfigurationError(
            f"a '{calibrator.kind}' calibration cannot be vouched for by '{result.kind}' figures"
        )
    parameters = {
        field.name: np.asarray(getattr(calibrator, field.name)).tolist()
        for field in fields(calibrator)  # type: ignore[arg-type]
    }
    return CalibrationFile(
        kind=calibrator.kind,  # type: ignore[arg-type]
        parameters=parameters,
        cllr=MeasuredCost(
            value=cllr.value, low=cllr.low, high=cllr.high, confidence=cllr.confidence, people=result.people
        ),
        min_cllr=result.min_cllr,
        measured=measured,
        genuine_pairs=result.genuine_pairs,
        impostor_pairs=result.impostor_pairs,
        data_hash=data_hash,
        model_fingerprint=model_fingerprint,
        created=created,
    )


def write_calibration(path: Path, calibration: CalibrationFile) -> None:
    """Write a calibration as JSON, whole or not at all.

    Raises:
        DataError: If the file cannot be written, or would be larger than a reader accepts.
    """
    text = calibration.model_dump_json(by_alias=True) + "\n"
    if len(text.encode()) > LARGEST_FILE:
        raise DataError(f"the calibration takes more than {LARGEST_FILE >> 20} MiB; fit it with a smaller cohort")
    try:
        write_text(path, text)
    except OSError as error:
        raise DataError(f"cannot write the calibration to '{path}': {reason_of(error)}") from error


def read_calibration(path: Path) -> CalibrationFile:
    """Read a calibration of at most 16 MiB.

    Raises:
        DataError: If the file is missing, too large, damaged, or has a key that is missing, unknown, of the
            wrong type or out of range.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise DataError(f"cannot read the calibration '{path}': {reason_of(error)}") from error
    if len(data) > LARGEST_FILE:
        raise DataError(f"'{path}' is larger than a calibration can be ({LARGEST_FILE >> 20} MiB)")
    try:
        calibration = CalibrationFile.model_validate_json(data)
        read_json(data)  # a slope that is there twice is none
        return calibration
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        what = f"'{where}': {first['msg']}" if where else str(first["msg"])
        fault: Exception = error
    except ValueError as error:
        what, fault = str(error), error
    raise DataError(f"'{path}' is not a calibration ({what[0].lower()}{what[1:]}); fit a new one") from fault
