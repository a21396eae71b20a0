"""Globes side by side: embeddings of three dimensions as they are, one globe a loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sphereface.errors import ConfigurationError
from sphereface.evaluation.results import Floats
from sphereface.report.arrangement import turn_towards_viewer
from sphereface.report.canvas import MUTED, PEOPLE, Figure, new_figure, styled
from sphereface.report.sphere import draw_globe

_A_ROW = 4


@styled
def globes_figure(
    points: Mapping[str, Floats], owners: Mapping[str, Sequence[int]], notes: Mapping[str, str]
) -> Figure:
    """Draw a globe for each name, a dot a picture, a colour a person.

    Args:
        points: Unit vectors by name, (N, 3).
        owners: Whose picture each is, whole numbers below six, (N,).
        notes: A line under each globe.

    Raises:
        ConfigurationError: If there is nothing to draw, or more people than colours.
    """
    if not points:
        raise ConfigurationError("there is no globe to draw: name at least one loss")
    if any(max(people) >= len(PEOPLE) for people in owners.values()):
        raise ConfigurationError(f"a globe shows at most {len(PEOPLE)} people, one a colour")
    columns = min(len(points), _A_ROW)
    rows = -(-len(points) // columns)
    figure, places = new_figure(2.9 * columns, 3.35 * rows, rows, columns)
    for axes, name in zip(places, points, strict=False):
        people = np.asarray(owners[name])
        globe = turn_towards_viewer(np.asarray(points[name], dtype=np.float64), people)
        draw_globe(axes)
        for person in np.unique(people):
            own = globe[people == person]
            for front in (False, True):
                side = own[(own[:, 2] >= 0) == front]
                axes.scatter(
                    side[:, 0], side[:, 1], s=16, color=PEOPLE[person], alpha=0.85 if front else 0.16,
                    edgecolors="white" if front else "none", linewidths=0.35, zorder=5 if front else 2,
                )  # fmt: skip
        axes.set_title(name, loc="center")
        axes.text(
            0.5, -0.04, notes[name], transform=axes.transAxes, ha="center", va="top", color=MUTED, fontsize=8.5
        )
    for axes in places[len(points) :]:
        axes.set_axis_off()
    return figure
