"""How the small figures look, and how one becomes SVG: the same bytes on every machine.

Letters are drawn as paths of the font that comes with matplotlib, places are fixed instead of fitted to the
letters, and what is drawn is rounded first, so that no machine's last bit is seen. The numbers lie beside the
drawing in ``<desc>``.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Sequence
from functools import wraps
from html import escape
from typing import Any, ParamSpec

import matplotlib

from sphereface.evaluation.repeated import Repeated
from sphereface.report.canvas import (
    GRID,
    INK,
    MUTED,
    Axes,
    Figure,
    FixedLocator,
    FuncFormatter,
    NullLocator,
    percent_label,
)

WIDTH, HEIGHT = 3.4, 2.3  # inches
DECIMALS = 4  # of a share: a hundredth of a point
_STYLE: Any = {
    "font.family": ["DejaVu Sans"],
    "font.size": 7.0,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": 7.0,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.5,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 6.5,
    "legend.handlelength": 1.6,
    "legend.labelspacing": 0.35,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "evidence",
}
_P = ParamSpec("_P")
Interval = tuple[float, float, float]


def styled(draw: Callable[_P, str]) -> Callable[_P, str]:
    """Let a function draw in this style, whatever matplotlib's own settings are on this machine."""

    @wraps(draw)
    def drawn(*args: _P.args, **kwargs: _P.kwargs) -> str:
        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(_STYLE)
            return draw(*args, **kwargs)

    return drawn


def new_axes(
    left: float,
    bottom: float = 0.17,
    right: float = 0.97,
    top: float = 0.96,
    size: tuple[float, float] = (WIDTH, HEIGHT),
) -> Axes:
    """Return axes in a new figure, their edges as shares of its width and height; ``size`` is in inches."""
    figure = Figure(figsize=size)
    return figure.add_axes((left, bottom, right - left, top - bottom))


def rounded(mean: Repeated, least: float = 0.0, most: float = 1.0) -> Interval:
    """Return (value, low, high) of a rate as it is drawn, the interval no wider than rates are."""
    ends = (mean.value, max(mean.low, least), min(mean.high, most))
    value, low, high = (round(end, DECIMALS) for end in ends)
    return value, low, high


def whiskers(
    axes: Axes, places: Sequence[float], values: Sequence[Interval], *, upright: bool, **look: Any
) -> Any:
    """Draw values with their intervals, upright or lying, at places on the other axis."""
    middle = [value for value, _, _ in values]
    # The value of a rate near 0 or 1 can lie outside of its clipped interval by a rounding.
    reach = [
        [max(value - low, 0.0) for value, low, _ in values],
        [max(high - value, 0.0) for value, _, high in values],
    ]
    style = {"linestyle": "none", "marker": "o", "elinewidth": 1.1, "capsize": 1.8, "capthick": 0.8, **look}
    if upright:
        return axes.errorbar(places, middle, yerr=reach, **style)
    return axes.errorbar(middle, places, xerr=reach, **style)


def marked(
    axes: Axes,
    places: Sequence[float],
    values: Sequence[Interval],
    failed: Sequence[bool],
    *,
    upright: bool,
    color: str,
    marker: str,
    label: str | None = None,
    line: bool = False,
) -> None:
    """Draw values with their intervals: hollow and thin where a run failed, a line through the others if so."""
    look: dict[str, Any] = {"color": color, "marker": marker, "markersize": 3.0}
    for hollow in (False, True):
        at = [number for number, each in enumerate(failed) if each is hollow]
        if not at:
            continue
        style: dict[str, Any] = {"markerfacecolor": "white", "elinewidth": 0.6, "alpha": 0.6} if hollow else {}
        style |= {"label": label} if not hollow or all(failed) else {}
        whiskers(axes, [places[i] for i in at], [values[i] for i in at], upright=upright, **look, **style)
    if line:
        whole = [
            (places[i], values[i][0]) if not each else (places[i], float("nan")) for i, each in enumerate(failed)
        ]
        axes.plot(*zip(*whole, strict=True), color=color, linewidth=1.2, zorder=2)


def at_least_as_wide(axes: Axes, span: float, most: float = 1.0) -> None:
    """Show at least so much of an upright axis of rates, so that noise does not look like a trend."""
    low, high = axes.get_ylim()
    high = min(high, most + 0.03 * span)
    axes.set_ylim(min(low, high - span), high)


def in_percent(axis: Any, ticks: Sequence[float] | None = None) -> None:
    """Label an axis of shares in percent."""
    axis.set_major_formatter(FuncFormatter(percent_label))
    if ticks is not None:
        only_ticks(axis, ticks)


def in_points(axis: Any) -> None:
    """Label an axis of differences of shares in points."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100.0 * value:.6g}".replace("-", "−")))


def only_ticks(axis: Any, ticks: Sequence[float]) -> None:
    """Put ticks there and nowhere else."""
    axis.set_major_locator(FixedLocator([*ticks]))
    axis.set_minor_locator(NullLocator())


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Name rows on the left, the first on top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)


def svg_of(axes: Axes, title: str, numbers: Any) -> str:
    """Return the figure with its title and its numbers."""
    buffer = io.StringIO()
    figure = axes.figure
    assert isinstance(figure, Figure)
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"\s*<!--.*?-->", "", svg, flags=re.DOTALL)
    # Glyphs have the size of the 0.015625 that they are scaled by; a thousandth of a point is enough for the rest.
    svg = re.sub(
        r"(?<![\d.(])\d+\.\d{4,}|(?<=translate\()\d+\.\d{4,}", lambda found: f"{float(found.group()):.3f}", svg
    )
    head, body = svg.split(">", 1)
    data = json.dumps(numbers, ensure_ascii=False, allow_nan=False)
    return f"{head}>\n <title>{escape(title)}</title>\n <desc>{escape(data, quote=False)}</desc>{body.rstrip()}\n"
