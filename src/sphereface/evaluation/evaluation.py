"""The whole of what was measured for one embedding, as plain frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

from sphereface.errors import NotEnoughDataError
from sphereface.evaluation.results import (
    ClassAccuracy,
    CrowdSearch,
    Health,
    Identification,
    Rate,
    Source,
    Verification,
)
from sphereface.percentages import percent_with_interval

_T = TypeVar("_T")


def _told(rate: Rate) -> str:
    if rate.value is None or rate.low is None or rate.high is None:
        return "not supported"
    return percent_with_interval(rate.value, rate.low, rate.high)


@dataclass(frozen=True, slots=True, repr=False)
class Evaluation:
    """Everything that was measured for one embedding on one set of people.

    Attributes:
        title: What was judged, the model's name or the file's.
        images: Images evaluated, or templates or videos where a protocol pools images (``unit``).
        people: People evaluated.
        verifications: One-to-one comparisons: all against all, or the lists of a protocol.
        identifications: Open-set searches: one drawn, or the galleries of a protocol.
        health: Hypersphere health, if it was measured.
        crowds: Searches among distractors.
        classes: Linear probes.
        source: The protocol, or the people at hand.
        settings: Every setting needed to repeat the evaluation.
        unit: What ``images`` counts: ``picture``, ``template`` or ``video``.
    """

    title: str
    images: int
    people: int
    verifications: tuple[Verification, ...]
    identifications: tuple[Identification, ...]
    health: Health | None
    crowds: tuple[CrowdSearch, ...] = ()
    classes: tuple[ClassAccuracy, ...] = ()
    source: Source | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    unit: str = "picture"

    def __repr__(self) -> str:
        """Return the first figures and not the arrays behind them; :func:`to_json` has all."""
        told = [f"{self.title!r}", f"{self.images:,} images", f"{self.people:,} people"]
        if self.verifications:
            told.append(f"EER {_told(self.verification.eer)}")
            told += [f"FNMR at FMR {at:g} {_told(rate)}" for at, rate in self.verification.fnmr_at_fmr.items()]
        if self.identifications:
            told += [f"FNIR at FPIR {at:g} {_told(rate)}" for at, rate in self.identification.fnir_at_fpir.items()]
        return f"<Evaluation of {', '.join(told)}>"

    @property
    def verification(self) -> Verification:
        """The first comparison, the one to speak of.

        Raises:
            NotEnoughDataError: If nothing was compared one to one.
        """
        return self._first(self.verifications, "compares no pairs")

    @property
    def identification(self) -> Identification:
        """The first search, the one to speak of.

        Raises:
            NotEnoughDataError: If nobody searched.
        """
        return self._first(self.identifications, "has no searches")

    def _first(self, found: tuple[_T, ...], fault: str) -> _T:
        if not found:
            raise NotEnoughDataError(f"the evaluation of '{self.title}' {fault}")
        return found[0]
