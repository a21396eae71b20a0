"""``sphereface train RECIPE``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sphereface.cli.options import Figures, Json
from sphereface.cli.output import Terminal, print_json


def command(
    recipe: Annotated[Path, typer.Argument(help="A TOML file such as recipes/own-folder.toml.")],
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Change a setting: key=value, such as training.seed=2.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Run folder [default: runs/ and the recipe's name].")
    ] = None,
    figures: Figures = None,
    as_json: Json = False,
) -> None:
    """Train as a recipe says, judge on people the network has not seen, write the report.

    A run that was stopped goes on where it was when the same command is given again.
    """
    from sphereface.cli.summary import print_result, result_json, write_figures
    from sphereface.journey import journey
    from sphereface.training.recipe import read_recipe

    whole = read_recipe(recipe, tuple(settings or ()))
    result = journey(whole, out or Path("runs") / recipe.stem, progress=Terminal())
    write_figures(figures, result.report)
    if as_json:
        print_json(result_json(result))
    else:
        print_result(result)
