"""``sphereface margins plot``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sphereface.cli.options import Json
from sphereface.cli.output import print_json
from sphereface.errors import ConfigurationError

if TYPE_CHECKING:
    from torch import Tensor

    from sphereface.heads.curves import Line

_SHOWN = ("a-softmax", "sphereface", "cosface", "arcface")
_DEGREES = tuple(range(0, 181, 15))


def command(
    rows: Annotated[
        list[str] | None,
        typer.Argument(
            help="Losses, each with its numbers if wanted: cosface, sphereface:margin=2. Default: four."
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option("--out", help="A .svg or .png file for psi and its slope, or a folder for all pictures."),
    ] = Path("margins.svg"),
    weight: Annotated[
        float | None, typer.Option("--lambda", help="Lambda of annealed losses [default: where it stays].")
    ] = None,
    classes: Annotated[int, typer.Option("--classes", help="Prototypes on the circle of decision regions.")] = 5,
    as_json: Json = False,
) -> None:
    """Draw psi and its slope for losses side by side and, into a folder, decision regions on the circle."""
    import torch

    from sphereface.report.margin_figures import circle_figure, psi_figure, save_figure
    from sphereface.sphere.bounds import arrangement

    # Not quite to the ends: there the slope of a function of the cosine is 0 times infinity.
    theta = torch.linspace(1e-5, math.pi - 1e-5, 721, dtype=torch.float64)
    lines = _lines(list(dict.fromkeys(rows or _SHOWN)), theta, weight)
    values = {label: line.values.numpy() for label, line in lines.items()}
    slopes = {label: line.slope.numpy() for label, line in lines.items()}
    held = [label for label, line in lines.items() if line.held]
    figure = psi_figure(theta.numpy(), values, slopes, held)
    title = f"psi and its slope against the angle for {', '.join(values)}."
    if out.suffix:
        written = [save_figure(out, figure, title)]
    else:
        circle = circle_figure(arrangement("circle", classes), (1.0, 2.0, 3.0, 4.0))
        regions = f"Decision regions of {classes} classes on the circle at m = 1, 2, 3 and 4."
        written = [save_figure(out / f"psi.{ending}", figure, title) for ending in ("svg", "png")]
        written += [save_figure(out / f"regions.{ending}", circle, regions) for ending in ("svg", "png")]
    if as_json:
        places = [round(degrees * (len(theta) - 1) / 180) for degrees in _DEGREES]
        print_json(
            {
                "files": [str(path) for path in written],
                "degrees": list(_DEGREES),
                "psi": {
                    name: [round(float(curve[place]), 6) for place in places] for name, curve in values.items()
                },
                "slope": {
                    name: [round(float(curve[place]), 6) for place in places] for name, curve in slopes.items()
                },
                "slope_with_weight_held": held,
            }
        )
        return
    for path in written:
        print(f"figure: {path}")


def _lines(rows: list[str], theta: Tensor, weight: float | None) -> dict[str, Line]:
    """Return psi of each row by the legend's label, and eta of those whose margin is on the other classes."""
    from sphereface.heads.curves import drawing
    from sphereface.heads.table import HEADS

    lines = {}
    for text in rows:
        name, settings = _loss(text)
        found = drawing(name, theta, weight=weight, **settings)
        margin = {key: number.default for key, number in HEADS[name].settings.items() if key == "margin"}
        label = ", ".join([name, *(_shown(key, value) for key, value in {**margin, **settings}.items())])
        if found.weight is not None:
            label = f"{label}, λ = {found.weight:g}"
        lines[label] = found.psi
        if HEADS[name].eta is not None:
            lines[f"{label}: other classes"] = found.eta
    return lines


def _shown(key: str, value: float | str) -> str:
    """Return a setting as a legend has it."""
    return f"{'m' if key == 'margin' else key} = {value if isinstance(value, str) else f'{value:g}'}"


def _loss(text: str) -> tuple[str, dict[str, Any]]:
    """Split ``sphereface:margin=2`` into a name and what :func:`sphereface.heads.curves.curves` takes."""
    name, _, rest = text.partition(":")
    settings: dict[str, Any] = {}
    for part in filter(None, rest.split(",")):
        key, _, value = part.partition("=")
        try:
            settings[key] = value if key == "fallback" else float(value)
        except ValueError:
            raise ConfigurationError(
                f"'{text}' is not NAME or NAME:SETTING=NUMBER, such as cosface:margin=0.2"
            ) from None
    return name, settings
