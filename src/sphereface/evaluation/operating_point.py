"""A threshold together with the error rate it was measured at, and the evidence behind it.

Nothing decides on a bare number: a gallery takes its threshold from here, and a rate that the searches at
hand cannot support is refused instead of promised.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sphereface.atomic import write_text
from sphereface.errors import DataError, reason_of
from sphereface.percentages import percent_with_interval
from sphereface.strict_json import read_json

_LARGEST_FILE = 1 << 20

Kind = Literal["fpir", "fmr"]
Basis = Literal["measured", "thinned", "extrapolated"]


class MeasuredRate(BaseModel):
    """A rate with its interval; ``n`` is the effective number of trials."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    value: float = Field(ge=0, le=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    confidence: float = Field(gt=0, lt=1)
    n: float = Field(gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> MeasuredRate:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"the interval {self.low} to {self.high} does not hold the value {self.value}")
        return self


class OperatingPoint(BaseModel):
    """Accept iff score >= threshold, and what that was measured to mean.

    Attributes:
        threshold: Cosine; the smallest whose measured false rate is at or below ``target``.
        kind: ``fpir`` for searching a gallery, ``fmr`` for comparing two images.
        target: The false rate asked for.
        measured: The false rate at the threshold; its ``n`` is the effective number of trials.
        missed: FNIR (rank 1) or FNMR there.
        trials: Searches by strangers, or impostor pairs, as counted; for a gallery of another size, as many
            searches of it as have the same number of impostor scores.
        gallery_people: People enrolled when it was measured; 0 for ``fmr``.
        gallery_templates: Templates enrolled; 0 for ``fmr``.
        data_hash: Of the images it was measured on.
        model_fingerprint: Of the model whose scores these are; it holds for no other.
        created: Time of measuring, ISO 8601 in UTC.
        gallery_size: People in the gallery that ``measured`` is meant for; 0 if as many as were enrolled.
        basis: How that was found: ``measured`` with so many people, ``thinned`` to fewer, or ``extrapolated`` to
            more by :mod:`~sphereface.evaluation.gallery_size.tail`.
        preprocessing: How the pictures were read, by name: a search that reads them otherwise is told so.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    threshold: float = Field(ge=-1.0, le=1.01)  # directly above 1 where even doubles must be refused
    kind: Kind
    target: float = Field(gt=0, lt=1)
    measured: MeasuredRate
    missed: MeasuredRate
    trials: int = Field(ge=1)
    gallery_people: int = Field(ge=0)
    gallery_templates: int = Field(ge=0)
    data_hash: str
    model_fingerprint: str
    created: str = ""
    gallery_size: int = Field(0, ge=0)
    basis: Basis = "measured"
    preprocessing: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> OperatingPoint:
        if self.measured.value > self.target:
            raise ValueError(f"the measured rate {self.measured.value} is above the target {self.target}")
        if self.kind == "fpir" and not (self.gallery_people and self.gallery_templates):
            raise ValueError("an FPIR belongs to a gallery of at least one person and one template")
        size = self.gallery_size or self.gallery_people
        basis = ("extrapolated", "measured", "thinned")[
            1 + (size < self.gallery_people) - (size > self.gallery_people)
        ]
        if self.basis != basis:
            raise ValueError(f"{size} people beside {self.gallery_people} enrolled are {basis}, not {self.basis}")
        return self

    @property
    def holds_for_people(self) -> int:
        """People in the largest gallery that the rate is meant for; 0 for ``fmr``."""
        return self.gallery_size or self.gallery_people

    @property
    def holds_for_templates(self) -> int:
        """Templates in that gallery, with as many a person as when it was measured."""
        return -(-self.gallery_templates * self.holds_for_people // max(self.gallery_people, 1))

    def describe(self) -> str:
        """Say in one sentence what the threshold means."""
        many = f" in a gallery of {self.holds_for_people} people" if self.kind == "fpir" else ""
        if self.basis != "measured":
            many += f" ({self.basis} from {self.gallery_people})"
        trial = "searches by strangers raise a false alarm" if self.kind == "fpir" else "impostor pairs match"
        return (
            f"at threshold {self.threshold:.3f}{many}, {_range(self.measured, 2, trial)}, and "
            f"{_range(self.missed, 1, 'genuine attempts are missed')}"
        )


def point_of(points: Iterable[OperatingPoint], kind: str) -> OperatingPoint | None:
    """Return the point of this kind (``fpir`` or ``fmr``), if there is one."""
    return next((point for point in points if point.kind == kind), None)


def _range(rate: MeasuredRate, digits: int, of: str) -> str:
    return f"{percent_with_interval(rate.value, rate.low, rate.high, digits)} of {of}"


def write_operating_point(path: Path, point: OperatingPoint) -> None:
    """Write an operating point as JSON, whole or not at all.

    Raises:
        DataError: If the file cannot be written.
    """
    try:
        write_text(path, point.model_dump_json(indent=2) + "\n")
    except OSError as error:
        raise DataError(f"cannot write the operating point to '{path}': {reason_of(error)}") from error


def read_operating_point(path: Path) -> OperatingPoint:
    """Read an operating point.

    Raises:
        DataError: If the file is missing, damaged, or has a key that is missing, unknown, of the wrong type
            or out of range.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise DataError(f"cannot read the operating point '{path}': {reason_of(error)}") from error
    if len(data) > _LARGEST_FILE:
        raise DataError(f"'{path}' is larger than {_LARGEST_FILE:,} bytes; is it an operating point?")
    try:
        point = OperatingPoint.model_validate_json(data)
        read_json(data)  # a threshold that is there twice is none
        return point
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        what = f"'{where}': {first['msg']}" if where else first["msg"]
        fault: Exception = error
    except ValueError as error:
        what, fault = str(error), error
    raise DataError(
        f"'{path}' is not an operating point ({what[0].lower()}{what[1:]}); "
        "measure a new one with 'sphereface operating-point'"
    ) from fault
