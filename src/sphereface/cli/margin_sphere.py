"""``sphereface margins sphere``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sphereface.cli.options import Json
from sphereface.cli.output import Terminal, print_json

_SHOWN = ("softmax", "normface", "a-softmax", "arcface")


def command(
    rows: Annotated[list[str] | None, typer.Argument(help="Losses to train with, by name. Default: four.")] = None,
    out: Annotated[Path, typer.Option("--out", help="A .svg or .png file.")] = Path("sphere.svg"),
    people: Annotated[int, typer.Option("--people", min=2, max=6, help="Drawn people to learn.")] = 6,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Training steps of 48 pictures.")] = 100,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of people, weights and order.")] = 1,
    as_json: Json = False,
) -> None:
    """Train a network with three outputs with each loss and draw the sphere it makes of a few people."""
    from sphereface.heads import build_head
    from sphereface.report.globes import globes_figure
    from sphereface.report.margin_figures import check_picture, save_figure
    from sphereface.training.on_the_sphere import train_on_the_sphere

    names = list(dict.fromkeys(rows or _SHOWN))
    check_picture(out)
    for name in names:
        build_head(
            name, num_classes=people, embedding_dim=3
        )  # a name that is wrong is told before a minute's work
    found = [
        train_on_the_sphere(name, people=people, steps=steps, seed=seed, progress=Terminal()) for name in names
    ]
    widths = {each.name: each.widths() for each in found}
    figure = globes_figure(
        {each.name: each.points for each in found},
        {each.name: each.people.tolist() for each in found},
        {name: f"own {own:.0f}°, nearest other {other:.0f}°" for name, (own, other) in widths.items()},
    )
    path = save_figure(
        out, figure, f"Embeddings of {people} people on the sphere, trained with {', '.join(names)}."
    )
    if as_json:
        print_json(
            {
                "file": str(path),
                "losses": {
                    each.name: {
                        "loss": each.loss,
                        "own_angle_degrees": widths[each.name][0],
                        "nearest_other_degrees": widths[each.name][1],
                    }
                    for each in found
                },
            }
        )
        return
    for each in found:
        own, other = widths[each.name]
        print(f"{each.name}: loss {each.loss:.2f}, own angle {own:.1f}°, nearest other person {other:.1f}°")
    print(f"picture: {path}")
