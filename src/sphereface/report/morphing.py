"""Worst-case morphs: how often two people could share one document, and what a safe threshold costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sphereface.evaluation.results import ErrorCurve, Floats, Rate
from sphereface.report.canvas import INK, MUTED, Axes, Figure, new_figure, share_ticks, styled
from sphereface.report.lines import Dash, legend_below, look

if TYPE_CHECKING:
    from sphereface.evaluation.morphing.vulnerability import MorphVulnerability

KINDS = {"all": "any two people", "same group": "two people of one group", "nearest": "nearest people"}


def drawable(found: Sequence[MorphVulnerability]) -> dict[str, tuple[ErrorCurve, float]]:
    """Return (wcMMPMR as the false and FNMR as the missed share, deployed threshold) by kind of pairs.

    Of each kind the one with the most attempts.
    """
    return {KINDS[one.kind]: (one.curve, one.threshold) for one in sorted(found, key=lambda one: one.attempts)}


@styled
def morph_figure(curves: Mapping[str, tuple[ErrorCurve, float]]) -> Figure:
    """Draw wcMMPMR of each kind of pairs and the FNMR of the first against the threshold, with their bands."""
    figure, (axes,) = new_figure()
    for index, (kind, (curve, _)) in enumerate(curves.items()):
        _draw(
            axes,
            curve.thresholds,
            (curve.false, curve.false_low, curve.false_high),
            look(index),
            f"morphs: {kind}",
        )
    curve, threshold = next(iter(curves.values()))
    missed = (curve.missed, curve.missed_low, curve.missed_high)
    _draw(axes, curve.thresholds, missed, (INK, "-"), "people rejected (FNMR)")
    axes.axvline(threshold, color=MUTED, linewidth=1.2, linestyle=(0, (4, 2)), label="deployed threshold")
    axes.set_xlim(float(curve.thresholds[0]), float(curve.thresholds[-1]))
    axes.set_ylim(0, 1.01)
    share_ticks(axes.yaxis, (0, 0.2, 0.4, 0.6, 0.8, 1))
    axes.set_xlabel("threshold, cosine similarity")
    axes.set_ylabel("share accepted or rejected")
    legend_below(figure, axes)
    return figure


def _draw(
    axes: Axes, thresholds: Floats, rate: tuple[Floats, Floats, Floats], how: tuple[str, Dash], label: str
) -> None:
    """Draw a rate (value, low, high) against the threshold."""
    value, low, high = rate
    colour, dash = how
    axes.fill_between(thresholds, low, high, step="pre", color=colour, alpha=0.16, linewidth=0)
    axes.plot(thresholds, value, color=colour, linestyle=dash, drawstyle="steps-pre", label=label)


@dataclass(frozen=True, slots=True)
class SafeRow:
    """The smallest threshold that keeps wcMMPMR at a target, and the FNMR it costs."""

    target: float
    threshold: str
    fnmr: Rate


@dataclass(frozen=True, slots=True)
class MorphRow:
    """One kind of pairs at one number of attempts."""

    kind: str
    attempts: int
    pairs: str
    mmpmr: Rate
    trivial: float
    fnmr: Rate
    rmmr: float
    safe: list[SafeRow]


def morph_rows(found: Sequence[MorphVulnerability]) -> list[MorphRow]:
    """Return a line for each kind of pairs and number of attempts."""
    return [
        MorphRow(
            kind=KINDS[one.kind],
            attempts=one.attempts,
            pairs=f"{one.pairs:,}" if one.pairs == one.possible else f"{one.pairs:,} of {one.possible:,}",
            mmpmr=one.mmpmr,
            trivial=one.trivial,
            fnmr=one.fnmr,
            rmmr=one.rmmr,
            safe=[
                SafeRow(target, _range(safe.threshold, safe.low, safe.high), safe.fnmr)
                for target, safe in one.safe.items()
            ],
        )
        for one in found
    ]


def _range(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return "–"
    ends = (f"{end:.3f}" if end is not None else "?" for end in (low, high))
    return f"{value:.3f} ({' to '.join(ends)})"
