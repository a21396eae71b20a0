"""Which sections a page has: one list, for the links on top and for the page itself."""

from __future__ import annotations

from sphereface.report.content import ReportInput
from sphereface.report.learning import training_panels
from sphereface.report.sphere import worth_drawing


def sections(report: ReportInput, *, confused: bool) -> dict[str, str]:
    """Return the sections in order: anchor -> what the link on top says.

    Args:
        report: The report.
        confused: Whether hardest errors can be shown.
    """
    evaluation, found = report.evaluation, report.findings
    wanted = {
        "key-figures": ("Key figures", True),
        "models": ("Models", bool(report.others)),
        "data": ("Data", True),
        "verification": ("Two faces", bool(evaluation.verifications)),
        "identification": ("Gallery search", bool(evaluation.identifications)),
        "crowd": ("Crowd", bool(evaluation.crowds)),
        "classes": ("Other things told", bool(evaluation.classes)),
        "average": ("Mean", bool(found and found.average)),
        "gallery-size": ("Gallery size", bool(found and found.gallery_sizes)),
        "groups": ("Groups", bool(found and (found.groups or found.group_searches))),
        "lookalikes": ("Look-alikes", bool(found and found.lookalikes)),
        "clusters": ("Clusters", bool(found and found.clusters)),
        "calibration": ("Probabilities", bool(found and found.calibration)),
        "morphing": ("Morphs", bool(found and found.morphing)),
        "absent": ("Not allowed", bool(found and found.absent)),
        "hypersphere": ("Hypersphere", evaluation.health is not None or worth_drawing(report.sphere)),
        "confused": ("Hardest errors", confused),
        "training": ("Training", bool(report.journal and training_panels(report.journal))),
        "shortcuts": ("Shortcuts", bool(report.shortcuts)),
        "trial": ("Gallery trial", report.gallery_trial is not None),
        "repeat": ("Repeat it", True),
        "definitions": ("Definitions", True),
    }
    return {anchor: name for anchor, (name, here) in wanted.items() if here}
