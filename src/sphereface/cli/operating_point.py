"""``sphereface operating-point``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sphereface.cli.options import (
    DataFolders,
    Detector,
    EmbeddingFile,
    Faces,
    Json,
    Limits,
    Model,
    Pictures,
    model_folder,
)
from sphereface.cli.output import Terminal, print_json


def command(
    model: Model = None,
    embeddings: EmbeddingFile = None,
    data: DataFolders = None,
    target_fpir: Annotated[
        float | None, typer.Option("--target-fpir", help="False alarms among searches by strangers, at most.")
    ] = None,
    target_fmr: Annotated[
        float | None, typer.Option("--target-fmr", help="False matches among pairs of two people, at most.")
    ] = None,
    gallery_size: Annotated[
        int | None,
        typer.Option(
            "--gallery-size", min=1, help="People in the gallery it is for [default: as many as enrolled]."
        ),
    ] = None,
    templates_per_person: Annotated[
        int | None, typer.Option("--templates-per-person", min=1, help="Pictures enrolled of each person.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write it to this file.")] = None,
    store: Annotated[bool, typer.Option("--store", help="Keep it with the model, replacing its own.")] = False,
    pictures: Pictures = "auto",
    faces: Faces = "largest",
    detector: Detector = "yunet",
    limits: Limits = None,
    as_json: Json = False,
) -> None:
    """Issue a threshold with the error rate it keeps in a gallery of a given size, or refuse to."""
    from sphereface.evaluation.operating_point import write_operating_point
    from sphereface.faces.quality import read_limits
    from sphereface.issuing import Wish, issue
    from sphereface.subjects import Reading

    point = issue(
        Wish(target_fpir, target_fmr, gallery_size, templates_per_person),
        model=model_folder(model) if model is not None or embeddings is None else None,
        embeddings=embeddings,
        data=data or (),
        reading=Reading(pictures, faces, detector, read_limits(limits or ())),
        store=store,
        progress=Terminal(),
    )
    if out is not None:
        write_operating_point(out, point)
    if as_json:
        print_json(point.model_dump(mode="json"))
        return
    print(f"operating point{' (stored)' if store else ''}: {point.describe()}")
    made = "searches by strangers" if point.kind == "fpir" else "impostor pairs"
    worth = f"worth {point.measured.n:,.0f} independent ones" + (
        " of that gallery" if point.kind == "fpir" else ""
    )
    print(f"  evidence: {point.trials:,} {made}, {worth}; data {point.data_hash[:12]}")
    if out is not None:
        print(f"file: {out}")
