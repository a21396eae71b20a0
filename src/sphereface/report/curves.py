"""Error curves with their bands: ROC, DET, open-set identification, CMC. Values in, Figure out.

A curve is drawn only where the data can carry it: an axis of false alarms ends at one alarm among all
trials, because left of that there is nothing but the number of trials.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

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
    percent_label,
    share_ticks,
    styled,
)

_DECADES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
_DET_TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.05, 0.2, 0.5)


def smallest_share(false: Floats, trials: int) -> float:
    """Return the smallest false-alarm share worth an axis: one alarm in ``trials``, but at least 1e-6.

    >>> smallest_share(np.array([1.0, 0.1, 0.0]), trials=200)
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
    axes.set_xscale("log")
    left = max(1e-6, 10.0 ** math.floor(math.log10(start) + 1e-9))
    axes.set_xlim(min(start, left) if start / left < 1.5 else start / 1.15, 1.0)
    share_ticks(axes.xaxis, [tick for tick in _DECADES if tick >= start / 1.15])


def _target_marks(axes: Axes, rates: Mapping[float, Rate], colour: str, *, complement: bool) -> None:
    """Draw the stated figures at their targets: a dot and its interval."""
    for target, rate in rates.items():
        if rate.value is None or rate.low is None or rate.high is None:
            continue
        value, low, high = (
            (1 - rate.value, 1 - rate.high, 1 - rate.low) if complement else (rate.value, rate.low, rate.high)
        )
        axes.errorbar(
            [target], [value], yerr=[[max(value - low, 0.0)], [max(high - value, 0.0)]],
            fmt="o", color=colour, markersize=4.5, elinewidth=1.2, capsize=2.5, zorder=4,
        )  # fmt: skip


