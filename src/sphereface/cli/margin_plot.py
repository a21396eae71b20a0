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
    from sphereface.sphere.regions import Floats

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
    from sphereface.report.margin_figures import circle_figure, psi_figure, save_figure
    from sphereface.sphere.bounds import arrangement

    names = list(dict.fromkeys(rows or _SHOWN))
    theta, values, slopes = _curves(names, weight)
    figure = psi_figure(theta, values, slopes)
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
            }
        )
        return
    for path in written:
        print(f"figure: {path}")


def _curves(rows: list[str], weight: float | None) -> tuple[Floats, dict[str, Floats], dict[str, Floats]]:
    """Return the angles in radians (n,), and psi and its slope of each row by label: all that knows the table."""
    import torch

    from sphereface.heads.checks import check_number
    from sphereface.heads.curves import annealed, curves
    from sphereface.heads.table import ROWS

    values, slopes = {}, {}
    # Not quite to the ends: there the slope of a function of the cosine is 0 times infinity.
    theta = torch.linspace(1e-5, math.pi - 1e-5, 721, dtype=torch.float64, requires_grad=True)
    for text in rows:
        name, settings = _loss(text)
        if name in ROWS and "deviation" in ROWS[name].settings:
            settings.setdefault("deviation", 0.0)  # a margin that is drawn: its mean, not its noise
        found = curves(name, theta, **settings)
        shown = {key: number.default for key, number in ROWS[name].settings.items() if key == "margin"} | settings
        label = ", ".join([name, *(_shown(key, value) for key, value in shown.items() if key != "deviation")])
        psi, lambdas = found.psi, ROWS[name].annealed
        if lambdas is not None:
            held = lambdas[-1] if weight is None else weight
            check_number("lambda", held, 0.0, 1e9)
            psi, label = annealed(psi, theta, held), f"{label}, λ = {held:g}"
        (slope,) = torch.autograd.grad(psi.sum(), theta)
        values[label], slopes[label] = psi.detach().numpy(), slope.numpy()
        if ROWS[name].eta is not None:
            label = f"{label}: other classes"
            (slope,) = torch.autograd.grad(found.eta.sum(), theta)
            values[label], slopes[label] = found.eta.detach().numpy(), slope.numpy()
    return theta.detach().numpy(), values, slopes


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
