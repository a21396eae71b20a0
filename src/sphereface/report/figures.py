"""The figures of a report, one list: what each is called, what it shows, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from sphereface.report.calibration import reliability_figure
from sphereface.report.canvas import Figure
from sphereface.report.content import ReportInput
from sphereface.report.curves import det_figure, roc_figure
from sphereface.report.gallery_size import gallery_size_figure
from sphereface.report.groups import group_figure
from sphereface.report.histograms import pair_score_figure, search_score_figure
from sphereface.report.learning import training_figure, training_panels
from sphereface.report.morphing import drawable, morph_figure
from sphereface.report.search_curves import cmc_figure, open_set_figure
from sphereface.report.sphere import sphere_figure, worth_drawing

__all__ = [
    "NamedFigure",
    "cmc_figure",
    "det_figure",
    "named_figures",
    "numbered",
    "open_set_figure",
    "pair_score_figure",
    "roc_figure",
    "search_score_figure",
    "sphere_figure",
    "training_figure",
]


@dataclass(frozen=True, slots=True)
class NamedFigure:
    """A figure of the report: its name (letters, digits, hyphens), its description in words, and its drawing."""

    name: str
    description: str
    draw: Callable[[], Figure]


def numbered(name: str, place: int) -> str:
    """Return the name of a figure for the list or gallery at ``place``, the first without a number.

    >>> numbered("roc", 0), numbered("roc", 1)
    ('roc', 'roc-2')
    """
    return name if place == 0 else f"{name}-{place + 1}"


def named_figures(report: ReportInput) -> Iterator[NamedFigure]:
    """Yield the figures this report can have, in reading order."""
    yield from _searches(report)
    yield from _crowds(report)
    yield from _pairs(report)
    yield from _found(report)
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


def _found(report: ReportInput) -> Iterator[NamedFigure]:
    found = report.findings
    if found is None:
        return
    if found.gallery_sizes:
        yield NamedFigure(
            "gallery-size",
            "Curves of the share of enrolled people missed and of false alarms against the number of people "
            "enrolled, on logarithmic axes.",
            partial(gallery_size_figure, found.gallery_sizes),
        )
    for name, groups in (("groups", found.groups), ("clusters", found.clusters)):
        if groups is not None:
            yield NamedFigure(
                name,
                f"False match and false non-match rates of {len(groups.names)} {name}, with intervals.",
                partial(group_figure, groups),
            )
    if found.calibration:
        yield NamedFigure(
            "reliability",
            "Share of pairs that show one person against the probability they were given.",
            partial(reliability_figure, found.calibration),
        )
    morphs = drawable(found.morphing)
    if morphs:
        yield NamedFigure(
            "morphs",
            "Curves of the share of worst-case morphs accepted and of people rejected against the threshold.",
            partial(morph_figure, morphs),
        )


def _searches(report: ReportInput) -> Iterator[NamedFigure]:
    for place, search in enumerate(report.evaluation.identifications):
        every = [model.identifications[place] for model in report.models]
        if search.non_mated_searches:
            threshold = report.operating_point.threshold if report.operating_point and place == 0 else None
            yield NamedFigure(
                numbered("open-set", place),
                "Curve of the share of enrolled people missed against the share of strangers' searches that raise "
                "an alarm, with its confidence band.",
                partial(open_set_figure, *every, labels=report.labels, threshold=threshold),
            )
            yield NamedFigure(
                numbered("search-scores", place),
                "Histograms of search scores: enrolled people against their own template, and strangers against "
                "their best match in the gallery.",
                partial(search_score_figure, search, threshold),
            )
        yield NamedFigure(
            numbered("cmc", place),
            "Curve of the share of enrolled people whose own template is within each rank.",
            partial(cmc_figure, *every, labels=report.labels),
        )


def _crowds(report: ReportInput) -> Iterator[NamedFigure]:
    for place, _ in enumerate(report.evaluation.crowds):
        every = [model.crowds[place] for model in report.models]
        yield NamedFigure(
            numbered("crowd", place),
            "Curve of the share of searches whose own person is within each rank among distractors.",
            partial(cmc_figure, *every, labels=report.labels),
        )


def _pairs(report: ReportInput) -> Iterator[NamedFigure]:
    for place, pairs in enumerate(report.evaluation.verifications):
        every = [model.verifications[place] for model in report.models]
        yield NamedFigure(
            numbered("roc", place),
            "ROC curve: share of genuine pairs accepted against the false match rate, with its confidence band.",
            partial(roc_figure, *every, labels=report.labels),
        )
        yield NamedFigure(
            numbered("det", place),
            "DET curve on normal-deviate axes: false non-match rate against false match rate.",
            partial(det_figure, *every, labels=report.labels),
        )
        yield NamedFigure(
            numbered("pair-scores", place),
            "Histograms of cosine similarity for pairs of one person and pairs of two people.",
            partial(pair_score_figure, pairs),
        )
