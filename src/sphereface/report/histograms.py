"""Scores of people against themselves and against others, with the thresholds that part them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sphereface.evaluation.results import Floats, Identification, ScoreHistogram, Verification
from sphereface.report.canvas import (
    ACCENT,
    GENUINE,
    IMPOSTOR,
    INK,
    MUTED,
    Axes,
    Figure,
    FixedLocator,
    FuncFormatter,
    MaxNLocator,
    new_figure,
    percent_label,
    styled,
)


def shares(counts: NDArray[np.int64]) -> Floats:
    """Return counts as shares of their sum; all zero when there is nothing to count.

    >>> shares(np.array([1, 3]))
    array([0.25, 0.75])
    """
    total = counts.sum()
    return counts / total if total else np.zeros(len(counts))


def _shown_range(histogram: ScoreHistogram) -> tuple[float, float]:
    """Return the scores between which nearly everything lies (all but 0.01 % of either kind)."""
    lows, highs = [], []
    for counts in (histogram.genuine, histogram.impostor):
        if counts.sum() == 0:
            continue
        below = np.cumsum(counts) / counts.sum()
        lows.append(histogram.edges[int(np.searchsorted(below, 1e-4))])
        highs.append(histogram.edges[min(int(np.searchsorted(below, 1 - 1e-4)) + 1, len(histogram.edges) - 1)])
    if not lows:
        return -1.0, 1.0
    return max(-1.0, float(min(lows)) - 0.02), min(1.0, float(max(highs)) + 0.02)


def _draw(axes: Axes, histogram: ScoreHistogram, genuine: str, impostor: str) -> float:
    """Draw both kinds as filled steps and return the top of the higher one."""
    top = 0.0
    for counts, colour, label in (
        (histogram.impostor, IMPOSTOR, impostor),
        (histogram.genuine, GENUINE, genuine),
    ):
        share = shares(counts)
        top = max(top, float(share.max(initial=0.0)))
        axes.stairs(share, histogram.edges, fill=True, color=colour, alpha=0.25, linewidth=0)
        axes.stairs(share, histogram.edges, color=colour, linewidth=1.4, label=label)
    axes.set_xlim(*_shown_range(histogram))
    axes.set_ylim(0, top * 1.32 or 1.0)
    axes.yaxis.set_major_formatter(FuncFormatter(percent_label))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.set_xlabel("cosine similarity")
    return top


def _angle_axis(axes: Axes) -> None:
    """Repeat the score axis on top as the angle it stands for."""
    low, high = axes.get_xlim()
    room, places = (high - low) / 11, dict[float, str]()
    for degrees in range(0, 181, 10):
        cosine = float(np.cos(np.radians(degrees)))
        if low <= cosine <= high and (not places or min(places) - cosine >= room):
            places[cosine] = f"{degrees}°"
    above = axes.secondary_xaxis("top")
    above.xaxis.set_major_locator(FixedLocator(list(places)))
    above.xaxis.set_major_formatter(FuncFormatter(lambda cosine, _position: places.get(float(cosine), "")))
    above.spines["top"].set_visible(False)
    above.tick_params(length=0, labelsize=8)
    above.set_xlabel("angle", fontsize=8.5, color=MUTED)


def _thresholds(axes: Axes, marks: list[tuple[float, str]], top: float, colour: str) -> None:
    """Draw thresholds (rising) as dashed lines, each label beside its line and clear of the others."""
    low, high = axes.get_xlim()
    marks = [mark for mark in marks if low <= mark[0] <= high]
    if not marks:
        return
    right = marks[-1][0] < low + (high - low) * 0.74
    for place, (score, text) in enumerate(marks):
        level = place if right else len(marks) - 1 - place
        height = top * (1.27 - 0.085 * level)
        axes.plot([score, score], [0, height], color=colour, linewidth=1.2, linestyle=(0, (4, 2)), zorder=3)
        axes.annotate(
            text, (score, height), xytext=(5 if right else -5, -1), textcoords="offset points",
            ha="left" if right else "right", va="center", color=colour, fontsize=8.5,
        )  # fmt: skip


def _finish(figure: Figure, axes: Axes) -> None:
    _angle_axis(axes)
    entries: Any = axes.get_legend_handles_labels()
    figure.legend(*entries, loc="outside lower center", ncols=2, handlelength=1.4)


@styled
def pair_score_figure(verification: Verification) -> Figure:
    """Draw genuine and impostor pair scores and the thresholds that keep the stated FMR."""
    figure, (axes,) = new_figure()
    top = _draw(axes, verification.histogram, "same person", "different people")
    marks = [(score, f"FMR {percent_label(target)}") for target, score in verification.threshold_at_fmr.items()]
    _thresholds(axes, sorted(marks)[:3], top, INK)
    axes.set_ylabel("share of pairs in a bin")
    _finish(figure, axes)
    return figure


@styled
def search_score_figure(identification: Identification, threshold: float | None = None) -> Figure:
    """Draw each search's score: its own person's, or a stranger's best match, and the operating point."""
    scores = np.concatenate([identification.mated_scores, identification.non_mated_scores])
    finite = scores[np.isfinite(scores)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (-1.0, 1.0)
    bins = int(np.clip(np.sqrt(max(len(finite), 1)) * 1.2, 12, 60))
    edges = np.linspace(max(-1.0, low - 0.02), min(1.0, high + 0.02), bins + 1)
    histogram = ScoreHistogram(
        edges=edges,
        genuine=np.histogram(identification.mated_scores, edges)[0].astype(np.int64),
        impostor=np.histogram(identification.non_mated_scores, edges)[0].astype(np.int64),
    )
    figure, (axes,) = new_figure()
    top = _draw(axes, histogram, "enrolled: own person", "stranger: best match")
    if threshold is not None:
        _thresholds(axes, [(threshold, "operating point")], top, ACCENT)
    axes.set_ylabel("share of searches in a bin")
    _finish(figure, axes)
    return figure