@styled
def roc_figure(verification: Verification) -> Figure:
    """Draw the share of genuine pairs accepted (1 - FNMR) against FMR, logarithmic, with its band."""
    start = smallest_share(verification.curve.false, verification.impostor_pairs)
    false, missed, low, high = in_false_order(verification.curve, start)
    figure, (axes,) = new_figure()
    axes.fill_between(false, 1 - high, 1 - low, color=GENUINE, alpha=0.18, linewidth=0)
    axes.plot(false, 1 - missed, color=GENUINE)
    _target_marks(axes, verification.fnmr_at_fmr, GENUINE, complement=True)
    chance = np.geomspace(start, 1.0, 100)
    axes.plot(chance, chance, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    axes.annotate(
        "guessing", (0.55, 0.55), xytext=(-6, 0), textcoords="offset points", ha="right", va="center",
        color=MUTED, fontsize=8.5,
    )  # fmt: skip
    _log_share_axis(axes, start)
    axes.set_ylim(0, 1.01)
    share_ticks(axes.yaxis, (0, 0.2, 0.4, 0.6, 0.8, 1))
    axes.set_xlabel("false match rate (FMR)")
    axes.set_ylabel("genuine pairs accepted (1 − FNMR)")
    return figure


@styled
def det_figure(verification: Verification) -> Figure:
    """Draw FNMR against FMR on normal-deviate axes (Martin et al. 1997), with its band and the EER line."""
    start = smallest_share(verification.curve.false, verification.impostor_pairs)
    false, missed, low, high = in_false_order(verification.curve, start)
    floor = max(1.0 / max(verification.genuine_pairs, 1), 1e-6)
    left, bottom, top = min(start, 0.2), min(floor, 0.2), 0.7
    keep = (false < 1) & (false > 0)
    x = ndtri(false[keep])
    clip = lambda share: ndtri(np.clip(share[keep], bottom / 10, 1 - 1e-9))  # noqa: E731
    figure, (axes,) = new_figure()
    axes.fill_between(x, clip(low), clip(high), color=GENUINE, alpha=0.18, linewidth=0)
    axes.plot(x, clip(missed), color=GENUINE)
    for target, rate in verification.fnmr_at_fmr.items():
        if rate.value is not None and 0 < rate.value < 1:
            axes.plot([ndtri(target)], [ndtri(rate.value)], "o", color=GENUINE, markersize=4.5, zorder=4)
    diagonal = ndtri(np.array([max(left, bottom), top]))
    axes.plot(diagonal, diagonal, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    eer = verification.eer.value
    if eer is not None and 0 < eer < top:
        axes.plot([ndtri(eer)], [ndtri(eer)], "D", color=INK, markersize=5, zorder=5)
        axes.annotate(
            f"EER {percent_label(round(eer, 4))}", (ndtri(eer), ndtri(eer)), xytext=(9, 6),
            textcoords="offset points", color=INK, fontsize=9,
        )  # fmt: skip
    axes.set_xlim(ndtri(left), ndtri(top))
    axes.set_ylim(ndtri(max(bottom, _lowest_shown(low[keep], bottom))), ndtri(top))
    for axis, first in ((axes.xaxis, left), (axes.yaxis, bottom)):
        ticks = [tick for tick in _DET_TICKS if tick >= first * 0.99]
        axis.set_major_locator(FixedLocator([float(ndtri(tick)) for tick in ticks]))
        axis.set_minor_locator(NullLocator())
        labels = {round(float(ndtri(tick)), 9): percent_label(tick) for tick in ticks}
        axis.set_major_formatter(FuncFormatter(lambda v, _p, known=labels: known.get(round(v, 9), "")))
    axes.set_xlabel("false match rate (FMR)")
    axes.set_ylabel("false non-match rate (FNMR)")
    return figure


def _lowest_shown(low: Floats, floor: float) -> float:
    positive = low[low > floor]
    return float(positive.min()) if len(positive) else floor


@styled
def open_set_figure(identification: Identification, threshold: float | None = None) -> Figure:
    """Draw FNIR (rank 1) against FPIR, logarithmic, with its band, the stated targets and the operating point.

    Args:
        identification: The open-set search.
        threshold: The gallery's threshold, marked on the curve.
    """
    curve = identification.curve
    start = smallest_share(curve.false, identification.non_mated_searches)
    false, missed, low, high = in_false_order(curve, start)
    figure, (axes,) = new_figure()
    axes.fill_between(false, low, high, color=GENUINE, alpha=0.18, linewidth=0)
    axes.plot(false, missed, color=GENUINE)
    _target_marks(axes, identification.fnir_at_fpir, GENUINE, complement=False)
    if threshold is not None:
        at = min(int(np.searchsorted(curve.thresholds, threshold)), len(curve.thresholds) - 1)
        point = (max(float(curve.false[at]), start), float(curve.missed[at]))
        axes.plot(
            *point, "D", color=ACCENT, markersize=8, zorder=5, markerfacecolor="none", markeredgewidth=1.8
        )
        axes.annotate(
            "operating point", point, xytext=(10, 9), textcoords="offset points", color=ACCENT, fontsize=9
        )
    _log_share_axis(axes, start)
    top = min(1.0, max(0.05, math.ceil(float(high.max(initial=0.05)) * 10 + 0.2) / 10))
    axes.set_ylim(0, top)
    step = 0.2 if top > 0.5 else 0.1 if top > 0.2 else 0.05
    share_ticks(axes.yaxis, np.arange(0, top + 1e-9, step).round(4).tolist())
    axes.set_xlabel("strangers' searches that raise an alarm (FPIR)")
    axes.set_ylabel("enrolled people missed (FNIR)")
    return figure


@styled
def cmc_figure(identification: Identification) -> Figure:
    """Draw the share of mated searches whose mate is within each rank, with intervals."""
    known = [
        (rank, rate)
        for rank, rate in zip(identification.cmc_ranks, identification.cmc, strict=True)
        if rate.value is not None
    ]
    figure, (axes,) = new_figure()
    if known:
        ranks = [rank for rank, _ in known]
        values = [_known(rate.value) for _, rate in known]
        lows = [_known(rate.low, rate.value) for _, rate in known]
        highs = [_known(rate.high, rate.value) for _, rate in known]
        axes.fill_between(ranks, lows, highs, color=GENUINE, alpha=0.18, linewidth=0)
        axes.plot(ranks, values, color=GENUINE, marker="o", markersize=4)
        bottom = max(0.0, math.floor((min(lows) - 0.02) * 20) / 20)
        axes.set_ylim(bottom, 1.0 + (1 - bottom) * 0.02)
        step = 0.2 if bottom < 0.35 else 0.1 if bottom < 0.65 else 0.05 if bottom < 0.86 else 0.02
        share_ticks(axes.yaxis, np.arange(1.0, bottom - 1e-9, -step).round(4).tolist())
        axes.set_xlim(min(ranks) - 0.3, max(ranks) + 0.3)
        axes.xaxis.set_major_locator(FixedLocator(_rank_ticks(ranks)))
        axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("rank")
    axes.set_ylabel("own person within that rank")
    return figure


def _known(value: float | None, otherwise: float | None = None) -> float:
    if value is not None:
        return value
    return math.nan if otherwise is None else otherwise


def _rank_ticks(ranks: Sequence[int]) -> list[float]:
    if len(ranks) <= 12:
        return [float(rank) for rank in ranks]
    return [float(rank) for rank in ranks if rank == 1 or rank % 5 == 0]
