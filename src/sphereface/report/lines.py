"""What all curves of error rates share: steps with a band, one colour a model, axes of shares, a legend below.

A curve is drawn only where the data can carry it: an axis of false alarms ends at one alarm among all
trials, because left of that there is nothing but the number of trials. Curves are steps, as measured: at a
false-alarm rate between two measured ones the stricter threshold holds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from sphereface.evaluation.results import ErrorCurve, Floats, Rate
from sphereface.report.canvas import PEOPLE, Axes, Figure, as_label, share_ticks

Dash = str | tuple[int, tuple[int, ...]]

_DASHES: tuple[Dash, ...] = ("-", (0, (5, 2)), (0, (1, 1)), (0, (6, 2, 1, 2)))
_DECADES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
_ONE_TWO_FIVE = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_LETTERS = 84  # of a legend's line, with what stands before each entry


def look(index: int) -> tuple[str, Dash]:
    """Return the colour and the dashes of a model: told apart with any colour vision, and without colour.

    >>> look(0), look(1)[1]
    (('#0068a8', '-'), (0, (5, 2)))
    """
    return PEOPLE[index % len(PEOPLE)], _DASHES[index % len(_DASHES)]


def smallest_share(false: Floats, trials: int) -> float:
    """Return the smallest false-alarm share that was seen, no less than one in ``trials`` and 1e-6.

    >>> smallest_share(np.array([1.0, 0.1, 0.005, 0.0]), trials=200)
    0.005
    """
    floor = max(1.0 / max(trials, 1), 1e-6)
    positive = false[false > 0]
    return floor if len(positive) == 0 else max(floor, float(positive.min()))


def in_false_order(curve: ErrorCurve, start: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Return (false, missed, missed low, missed high) by increasing false share, from ``start`` up.

    At equal false share the lowest miss rate stands: the smallest threshold that keeps the promise.
    """
    keep = curve.false >= start
    false, missed = curve.false[keep], curve.missed[keep]
    order = np.lexsort((missed, false))
    _, first = np.unique(false[order], return_index=True)
    chosen = order[first]
    return false[chosen], missed[chosen], curve.missed_low[keep][chosen], curve.missed_high[keep][chosen]


def draw_steps(
    axes: Axes, index: int, across: Floats, up: Floats, low: Floats, high: Floats, label: str = ""
) -> None:
    """Draw the steps of model ``index`` and the band around them."""
    colour, dash = look(index)
    axes.fill_between(across, low, high, step="post", color=colour, alpha=0.18, linewidth=0)
    axes.plot(across, up, color=colour, linestyle=dash, drawstyle="steps-post", label=label or None)


def draw_line(axes: Axes, index: int, across: Sequence[float], rates: Sequence[Rate], label: str = "") -> None:
    """Draw rates with their band as points tied by a line; a rate without a value is left out."""
    known = [(x, r.value, r.low, r.high) for x, r in zip(across, rates, strict=True) if r.value is not None]
    if not known:
        return
    xs, values, lows, highs = (list(part) for part in zip(*known, strict=True))
    colour, dash = look(index)
    axes.fill_between(
        xs,
        [v if end is None else end for v, end in zip(values, lows, strict=True)],
        [v if end is None else end for v, end in zip(values, highs, strict=True)],
        color=colour, alpha=0.18, linewidth=0,
    )  # fmt: skip
    axes.plot(xs, values, color=colour, linestyle=dash, marker="o", markersize=4, label=label or None)


def dots(rates: Mapping[float, Rate]) -> tuple[list[float], list[float]]:
    """Return (targets, values) of the rates that have a value."""
    known = [(target, rate.value) for target, rate in rates.items() if rate.value is not None]
    return [target for target, _ in known], [value for _, value in known]


def log_share_axis(axes: Axes, start: float) -> None:
    """Make the horizontal axis a logarithmic share from ``start`` to everything."""
    axes.set_xscale("log")
    axes.set_xlim(start / 1.15, 1.0)
    ticks = _ONE_TWO_FIVE if start >= 0.0019 else _DECADES
    share_ticks(axes.xaxis, [tick for tick in ticks if tick >= start / 1.15])


def legend_below(figure: Figure, axes: Axes) -> None:
    """Put the legend of ``axes`` under the figure, as many columns as its words leave room for."""
    handles, labels = axes.get_legend_handles_labels()
    if labels:
        columns = max(1, min(len(labels), 3, _LETTERS // (max(map(len, labels)) + 7)))
        figure.legend(handles, labels, loc="outside lower center", ncols=columns, handlelength=2.4)


def labelled(labels: Sequence[str], index: int) -> str:
    """Return the label of model ``index``; a curve that stands alone needs none.

    >>> labelled(["one"], 0), labelled(["one", "two"], 1)
    ('', 'two')
    """
    return as_label(labels[index]) if len(labels) > 1 else ""


def decades(low: float, high: float) -> list[float]:
    """Return ticks of a logarithmic axis between two ends: powers of ten, with 2 and 5 where few of them fit.

    >>> decades(0.004, 1.0), decades(0.02, 0.3)
    ([0.01, 0.1, 1.0], [0.02, 0.05, 0.1, 0.2])
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1,), (1, 2, 5)):
        ticks = [float(f"{digit}e{power}") for power in powers for digit in digits]
        ticks = [tick for tick in ticks if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
        if len(ticks) >= 3:
            break
    return ticks
