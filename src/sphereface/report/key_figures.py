"""Rates as the page prints them, and the handful that stand on top."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from sphereface.evaluation.evaluation import Evaluation
from sphereface.evaluation.results import ClassAccuracy, CrowdSearch, Identification, Rate, Verification
from sphereface.report.opening import USUAL_FMR, USUAL_FPIR
from sphereface.report.wording import NBSP, chosen_target, percent, percent_range, plain_percent

_T = TypeVar("_T", Identification, CrowdSearch, Verification, ClassAccuracy)


@dataclass(frozen=True, slots=True)
class Shown:
    """A rate in words: either value, interval and trials, or the note that says why there is none."""

    value: str = ""
    interval: str = ""
    confidence: str = ""
    trials: str = ""
    note: str = ""
    threshold: str = ""

    @property
    def supported(self) -> bool:
        """Whether there is a value."""
        return bool(self.value)


@dataclass(frozen=True, slots=True)
class Card:
    """A key figure: its name, its rate and one line of explanation."""

    name: str
    rate: Shown
    explanation: str


def shown(rate: Rate) -> Shown:
    """Return the texts of a rate; without a value its reason and, where known, its upper bound.

    >>> shown(Rate(None, None, 0.3, 0.95, 10, "three searches")).note.replace(NBSP, " ")
    'three searches (at most 30 %, with 95 % confidence)'
    """
    sure = f"{rate.confidence * 100:g}{NBSP}%"
    if rate.value is None:
        note = rate.reason.removeprefix("not supported by this data: ") or "too few trials"
        if rate.high is not None:
            note = f"{note} (at most {percent(rate.high)}{NBSP}%, with {sure} confidence)"
        return Shown(confidence=sure, note=note)
    interval = percent_range(rate)
    return Shown(
        value=percent(rate.value),
        interval=f"{interval}{NBSP}%" if interval else "–",
        confidence=sure,
        trials=f"{rate.n:,.0f}",
        threshold=f"threshold {rate.threshold}" if rate.threshold else "",
    )


def key_figures(evaluation: Evaluation) -> list[Card]:
    """Return the cards on top: open-set first, because that is what a gallery lives by.

    Of several lists or galleries the first one is spoken of, and named.
    """
    return [
        *_first(_of_search, evaluation.identifications),
        *_first(_of_crowd, evaluation.crowds),
        *_first(_of_pairs, evaluation.verifications),
        *_first(_of_classes, evaluation.classes),
    ]


def _first(cards: Callable[[_T], Iterator[Card]], found: Sequence[_T]) -> Iterator[Card]:
    for one in found[:1]:
        for card in cards(one):
            named = len(found) == 1 or one.title in card.explanation
            yield card if named else replace(card, explanation=f"{card.explanation}; {one.title}")


def _of_search(search: Identification) -> Iterator[Card]:
    asked = _asked(search.fnir_at_fpir, USUAL_FPIR)
    if asked is not None:
        explanation = f"enrolled people missed, {search.gallery_people:,} in the gallery"
        yield Card(f"FNIR at FPIR {plain_percent(asked)}", shown(search.fnir_at_fpir[asked]), explanation)
    if search.cmc:
        yield Card("Rank 1", shown(search.cmc[0]), "own person is the best match, no threshold")


def _of_crowd(crowd: CrowdSearch) -> Iterator[Card]:
    if crowd.cmc:
        yield Card("Rank 1 in the crowd", shown(crowd.cmc[0]), f"among {crowd.distractors:,} strangers")
    asked = _asked(crowd.fnmr_at_fmr, 1e-6)
    if asked is not None:
        name = f"FNMR at FMR {plain_percent(asked)}, crowd"
        yield Card(name, shown(crowd.fnmr_at_fmr[asked]), "genuine pairs missed, false matches with strangers")


def _of_pairs(pairs: Verification) -> Iterator[Card]:
    yield Card("Equal error rate", shown(pairs.eer), f"where FMR and FNMR meet; {pairs.title}")
    asked = _asked(pairs.fnmr_at_fmr, USUAL_FMR)
    if asked is not None:
        name = f"FNMR at FMR {plain_percent(asked)}"
        yield Card(name, shown(pairs.fnmr_at_fmr[asked]), f"genuine pairs missed; {pairs.title}")
    explanation = f"threshold from the other folds; {pairs.title}"
    if pairs.balanced:
        explanation += "; both kinds of pairs weigh the same"
    if pairs.folded:
        yield Card("Accuracy over folds", shown(pairs.accuracy), explanation)
    yield Card("Area under ROC", shown(pairs.auc), "chance that a genuine pair scores above an impostor pair")


def _of_classes(told: ClassAccuracy) -> Iterator[Card]:
    explanation = f"pictures told right by a linear probe, {told.people:,} people, none learned from"
    yield Card(f"Accuracy, {told.title}", shown(told.accuracy), explanation)


def _asked(rates: Mapping[float, Rate], usual: float) -> float | None:
    """Return the target to show: one the data carry, else the first that was asked for."""
    target = chosen_target(rates, usual)
    return next(iter(rates), None) if target is None else target
