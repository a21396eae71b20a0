"""``sphereface compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sphereface.cli.options import DataFolders, Json
from sphereface.cli.output import Terminal, print_json, rate_text
from sphereface.cli.protocols import PairList, ProtocolFiles, chosen_protocol, print_protocols

if TYPE_CHECKING:
    from sphereface.report.ways import ComparedFigure


def command(
    rows: Annotated[
        list[str] | None,
        typer.Argument(
            help="NAME=RUN,RUN,...: a way of training and its runs, one a seed: model folders, ONNX files, or "
            "embeddings (.npz). The others are compared with the first."
        ),
    ] = None,
    data: DataFolders = None,
    protocol: Annotated[
        str | None,
        typer.Option("--protocol", help="What to compare, as for evaluate [default: all]; 'list' shows them."),
    ] = None,
    protocol_files: ProtocolFiles = None,
    pairs: PairList = None,
    fmr: Annotated[
        float | None,
        typer.Option(
            "--fmr",
            help="False match rate at which misses are counted [default: the first of 0.001, 0.01 and 0.1 that "
            "every run's impostor pairs support; LFW's 3,000 support 0.01].",
        ),
    ] = None,
    fpir: Annotated[
        float | None,
        typer.Option(
            "--fpir", help="False alarms of searches, likewise [default: the first of 0.01 and 0.1 supported]."
        ),
    ] = None,
    confidence: Annotated[
        float, typer.Option("--confidence", help="Of an interval; of differences, of all together.")
    ] = 0.95,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write comparison.json and comparison.csv to this folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Is one way of training better than another? Several runs of each, with an interval over people and seeds."""
    from sphereface.errors import ConfigurationError
    from sphereface.question import Question
    from sphereface.repetition import compare_rows
    from sphereface.report.ways import comparison_data, write_comparison

    if protocol == "list":
        print_protocols(as_json)
        return
    protocol, protocol_files = chosen_protocol(protocol, protocol_files, pairs)
    if not 0.5 <= confidence < 1.0:
        raise ConfigurationError(f"--confidence lies between 0.5 and 1, not at {confidence}")
    figures = compare_rows(
        _read(rows or []),
        Question(protocol=protocol, files=protocol_files),
        data=data or (),
        fmr=fmr,
        fpir=fpir,
        confidence=confidence,
        progress=Terminal(),
    )
    report = None if out is None else write_comparison(out, figures, confidence)
    if as_json:
        print_json({"report": report, **comparison_data(figures, confidence)})
        return
    for figure in figures:
        _print(figure)
    if len(rows or []) > 2:
        together = f"so that all hold together with {100 * confidence:g} % (Bonferroni)"
        print(f"the intervals of a figure's {len(rows or []) - 1} differences are widened, {together}")
    if report is not None:
        print(f"report: {report}")


def _read(rows: list[str]) -> dict[str, list[Path]]:
    from sphereface.errors import ConfigurationError

    read: dict[str, list[Path]] = {}
    for row in rows:
        name, separator, runs = row.partition("=")
        paths = [Path(run) for run in runs.split(",") if run]
        if not name or not separator or not paths:
            raise ConfigurationError(f"a way of training is written NAME=RUN,RUN,... not '{row}'")
        if name in read:
            raise ConfigurationError(f"'{name}' is named twice; write all of its runs behind one another")
        read[name] = paths
    return read


def _print(figure: ComparedFigure) -> None:
    print(f"{figure.figure}, {figure.protocol}")
    if figure.reason:
        print(f"  {figure.reason}")
        return
    width = max(map(len, figure.means))
    for name, mean in figure.means.items():
        runs = ", ".join(f"{100 * value:.2f}" for value in figure.runs[name])
        print(f"  {name:<{width}}  {rate_text(mean)}  runs: {runs}")
    first = next(iter(figure.means))
    for name, found in figure.differences.items():
        verdict = "a difference" if found.counts else "undecided, the interval holds 0"
        low, value, high = (f"{100 * number:+.2f}" for number in (found.low, found.value, found.high))
        print(f"  {name} less {first}: {value} points ({low} to {high}): {verdict}")
        blame = f"{100 * found.people:.2f} points by people and {100 * found.seeds:.2f} by seeds"
        print(f"  {'':<{width}}  standard error {blame}")
