"""From a score to *this person* or *unknown*, by an operating point that was measured, and says so.

The chance that a stranger reaches the threshold grows with the gallery: in one k times larger it is about
1 - (1 - r)^k, if r was measured in the smaller one and the people are independent of each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sphereface.errors import GalleryError
from sphereface.evaluation.operating_point import OperatingPoint
from sphereface.gallery.results import Candidate, Identification
from sphereface.percentages import fixed_percent

_LOUD_GROWTH = 2.0
_SEVERAL = ("faces", "all")


def check_point(point: OperatingPoint | None, fingerprint: str) -> OperatingPoint:
    """Return the operating point if it may decide a search with this model.

    Raises:
        GalleryError: If there is none, if it was measured for another model, or if it was measured for
            comparing two pictures (FMR), which says nothing about searching a gallery.
    """
    if point is None:
        raise GalleryError(
            "this model has no operating point, so nothing says at which score to believe a name; "
            "measure one on people it has not seen: sphereface evaluate --data DIR --target-fpir RATE --store, "
            "or sphereface operating-point for a gallery of another size"
        )
    if not isinstance(point, OperatingPoint):
        raise GalleryError(
            f"a search is decided by an operating point, with the rate it stands for, and not {point!r}; one is "
            "in the model's card once it is measured: sphereface evaluate --store"
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


def check_pair_point(point: OperatingPoint, fingerprint: str) -> None:
    """Refuse an operating point that may not decide about two pictures with this model.

    Raises:
        GalleryError: If it was measured for another model, or for searching.
    """
    if point.model_fingerprint != fingerprint:
        raise GalleryError(
            f"the operating point was measured for model {point.model_fingerprint[:12]}, but this one is "
            f"{fingerprint[:12]}; measure it with 'sphereface operating-point --target-fmr RATE'"
        )
    if point.kind != "fmr":
        raise GalleryError(
            "the operating point bounds the FPIR of searching a gallery; comparing two pictures needs one that "
            "bounds the FMR: sphereface operating-point --target-fmr RATE"
        )


def expected_rate(rate: float, times: float) -> float:
    """Extrapolate a false positive identification rate to a gallery so many times larger, all independent.

    >>> round(expected_rate(0.01, 10), 4)
    0.0956
    """
    return float(1.0 - (1.0 - rate) ** times)


def growth(point: OperatingPoint, people: int, templates: int) -> tuple[tuple[str, ...], str]:
    """Return (notes, warning) about a gallery larger than the one the point's rate is meant for.

    A stranger is compared with every template, so templates count as well as people. Those of one person
    resemble each other, so more of them raise the rate by less than this says: the caution is on the safe side.
    """
    by_people = people / point.holds_for_people
    by_templates = templates / point.holds_for_templates
    times = max(by_people, by_templates)
    if times <= 1.0:
        return (), ""
    have, meant = f"{people} people", f"{point.holds_for_people}"
    if by_templates > by_people:
        have, meant = f"{templates} templates", f"{point.holds_for_templates}"
    often, asked = fixed_percent((expected_rate(point.target, times), point.target), 1)
    how = "was measured with" if point.basis == "measured" else "is for"
    text = (
        f"the gallery has {have}, but the threshold {how} {meant}: "
        f"expect up to about {often} % of strangers to be taken for someone, not {asked} %"
    )
    if times > _LOUD_GROWTH:
        return (), f"{text}; issue one for it: sphereface operating-point --gallery-size {people}"
    return (text,), ""


def read_otherwise(point: OperatingPoint, preprocessing: Mapping[str, str]) -> str:
    """Return a warning if pictures are read otherwise than for the point, or an empty string.

    Where either does not say how, nothing is said. To search with ``all`` faces of a picture is to search several
    times, and no other way of reading.
    """
    if not point.preprocessing or not preprocessing:
        return ""
    differing = [
        f"{name}: {preprocessing.get(name, 'none')} instead of {point.preprocessing.get(name, 'none')}"
        for name in sorted({*point.preprocessing, *preprocessing})
        if preprocessing.get(name) != point.preprocessing.get(name) and (name, preprocessing.get(name)) != _SEVERAL
    ]
    if not differing:
        return ""
    return (
        f"pictures are read otherwise than when the threshold was measured ({', '.join(differing)}), so its rates "
        "may not hold; read them alike, or measure again"
    )


def decide(
    candidates: list[Candidate],
    point: OperatingPoint,
    people: int,
    templates: int,
    preprocessing: Mapping[str, str] = MappingProxyType({}),
) -> Identification:
    """Accept the best candidate iff its score reaches the operating point's threshold."""
    notes, grown = growth(point, people, templates)
    warning = "; and ".join(filter(None, [grown, read_otherwise(point, preprocessing)]))
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
        measured_people=point.holds_for_people,
        candidates=tuple(candidates),
        notes=notes,
        warning=warning,
    )
