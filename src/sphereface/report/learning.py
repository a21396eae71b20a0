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
    Figure,
    FuncFormatter,
    new_figure,
    styled,
)

_PANELS = (
    ("loss", "loss", GENUINE),
    ("angle", "angle to own prototype", IMPOSTOR),
    ("learning_rate", "learning rate", ACCENT),
    ("lambda", "annealing weight λ", WARN),
    ("margin", "margin", WARN),
    ("images_per_second", "images per second", WARN),
)


def column(journal: Sequence[Mapping[str, Any]], name: str) -> tuple[Floats, Floats]:
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


def _thousands(value: float, _position: int | None = None) -> str:
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


@styled
def training_figure(journal: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the journal's columns against the images seen; at most four panels, the first that exist.

    A column that never changes (a fixed margin) is a setting and not a curve: it gets no panel.
    """
    panels = [(title, colour, *column(journal, name)) for name, title, colour in _PANELS]
    panels = [panel for panel in panels if len(panel[3]) > 1 and np.ptp(panel[3]) > 0][:4]
    rows = max(1, (len(panels) + 1) // 2)
    figure, axes = new_figure(7.8, 0.4 + 2.3 * rows, rows, 2 if len(panels) > 1 else 1)
    for place, (title, colour, images, values) in zip(axes, panels, strict=False):
        shown = np.degrees(values) if title.startswith("angle") else values
        window = max(1, len(shown) // 40) | 1
        if window > 1:
            place.plot(images, shown, color=colour, linewidth=0.8, alpha=0.3)
        place.plot(images, smoothed(shown, window), color=colour)
        place.set_title(title)
        place.xaxis.set_major_formatter(FuncFormatter(_thousands))
        place.set_xlim(0, images[-1])
        if title.startswith("angle"):
            place.yaxis.set_major_formatter(FuncFormatter(lambda value, _p: f"{value:g}°"))
        elif (values > 0).all() and values.max() / values.min() > 300:
            place.set_yscale("log")
        else:
            place.set_ylim(bottom=0)
    for place in axes[len(panels) :]:
        place.set_visible(False)
    figure.supxlabel("training images seen", fontsize=9.5)
    return figure
