"""Rates as the page prints them, and the handful that stand on top."""

from __future__ import annotations

from dataclasses import dataclass

from sphereface.evaluation.results import Evaluation, Rate
from sphereface.report.wording import NBSP, headline_target, percent, percent_range, plain_percent


@dataclass(frozen=True, slots=True)
class Shown:
    """A rate in words: either value, interval and trials, or the note that says why there is none."""

    value: str = ""
    interval: str = ""
    confidence: str = ""
    trials: str = ""
    note: str = ""

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
    )


def key_figures(evaluation: Evaluation) -> list[Card]:
    """Return the cards on top: open-set first, because that is what a gallery lives by."""
    verification, search = evaluation.verification, evaluation.identification
    cards = []
    target = headline_target(search)
    asked = target if target is not None else next(iter(search.fnir_at_fpir), None)
    if asked is not None:
        name = f"FNIR at FPIR {plain_percent(asked)}"
        explanation = f"enrolled people missed, {search.gallery_people:,} in the gallery"
        cards.append(Card(name, shown(search.fnir_at_fpir[asked]), explanation))
    if search.cmc:
        cards.append(Card("Rank 1", shown(search.cmc[0]), "own person is the best match, no threshold"))
    cards.append(Card("Equal error rate", shown(verification.eer), "where FMR and FNMR meet, all pairs"))
    supported = [fmr for fmr, rate in verification.fnmr_at_fmr.items() if rate.value is not None]
    fmr = 1e-3 if 1e-3 in supported else min(supported or verification.fnmr_at_fmr, default=None)
    if fmr is not None:
        name = f"FNMR at FMR {plain_percent(fmr)}"
        cards.append(Card(name, shown(verification.fnmr_at_fmr[fmr]), "genuine pairs missed, all pairs"))
    pairs = evaluation.listed or verification
    explanation = f"threshold from the other nine; {pairs.title}"
    if pairs.balanced:
        explanation += "; both kinds of pairs weigh the same"
    cards.append(Card("Accuracy, ten folds", shown(pairs.accuracy), explanation))
    explanation = "chance that a genuine pair scores above an impostor pair"
    cards.append(Card("Area under ROC", shown(verification.auc), explanation))
    return cards
