"""Operating points on the command line: which one decides, how pictures are read for it, what is told without."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from sphereface.cli.output import print_json
from sphereface.errors import SpherefaceError
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


def end_undecided(reason: SpherefaceError, lines: Sequence[str], told: dict[str, Any], as_json: bool) -> NoReturn:
    """Tell what was found where nothing may be decided, and end with the exit code of the reason.

    Args:
        reason: Why there is no decision, and which command measures what it takes.
        lines: What was found, for people.
        told: The same for programs; what belongs to a decision is added as null.
        as_json: Whether a program reads it.
    """
    print(f"error: {reason}", file=sys.stderr)
    if as_json:
        undecided = {"decision": None, "threshold": None, "operating_point": None}
        print_json({**told, **undecided, "error": str(reason), "kind": type(reason).__name__})
    else:
        print("\n".join(["no decision", *lines]))
    raise typer.Exit(reason.exit_code)


def cosine_text(score: float) -> str:
    """Write a score as what it is: a cosine, and the angle it belongs to.

    >>> cosine_text(0.5)
    '0.500 (cosine; an angle of 60.0 degrees)'
    """
    return f"{score:.3f} (cosine; an angle of {math.degrees(math.acos(max(-1.0, min(1.0, score)))):.1f} degrees)"
