"""The figures, each a small SVG made of an answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from evidence.answers import GradientsAnswer, MarginsAnswer
from evidence.budget import PLAIN, BudgetAnswer
from evidence.canvas import (
    DECIMALS,
    Interval,
    at_least_as_wide,
    in_percent,
    in_points,
    marked,
    name_rows,
    new_axes,
    only_ticks,
    rounded,
    styled,
    svg_of,
    whiskers,
)
from evidence.comparing import FNMR_POINTS
from evidence.plan import BUDGETS, FUNCTIONS, PUBLISHED
from evidence.quality import LEFT_OUT, NormsAnswer
from evidence.sizes import DEPTHS, MARGINS, SERIES, CriterionAnswer, SizesAnswer
from evidence.stability import Arm
from evidence.wording import loss_words, name_of
from sphereface.report.canvas import GRID, INK, MUTED, PEOPLE, Axes
from sphereface.sphere.bounds import MANY_ORTHONORMAL

BLUE, ORANGE, GREEN, PURPLE = PEOPLE[:4]
HEADLINE = "FNMR at FMR 0.1 %"
TWO_CLASSES = 2.0 + math.sqrt(3.0)  # the paper's, in any dimension
ONE_SET = 30  # pictures in training: whoever has more is of the other of the two sets learned from
_MARKERS = "osD^vPX"
_COLOURS = (*PEOPLE, INK)
# So large that there is white to be seen, and above the filled ones.
_OPEN: dict[str, Any] = {"linestyle": (0, (1, 1)), "markerfacecolor": "white", "markersize": 5.0, "zorder": 3}


@styled
def margins_figure(answer: MarginsAnswer) -> str:
    """Draw each loss less NormFace: seeds as dots, and the mean with its interval."""
    axes = new_axes(left=0.29)
    plain, *others = answer.rows
    values = [rounded(comparison.difference, -1.0) for comparison in answer.headline]
    seeds = [
        [round(one - two, DECIMALS) for one, two in zip(row.seeds, plain.seeds, strict=True)] for row in others
    ]
    axes.axvspan(-FNMR_POINTS, FNMR_POINTS, color=GRID, alpha=0.7, linewidth=0)
    axes.axvline(0.0, color=INK, linewidth=0.8)
    for place, dots in enumerate(seeds):
        axes.plot(dots, [place + 0.27] * len(dots), ".", color=ORANGE, markersize=3.0, zorder=3)
    whiskers(axes, range(len(values)), values, upright=False, color=BLUE)
    name_rows(axes, [name_of(row.name) for row in others])
    in_points(axes.xaxis)
    axes.set_xlabel(f"{HEADLINE} less {name_of(plain.name)}'s, points")
    numbers = {
        row.name: {"difference": value, "seeds": dots}
        for row, value, dots in zip(others, values, seeds, strict=True)
    }
    return svg_of(axes, f"Headline of each loss less {name_of(plain.name)}'s", numbers)


@styled
def pictures_figure(answer: MarginsAnswer) -> str:
    """Draw the error of people learned from against how many of their pictures were learned from."""
    axes = new_axes(left=0.17)
    names = [range_words(found.fewest, found.most) for found in answer.bins]
    numbers = {}
    # People with more pictures are of another set: no line leads from one to the other.
    few = sum(found.fewest <= ONE_SET for found in answer.bins)
    for head, shift, colour, marker in (("normface", -0.06, BLUE, "o"), (answer.best, 0.06, ORANGE, "s")):
        values = [rounded(found.error[head]) for found in answer.bins]
        places = [round(place + shift, 2) for place in range(len(values))]
        look: dict[str, Any] = {"color": colour, "marker": marker, "linestyle": "-"}
        whiskers(axes, places[:few], values[:few], upright=True, label=name_of(head), **look)
        whiskers(axes, places[few:], values[few:], upright=True, **look)
        numbers[head] = dict(zip(names, values, strict=True))
    axes.set_xticks(range(len(names)), names)
    in_percent(axes.yaxis)
    at_least_as_wide(axes, 0.2)
    axes.set_xlabel("pictures of the person in training")
    axes.set_ylabel("pairs kept back that are missed")
    axes.legend(loc="best")
    return svg_of(axes, "Error of people learned from", numbers)


def range_words(fewest: int, most: int) -> str:
    """Return a range of numbers as it is written."""
    return f"{fewest}" if fewest == most else f"{fewest}–{most}"


@styled
def gradients_figure(answer: GradientsAnswer) -> str:
    """Draw both kinds of differences, for each function and over all."""
    axes = new_axes(left=0.34, top=0.88)
    names = [*map(name_of, FUNCTIONS), "all three"]
    axes.axvspan(-FNMR_POINTS, FNMR_POINTS, color=GRID, alpha=0.7, linewidth=0)
    axes.axvline(0.0, color=INK, linewidth=0.8)
    numbers = {}
    groups = (
        ("full less detached gradient", answer.gradient, BLUE, "o", -0.14),
        ("reparametrised less projected", answer.prototypes, ORANGE, "s", 0.14),
    )
    for label, comparisons, colour, marker, shift in groups:
        values = [rounded(comparison.difference, -1.0) for comparison, _ in comparisons]
        places = [round(place + shift, 2) for place in range(len(values))]
        failed = [comparison.failed for comparison, _ in comparisons]
        marked(axes, places, values, failed, upright=False, color=colour, marker=marker, label=label)
        numbers[label] = dict(zip(names, values, strict=True))
    name_rows(axes, names)
    axes.axhline(len(names) - 1.5, color=MUTED, linewidth=0.5)
    in_points(axes.xaxis)
    axes.set_xlabel(f"difference of {HEADLINE}, points")
    axes.legend(loc="lower right", ncols=2, columnspacing=0.8, handletextpad=0.2, bbox_to_anchor=(1.03, 0.97))
    return svg_of(axes, "Gradient and prototypes", numbers)


@styled
def stability_figure(arms: Sequence[Arm]) -> str:
    """Draw how the seeds of each arm ended, as stacked bars."""
    axes = new_axes(left=0.36, top=0.83)
    start = [0] * len(arms)
    numbers = {
        arm.name: {
            "trained": arm.trained,
            "stuck: drawn together": arm.together,
            "stuck: near chance": arm.stuck - arm.together,
            "diverged": arm.diverged,
        }
        for arm in arms
    }
    for label, colour, hatch in (
        ("trained", BLUE, ""),
        ("stuck: drawn together", "#6d7b8a", "xxxx"),
        ("stuck: near chance", "#c3cad3", "////"),
        ("diverged", ORANGE, ""),
    ):
        counts = [ends[label] for ends in numbers.values()]
        axes.barh(
            range(len(arms)),
            counts,
            left=start,
            height=0.66,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            label=label,
        )
        start = [before + count for before, count in zip(start, counts, strict=True)]
    name_rows(axes, [name_of(arm.name) for arm in arms])
    most = max(start)
    axes.set_xlim(0, most)
    only_ticks(axes.xaxis, range(0, most + 1, 2 if most > 4 else 1))
    axes.set_xlabel("seeds")
    axes.legend(loc="lower right", bbox_to_anchor=(1.03, 0.97), ncols=2, columnspacing=1.2, handleheight=1.0)
    return svg_of(axes, "How the seeds of each arm ended", numbers)


@styled
def m_figure(answer: SizesAnswer) -> str:
    """Draw the headline against m, with lambda as published and with a margin that is whole in the end."""
    axes = new_axes(left=0.17)
    numbers = {}
    for series, label, shift, colour, marker in (
        ("annealed", "A-Softmax, lambda down to 5", -0.03, BLUE, "o"),
        ("whole", "SphereFace, margin whole", 0.03, ORANGE, "s"),
    ):
        numbers[series] = _curve(axes, answer, series, shift, colour, marker, label)
    only_ticks(axes.xaxis, MARGINS)
    in_percent(axes.yaxis)
    axes.set_xlabel("m")
    axes.set_ylabel(HEADLINE)
    axes.legend(loc="best")
    return svg_of(axes, "Headline against m", numbers)


@styled
def depth_figure(answer: SizesAnswer) -> str:
    """Draw the headline against depth."""
    axes = new_axes(left=0.17)
    numbers = _curve(axes, answer, "depth", 0.0, BLUE, "o")
    only_ticks(axes.xaxis, DEPTHS)
    axes.set_xlim(2.0, 23.0)
    in_percent(axes.yaxis)
    at_least_as_wide(axes, 0.2)
    endings = {row.name: row.ending for row in answer.rows}
    look: dict[str, Any] = {"fontsize": 6.0, "color": MUTED, "ha": "center", "va": "top"}
    for row, size, (_, low, _) in zip(SERIES["depth"].values(), DEPTHS, numbers.values(), strict=True):
        if endings[row].failed:
            why = "at chance" if endings[row].at_chance else "drawn together"
            axes.annotate(f"not tested:\n{why}", (size, low), (0, -3), textcoords="offset points", **look)
    axes.set_xlabel("layers of the network")
    axes.set_ylabel(HEADLINE)
    return svg_of(axes, "Headline against depth", numbers)


def _curve(
    axes: Axes, answer: SizesAnswer, series: str, shift: float, colour: str, marker: str, label: str | None = None
) -> dict[str, Interval]:
    """Draw a series of question 4, its seeds as dots beside each mean; returns what is drawn by size."""
    rows = {row.name: row for row in answer.rows}
    values = {size: rounded(mean) for size, mean in answer.series[series]}
    judged = [rows[name] for name in SERIES[series].values()]
    places = [round(size + shift, 2) for size in values]
    failed = [bool(row.ending.failed) for row in judged]
    beside = 0.02 * (max(places) - min(places)) * (1 if shift >= 0 else -1)
    for place, row in zip(places, judged, strict=True):
        dots = [round(seed, DECIMALS) for seed in row.seeds]
        axes.plot([round(place + beside, 3)] * len(dots), dots, ".", color=colour, markersize=2.0, zorder=3)
    marked(
        axes, places, [*values.values()], failed, upright=True, color=colour, marker=marker, label=label, line=True
    )
    return {str(size): value for size, value in values.items()}


@styled
def criterion_figure(answer: CriterionAnswer) -> str:
    """Draw the share that meets the criterion against m, and the m that theory asks for."""
    axes = new_axes(left=0.17, top=0.74)
    for bound, dash in ((MANY_ORTHONORMAL, (0, (1, 1))), (TWO_CLASSES, (0, (4, 2)))):
        axes.axvline(bound, color=MUTED, linewidth=0.9, linestyle=dash)
    numbers = {}
    nobody: dict[str, list[str]] = {}
    looks = {
        ("annealed", "strangers"): ("strangers, lambda", BLUE, "o", -0.045),
        ("whole", "strangers"): ("strangers, whole m", ORANGE, "s", -0.015),
        ("annealed", "learned from"): ("learned from, lambda", GREEN, "^", 0.015),
        ("whole", "learned from"): ("learned from, whole m", PURPLE, "v", 0.045),
    }
    failed = {ending.row: bool(ending.failed) for ending in answer.endings}
    for key, (label, colour, marker, shift) in looks.items():
        values = [rounded(mean) for _, mean in answer.share[key]]
        numbers[" ".join(key)] = {str(m): value for (m, _), value in zip(answer.share[key], values, strict=True)}
        if not any(value for value, _, _ in values):
            # Two such would hide each other at the foot of the figure, so they are told in words.
            nobody.setdefault(key[1], []).append(label)
            continue
        places = [round(m + shift, 3) for m, _ in answer.share[key]]
        ends = [failed[row] for row in SERIES[key[0]].values()]
        marked(axes, places, values, ends, upright=True, color=colour, marker=marker, label=label, line=True)
    only_ticks(axes.xaxis, MARGINS)
    axes.set_xlim(MARGINS[0] - 0.2, MARGINS[-1] + 0.2)
    _from_zero(axes)
    for who, labels in nobody.items():
        for label in [who] if len(labels) == 2 else labels:
            whiskers(axes, [], [], upright=True, marker="none", elinewidth=0, label=f"{label}:\nnobody at any m")
    axes.set_xlabel(f"m; theory: {MANY_ORTHONORMAL:.2f} (dotted), {TWO_CLASSES:.2f} (broken)")
    axes.set_ylabel("people who meet it")
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 0.99), ncols=2, columnspacing=1.0)
    return svg_of(axes, "People who meet the ideal criterion", numbers)


@styled
def discard_figure(answer: NormsAnswer) -> str:
    """Draw what leaving out the shortest embeddings changes, with the interval of what the page judges."""
    axes = new_axes(left=0.15, right=0.62)
    axes.axhline(0.0, color=INK, linewidth=0.8)
    numbers = {}
    for number, (row, colour, marker) in enumerate(zip(answer.rows, _COLOURS, _MARKERS, strict=True)):
        points = [(share, round(rate - row.curve[0][1], DECIMALS)) for share, rate in row.curve]
        failed = bool(row.ending.failed)
        name = SHORT.get(row.name, name_of(row.name))
        look: dict[str, Any] = _OPEN if failed else {}
        axes.plot(*zip(*points, strict=True), color=colour, marker=marker, label=name, **look)
        judged = rounded(row.by_norm.difference, -1.0)
        if not failed:
            beside = round(LEFT_OUT + 0.011 * (number - 3), 3)
            whiskers(axes, [beside], [judged], upright=True, color=colour, marker="none")
        numbers[row.name] = {"judged": judged, **{str(share): rate for share, rate in points}}
    in_percent(axes.xaxis, [share for share, _ in answer.rows[0].curve if share != 0.05])
    in_points(axes.yaxis)
    axes.set_xlabel("shortest embeddings left out")
    axes.set_ylabel(f"change of {HEADLINE}, points")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return svg_of(axes, "Error versus discard by norm", numbers)


SHORT = {"hfn-degraded": "HFN, degraded", "hfn-radial": "HFN, degr., radial"}


def _from_zero(axes: Axes) -> None:
    """Label shares in percent, from a little below 0 on, so that a mark at 0 is whole."""
    axes.set_ylim(bottom=-0.03 * axes.get_ylim()[1])
    in_percent(axes.yaxis)


@styled
def budget_figure(answer: BudgetAnswer) -> str:
    """Draw each margin less NormFace after both budgets; hollow where a run failed."""
    axes = new_axes(left=0.49, top=0.88)
    margins = [row for row in answer.rows if row.change is not None]
    axes.axvspan(-FNMR_POINTS, FNMR_POINTS, color=GRID, alpha=0.7, linewidth=0)
    axes.axvline(0.0, color=INK, linewidth=0.8)
    numbers: dict[str, dict[str, Interval]] = {row.name: {} for row in margins}
    for steps, colour, marker, shift in zip(BUDGETS, (BLUE, ORANGE), "os", (-0.14, 0.14), strict=True):
        comparisons = [row.against[steps] for row in margins]
        values = [rounded(comparison.difference, -1.0) for comparison in comparisons]
        places = [round(place + shift, 2) for place in range(len(values))]
        label = f"{steps:,} steps"
        failed = [one.failed for one in comparisons]
        marked(axes, places, values, failed, upright=False, color=colour, marker=marker, label=label)
        for row, value in zip(margins, values, strict=True):
            numbers[row.name][label] = value
    name_rows(axes, [loss_words(*PUBLISHED[row.name]) for row in margins])
    in_points(axes.xaxis)
    axes.set_xlabel(f"{HEADLINE} less {name_of(PLAIN)}, points", loc="right")
    axes.legend(loc="lower right", ncols=2, columnspacing=0.8, handletextpad=0.2, bbox_to_anchor=(1.03, 0.97))
    return svg_of(axes, "Headline of each margin less NormFace's, by budget", numbers)
