"""Error curves with their bands: ROC, DET, open-set identification, CMC. Values in, Figure out.

A curve is drawn only where the data can carry it: an axis of false alarms ends at one alarm among all
trials, because left of that there is nothing but the number of trials. Curves are steps, as measured: at a
false-alarm rate between two measured ones the stricter threshold holds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import ndtri

from sphereface.evaluation.results import ErrorCurve, Floats, Identification, Rate, Verification
from sphereface.report.canvas import (
    ACCENT,
    GENUINE,
    INK,
    MUTED,
    Axes,
    Figure,
    FixedLocator,
    FuncFormatter,
    NullLocator,
    new_figure,
    nothing_to_draw,
    percent_label,
    share_ticks,
    styled,
)
from sphereface.report.wording import NBSP, percent

_DECADES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
_ONE_TWO_FIVE = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_DET_TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.05, 0.2, 0.5)


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


def _log_share_axis(axes: Axes, start: float) -> None:
    """Make the horizontal axis a logarithmic share from ``start`` to everything."""
    axes.set_xscale("log")
    axes.set_xlim(start / 1.15, 1.0)
    ticks = _ONE_TWO_FIVE if start >= 0.0019 else _DECADES
    share_ticks(axes.xaxis, [tick for tick in ticks if tick >= start / 1.15])


def _draw_steps(axes: Axes, false: Floats, missed: Floats, low: Floats, high: Floats) -> None:
    axes.fill_between(false, low, high, step="post", color=GENUINE, alpha=0.18, linewidth=0)
    axes.plot(false, missed, color=GENUINE, drawstyle="steps-post")


def _dots(rates: Mapping[float, Rate]) -> tuple[list[float], list[float]]:
    """Return (targets, values) of the rates that have a value."""
    known = [(target, rate.value) for target, rate in rates.items() if rate.value is not None]
    return [target for target, _ in known], [value for _, value in known]


@styled
def roc_figure(verification: Verification) -> Figure:
    """Draw the share of genuine pairs accepted (1 - FNMR) against FMR, logarithmic, with its band."""
    figure, (axes,) = new_figure()
    start = smallest_share(verification.curve.false, verification.impostor_pairs)
    false, missed, low, high = in_false_order(verification.curve, start)
    if len(false) == 0:
        nothing_to_draw(axes, "no curve: too few pairs")
        return figure
    _draw_steps(axes, false, 1 - missed, 1 - high, 1 - low)
    targets, values = _dots(verification.fnmr_at_fmr)
    axes.plot(targets, [1 - value for value in values], "o", color=GENUINE, markersize=5, zorder=4)
    chance = np.geomspace(start, 1.0, 100)
    axes.plot(chance, chance, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    axes.annotate(
        "guessing", (0.5, 0.5), xytext=(-7, 0), textcoords="offset points", ha="right", va="center",
        color=MUTED, fontsize=8.5,
    )  # fmt: skip
    _log_share_axis(axes, start)
    axes.set_ylim(0, 1.01)
    share_ticks(axes.yaxis, (0, 0.2, 0.4, 0.6, 0.8, 1))
    axes.set_xlabel("false match rate (FMR)")
    axes.set_ylabel("genuine pairs accepted (1 − FNMR)")
    return figure


def deviate(share: Floats | float, floor: float) -> Any:
    """Return the normal deviate of a share kept away from 0 by ``floor`` and from 1.

    >>> float(deviate(0.5, 1e-6))
    0.0
    """
    return ndtri(np.clip(share, floor, 1 - 1e-9))


@styled
def det_figure(verification: Verification) -> Figure:
    """Draw FNMR against FMR on normal-deviate axes (Martin et al. 1997), with its band and the EER."""
    figure, (axes,) = new_figure()
    left = min(smallest_share(verification.curve.false, verification.impostor_pairs), 0.2)
    false, missed, low, high = in_false_order(verification.curve, left)
    inside = false < 1
    if not inside.any():
        nothing_to_draw(axes, "no curve: too few pairs")
        return figure
    top = 0.7
    resolved = max(1.0 / max(verification.genuine_pairs, 1), 1e-6)  # one miss among all genuine pairs
    bottom = min(max(resolved, float(low[inside][low[inside] > 0].min(initial=0.2))), 0.2)
    below = bottom / 10
    _draw_steps(axes, deviate(false[inside], left), *(deviate(y[inside], below) for y in (missed, low, high)))
    targets, values = _dots(verification.fnmr_at_fmr)
    if targets:
        axes.plot(deviate(np.array(targets), left), deviate(np.array(values), below), "o", color=GENUINE, zorder=4)
    ends = deviate(np.array([max(left, bottom), top]), left)
    axes.plot(ends, ends, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    eer = verification.eer.value
    if eer is not None and bottom < eer < top:
        at = float(deviate(eer, below))
        axes.plot([at], [at], "D", color=INK, markersize=5.5, zorder=5)
        axes.annotate(
            f"EER {percent(eer)}{NBSP}%", (at, at), xytext=(11, -1),
            textcoords="offset points", va="center", color=INK, fontsize=9,
        )  # fmt: skip
    axes.set_xlim(deviate(left, left), deviate(top, left))
    axes.set_ylim(deviate(bottom, below), deviate(top, below))
    for axis, first in ((axes.xaxis, left), (axes.yaxis, bottom)):
        _deviate_ticks(axis, first, top, 8 if axis is axes.xaxis else 14)
    axes.set_xlabel("false match rate (FMR)")
    axes.set_ylabel("false non-match rate (FNMR)")
    return figure


def _deviate_ticks(axis: Any, first: float, last: float, most: int) -> None:
    """Put percent ticks on a normal-deviate axis, thinned where more than ``most`` would fill it."""
    room = float(ndtri(last) - ndtri(first)) / most
    places: dict[float, str] = {}
    for tick in reversed([tick for tick in _DET_TICKS if first * 0.99 <= tick <= last]):
        place = float(ndtri(tick))
        if not places or min(places) - place >= room:
            places[place] = percent_label(tick)
    axis.set_major_locator(FixedLocator(list(places)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _position: places.get(float(value), "")))


@styled
def open_set_figure(identification: Identification, threshold: float | None = None) -> Figure:
    """Draw FNIR (rank 1) against FPIR, logarithmic, with its band, the stated targets and the operating point.

    Args:
        identification: The open-set search.
        threshold: The gallery's threshold, marked on the curve.
    """
    figure, (axes,) = new_figure()
    curve = identification.curve
    start = smallest_share(curve.false, identification.non_mated_searches)
    false, missed, low, high = in_false_order(curve, start)
    if len(false) == 0:
        nothing_to_draw(axes, "no curve: too few searches")
        return figure
    _draw_steps(axes, false, missed, low, high)
    axes.plot(*_dots(identification.fnir_at_fpir), "o", color=GENUINE, markersize=5, zorder=4)
    if threshold is not None:
        at = min(int(np.searchsorted(curve.thresholds, threshold)), len(curve.thresholds) - 1)
        point = (max(float(curve.false[at]), start), float(curve.missed[at]))
        axes.plot(*point, "D", color=ACCENT, markersize=8.5, zorder=5, markerfacecolor="none", markeredgewidth=1.8)
        axes.annotate(
            "operating point", point, xytext=(10, 9), textcoords="offset points", color=ACCENT, fontsize=9,
            zorder=6,
        )  # fmt: skip
    _log_share_axis(axes, start)
    top = min(1.0, max(0.05, math.ceil(float(high.max(initial=0.05)) * 10 + 0.2) / 10))
    axes.set_ylim(0, top)
    step = 0.2 if top > 0.5 else 0.1 if top > 0.2 else 0.05
    share_ticks(axes.yaxis, np.arange(0, top + 1e-9, step).round(4).tolist())
    axes.set_xlabel("strangers’ searches that raise an alarm (FPIR)")
    axes.set_ylabel("enrolled people missed (FNIR)")
    return figure


@styled
def cmc_figure(identification: Identification) -> Figure:
    """Draw the share of mated searches whose mate is within each rank, with intervals."""
    figure, (axes,) = new_figure()
    known = [
        (rank, rate.value, rate.low, rate.high)
        for rank, rate in zip(identification.cmc_ranks, identification.cmc, strict=True)
        if rate.value is not None and rate.low is not None and rate.high is not None
    ]
    axes.set_xlabel("rank")
    axes.set_ylabel("own person within that rank")
    if not known:
        nothing_to_draw(axes, "no curve: too few searches")
        return figure
    ranks, values, lows, highs = (list(part) for part in zip(*known, strict=True))
    axes.fill_between(ranks, lows, highs, color=GENUINE, alpha=0.18, linewidth=0)
    axes.plot(ranks, values, color=GENUINE, marker="o", markersize=4)
    bottom = max(0.0, math.floor((min(lows) - 0.02) * 20) / 20)
    axes.set_ylim(bottom, 1.0 + (1 - bottom) * 0.02)
    step = 0.2 if bottom < 0.35 else 0.1 if bottom < 0.65 else 0.05 if bottom < 0.86 else 0.02
    share_ticks(axes.yaxis, np.arange(1.0, bottom - 1e-9, -step).round(4).tolist())
    axes.set_xlim(min(ranks) - 0.3, max(ranks) + 0.3)
    axes.xaxis.set_major_locator(FixedLocator(_rank_ticks([int(rank) for rank in ranks])))
    axes.xaxis.set_minor_locator(NullLocator())
    return figure


def _rank_ticks(ranks: Sequence[int]) -> list[float]:
    if len(ranks) <= 12:
        return [float(rank) for rank in ranks]
    return [float(rank) for rank in ranks if rank == 1 or rank % 5 == 0]
