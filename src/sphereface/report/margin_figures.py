"""Pictures of margins: psi and its slope, the effective margin, and decision regions on the circle.

The curves come in as plain numbers, because this room knows nothing of losses.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from sphereface.atomic import write_bytes
from sphereface.errors import ConfigurationError, DataError, reason_of
from sphereface.evaluation.results import Floats
from sphereface.report.canvas import (
    ACCENT,
    GRID,
    INK,
    MUTED,
    PAPER,
    PEOPLE,
    Axes,
    Figure,
    FixedLocator,
    FuncFormatter,
    new_figure,
    styled,
    to_png,
    to_svg,
)
from sphereface.sphere.bounds import region_angles
from sphereface.sphere.regions import arcs_on_circle, check_prototypes

_DASHES: tuple[str | tuple[int, tuple[int, ...]], ...] = ("-", (0, (5, 2)), (0, (1, 1)))
_LEGEND = 125  # letters of a legend's line, with what stands before each entry
_JUMP = 0.02  # of psi between two angles, beyond what its slopes explain


@styled
def psi_figure(
    theta: Floats, values: Mapping[str, Floats], slopes: Mapping[str, Floats], held: Collection[str] = ()
) -> Figure:
    """Draw psi of each loss and its slope side by side, the plain cosine dashed behind them.

    Args:
        theta: Angles in radians, rising, (n,).
        values: psi at these angles by name, (n,) each.
        slopes: d psi / d theta at these angles by name, (n,) each.
        held: Names whose slope is the one training sees, a weight held constant; the legend says so.

    Raises:
        ConfigurationError: If there is nothing to draw or a curve is not as long as the angles.
    """
    _check_curves(theta, {**values, **{f"the slope of {name}": slope for name, slope in slopes.items()}})
    if set(values) != set(slopes):
        raise ConfigurationError("psi and its slope must be given for the same names")
    labels = {name: f"{name} (slope as trained: weight constant)" if name in held else name for name in values}
    columns = max(1, min(len(values) + 1, 4, _LEGEND // (max(map(len, labels.values())) + 7)))
    figure, (left, right) = new_figure(8.6, 3.7 + 0.2 * math.ceil((len(values) + 1) / columns), 1, 2)
    degrees = np.degrees(theta)
    for axes, plain, title in ((left, np.cos(theta), "ψ(θ)"), (right, -np.sin(theta), "slope dψ/dθ, per radian")):
        axes.plot(degrees, plain, color=MUTED, linewidth=1.1, linestyle=(0, (2, 2)), label="cos θ, no margin")
        axes.set_title(title)
        _angle_axis(axes)
    for index, name in enumerate(values):
        gaps = _jumps(theta, values[name], slopes[name])
        colour, dash = PEOPLE[index % len(PEOPLE)], _DASHES[index // len(PEOPLE) % len(_DASHES)]
        for axes, curve in ((left, values[name]), (right, slopes[name])):
            axes.plot(degrees, np.where(gaps, np.nan, curve), label=labels[name], color=colour, linestyle=dash)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=columns, handlelength=2.0)
    return figure


@styled
def thumbnail_figure(theta: Floats, psi: Floats, eta: Floats) -> Figure:
    """Draw psi (solid) and eta (broken) over the half turn, small, without words: for a cell of a table.

    Args:
        theta: Angles in radians from 0 to pi, (n,).
        psi: For the own class, (n,).
        eta: For another class, (n,).
    """
    _check_curves(theta, {"psi": psi, "eta": eta})
    figure, (axes,) = new_figure(1.7, 1.1)
    # The lower half of a steep psi is cut off: the shape around the cosine is what tells losses apart.
    axes.axhline(0.0, color=GRID, linewidth=0.8)
    axes.axvline(math.pi / 2.0, color=GRID, linewidth=0.8)
    step = np.abs(np.diff(psi))
    beside = np.maximum(np.append(step[1:], 0.0), np.append(0.0, step[:-1]))
    leap = np.append(step > 5.0 * beside + _JUMP, False)
    axes.plot(theta, np.where(leap, np.nan, psi), color=PEOPLE[0], linewidth=1.6)
    axes.plot(theta, eta, color=PEOPLE[1], linewidth=1.2, linestyle=(0, (3, 1.5)))
    axes.set_xlim(0.0, math.pi)
    axes.set_ylim(-1.6, 1.15)
    axes.set_xticks([])
    axes.set_yticks([])
    return figure


@styled
def effective_figure(theta: Floats, curves: Mapping[str, Floats], median: float | None = None) -> Figure:
    """Draw effective margins against the angle; where one is NaN its curve ends.

    Args:
        theta: Angles in radians, rising, (n,).
        curves: Effective margin at these angles by name, (n,) each.
        median: Median angle of a training step in radians, marked if given.

    Raises:
        ConfigurationError: If there is nothing to draw or a curve is not as long as the angles.
    """
    _check_curves(theta, curves)
    figure, (axes,) = new_figure(5.4, 3.6)
    degrees = np.degrees(theta)
    axes.axhline(1.0, color=MUTED, linewidth=1.1, linestyle=(0, (2, 2)))
    for index, (name, curve) in enumerate(curves.items()):
        axes.plot(degrees, curve, color=PEOPLE[index % len(PEOPLE)], label=name)
    if median is not None:
        place = math.degrees(median)
        axes.axvline(place, color=ACCENT, linewidth=1.2, linestyle=(0, (4, 2)))
        axes.annotate(
            f"median {place:.0f}°", (place, 0.98), xycoords=("data", "axes fraction"), xytext=(5, 0),
            textcoords="offset points", color=ACCENT, fontsize=8.5, va="top",
        )  # fmt: skip
    axes.set_ylabel("effective margin")
    axes.set_ylim(bottom=0.95)
    _angle_axis(axes)
    figure.legend(loc="outside lower center", ncols=min(len(curves), 3), handlelength=1.4)
    return figure


@styled
def circle_figure(prototypes: Floats, margins: Sequence[float]) -> Figure:
    """Draw the decision regions of each multiplicative margin on the circle, one circle beside the other.

    A coloured arc is the part of the circle that a class holds, the line its prototype; what lies between the
    arcs belongs to nobody: that is the margin. Below each circle stand both sides of the paper's criterion.

    Args:
        prototypes: Shape (C, 2), any lengths.
        margins: m of each circle, at least 1 each; one to six.

    Raises:
        ConfigurationError: If the prototypes do not lie in a plane or a margin is out of range.
    """
    if not 1 <= len(margins) <= 6:
        raise ConfigurationError(f"one to six circles can be drawn side by side, not {len(margins)}")
    directions = check_prototypes(prototypes)
    figure, places = new_figure(2.5 * max(len(margins), 2), 3.1, 1, len(margins))
    for axes, margin in zip(places, margins, strict=True):
        _draw_circle(axes, arcs_on_circle(directions, margin), directions)
        angles = region_angles(directions, margin)
        within, between = math.degrees(angles.largest_intra), math.degrees(angles.smallest_inter)
        axes.set_title(f"m = {margin:g}", loc="center")
        met = between >= within - 1e-6
        axes.text(
            0.0, -1.2, f"within a class {within:.0f}°\nbetween classes {between:.0f}°", ha="center", va="top",
            fontsize=8.5, color=ACCENT if met else INK, fontweight="bold" if met else "normal",
        )  # fmt: skip
    return figure


def save_figure(path: Path, figure: Figure, description: str) -> Path:
    """Write a figure as ``.svg`` or ``.png``, whichever the path ends in; missing folders are made.

    The SVG stands alone: plain colours, and paper behind it.

    Args:
        path: Where to.
        figure: What to draw.
        description: What it shows, for people who do not see it.

    Raises:
        ConfigurationError: If the path ends in neither.
        DataError: If it cannot be written.
    """
    check_picture(path)
    content = to_png(figure) if path.suffix.lower() == ".png" else _standalone(figure, description).encode()
    try:
        write_bytes(path, content)
    except OSError as error:
        raise DataError(f"cannot write '{path}': {reason_of(error)}") from error
    return path


def check_picture(path: Path) -> None:
    """Insist on a file name that says which kind of picture is wanted.

    Raises:
        ConfigurationError: If it ends in neither ``.svg`` nor ``.png``.
    """
    if path.suffix.lower() not in (".svg", ".png"):
        raise ConfigurationError(f"a figure is written as .svg or .png, not '{path.name}'")


def _standalone(figure: Figure, description: str) -> str:
    svg = re.sub(r"var\(--[\w-]+, (#\w+)\)", r"\1", to_svg(figure, "margins", description))
    head, body = svg.split(">", 1)
    width, height = (72.0 * size for size in figure.get_size_inches())
    paper = f'<rect width="100%" height="100%" fill="{PAPER}"/>'
    body = body.replace("</title>", f"</title>{paper}", 1)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{head} width="{width:g}pt" height="{height:g}pt">{body}\n'


def _check_curves(theta: Floats, curves: Mapping[str, Floats]) -> None:
    if not curves:
        raise ConfigurationError("there is no curve to draw")
    for name, curve in curves.items():
        if np.shape(curve) != np.shape(theta):
            raise ConfigurationError(
                f"{name} must have one value for each of {len(theta)} angles, not {np.shape(curve)}"
            )


def _jumps(theta: Floats, values: Floats, slopes: Floats) -> np.ndarray:
    """Return where a curve leaps, (n,): there its line is broken."""
    explained = 0.5 * (slopes[1:] + slopes[:-1]) * np.diff(theta)
    leaps = np.abs(np.diff(values) - explained) > _JUMP
    return np.append(leaps, False)


def _angle_axis(axes: Axes) -> None:
    axes.set_xlim(0, 180)
    axes.xaxis.set_major_locator(FixedLocator([0, 30, 60, 90, 120, 150, 180]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda degrees, _position: f"{degrees:g}°"))
    axes.set_xlabel("angle θ to the own prototype")


def _draw_circle(axes: Axes, arcs: Floats, directions: Floats) -> None:
    turn = np.linspace(0.0, 2.0 * np.pi, 181)
    axes.plot(np.cos(turn), np.sin(turn), color=MUTED, linewidth=0.8)
    for index, ((start, end), (x, y)) in enumerate(zip(arcs, directions, strict=True)):
        colour = PEOPLE[index % len(PEOPLE)]
        part = np.linspace(start, end, 2 + int(np.degrees(end - start) / 2.0))
        across, up = np.cos(part), np.sin(part)
        axes.fill(np.append(0.0, across), np.append(0.0, up), color=colour, alpha=0.14, linewidth=0)
        axes.plot(across, up, color=colour, linewidth=5.0, solid_capstyle="butt")
        axes.plot([0.0, x], [0.0, y], color=colour, linewidth=1.2)
    axes.set_xlim(-1.08, 1.08)
    axes.set_ylim(-1.08, 1.08)
    axes.set_aspect("equal")
    axes.set_axis_off()
