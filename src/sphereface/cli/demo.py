"""``sphereface demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sphereface.cli.options import Figures, Json
from sphereface.cli.output import Terminal, print_json


def command(
    out: Annotated[Path, typer.Option("--out", help="Run folder.")] = Path("runs/demo"),
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=2**63 - 1, help="Of the drawn people and of the training.")
    ] = 1,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="A tenth of everything: poor figures, too few people for a gallery."),
    ] = False,
    figures: Figures = None,
    as_json: Json = False,
) -> None:
    """Show the whole story on drawn people: train, judge, report, and a gallery that refuses strangers."""
    from sphereface.cli.summary import print_result, result_json, write_figures
    from sphereface.demo import FULL, QUICK, demo

    result = demo(out, QUICK if quick else FULL, seed=seed, progress=Terminal())
    write_figures(figures, result.report)
    if as_json:
        print_json(result_json(result))
    else:
        print_result(result)
