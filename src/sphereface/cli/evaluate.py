"""``sphereface evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sphereface.cli.options import DataFolders, Detector, Faces, Figures, Json, Limits, Pictures, model_folder
from sphereface.cli.output import Terminal, print_json
from sphereface.cli.protocols import PairList, ProtocolFiles, chosen_protocol, print_protocols
from sphereface.evaluation.choices import Weighting


def command(
    models: Annotated[
        list[Path] | None,
        typer.Option(
            "--model",
            help="Folder of a trained model, an ONNX file, or 'dlib'; repeat it to compare models "
            "[default: $SPHEREFACE_MODEL, else runs/demo].",
        ),
    ] = None,
    embeddings: Annotated[
        list[Path] | None,
        typer.Option("--embeddings", help="File of embeddings (.npz) instead of a model; repeat it to compare."),
    ] = None,
    data: DataFolders = None,
    protocol: Annotated[
        str | None,
        typer.Option("--protocol", help="What to compare, such as lfw-view2 or ijbc; 'list' shows all."),
    ] = None,
    protocol_files: ProtocolFiles = None,
    pairs: PairList = None,
    everything: Annotated[
        bool | None,
        typer.Option(
            "--everything/--protocol-only", help="Compare all with all as well [default: without a protocol]."
        ),
    ] = None,
    groups: Annotated[
        Path | None, typer.Option("--groups", help="CSV with the columns person,group: error rates by group.")
    ] = None,
    fmr: Annotated[
        list[float] | None,
        typer.Option(
            "--fmr",
            help="False match rate at which misses are counted; repeatable [default: a protocol's own, or those "
            "that its impostor pairs support, 0.1 and 0.01 of 3,000; of all pairs 0.01, 0.001 and 0.0001].",
        ),
    ] = None,
    weighting: Annotated[
        Weighting, typer.Option("--weighting", help="How the pictures of a template count in it.")
    ] = "equal",
    fuse: Annotated[bool, typer.Option("--fuse", help="Judge all models together as one more.")] = False,
    save: Annotated[
        Path | None,
        typer.Option("--save-embeddings", help="Also write the first model's embeddings to this .npz."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Folder of the report [default: MODEL/evaluation, or FILE.evaluation beside embeddings]."
        ),
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
    """Judge embeddings on people they have not seen: every figure with its interval, and a report."""
    from sphereface.cli.summary import print_report, write_figures
    from sphereface.data.group_file import read_groups
    from sphereface.faces.quality import read_limits
    from sphereface.laboratory import evaluate
    from sphereface.presentation import describe_absent
    from sphereface.question import Question
    from sphereface.subjects import Reading

    if protocol == "list":
        print_protocols(as_json)
        return
    protocol, protocol_files = chosen_protocol(protocol, protocol_files, pairs)
    wanted: list[Path | None] = [*(models or ())] or ([] if embeddings else [None])
    named = [model_folder(path) for path in wanted]
    judged = evaluate(
        named,
        embeddings or (),
        Question(
            protocol=protocol,
            files=protocol_files,
            everything=everything,
            groups=None if groups is None else read_groups(groups),
            weighting=weighting,
            fmr=tuple(fmr or ()),
            target_fpir=target_fpir,
            target_fmr=target_fmr,
        ),
        data=data or (),
        reading=Reading(pictures, faces, detector, read_limits(limits or ())),
        fuse=fuse,
        store=store,
        save=save,
        out=out,
        progress=Terminal(),
    )
    write_figures(figures, judged.report)
    if as_json:
        from sphereface.report.writing import report_data

        print_json(
            {
                "report": str(judged.page),
                "operating_points": [point.model_dump(mode="json") for point in judged.points.issued],
                "operating_points_refused": list(judged.points.refused),
                "left_out": list(judged.left_out),
                "failures": [{"path": str(f.path), "outcome": f.outcome} for f in judged.failures],
                **report_data(judged.report),
            }
        )
        return
    print_report(judged.report)
    for part, reason in judged.report.findings.absent.items() if judged.report.findings else ():
        print(f"  not looked into, {part.replace('_', ' ')}: {reason}")
    if judged.left_out:
        print(f"  {describe_absent(judged.left_out)}")
    for point in judged.points.issued:
        print(f"  operating point{' (stored)' if store else ''}: {point.describe()}")
    for refusal in judged.points.refused:
        print(f"  no operating point: {refusal}")
    print(f"report: {judged.page}")
