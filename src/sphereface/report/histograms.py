"""Scores of people against themselves and against others, with the thresholds that part them."""

from __future__ import annotations

import numpy as np

from sphereface.evaluation.results import Floats, Identification, ScoreHistogram, Verification
from sphereface.report.canvas import (
    ACCENT,
    GENUINE,
    IMPOSTOR,
    INK,
    Axes,
    Figure,
    FixedLocator,
    FuncFormatter,
    new_figure,
    percent_label,
    styled,
)


def shares(counts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Floats:
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
        highs.append(
            histogram.edges[min(int(np.searchsorted(below, 1 - 1e-4)) + 1, len(histogram.edges) - 1)]
        )
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
    axes.yaxis.get_major_locator().set_params(nbins=5)  # type: ignore[attr-defined]
    axes.set_xlabel("cosine similarity")
    return top


def _angle_axis(axes: Axes) -> None:
    """Repeat the score axis on top as the angle it stands for."""
    low, high = axes.get_xlim()
    degrees = [
        d for d in range(0, 181, 10) if low <= np.cos(np.radians(d)) <= high and (d % 20 == 0 or d > 40)
    ]
    above = axes.secondary_xaxis("top")
    above.xaxis.set_major_locator(FixedLocator([float(np.cos(np.radians(d))) for d in degrees]))
    above.xaxis.set_major_formatter(
        FuncFormatter(lambda x, _p: f"{np.degrees(np.arccos(np.clip(x, -1, 1))):.0f}°")
    )
    above.spines["top"].set_visible(False)
    above.tick_params(length=0, labelsize=8)


def _threshold(axes: Axes, score: float, top: float, text: str, colour: str, level: int) -> None:
    low, high = axes.get_xlim()
    if not low <= score <= high:
        return
    height = top * (1.26 - 0.1 * level)
    right = score < low + (high - low) * 0.62
    axes.plot([score, score], [0, height], color=colour, linewidth=1.2, linestyle=(0, (4, 2)), zorder=3)
    axes.annotate(
        text, (score, height), xytext=(4 if right else -4, 0), textcoords="offset points",
        ha="left" if right else "right", va="center", color=colour, fontsize=8.5,
    )  # fmt: skip


@styled
def pair_score_figure(verification: Verification) -> Figure:
    """Draw genuine and impostor pair scores and the thresholds that keep the stated FMR."""
    figure, (axes,) = new_figure()
    top = _draw(axes, verification.histogram, "same person", "different people")
    marks = sorted(verification.threshold_at_fmr.items(), reverse=True)[:3]
    for level, (target, threshold) in enumerate(marks):
        _threshold(axes, threshold, top, f"FMR {percent_label(target)}", INK, level)
    axes.set_ylabel("share of pairs in a bin")
    axes.legend(loc="upper left", bbox_to_anchor=(0.0, 1.0), handlelength=1.2)
    _angle_axis(axes)
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
        _threshold(axes, threshold, top, "operating point", ACCENT, 0)
    axes.set_ylabel("share of searches in a bin")
    axes.legend(loc="upper left", bbox_to_anchor=(0.0, 1.0), handlelength=1.2)
    _angle_axis(axes)
    return figure
