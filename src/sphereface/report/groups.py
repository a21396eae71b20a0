"""Error rates of groups side by side, and how unequal they are beside what chance gives."""

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
    NullLocator,
    as_label,
    new_figure,
    share_ticks,
    styled,
)
from sphereface.report.lines import decades

if TYPE_CHECKING:
    from sphereface.evaluation.groups.rates import GroupRates
    from sphereface.evaluation.groups.ratios import Inequality

_MEASURES = {
    "max_to_geometric_mean": "largest over geometric mean",
    "max_to_min": "largest over smallest",
    "gini": "Gini coefficient",
}
_MOST_CROSSED = 12  # groups whose table of all pairs fits a page


@styled
def group_figure(found: GroupRates) -> Figure:
    """Draw FMR within each group and FNMR of each, with intervals; dashed is the rate of all groups together.

    A rate that the data cannot carry is an arrow from its upper bound to the left.
    """
    figure, (left, right) = new_figure(8.6, 1.3 + 0.3 * len(found.names), 1, 2)
    own = [found.fmr[at][at] for at in range(len(found.names))]
    _forest(left, found.names, own, found.all_fmr, IMPOSTOR)
    _forest(right, found.names, found.fnmr, found.all_fnmr, GENUINE)
    left.set_title("FMR, pairs within the group")
    right.set_title("FNMR")
    right.set_yticklabels([])
    return figure


def _forest(axes: Axes, names: Sequence[str], rates: Sequence[Rate], together: float | None, colour: str) -> None:
    known = [end for rate in rates for end in (rate.value, rate.low, rate.high) if end]
    known += [together] if together else []
    top = min(1.0, max(known, default=1.0))
    bottom = max(min(known, default=1e-3), top / 1e4) / 1.6
    for place, rate in enumerate(rates):
        if rate.value is None:
            if rate.high is not None:
                axes.annotate(
                    "", (bottom * 1.1, place), xytext=(rate.high, place),
                    arrowprops={"arrowstyle": "->", "color": MUTED, "linewidth": 1.0},
                )  # fmt: skip
            continue
        low = rate.value if rate.low is None else rate.low
        high = rate.value if rate.high is None else rate.high
        axes.plot([max(low, bottom), max(high, bottom)], [place, place], color=colour, linewidth=1.6)
        axes.plot([max(rate.value, bottom)], [place], "o", color=colour, markersize=5)
    if together:
        axes.axvline(together, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_xscale("log")
    axes.set_xlim(bottom, top * 1.3)
    share_ticks(axes.xaxis, decades(bottom, top * 1.3))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.yaxis.set_major_locator(FixedLocator(list(range(len(names)))))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_yticklabels([as_label(name, most=28) for name in names])


@dataclass(frozen=True, slots=True)
class UnequalRow:
    """One measure of inequality: the figure, what chance gives at these sizes, and how often chance reaches it."""

    rate: str
    measure: str
    value: str
    chance: str
    limit: str
    p: str
    reason: str


def unequal_rows(found: GroupRates) -> list[UnequalRow]:
    """Return the measures of FMR, of FNMR, and of both."""
    return [
        *(_unequal("FMR", _MEASURES.get(key, key), figure) for key, figure in found.fmr_ratios.items()),
        *(_unequal("FNMR", _MEASURES.get(key, key), figure) for key, figure in found.fnmr_ratios.items()),
        _unequal("both", "fairness discrepancy rate (1 is equal)", found.fdr),
        _unequal("both", "GARBE (0 is equal)", found.garbe),
    ]


def _unequal(rate: str, measure: str, found: Inequality) -> UnequalRow:
    if found.value is None:
        return UnequalRow(rate, measure, "", "", "", "", found.reason)
    value, chance, limit = (
        "–" if figure is None else f"{figure:.3g}" for figure in (found.value, found.chance, found.chance_limit)
    )
    return UnequalRow(
        rate, measure, value, chance, limit, "–" if found.p_value is None else f"{found.p_value:.2g}", ""
    )


def crossed(found: GroupRates) -> list[tuple[str, list[Rate]]]:
    """Return FMR of pairs of every two groups by row, where there are few enough for a table."""
    if len(found.names) > _MOST_CROSSED:
        return []
    return [(name, list(row)) for name, row in zip(found.names, found.fmr, strict=True)]
