"""Curves of searches, several models on one another: open-set identification and CMC. Values in, Figure out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sphereface.evaluation.results import CrowdSearch, Identification, Rate
from sphereface.report.canvas import (
    ACCENT,
    INK,
    Axes,
    Figure,
    FixedLocator,
    FuncFormatter,
    NullLocator,
    new_figure,
    nothing_to_draw,
    share_ticks,
    styled,
)
from sphereface.report.lines import (
    dots,
    draw_line,
    draw_steps,
    in_false_order,
    labelled,
    legend_below,
    log_share_axis,
    look,
    smallest_share,
)


@styled
def open_set_figure(
    *searches: Identification, labels: Sequence[str] = (), threshold: float | None = None
) -> Figure:
    """Draw FNIR (rank 1) against FPIR, logarithmic, with its band, the stated targets and the operating point.

    Args:
        searches: One for each model, of the same gallery.
        labels: The models' names.
        threshold: The first model's, marked on its curve.
    """
    figure, (axes,) = new_figure()
    starts = [smallest_share(search.curve.false, search.non_mated_searches) for search in searches]
    steps = [in_false_order(search.curve, start) for search, start in zip(searches, starts, strict=True)]
    if not any(len(false) for false, *_ in steps):
        nothing_to_draw(axes, "no curve: too few searches")
        return figure
    for index, (search, (false, missed, low, high)) in enumerate(zip(searches, steps, strict=True)):
        draw_steps(axes, index, false, missed, low, high, labelled(labels, index))
        axes.plot(*dots(search.fnir_at_fpir), "o", color=look(index)[0], markersize=5, zorder=4)
    if threshold is not None:
        _mark(axes, searches[0], threshold, starts[0], ACCENT if len(searches) == 1 else INK)
    log_share_axis(axes, min(starts))
    highest = max(float(high.max(initial=0.05)) for *_, high in steps)
    top = min(1.0, max(0.05, math.ceil(highest * 10 + 0.2) / 10))
    axes.set_ylim(0, top)
    step = 0.2 if top > 0.5 else 0.1 if top > 0.2 else 0.05
    share_ticks(axes.yaxis, np.arange(0, top + 1e-9, step).round(4).tolist())
    axes.set_xlabel("strangers’ searches that raise an alarm (FPIR)")
    axes.set_ylabel("enrolled people missed (FNIR)")
    legend_below(figure, axes)
    return figure


def _mark(axes: Axes, search: Identification, threshold: float, start: float, colour: str) -> None:
    """Mark where the gallery works on the curve."""
    curve = search.curve
    at = min(int(np.searchsorted(curve.thresholds, threshold)), len(curve.thresholds) - 1)
    point = (max(float(curve.false[at]), start), float(curve.missed[at]))
    axes.plot(*point, "D", color=colour, markersize=8.5, zorder=5, markerfacecolor="none", markeredgewidth=1.8)
    axes.annotate(
        "operating point", point, xytext=(10, 9), textcoords="offset points", color=colour, fontsize=9, zorder=6
    )


@styled
def cmc_figure(*searches: Identification | CrowdSearch, labels: Sequence[str] = ()) -> Figure:
    """Draw the share of searches whose own person is within each rank, with intervals.

    Ranks that run beyond thirty are on a logarithmic axis.

    Args:
        searches: One for each model, of the same gallery or crowd.
        labels: The models' names.
    """
    figure, (axes,) = new_figure()
    axes.set_xlabel("rank")
    axes.set_ylabel("own person within that rank")
    lows = [low for search in searches for low in map(_lower, search.cmc) if low is not None]
    if not lows:
        nothing_to_draw(axes, "no curve: too few searches")
        return figure
    for index, search in enumerate(searches):
        draw_line(axes, index, search.cmc_ranks, search.cmc, labelled(labels, index))
    bottom = max(0.0, math.floor((min(lows) - 0.02) * 20) / 20)
    axes.set_ylim(bottom, 1.0 + (1 - bottom) * 0.02)
    step = 0.2 if bottom < 0.35 else 0.1 if bottom < 0.65 else 0.05 if bottom < 0.86 else 0.02
    share_ticks(axes.yaxis, np.arange(1.0, bottom - 1e-9, -step).round(4).tolist())
    _rank_axis(axes, sorted({rank for search in searches for rank in search.cmc_ranks}))
    legend_below(figure, axes)
    return figure


def _lower(rate: Rate) -> float | None:
    return rate.value if rate.low is None else rate.low


def _rank_axis(axes: Axes, ranks: Sequence[int]) -> None:
    if ranks[-1] > 30:
        axes.set_xscale("log")
        axes.set_xlim(ranks[0] / 1.1, ranks[-1] * 1.1)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda rank, _position: f"{rank:g}"))
    else:
        axes.set_xlim(ranks[0] - 0.3, ranks[-1] + 0.3)
    many = len(ranks) > 12
    axes.xaxis.set_major_locator(FixedLocator([r for r in ranks if not many or r == 1 or r % 5 == 0]))
    axes.xaxis.set_minor_locator(NullLocator())
