"""``sphereface evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sphereface.cli.options import Detector, Faces, Figures, Json, Limits, Model, Pictures, model_folder
from sphereface.cli.output import Terminal, print_json


def command(
    model: Model = None,
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", help="Folder of folders to judge on [default: the run's own test people]."),
    ] = None,
    pairs: Annotated[
        Path | None, typer.Option("--pairs", help="Pair list over these pictures: LFW View 1 or 2, or CSV.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the report [default: MODEL/evaluation].")
    ] = None,
    target_fpir: Annotated[
        float | None, typer.Option("--target-fpir", help="False alarms of the operating point for searches.")
    ] = None,
    target_fmr: Annotated[
        float | None, typer.Option("--target-fmr", help="False matches of the operating point for pairs.")
    ] = None,
    store: Annotated[
        bool, typer.Option("--store", help="Store the operating points with the model, replacing its own.")
    ] = False,
    pictures: Pictures = "auto",
    faces: Faces = "largest",
    detector: Detector = "yunet",
    limits: Limits = None,
    figures: Figures = None,
    as_json: Json = False,
) -> None:
    """Judge a model on people it has not seen: every figure with its interval, and a report."""
    from sphereface.cli.summary import print_evaluation, write_figures
    from sphereface.evaluation import to_json
    from sphereface.faces.quality import read_limits
    from sphereface.journey import judge_model
    from sphereface.presentation import describe_absent

    judged = judge_model(
        model_folder(model),
        data=tuple(data or ()),
        pairs=pairs,
        out=out,
        target_fpir=target_fpir,
        target_fmr=target_fmr,
        store=store,
        pictures=pictures,
        faces=faces,
        detector=detector,
        quality=read_limits(limits or ()),
        progress=Terminal(),
    )
    judgement, page = judged.audit, judged.page
    write_figures(figures, judged.report)
    if as_json:
        print_json(
            {
                "report": str(page),
                "operating_points": [point.model_dump(mode="json") for point in judgement.points],
                "operating_points_refused": list(judgement.refusals),
                "left_out": list(judged.left_out),
                "failures": [{"path": str(f.path), "outcome": f.outcome} for f in judgement.failures],
                **to_json(judgement.evaluation),
            }
        )
        return
    print_evaluation(judgement.evaluation)
    if judged.left_out:
        print(f"  {describe_absent(judged.left_out)}")
    for point in judgement.points:
        print(f"  operating point{' (stored)' if store else ''}: {point.describe()}")
    for refusal in judgement.refusals:
        print(f"  no operating point: {refusal}")
    print(f"report: {page}")
