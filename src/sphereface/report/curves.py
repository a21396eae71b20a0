"""Curves of one-to-one comparison, several models on one another: ROC and DET. Values in, Figure out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import ndtri

from sphereface.evaluation.results import Floats, Verification
from sphereface.report.canvas import (
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
from sphereface.report.lines import (
    dots,
    draw_steps,
    in_false_order,
    labelled,
    legend_below,
    log_share_axis,
    look,
    smallest_share,
)
from sphereface.report.wording import NBSP, percent

_DET_TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.05, 0.2, 0.5)
_DET_TOP = 0.7


@styled
def roc_figure(*verifications: Verification, labels: Sequence[str] = ()) -> Figure:
    """Draw the share of genuine pairs accepted (1 - FNMR) against FMR, logarithmic, with its band.

    Args:
        verifications: One for each model, of the same pairs.
        labels: The models' names.
    """
    figure, (axes,) = new_figure()
    start = min(_start(verification) for verification in verifications)
    steps = [in_false_order(verification.curve, _start(verification)) for verification in verifications]
    if not any(len(false) for false, *_ in steps):
        nothing_to_draw(axes, "no curve: too few pairs")
        return figure
    for index, (verification, (false, missed, low, high)) in enumerate(zip(verifications, steps, strict=True)):
        draw_steps(axes, index, false, 1 - missed, 1 - high, 1 - low, labelled(labels, index))
        targets, values = dots(verification.fnmr_at_fmr)
        axes.plot(targets, [1 - v for v in values], "o", color=look(index)[0], markersize=5, zorder=4)
    chance = np.geomspace(start, 1.0, 100)
    axes.plot(chance, chance, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    axes.annotate(
        "guessing", (0.5, 0.5), xytext=(-7, 0), textcoords="offset points", ha="right", va="center",
        color=MUTED, fontsize=8.5,
    )  # fmt: skip
    log_share_axis(axes, start)
    axes.set_ylim(0, 1.01)
    share_ticks(axes.yaxis, (0, 0.2, 0.4, 0.6, 0.8, 1))
    axes.set_xlabel("false match rate (FMR)")
    axes.set_ylabel("genuine pairs accepted (1 − FNMR)")
    legend_below(figure, axes)
    return figure


def _start(verification: Verification) -> float:
    return smallest_share(verification.curve.false, verification.impostor_pairs)


def deviate(share: Floats | float, floor: float) -> Any:
    """Return the normal deviate of a share kept away from 0 by ``floor`` and from 1.

    >>> float(deviate(0.5, 1e-6))
    0.0
    """
    return ndtri(np.clip(share, floor, 1 - 1e-9))


@styled
def det_figure(*verifications: Verification, labels: Sequence[str] = ()) -> Figure:
    """Draw FNMR against FMR on normal-deviate axes (Martin et al. 1997), with its band and the EER.

    Args:
        verifications: One for each model, of the same pairs.
        labels: The models' names.
    """
    figure, (axes,) = new_figure()
    left = min(0.2, *(_start(verification) for verification in verifications))
    steps = [_inside(verification) for verification in verifications]
    if not any(len(false) for false, *_ in steps):
        nothing_to_draw(axes, "no curve: too few pairs")
        return figure
    bottom = min(
        _bottom(verification, low) for verification, (_, _, low, _) in zip(verifications, steps, strict=True)
    )
    below = bottom / 10
    for index, (verification, (false, *rates)) in enumerate(zip(verifications, steps, strict=True)):
        across, (up, low, high) = deviate(false, left), (deviate(rate, below) for rate in rates)
        draw_steps(axes, index, across, up, low, high, labelled(labels, index))
        targets, values = (np.array(part) for part in dots(verification.fnmr_at_fmr))
        if len(targets):
            axes.plot(deviate(targets, left), deviate(values, below), "o", color=look(index)[0], zorder=4)
    ends = deviate(np.array([max(left, bottom), _DET_TOP]), left)
    axes.plot(ends, ends, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    for verification in verifications:
        _mark_eer(axes, verification.eer.value, bottom, alone=len(verifications) == 1)
    axes.set_xlim(deviate(left, left), deviate(_DET_TOP, left))
    axes.set_ylim(deviate(bottom, below), deviate(_DET_TOP, below))
    for axis, first in ((axes.xaxis, left), (axes.yaxis, bottom)):
        _deviate_ticks(axis, first, _DET_TOP, 8 if axis is axes.xaxis else 14)
    axes.set_xlabel("false match rate (FMR)")
    axes.set_ylabel("false non-match rate (FNMR)")
    legend_below(figure, axes)
    return figure


def _inside(verification: Verification) -> tuple[Floats, ...]:
    """Return the steps whose false share has a finite deviate."""
    steps = in_false_order(verification.curve, min(_start(verification), 0.2))
    return tuple(part[steps[0] < 1] for part in steps)


def _bottom(verification: Verification, low: Floats) -> float:
    """Return the lowest miss share worth an axis: one among all genuine pairs, if the band comes so low."""
    resolved = max(1.0 / max(verification.genuine_pairs, 1), 1e-6)
    return min(max(resolved, float(low[low > 0].min(initial=0.2))), 0.2)


def _mark_eer(axes: Axes, eer: float | None, bottom: float, *, alone: bool) -> None:
    if eer is None or not bottom < eer < _DET_TOP:
        return
    at = float(ndtri(eer))
    axes.plot([at], [at], "D", color=INK, markersize=5.5, zorder=5)
    if alone:
        axes.annotate(
            f"EER {percent(eer)}{NBSP}%", (at, at), xytext=(11, -1),
            textcoords="offset points", va="center", color=INK, fontsize=9,
        )  # fmt: skip


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
