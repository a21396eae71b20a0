"""The eight figures, each a small SVG made of an answer."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evidence.answers import MARGINS, CriterionAnswer, GradientsAnswer, MarginsAnswer, SizesAnswer
from evidence.canvas import (
    DECIMALS,
    in_percent,
    in_points,
    name_rows,
    new_axes,
    only_ticks,
    rounded,
    styled,
    svg_of,
    whiskers,
)
from evidence.comparing import FNMR_POINTS
from evidence.plan import FUNCTIONS
from evidence.quality import NormsAnswer
from evidence.stability import Arm
from evidence.wording import name_of
from sphereface.report.canvas import GRID, INK, MUTED, PEOPLE, Axes
from sphereface.sphere.bounds import MANY_ORTHONORMAL

BLUE, ORANGE, GREEN, PURPLE = PEOPLE[:4]
HEADLINE = "FNMR at FMR 0.1 %"
TWO_CLASSES = 2.0 + math.sqrt(3.0)  # the paper's, in any dimension
_MARKERS = "osD^vPX"
_COLOURS = (*PEOPLE, INK)


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
    for head, shift, colour, marker in (("normface", -0.06, BLUE, "o"), (answer.best, 0.06, ORANGE, "s")):
        values = [rounded(found.error[head]) for found in answer.bins]
        places = [round(place + shift, 2) for place in range(len(values))]
        whiskers(
            axes, places, values, upright=True, color=colour, marker=marker, linestyle="-", label=name_of(head)
        )
        numbers[head] = dict(zip(names, values, strict=True))
    axes.set_xticks(range(len(names)), names)
    _from_zero(axes)
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
        whiskers(axes, places, values, upright=False, color=colour, marker=marker, label=label)
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
    axes = new_axes(left=0.36, top=0.88)
    start = [0] * len(arms)
    for label, colour, hatch in (("trained", BLUE, ""), ("stuck", "#aab4c0", "////"), ("diverged", ORANGE, "")):
        counts = [getattr(arm, label) for arm in arms]
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
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 0.97), ncols=3, columnspacing=1.0, handlelength=1.2)
    numbers = {arm.name: [arm.trained, arm.stuck, arm.diverged] for arm in arms}
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
        values = [rounded(mean) for _, mean in answer.series[series]]
        places = [round(m + shift, 2) for m, _ in answer.series[series]]
        whiskers(axes, places, values, upright=True, color=colour, marker=marker, linestyle="-", label=label)
        numbers[series] = {str(m): value for (m, _), value in zip(answer.series[series], values, strict=True)}
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
    values = [rounded(mean) for _, mean in answer.series["depth"]]
    depths = [depth for depth, _ in answer.series["depth"]]
    whiskers(axes, depths, values, upright=True, color=BLUE, linestyle="-")
    only_ticks(axes.xaxis, depths)
    axes.set_xlim(2.5, 21.5)
    in_percent(axes.yaxis)
    axes.set_xlabel("layers of the network")
    axes.set_ylabel(HEADLINE)
    return svg_of(axes, "Headline against depth", dict(zip(map(str, depths), values, strict=True)))


@styled
def criterion_figure(answer: CriterionAnswer) -> str:
    """Draw the share that meets the criterion against m, and the m that theory asks for."""
    axes = new_axes(left=0.17, top=0.74)
    for bound, dash in ((MANY_ORTHONORMAL, (0, (1, 1))), (TWO_CLASSES, (0, (4, 2)))):
        axes.axvline(bound, color=MUTED, linewidth=0.9, linestyle=dash)
    numbers = {}
    looks = {
        ("annealed", "strangers"): ("strangers, lambda", BLUE, "o", "-", -0.045),
        ("whole", "strangers"): ("strangers, whole m", ORANGE, "s", "-", -0.015),
        ("annealed", "learned from"): ("learned from, lambda", BLUE, "o", (0, (3, 1.5)), 0.015),
        ("whole", "learned from"): ("learned from, whole m", ORANGE, "s", (0, (3, 1.5)), 0.045),
    }
    for key, (label, colour, marker, line, shift) in looks.items():
        values = [rounded(mean) for _, mean in answer.share[key]]
        places = [round(m + shift, 3) for m, _ in answer.share[key]]
        filling = colour if key[1] == "strangers" else "white"
        whiskers(
            axes,
            places,
            values,
            upright=True,
            color=colour,
            marker=marker,
            linestyle=line,
            markerfacecolor=filling,
            label=label,
        )
        numbers[" ".join(key)] = {str(m): value for (m, _), value in zip(answer.share[key], values, strict=True)}
    only_ticks(axes.xaxis, MARGINS)
    _from_zero(axes)
    axes.set_xlabel(f"m; theory: {MANY_ORTHONORMAL:.2f} (dotted), {TWO_CLASSES:.2f} (broken)")
    axes.set_ylabel("people who meet it")
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 0.99), ncols=2, columnspacing=1.0)
    return svg_of(axes, "People who meet the ideal criterion", numbers)


@styled
def discard_figure(answer: NormsAnswer) -> str:
    """Draw the FNMR of what is left against the share of the shortest embeddings left out."""
    axes = new_axes(left=0.15, right=0.62)
    numbers = {}
    for row, colour, marker in zip(answer.rows, _COLOURS, _MARKERS, strict=True):
        points = [(share, round(rate, DECIMALS)) for share, rate in row.curve]
        axes.plot(
            *zip(*points, strict=True), color=colour, marker=marker, label=SHORT.get(row.name, name_of(row.name))
        )
        numbers[row.name] = {str(share): rate for share, rate in points}
    in_percent(axes.xaxis, [share for share, _ in answer.rows[0].curve if share != 0.05])
    in_percent(axes.yaxis)
    axes.set_xlabel("shortest embeddings left out")
    axes.set_ylabel("FNMR at FMR 0.1 %")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return svg_of(axes, "Error versus discard by norm", numbers)


SHORT = {"hfn-degraded": "HFN, degraded", "hfn-radial": "the same, radial"}


def _from_zero(axes: Axes) -> None:
    """Label shares in percent, from 0 on."""
    axes.set_ylim(bottom=0.0)
    in_percent(axes.yaxis)
