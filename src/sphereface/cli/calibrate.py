"""``sphereface calibrate``."""

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
from sphereface.evaluation.choices import Calibration


def command(
    model: Model = None,
    embeddings: EmbeddingFile = None,
    data: DataFolders = None,
    kind: Annotated[Calibration, typer.Option("--kind", help="The map that is fitted.")] = "platt",
    cohort: Annotated[
        Path | None,
        typer.Option("--cohort", help="File of embeddings of other people, for --kind local."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where it goes [default: MODEL/calibration.json].")
    ] = None,
    pictures: Pictures = "auto",
    faces: Faces = "largest",
    detector: Detector = "yunet",
    limits: Limits = None,
    as_json: Json = False,
) -> None:
    """Fit a map from scores to log-likelihood ratios, and measure it on people it was not fitted on."""
    from sphereface.calibrating import calibrate
    from sphereface.evaluation.calibration import write_calibration
    from sphereface.faces.quality import read_limits
    from sphereface.subjects import Reading

    model = None if embeddings is not None and model is None else model_folder(model)
    path, fitted = calibrate(
        model,
        embeddings,
        kind,
        data=data or (),
        cohort=cohort,
        out=out,
        reading=Reading(pictures, faces, detector, read_limits(limits or ())),
        progress=Terminal(),
    )
    write_calibration(path, fitted)
    if as_json:
        print_json({"calibration": str(path), **fitted.model_dump(mode="json", by_alias=True)})
        return
    cost = fitted.cllr
    print(
        f"{kind}: Cllr {cost.value:.3f} bits ({cost.low:.3f} to {cost.high:.3f}) on {cost.people:,} people it was "
        f"not fitted on; {fitted.min_cllr:.3f} is the least for these scores, 1 what knowing nothing costs"
    )
    print(f"calibration: {path}")
