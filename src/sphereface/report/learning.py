"""How training went: loss, angle to the own prototype, learning rate, and the margin or lambda if it moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sphereface.evaluation.results import Floats
from sphereface.report.canvas import (
    ACCENT,
    GENUINE,
    IMPOSTOR,
    WARN,
    Axes,
    Figure,
    FuncFormatter,
    MaxNLocator,
    new_figure,
    styled,
)

Journal = Sequence[Mapping[str, Any]]

_PANELS = {
    "loss": ("loss", GENUINE),
    "angle": ("angle to own prototype", IMPOSTOR),
    "learning_rate": ("learning rate", ACCENT),
    "lambda": ("annealing weight λ", WARN),
    "margin": ("margin", WARN),
    "gradient_norm": ("norm of the gradient, unclipped", ACCENT),
}
_LAST = {"images_per_second": ("images per second", WARN)}
_MOST = 6
_NOISY = ("loss", "angle", "gradient_norm", "images_per_second")  # the others are schedules: exact as they are
_NOT_DRAWN = {"step", "images", *_PANELS, *_LAST}


def column(journal: Journal, name: str) -> tuple[Floats, Floats]:
    """Return (images seen, values) of the rows that hold a finite number under ``name``.

    >>> column([{"images": 64, "loss": 3.0}, {"images": 128}], "loss")
    (array([64.]), array([3.]))
    """
    rows = [
        (float(row.get("images", row.get("step", index))), float(row[name]))
        for index, row in enumerate(journal)
        if isinstance(row.get(name), int | float) and np.isfinite(row[name])
    ]
    images, values = zip(*rows, strict=True) if rows else ((), ())
    return np.array(images, dtype=np.float64), np.array(values, dtype=np.float64)


def smoothed(values: Floats, window: int) -> Floats:
    """Return the centred running mean; at the ends over what there is.

    >>> smoothed(np.array([0.0, 3.0, 6.0]), 3)
    array([1.5, 3. , 4.5])
    """
    kernel = np.ones(window)
    return np.convolve(values, kernel, "same") / np.convolve(np.ones_like(values), kernel, "same")


def training_panels(journal: Journal) -> dict[str, str]:
    """Return column -> title of what is worth a panel: at most six, the best known first.

    Whatever else a loss moves (its own scale, a running mean, a bias, the terms of regularizers) has a panel
    under its own name. A column that never changes (a fixed margin) is a setting and not a curve.
    """
    others = {name: name.replace("_", " ") for row in journal for name in row if name not in _NOT_DRAWN}
    titles = {name: title for name, (title, _) in _PANELS.items()} | others
    titles |= {name: title for name, (title, _) in _LAST.items()}
    worth: dict[str, str] = {}
    for name, title in titles.items():
        _, values = column(journal, name)
        # What comes last fills four panels, or the place that is left in the last row.
        room = len(worth) < (_MOST if name not in _LAST else 4) or (name in _LAST and len(worth) % 2 == 1)
        if len(values) > 1 and np.ptp(values) > 0 and room:
            worth[name] = title
    return worth


def training_facts(journal: Journal) -> list[tuple[str, str]]:
    """Return what a reader asks first, by name: how much was seen, how far loss and angle came, how fast."""
    facts = []
    images, loss = column(journal, "loss")
    if len(loss):
        first, last = _ends(loss)
        facts = [
            ("training images seen", f"{images[-1]:,.0f}"),
            ("loss, first and last twentieth", f"{first:.2f} → {last:.2f}"),
        ]
    _, angle = column(journal, "angle")
    if len(angle):
        first, last = _ends(np.degrees(angle))
        facts.append(("angle to own prototype", f"{first:.0f}° → {last:.0f}°"))
    _, speed = column(journal, "images_per_second")
    if len(speed):
        facts.append(("images per second, median", f"{np.median(speed):,.0f}"))
    return facts


def _ends(values: Floats) -> tuple[float, float]:
    """Return the means of the first and of the last twentieth."""
    tail = max(1, len(values) // 20)
    return float(values[:tail].mean()), float(values[-tail:].mean())


@styled
def panel_figure(journal: Journal, name: str) -> Figure:
    """Draw one column of the journal against the images seen."""
    figure, (axes,) = new_figure(5.4, 2.9)
    _draw_panel(axes, journal, name)
    axes.set_xlabel("training images seen")
    return figure


@styled
def training_figure(journal: Journal) -> Figure:
    """Draw all panels of :func:`training_panels` as one figure."""
    panels = list(training_panels(journal))
    rows = max(1, (len(panels) + 1) // 2)
    figure, axes = new_figure(8.6, 0.4 + 2.4 * rows, rows, 2 if len(panels) > 1 else 1)
    for place, name in zip(axes, panels, strict=False):
        _draw_panel(place, journal, name)
    for place in axes[len(panels) :]:
        place.set_visible(False)
    figure.supxlabel("training images seen", fontsize=9.5)
    return figure


def _draw_panel(axes: Axes, journal: Journal, name: str) -> None:
    title, colour = (_PANELS | _LAST).get(name, (name.replace("_", " "), WARN))
    images, values = column(journal, name)
    if name == "angle":
        values = np.degrees(values)
    window = max(1, len(values) // 40) | 1
    noisy = name in _NOISY
    if noisy and window > 1:
        axes.plot(images, values, color=colour, linewidth=0.8, alpha=0.3)
    axes.plot(images, smoothed(values, window) if noisy else values, color=colour)
    axes.set_title(title)
    axes.set_xlim(0, images[-1])
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(_thousands))
    if name == "angle":
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:g}°"))
    elif (values > 0).all() and values.max() / values.min() > 300 and name == "lambda":
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=min(0.0, float(values.min())))


def _thousands(value: float, _position: int | None = None) -> str:
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"
