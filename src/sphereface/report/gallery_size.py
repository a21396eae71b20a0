"""Open-set errors against the number of people enrolled: what was counted, what was fitted, what bounds both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sphereface.evaluation.results import Rate
from sphereface.report.canvas import (
    GENUINE,
    IMPOSTOR,
    MUTED,
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
from sphereface.report.lines import decades
from sphereface.report.wording import percent

if TYPE_CHECKING:
    from sphereface.evaluation.gallery_size.sizes import SizedIdentification

BOUND = "if all strangers were alike (bound)"


@styled
def gallery_size_figure(sizes: Sequence[SizedIdentification]) -> Figure:
    """Draw FNIR and FPIR with their bands against N, both logarithmic, and the independence bound of FPIR.

    Solid with dots where every rate was counted, broken with rings where the tail was fitted.
    """
    figure, (axes,) = new_figure()
    drawn = [
        *_draw(axes, sizes, [found.fnir for found in sizes], GENUINE, "missed (FNIR)"),
        *_draw(axes, sizes, [found.fpir for found in sizes], IMPOSTOR, "false alarms (FPIR)"),
    ]
    bounds = [(found.gallery_people, found.independence_bound) for found in sizes if found.independence_bound]
    if not bounds and not drawn:
        nothing_to_draw(axes, "no curve: no size is supported by this data")
        return figure
    axes.plot(
        [people for people, _ in bounds], [bound for _, bound in bounds], color=MUTED, zorder=4, linewidth=1.2,
        linestyle=(0, (1, 2)), label=BOUND,
    )  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    people = [found.gallery_people for found in sizes if found.threshold is not None]
    axes.set_xlim(min(people) / 1.2, max(people) * 1.2)
    axes.xaxis.set_major_locator(FixedLocator(decades(min(people), max(people))))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda count, _position: f"{count:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    bottom = min([*drawn, *(bound for _, bound in bounds)]) / 1.5
    axes.set_ylim(bottom, 1.15)
    share_ticks(axes.yaxis, decades(bottom, 1.0))
    axes.set_xlabel("people enrolled")
    axes.set_ylabel("share of searches")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, handlelength=2.4)
    return figure


def _draw(
    axes: Axes, sizes: Sequence[SizedIdentification], rates: Sequence[Rate], colour: str, label: str
) -> list[float]:
    """Draw one rate, exact and fitted, and return the lower ends of its band; a zero has no logarithm."""
    drawn: list[float] = []
    exact = [found.kind == "exact" for found in sizes]
    for counted in (True, False):
        # The fitted part begins at the last counted size, so that no gap parts the two.
        start = 0 if counted else max(sum(exact) - 1, 0)
        part = [
            (found.gallery_people, rate.value, rate.low, rate.high)
            for found, rate, known in list(zip(sizes, rates, exact, strict=True))[start:]
            if (known == counted or not counted) and rate.value
        ]
        if not part:
            continue
        people, values, lows, highs = zip(*part, strict=True)
        # A band that reaches down to 0 is cut at a tenth of the value.
        low = [max(end or 0.0, value / 10) for end, value in zip(lows, values, strict=True)]
        high = [end if end is not None else value for end, value in zip(highs, values, strict=True)]
        axes.fill_between(people, low, high, color=colour, alpha=0.18, linewidth=0)
        axes.plot(
            people, values, color=colour, marker="o", markersize=4, linestyle="-" if counted else (0, (4, 2)),
            markerfacecolor=colour if counted else "none", label=f"{label}{'' if counted else ', tail fit'}",
        )  # fmt: skip
        drawn += low
    return drawn


@dataclass(frozen=True, slots=True)
class SizeRow:
    """A line of the table: how many people, how it is known, at which threshold, and the rates."""

    people: str
    how: str
    threshold: str
    fpir: Rate
    fnir: Rate
    bound: str
    selectivity: str
    mean_rank: str


def size_rows(sizes: Sequence[SizedIdentification]) -> list[SizeRow]:
    """Return the lines of the table; of the sizes beyond what the data support, the first one alone."""
    supported = [at for at, found in enumerate(sizes) if found.threshold is not None]
    shown = max(supported, default=-1) + 2
    return [
        SizeRow(
            people=f"{found.gallery_people:,}{' and more' if at == shown - 1 < len(sizes) - 1 else ''}",
            how="exact" if found.kind == "exact" else "tail fit",
            threshold="–" if found.threshold is None else f"{found.threshold:.3f}",
            fpir=found.fpir,
            fnir=found.fnir,
            bound="–" if found.independence_bound is None else f"{percent(found.independence_bound)}\u00a0%",
            selectivity="–" if found.selectivity is None else f"{found.selectivity:.3g}",
            mean_rank=f"{found.mean_rank:,.3g}" if found.mean_rank < 1000 else f"{found.mean_rank:,.0f}",
        )
        for at, found in enumerate(sizes[:shown])
    ]
