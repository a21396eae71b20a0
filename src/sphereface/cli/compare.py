"""``sphereface compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sphereface.cli.options import DataFolders, Json
from sphereface.cli.output import Terminal, print_json, rate_text
from sphereface.cli.protocols import PairList, ProtocolFiles, chosen_protocol, print_protocols

if TYPE_CHECKING:
    from sphereface.evaluation.repeated import Repeated
    from sphereface.repetition import ComparedFigure


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
            help="False match rate at which misses are counted [default: 0.001, or what the data supports].",
        ),
    ] = None,
    fpir: Annotated[
        float | None,
        typer.Option(
            "--fpir", help="False alarms of searches, likewise [default: 0.01, or what the data supports]."
        ),
    ] = None,
    confidence: Annotated[
        float, typer.Option("--confidence", help="Of an interval; of differences, of all together.")
    ] = 0.95,
    as_json: Json = False,
) -> None:
    """Is one way of training better than another? Several runs of each, with an interval over people and seeds."""
    from sphereface.errors import ConfigurationError
    from sphereface.question import Question
    from sphereface.repetition import compare_rows

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
    if as_json:
        print_json({"confidence": confidence, "figures": [_json(figure) for figure in figures]})
        return
    for figure in figures:
        _print(figure)
    if len(rows or []) > 2:
        print(f"the intervals of a figure's {len(rows or []) - 1} differences hold together with {confidence:.0%}")


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


def _json(figure: ComparedFigure) -> dict[str, Any]:
    return {
        "figure": figure.figure,
        "protocol": figure.protocol,
        "reason": figure.reason or None,
        "runs": {name: list(values) for name, values in figure.runs.items()},
        "means": {name: _interval(mean) for name, mean in figure.means.items()},
        "differences": {
            name: {**_interval(found), "counts": found.counts} for name, found in figure.differences.items()
        },
    }


def _interval(found: Repeated) -> dict[str, float]:
    return {
        "confidence": round(found.confidence, 6),
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "standard_error_people": found.people,
        "standard_error_seeds": found.seeds,
    }
