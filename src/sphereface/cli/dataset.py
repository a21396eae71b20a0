"""``sphereface dataset``: the group, and its verb ``check``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sphereface.cli import dataset_outliers
from sphereface.cli.options import Json
from sphereface.cli.output import Terminal, print_json

app = typer.Typer(no_args_is_help=True, help="Look after a folder of folders (person / pictures).")


@app.callback()
def _dataset() -> None:
    """Look after a folder of folders (person / pictures)."""


@app.command("check")
def check(
    folder: Annotated[Path, typer.Argument(help="A folder with one folder a person.")],
    against: Annotated[
        Path | None,
        typer.Option("--against", help="Another data set that must not share people or pictures."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Find unreadable files, duplicates, people with one picture, and people shared with another set.

    Exits with 1 if there are problems.
    """
    from sphereface.data.check import check_dataset

    found = check_dataset(folder, against=against, progress=Terminal())
    if as_json:
        print_json(found.to_json())
    else:
        for problem in found.problems:
            print(f"problem: {problem}")
        for note in found.notes:
            print(f"note: {note}")
        print("ready to train on" if found.ok else f"{len(found.problems)} kinds of problems")
    if not found.ok:
        raise typer.Exit(1)


app.command("outliers")(dataset_outliers.command)
