"""``sphereface card MODEL``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sphereface.cli.options import model_folder


def command(
    model: Annotated[
        Path | None,
        typer.Argument(
            metavar="MODEL",
            help="A trained model's folder, an ONNX file, or 'dlib' [default: $SPHEREFACE_MODEL, else runs/demo].",
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="A report.json of this model [default: the one of its folder].")
    ] = None,
    notes: Annotated[
        list[str] | None,
        typer.Option("--note", help="What else a reader must know, a paragraph each; repeatable."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write it to this file instead of printing it.")
    ] = None,
) -> None:
    """Write a model card in Markdown: what a model is, what it is for, how it was judged, what is not known."""
    from sphereface.atomic import write_text
    from sphereface.card import card_page

    page = card_page(model_folder(model), report, notes or ())
    if out is None:
        print(page, end="")
    else:
        write_text(out, page)
