"""From a score to *this person* or *unknown*, by an operating point that was measured, and says so.

The chance that a stranger reaches the threshold grows with the gallery: with N people it is about
1 - (1 - r)^(N / N0), if r was measured with N0 people and the people are independent of each other.
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


def expected_rate(rate: float, measured_people: int, people: int) -> float:
    """Extrapolate a false positive identification rate to another gallery size, people independent.

    >>> round(expected_rate(0.01, 100, 1000), 4)
    0.0956
    """
    return float(1.0 - (1.0 - rate) ** (people / measured_people))


def growth(point: OperatingPoint, people: int) -> tuple[tuple[str, ...], str]:
    """Return (notes, warning) about a gallery larger than the one the point was measured with."""
    measured = point.gallery_people
    if people <= measured:
        return (), ""
    expected = expected_rate(point.target, measured, people)
    text = (
        f"the gallery has {people} people, but the threshold was measured with {measured}: "
        f"expect about {expected:.1%} of strangers to be taken for someone, not {point.target:.1%}"
    )
    if people > _LOUD_GROWTH * measured:
        return (), f"{text}; measure a new operating point with a larger gallery"
    return (text,), ""


def decide(candidates: list[Candidate], point: OperatingPoint, people: int) -> Identification:
    """Accept the best candidate iff its score reaches the operating point's threshold."""
    notes, warning = growth(point, people)
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
