"""``sphereface dataset outliers RUN``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from sphereface.cli.options import Json
from sphereface.cli.output import Terminal, percent, print_json


def command(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run with head.name = 'subcenter-arcface'.")],
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", help="Where its training folders are now [default: where they were]."),
    ] = None,
    angle: Annotated[
        float, typer.Option("--angle", help="Degrees to the dominant centre beyond which a picture is far.")
    ] = 75.0,
    as_json: Json = False,
) -> None:
    """List training pictures that the sub-centres of a run disown: far away, or nearer to a minor centre.

    Look at them, remove what is filed under the wrong name, and train again.
    """
    import torch

    from sphereface.embedder.embedder import embedded_rows
    from sphereface.finished_run import embed_as_trained, read_finished_run
    from sphereface.heads.checks import check_number
    from sphereface.heads.outliers import find_outliers

    check_number("--angle", angle, 0.0, 180.0)
    progress = Terminal()
    found = read_finished_run(run, tuple(data or ()), progress)
    learners, centres = found.learners, found.prototypes.shape[1]
    faces = embed_as_trained(found, progress)
    embedded = embedded_rows(faces)
    report = find_outliers(
        torch.stack([torch.from_numpy(faces[index].embedding) for index in embedded]),
        torch.from_numpy(learners.labels[embedded]),
        found.prototypes,
        largest_angle=math.radians(angle),
    )
    outliers = [(learners.paths[embedded[outlier.index]], outlier) for outlier in report.outliers]
    share = float(report.share.nanmedian())
    if as_json:
        print_json(
            {
                "run": str(run),
                "loss": found.loss,
                "centres": centres,
                "people": len(learners.identities),
                "pictures": len(learners),
                "largest_angle_degrees": angle,
                "median_share_of_dominant_centre": share,
                "outliers": [
                    {
                        "file": str(path),
                        "person": learners.identities[outlier.label],
                        "angle_degrees": math.degrees(outlier.angle),
                        "reason": outlier.reason,
                    }
                    for path, outlier in outliers
                ],
                "failures": [{"path": str(face.path), "outcome": face.outcome} for face in faces if not face.ok],
            }
        )
        return
    for path, outlier in outliers:
        print(f"{math.degrees(outlier.angle):6.1f}°  {outlier.reason:<12}  {path}")
    far = sum(outlier.reason == "far" for _, outlier in outliers)
    print(
        f"{len(outliers):,} of {len(learners):,} pictures: {far:,} beyond {angle:g}° of their person's dominant "
        f"centre, {len(outliers) - far:,} nearer to another"
    )
    print(f"a typical person has {percent(share, 0)} of the pictures at the dominant one of {centres} centres")
    for face in faces:
        if not face.ok:
            print(f"not looked at: {face.message}")
