"""``sphereface margins``: the group, and its verbs ``bounds``, ``suggest`` and ``effective``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sphereface.cli import margin_plot, margin_sphere, margin_thumbnails
from sphereface.cli.options import Json
from sphereface.cli.output import print_json
from sphereface.errors import ConfigurationError, DataError, nearest

if TYPE_CHECKING:
    from sphereface.sphere.regions import Floats

app = typer.Typer(
    no_args_is_help=True, help="Look at margins: how large they must be, what they do, which to take."
)

_DEGREES = tuple(range(0, 181, 15))


@app.callback()
def _margins() -> None:
    """Look at margins: how large they must be, what they do, which to take."""


@app.command("bounds")
def bounds(
    prototypes: Annotated[
        str | None, typer.Argument(help="A named arrangement, or a .csv or .npy file with one prototype a row.")
    ] = None,
    classes: Annotated[int, typer.Option("--classes", help="Of a named arrangement, where it is free.")] = 6,
    margin: Annotated[
        float | None, typer.Option("--margin", help="Also measure the decision regions of this m.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the smallest m that keeps classes apart: the paper's values, and ours for any prototypes."""
    from sphereface.sphere.bounds import (
        ARRANGEMENTS,
        PAPER_BOUNDS,
        arrangement,
        known_bounds,
        lowest_margin,
        region_angles,
    )

    if margin is not None and prototypes is None:
        raise ConfigurationError("--margin measures decision regions: name an arrangement or a file of prototypes")
    if prototypes is None:
        found, points = known_bounds(classes), None
    else:
        points = arrangement(prototypes, classes) if prototypes in ARRANGEMENTS else _read(Path(prototypes))
        found = (
            *PAPER_BOUNDS,
            lowest_margin(points, f"{prototypes}, {len(points)} in {points.shape[1]} dimensions"),
        )
    angles = None if margin is None or points is None else region_angles(points, margin)
    if as_json:
        measured = None if angles is None else {
            "margin": margin, "largest_intra": angles.largest_intra, "smallest_inter": angles.smallest_inter,
            "met": angles.met,
        }  # fmt: skip
        print_json({"bounds": [bound.to_json() for bound in found], "regions": measured})
        return
    width = max(len(bound.where) for bound in found)
    print("m at which no class is wider than the nearest two are apart: the smallest, and one surely enough")
    print(f"  {'whose':<7}{'where':<{width}}{'smallest':>10}{'enough':>9}")
    for bound in found:
        enough = "" if bound.enough is None else f"{bound.enough:9.3f}"
        value = "-" if bound.margin is None else f"{bound.margin:.3f}"
        print(f"  {bound.source:<7}{bound.where:<{width}}{value:>10}{enough}")
        if bound.note:
            print(f"         {bound.note}")
    if angles is not None:
        print(
            f"at m = {margin:g}: largest angle within a class {math.degrees(angles.largest_intra):.1f}°, smallest "
            f"between two {math.degrees(angles.smallest_inter):.1f}°: {'met' if angles.met else 'not met'}"
        )


@app.command("suggest")
def suggest_(
    classes: Annotated[int, typer.Option("--classes", min=2, help="People to learn from.")],
    images: Annotated[float, typer.Option("--images-per-class", min=1.0, help="Pictures of a typical person.")],
    batch: Annotated[int, typer.Option("--batch", min=2, help="Pictures a step.")],
    loss: Annotated[
        str, typer.Option("--loss", help="normface, cosface, arcface, sphereface or a-softmax.")
    ] = "cosface",
    dimensions: Annotated[int, typer.Option("--dim", min=2, help="Width of the embedding.")] = 512,
    as_json: Json = False,
) -> None:
    """Suggest scale, margin and schedule for data of this size, with the reasons; lines for a recipe."""
    from sphereface.sphere.suggest import suggest

    found = suggest(classes, images, batch, loss=loss, embedding_dim=dimensions)  # type: ignore[arg-type]
    if as_json:
        print_json(found.to_json())
        return
    print(found.to_toml())
    for reason in found.reasons:
        print(f"- {reason}")


