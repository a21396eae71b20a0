"""``sphereface margins thumbnails``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from sphereface.cli.options import Json
from sphereface.cli.output import print_json


def command(
    out: Annotated[Path, typer.Option("--out", help="Folder of the pictures.")] = Path("thumbnails"),
    as_json: Json = False,
) -> None:
    """Draw psi and eta of every loss as a small picture each: the ones in the table of the documentation."""
    import torch

    from sphereface.heads.curves import drawing
    from sphereface.heads.table import HEADS
    from sphereface.report.margin_figures import save_figure, thumbnail_figure

    theta = torch.linspace(0.0, math.pi, 361, dtype=torch.float64)
    written = []
    for name, row in HEADS.items():
        if row.link == "pairs":
            continue
        found = drawing(name, theta)
        figure = thumbnail_figure(theta.numpy(), found.psi.values.numpy(), found.eta.values.numpy())
        written.append(save_figure(out / f"{name}.svg", figure, f"psi and eta of {row.title}"))
    if as_json:
        print_json({"files": [str(path) for path in written]})
    else:
        print(f"{len(written)} pictures in {out}")
