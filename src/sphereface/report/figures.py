"""The figures of a report, one list: what each is called, what it shows, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from sphereface.report.canvas import Figure
from sphereface.report.content import ReportInput
from sphereface.report.curves import cmc_figure, det_figure, open_set_figure, roc_figure
from sphereface.report.histograms import pair_score_figure, search_score_figure
from sphereface.report.learning import training_figure, training_panels
from sphereface.report.sphere import sphere_figure, worth_drawing

__all__ = [
    "NamedFigure",
    "cmc_figure",
    "det_figure",
    "named_figures",
    "open_set_figure",
    "pair_score_figure",
    "roc_figure",
    "search_score_figure",
    "sphere_figure",
    "training_figure",
]


@dataclass(frozen=True, slots=True)
class NamedFigure:
    """A figure of the report: its name (letters and hyphens), its description in words, and its drawing."""

    name: str
    description: str
    draw: Callable[[], Figure]


def named_figures(report: ReportInput) -> Iterator[NamedFigure]:
    """Yield the figures this report can have, in reading order."""
    verification, identification = report.evaluation.verification, report.evaluation.identification
    threshold = report.operating_point.threshold if report.operating_point else None
    yield NamedFigure(
        "open-set",
        "Curve of the share of enrolled people missed against the share of strangers' searches that raise "
        "an alarm, with its confidence band.",
        partial(open_set_figure, identification, threshold),
    )
    yield NamedFigure(
        "search-scores",
        "Histograms of search scores: enrolled people against their own template, and strangers against "
        "their best match in the gallery.",
        partial(search_score_figure, identification, threshold),
    )
    yield NamedFigure(
        "cmc",
        "Curve of the share of enrolled people whose own template is within each rank.",
        partial(cmc_figure, identification),
    )
    yield NamedFigure(
        "roc",
        "ROC curve: share of genuine pairs accepted against the false match rate, with its confidence band.",
        partial(roc_figure, verification),
    )
    yield NamedFigure(
        "det",
        "DET curve on normal-deviate axes: false non-match rate against false match rate.",
        partial(det_figure, verification),
    )
    yield NamedFigure(
        "pair-scores",
        "Histograms of cosine similarity for pairs of one person and pairs of two people.",
        partial(pair_score_figure, verification),
    )
    if report.journal and training_panels(report.journal):
        yield NamedFigure(
            "training",
            "Training curves against images seen: loss, angle to the own prototype, learning rate and, where "
            "it changes, the margin.",
            partial(training_figure, report.journal),
        )
    if report.sphere is not None and worth_drawing(report.sphere):
        yield NamedFigure(
            "sphere",
            "Two views of a globe on which pictures of a few people lie as dots, one colour a person, tied to "
            "their person's mean direction.",
            partial(sphere_figure, report.sphere),
        )
