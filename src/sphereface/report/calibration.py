"""Do probabilities mean what they say? The reliability diagram and the costs of every calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sphereface.report.canvas import MUTED, Figure, new_figure, percent_label, share_ticks, styled
from sphereface.report.health import number, plain_rate
from sphereface.report.lines import legend_below, look

if TYPE_CHECKING:
    from sphereface.evaluation.calibration.results import CalibrationResult


@styled
def reliability_figure(results: Sequence[CalibrationResult]) -> Figure:
    """Draw the share of genuine pairs in each bin against the probability it was given, with intervals.

    On the dashed diagonal probabilities are right.
    """
    figure, (axes,) = new_figure(5.4, 4.4)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    for index, result in enumerate(results):
        colour, dash = look(index)
        bins = result.reliability
        axes.fill_between(bins.predicted, bins.low, bins.high, color=colour, alpha=0.13, linewidth=0)
        axes.plot(
            bins.predicted,
            bins.observed,
            color=colour,
            linestyle=dash,
            marker="o",
            markersize=3.5,
            label=result.kind,
        )
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    for axis in (axes.xaxis, axes.yaxis):
        share_ticks(axis, (0, 0.2, 0.4, 0.6, 0.8, 1))
    prior = results[0].prior if results else 0.5
    axes.set_xlabel(f"probability given (prior {percent_label(prior)})")
    axes.set_ylabel("share of pairs that are one person")
    legend_below(figure, axes)
    return figure


@dataclass(frozen=True, slots=True)
class CalibrationRow:
    """A line of the table; costs in bits."""

    kind: str
    cllr: str
    least: str
    lost: str
    error: str
    noise: str
    brier: str


def calibration_rows(results: Sequence[CalibrationResult]) -> list[CalibrationRow]:
    """Return a line for each kind of calibration."""
    return [
        CalibrationRow(
            kind=result.kind,
            cllr=plain_rate(result.cllr, 3),
            least=number(result.min_cllr),
            lost="–" if result.cllr.value is None else number(result.cllr.value - result.min_cllr),
            error=plain_rate(result.ece, 4),
            noise=number(result.ece_noise, 4),
            brier=plain_rate(result.brier, 4),
        )
        for result in results
    ]
