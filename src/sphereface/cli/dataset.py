"""``sphereface dataset``: the group of verbs."""

from __future__ import annotations

import typer

from sphereface.cli import dataset_check, dataset_get, dataset_import, dataset_outliers, dataset_tracks

app = typer.Typer(no_args_is_help=True, help="Look after a folder of folders (person / pictures).")


@app.callback()
def _dataset() -> None:
    """Look after a folder of folders (person / pictures)."""


app.command("check")(dataset_check.command)
app.command("outliers")(dataset_outliers.command)
app.command("tracks")(dataset_tracks.command)
app.command("import")(dataset_import.command)
app.command("get")(dataset_get.command)