@app.command("effective")
def effective(
    margin: Annotated[float, typer.Option("--margin", help="m of A-Softmax, at least 1.")] = 4.0,
    weight: Annotated[float, typer.Option("--lambda", help="Weight of the plain cosine, at least 0.")] = 5.0,
    angle: Annotated[
        float | None,
        typer.Option(
            "--angle", min=0.0, max=180.0, help="Median angle of training in degrees (the journal's, converted)."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Also draw the curve: a .svg or .png file.")] = None,
    as_json: Json = False,
) -> None:
    """Print how much of A-Softmax's margin is in force at each angle while lambda holds it back."""
    import torch

    from sphereface.heads.effective import effective_margin, effective_margin_at, last_defined_angle

    shown = effective_margin(torch.deg2rad(torch.tensor(_DEGREES, dtype=torch.float64)), margin, weight).tolist()
    last = math.degrees(last_defined_angle(margin, weight))
    at = None if angle is None else effective_margin_at(math.radians(angle), margin, weight)
    if out is not None:
        from sphereface.report.margin_figures import effective_figure, save_figure

        theta = torch.linspace(0.0, math.pi, 721, dtype=torch.float64)
        curve = {f"m = {margin:g}, λ = {weight:g}": effective_margin(theta, margin, weight).numpy()}
        figure = effective_figure(theta.numpy(), curve, None if angle is None else math.radians(angle))
        save_figure(out, figure, f"Effective margin of A-Softmax, m = {margin:g}, lambda = {weight:g}, by angle.")
    if as_json:
        print_json(
            {
                "margin": margin,
                "lambda": weight,
                "degrees": list(_DEGREES),
                "effective": [_number(value) for value in shown],
                "defined_to": last,
                "at_angle": None if at is None else {"degrees": angle, "effective": _number(at)},
                "figure": None if out is None else str(out),
            }
        )
        return
    print(f"effective margin of A-Softmax with m = {margin:g} and lambda = {weight:g}")
    for degrees, value in zip(_DEGREES, shown, strict=True):
        if not math.isnan(value):
            print(f"  {degrees:>4}°  {value:.2f}")
    if last < 180.0:
        print(f"  beyond {last:.1f}° the target is below -1, and no angle stands for it")
    if at is not None:
        print(f"at {angle:g}°: {'undefined' if math.isnan(at) else f'{at:.2f}'}")


app.command("plot")(margin_plot.command)
app.command("sphere")(margin_sphere.command)
app.command("thumbnails")(margin_thumbnails.command)


def _number(value: float) -> float | None:
    """Return a number as JSON has it: no NaN."""
    return None if math.isnan(value) else value


def _read(path: Path) -> Floats:
    """Read prototypes from a file, one a row."""
    import tokenize
    import warnings

    import numpy as np

    from sphereface.sphere.bounds import ARRANGEMENTS
    from sphereface.sphere.regions import check_prototypes

    ending = path.suffix.lower()
    if ending not in (".csv", ".npy"):
        raise DataError(
            f"prototypes are a .csv or .npy file or one of {', '.join(ARRANGEMENTS)}, not '{path}'."
            f"{nearest(str(path), ARRANGEMENTS)}"
        )
    if not path.is_file():
        raise DataError(f"there is no file '{path}'; check the path")
    try:
        if ending == ".npy":
            points: Any = np.lib.format.open_memmap(
                path, mode="r"
            )  # no pickle, and a lying header allocates nothing
        else:
            with warnings.catch_warnings(action="ignore"):
                points = np.loadtxt(path, delimiter=",", ndmin=2)
    # A made-up header is Python's own syntax: its parser gives up in many ways.
    except (
        ValueError,
        EOFError,
        SyntaxError,
        tokenize.TokenError,
        RecursionError,
        MemoryError,
        OverflowError,
    ) as error:
        raise DataError(f"'{path}' does not hold an array of numbers, one prototype a row") from error
    return check_prototypes(points)
