"""What nobody knows of a model: what its report did not look into, or could not."""

from __future__ import annotations

from collections.abc import Iterator

from sphereface.card.markdown import code, prose
from sphereface.report.comparison import compared
from sphereface.report.content import ReportInput


def unknown(report: ReportInput, seed: int | None) -> Iterator[str]:
    """Yield what a reader must not take for known, a sentence or two each.

    Args:
        report: What was measured.
        seed: Of the one run that made the weights; None where nobody says how they were made.
    """
    absent = {} if report.findings is None else report.findings.absent
    if report.findings is None or report.findings.groups is None:
        why = prose(absent["groups"]) if "groups" in absent else f"{code('sphereface evaluate --groups')} tells"
        yield f"Whether it errs as often with one group of people as with another ({why})."
    largest = _largest_gallery(report)
    of_more = f" of more than {largest:,} people" if largest else ""
    yield f"How often it raises a false alarm in a gallery{of_more}; that grows with every person enrolled."
    if report.findings is None or not report.findings.morphing:
        yield "Whether a picture morphed of two people passes for both."
    for row in compared(report):
        if row.rates[0].value is None:
            yield f"{prose(row.figure)} ({prose(row.title)}): this data cannot support it."
    if seed is not None:
        yield (
            f"Whether another seed does as well: this is one run, with seed {seed}; intervals cover the people "
            f"judged and not the seed ({code('sphereface compare')} takes several runs)."
        )


def _largest_gallery(report: ReportInput) -> int:
    """Return the most people enrolled for whom FPIR has a value; 0 without any."""
    searched = [
        search.gallery_people
        for search in report.evaluation.identifications
        if any(rate.value is not None for rate in search.fnir_at_fpir.values())
    ]
    sized = [] if report.findings is None else report.findings.gallery_sizes
    return max([*searched, *(each.gallery_people for each in sized if each.fpir.value is not None)], default=0)
