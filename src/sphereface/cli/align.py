"""``sphereface align SRC DST``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sphereface.cli.options import Detector, Faces, Json, Limits
from sphereface.cli.output import Terminal, print_json

if TYPE_CHECKING:
    from sphereface.data.aligning_result import Aligned

CropSize = Literal["112x112", "112x96"]


def command(
    source: Annotated[
        Path, typer.Argument(metavar="SRC", help="A folder of photographs, or one with a folder a person.")
    ],
    destination: Annotated[Path, typer.Argument(metavar="DST", help="Folder for the crops and manifest.jsonl.")],
    faces: Faces = "largest",
    size: Annotated[CropSize, typer.Option("--size", help="Of the crops, height by width.")] = "112x112",
    detector: Detector = "yunet",
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes [default: one a core].")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 unless every photograph gave a crop.")
    ] = False,
    most_enlarged: Annotated[
        float, typer.Option("--most-enlarged", help="A face that would be enlarged more is too small.")
    ] = 2.0,
    limits: Limits = None,
    as_json: Json = False,
) -> None:
    """Find the faces of photographs, align them to crops, and say of every photograph what became of it.

    The same command goes on where it was stopped, and does only what is new or has changed.
    """
    from sphereface.data.aligning import AlignSettings, align_folder
    from sphereface.faces.quality import read_limits

    settings = AlignSettings(size, faces, detector, most_enlarged, read_limits(limits or ()))
    aligned = align_folder(source, destination, settings, workers=workers, progress=Terminal())
    if as_json:
        print_json(aligned.to_json())
    else:
        _print(aligned)
    if strict and not aligned.ok:
        raise typer.Exit(1)


def _print(aligned: Aligned) -> None:
    from sphereface.data.folders import MANIFEST_NAME, first_few

    rows = [
        (outcome, f"{count:,}", first_few(aligned.without_crop.get(outcome, ())))
        for outcome, count in aligned.outcomes.items()
    ]
    known = aligned.images - aligned.done
    rows.append(("all", f"{aligned.images:,}", f"{known:,} of them known from before" if known else ""))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for outcome, count, names in rows:
        print(f"{outcome:<{widths[0]}}  {count:>{widths[1]}}  {names}".rstrip())
    for note in aligned.notes:
        print(f"note: {note}")
    print(
        f"{aligned.crops:,} crops in {aligned.destination}; {MANIFEST_NAME} there has a line on every photograph"
    )
