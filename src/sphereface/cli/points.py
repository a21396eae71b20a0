"""Operating points on the command line: which one decides, and whether pictures are read as it supposes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sphereface.faces.choices import DetectorName, PictureKind, Policy

if TYPE_CHECKING:
    from sphereface.checkpoint import ModelCard
    from sphereface.evaluation.operating_point import OperatingPoint

PointFile = Annotated[
    Path | None,
    typer.Option(
        "--operating-point", help="Decide by this file of 'sphereface operating-point' [default: the model's own]."
    ),
]


def point_for(card: ModelCard, kind: str, file: Path | None) -> OperatingPoint | None:
    """Return the operating point of a file, or else the model's own of a kind, if it has one.

    Raises:
        DataError: If the file cannot be used.
    """
    from sphereface.evaluation.operating_point import read_operating_point

    return card.point(kind) if file is None else read_operating_point(file)


def preprocessing(
    pictures: PictureKind, faces: Policy, detector: DetectorName, limits: list[str] | None
) -> dict[str, str]:
    """Return how a verb reads pictures, in the words of an operating point."""
    from sphereface.faces.quality import read_limits
    from sphereface.subjects import Reading

    one: Policy = "largest" if faces == "all" else faces
    return Reading(pictures, one, detector, read_limits(limits or ())).preprocessing() | {"faces": faces}
