"""The picture the project is named after: people as clusters on a sphere."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sphereface.evaluation.results import Floats
from sphereface.report.arrangement import place_on_globe, turn_towards_viewer, unit_rows
from sphereface.report.canvas import MUTED, PEOPLE, Axes, Figure, new_figure, styled
from sphereface.report.content import SphereSample

Side = Literal["front", "back"]

_NET = "#8593a3"
_MOST_PICTURES = 12  # of a person; more only hide each other
CAPTIONS = {"front": "front", "back": "the same, turned by 180°"}


def people_of(sample: SphereSample) -> list[str]:
    """Return the people of the picture in order of appearance, no more than there are colours."""
    return list(dict.fromkeys(sample.people))[: len(PEOPLE)]


def shown_rows(sample: SphereSample) -> tuple[list[str], Floats, NDArray[np.int64]]:
    """Return (people, their embeddings (N, d), index of each row's person): the first dozen pictures of each."""
    people = people_of(sample)
    taken = dict.fromkeys(people, 0)
    rows = []
    for index, name in enumerate(sample.people):
        if taken.get(name, _MOST_PICTURES) < _MOST_PICTURES:
            taken[name] += 1
            rows.append(index)
    owners = np.array([people.index(sample.people[index]) for index in rows], dtype=np.int64)
    return people, unit_rows(np.asarray(sample.embeddings)[rows]), owners


def worth_drawing(sample: SphereSample | None) -> bool:
    """Say whether there is anything to see: two people and four pictures."""
    if sample is None:
        return False
    people, vectors, _ = shown_rows(sample)
    return len(people) >= 2 and len(vectors) >= 4 and vectors.shape[1] >= 3


@styled
def sphere_figure(
    sample: SphereSample, sides: tuple[Side, ...] = ("front", "back"), *, captions: bool = True
) -> Figure:
    """Draw the globe from the front and, turned by half a circle, from behind.

    One colour a person: a dot is one picture, the ring is the person's mean direction, and a thin arc (the
    shortest way over the sphere) ties each picture to it. At most six people with twelve
    pictures each are drawn.
    """
    _, vectors, owners = shown_rows(sample)
    globe = turn_towards_viewer(place_on_globe(vectors).points, owners)
    figure, places = new_figure(4.2 * len(sides), 4.4 if captions else 4.2, 1, len(sides))
    for axes, side in zip(places, sides, strict=True):
        points = globe if side == "front" else globe * [-1.0, 1.0, -1.0]
        draw_globe(axes)
        for owner in np.unique(owners):
            _draw_person(axes, points[owners == owner], PEOPLE[owner])
        if captions:
            axes.set_title(CAPTIONS[side], loc="center", color=MUTED, fontsize=9.5, fontweight="normal", y=-0.045)
    return figure


def draw_globe(axes: Axes) -> None:
    """Draw a lit ball with a net of meridians and parallels, the far side faint."""
    grid = np.linspace(-1, 1, 400)
    x, y = np.meshgrid(grid, grid)
    radius = x**2 + y**2
    z = np.sqrt(np.clip(1 - radius, 0, None))
    light = np.clip((-0.45 * x + 0.55 * y + 0.75 * z) / np.sqrt(0.45**2 + 0.55**2 + 0.75**2), 0, 1)
    ball = np.empty((400, 400, 4))
    ball[..., :3] = np.array([0.80, 0.85, 0.90]) + light[..., None] * np.array([0.19, 0.145, 0.098])
    ball[..., 3] = np.clip((1 - np.sqrt(radius)) * 130, 0, 1)
    axes.imshow(ball, extent=(-1, 1, -1, 1), origin="lower", zorder=1, interpolation="bilinear")
    turn = np.linspace(0, 2 * np.pi, 361)
    lean = np.radians(18)
    tilt = np.array([[1, 0, 0], [0, np.cos(lean), -np.sin(lean)], [0, np.sin(lean), np.cos(lean)]])
    for longitude in np.radians(np.arange(0, 180, 30)):
        ring = np.stack([np.cos(turn) * np.cos(longitude), np.sin(turn), np.cos(turn) * np.sin(longitude)], 1)
        _draw_path(axes, ring @ tilt.T, _NET, 0.6, 0.65, 0.16)
    for latitude in np.radians(np.arange(-60, 90, 30)):
        flat, height = np.cos(latitude), np.full_like(turn, np.sin(latitude))
        circle = np.stack([flat * np.cos(turn), height, flat * np.sin(turn)], 1)
        _draw_path(axes, circle @ tilt.T, _NET, 0.6, 0.65, 0.16)
    axes.plot(np.cos(turn), np.sin(turn), color=_NET, linewidth=1.0, zorder=2)
    axes.set_xlim(-1.04, 1.04)
    axes.set_ylim(-1.04, 1.04)
    axes.set_aspect("equal")
    axes.set_axis_off()


def _draw_path(axes: Axes, path: Floats, colour: str, width: float, near: float, far: float) -> None:
    """Draw a line over the globe, its far side with the opacity ``far``."""
    front = path[:, 2] >= 0
    for side, opacity, order in ((front, near, 3), (~front, far, 2)):
        line = np.where(side[:, None], path, np.nan)
        axes.plot(line[:, 0], line[:, 1], color=colour, linewidth=width, alpha=opacity, zorder=order)


def _draw_person(axes: Axes, points: Floats, colour: str) -> None:
    mean = unit_rows(points.mean(axis=0, keepdims=True))[0]
    rgb = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    steps = np.linspace(0, 1, 24)[:, None]
    crowd = min(1.0, 10 / len(points))  # many arcs: each fainter
    for point in points:
        arc = unit_rows((1 - steps) * mean + steps * point)
        _draw_path(axes, arc, colour, 0.9, 0.25 + 0.3 * crowd, 0.05 + 0.05 * crowd)
    for front in (False, True):
        side = points[(points[:, 2] >= 0) == front]
        if len(side) == 0:
            continue
        opacity = np.clip(0.62 + 0.38 * side[:, 2], 0.62, 1.0) if front else np.full(len(side), 0.16)
        colours = np.column_stack([np.tile(rgb, (len(side), 1)), opacity])
        axes.scatter(
            side[:, 0], side[:, 1], s=22 + 16 * side[:, 2], color=colours,
            edgecolors="white" if front else "none", linewidths=0.5, zorder=5 if front else 2,
        )  # fmt: skip
    if mean[2] >= 0:
        for edge, width in (("white", 3.4), (colour, 1.8)):
            axes.scatter(
                [mean[0]], [mean[1]], s=95, facecolors="none", edgecolors=edge, linewidths=width, zorder=6
            )
