"""From a score to *this person* or *unknown*, by an operating point that was measured, and says so.

The chance that a stranger reaches the threshold grows with the gallery: in one k times larger it is about
1 - (1 - r)^k, if r was measured in the smaller one and the people are independent of each other.
"""

from __future__ import annotations

from sphereface.errors import GalleryError
from sphereface.evaluation.operating_point import OperatingPoint
from sphereface.gallery.results import Candidate, Identification

_LOUD_GROWTH = 2.0


def check_point(point: OperatingPoint | None, fingerprint: str) -> OperatingPoint:
    """Return the operating point if it may decide a search with this model.

    Raises:
        GalleryError: If there is none, if it was measured for another model, or if it was measured for
            comparing two pictures (FMR), which says nothing about searching a gallery.
    """
    if point is None:
        raise GalleryError(
            "this model has no operating point, so nothing says at which score to believe a name; "
            "measure one on people it has not seen: sphereface evaluate --data DIR --target-fpir RATE --store"
        )
    if point.model_fingerprint != fingerprint:
        raise GalleryError(
            f"the operating point was measured for model {point.model_fingerprint[:12]}, but this gallery "
            f"belongs to {fingerprint[:12]}; measure this model with 'sphereface evaluate'"
        )
    if point.kind != "fpir":
        raise GalleryError(
            f"the operating point bounds the {point.kind.upper()} of comparing two pictures; a search needs "
            "one that bounds the FPIR, which 'sphereface evaluate' measures"
        )
    return point


def expected_rate(rate: float, times: float) -> float:
    """Extrapolate a false positive identification rate to a gallery so many times larger, all independent.

    >>> round(expected_rate(0.01, 10), 4)
    0.0956
    """
    return float(1.0 - (1.0 - rate) ** times)


def growth(point: OperatingPoint, people: int, templates: int) -> tuple[tuple[str, ...], str]:
    """Return (notes, warning) about a gallery larger than the one the point was measured with.

    A stranger is compared with every template, so templates count as well as people. Those of one person
    resemble each other, so more of them raise the rate by less than this says: the caution is on the safe side.
    """
    by_people = people / point.gallery_people
    by_templates = templates / point.gallery_templates
    times = max(by_people, by_templates)
    if times <= 1.0:
        return (), ""
    have, measured = f"{people} people", f"{point.gallery_people}"
    if by_templates > by_people:
        have, measured = f"{templates} templates", f"{point.gallery_templates}"
    expected = expected_rate(point.target, times)
    text = (
        f"the gallery has {have}, but the threshold was measured with {measured}: "
        f"expect up to about {expected:.1%} of strangers to be taken for someone, not {point.target:.1%}"
    )
    if times > _LOUD_GROWTH:
        return (), f"{text}; measure a new operating point with a gallery like this one"
    return (text,), ""


def decide(candidates: list[Candidate], point: OperatingPoint, people: int, templates: int) -> Identification:
    """Accept the best candidate iff its score reaches the operating point's threshold."""
    notes, warning = growth(point, people, templates)
    if people == 0:
        notes = (*notes, "the gallery is empty, so everybody is unknown")
    best = candidates[0] if candidates else None
    matched = best is not None and best.score >= point.threshold
    return Identification(
        decision="match" if matched else "unknown",
        name=best.name if best is not None and matched else None,
        score=best.score if best is not None else None,
        threshold=point.threshold,
        rate=point.target,
        measured_rate=point.measured,
        gallery_people=people,
        measured_people=point.gallery_people,
        candidates=tuple(candidates),
        notes=notes,
        warning=warning,
    )
