"""Choose the threshold of an operating point, or refuse to: only what the evidence supports is promised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import NotEnoughDataError
from sphereface.evaluation.counting import false_matches, misses
from sphereface.evaluation.identification import alarms, false_alarms, first_rank_scores, missed_searches
from sphereface.evaluation.intervals import Floats, PersonRate, draw_people
from sphereface.evaluation.operating_point import Kind, MeasuredRate, OperatingPoint
from sphereface.evaluation.resampled import missed_at
from sphereface.evaluation.results import Rate
from sphereface.evaluation.scores import PairScores
from sphereface.evaluation.search import SearchScores
from sphereface.evaluation.steps import Scores, curve_thresholds, rejected, threshold_at
from sphereface.evaluation.verification import check_settings, missed_rate

# The realised rate is then within 36 % (two standard deviations) of the measured one.
NEEDED_ERRORS = 30

_RESAMPLES = 400
_ROUND_RATES = tuple(
    digits * 10.0**power for power in range(-6, 0) for digits in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
)


def choose_operating_point(
    scores: SearchScores,
    target_fpir: float,
    *,
    model_fingerprint: str,
    data_hash: str,
    confidence: float = 0.95,
    seed: int = 0,
    created: str | None = None,
) -> OperatingPoint:
    """Choose the smallest threshold whose FPIR is at or below the target, ties counted against us.

    The interval of the FPIR is the one for a fixed threshold, by stranger and by the enrolled person who came
    first; that of the FNIR has the threshold chosen again in each resample of people.

    Args:
        scores: Open-set searches by people the model has not seen.
        target_fpir: Between 0 and 1.
        model_fingerprint: Of the model that made the embeddings.
        data_hash: Of the images.
        confidence: Of both intervals.
        seed: Of the resamples.
        created: Time to write down, ISO 8601; now, if None.

    Raises:
        NotEnoughDataError: If fewer than 30 effective false alarms are expected at the target; the message
            names the nearest rate that the searches support.
        ConfigurationError: If the target or the confidence is not between 0 and 1.
    """
    evidence = _Evidence(
        kind="fpir",
        genuine=np.sort(first_rank_scores(scores)),
        impostor=np.sort(alarms(scores)),
        false=lambda thresholds: false_alarms(scores, thresholds),
        missed=lambda thresholds: missed_searches(scores, thresholds),
        people=len(scores.names),
        gallery_people=scores.gallery_people,
        gallery_templates=scores.gallery_templates,
        words="searches by strangers",
    )
    return _choose(evidence, target_fpir, model_fingerprint, data_hash, confidence, seed, created)


def choose_verification_point(
    scores: PairScores,
    target_fmr: float,
    *,
    model_fingerprint: str,
    data_hash: str,
    confidence: float = 0.95,
    seed: int = 0,
    created: str | None = None,
) -> OperatingPoint:
    """Choose the smallest threshold whose FMR is at or below the target, for comparing two images.

    Arguments and errors as :func:`choose_operating_point`; the interval of the FMR is dyadic.
    """
    evidence = _Evidence(
        kind="fmr",
        genuine=np.sort(scores.genuine.scores),
        impostor=np.sort(scores.impostor.scores),
        false=lambda thresholds: false_matches(scores, thresholds),
        missed=lambda thresholds: misses(scores, thresholds),
        people=len(scores.names),
        gallery_people=0,
        gallery_templates=0,
        words="impostor pairs",
    )
    return _choose(evidence, target_fmr, model_fingerprint, data_hash, confidence, seed, created)


@dataclass(frozen=True, slots=True, eq=False)
class _Evidence:
    """What a choice needs of searches or pairs: sorted scores, and both rates at any thresholds."""

    kind: Kind
    genuine: Scores
    impostor: Scores
    false: Callable[[Floats], PersonRate]
    missed: Callable[[Floats], PersonRate]
    people: int
    gallery_people: int
    gallery_templates: int
    words: str


def _choose(
    evidence: _Evidence,
    target: float,
    model_fingerprint: str,
    data_hash: str,
    confidence: float,
    seed: int,
    created: str | None,
) -> OperatingPoint:
    check_settings([target], confidence, _RESAMPLES)
    rates = [target, *(rate for rate in _ROUND_RATES if target < rate <= 0.5)]
    thresholds = [threshold_at(evidence.impostor, rate) for rate in rates]
    grid = curve_thresholds(evidence.genuine, evidence.impostor, extra=thresholds)
    false, missed = evidence.false(grid), evidence.missed(grid)
    effective = false.effective()[np.searchsorted(grid, thresholds)]
    supported = effective * rates >= NEEDED_ERRORS
    if not supported[0]:
        raise NotEnoughDataError(_refusal(evidence, target, float(effective[0]), supported, rates))
    deviations = draw_people(evidence.people, _RESAMPLES, seed)
    drawn = missed_at(false.resample(deviations), missed.resample(deviations), target)
    at = int(np.searchsorted(grid, thresholds[0]))
    low, high = (float(end[at]) for end in false.band(confidence))
    return OperatingPoint(
        threshold=thresholds[0],
        kind=evidence.kind,
        target=target,
        measured=MeasuredRate(
            value=float(false.rate[at]), low=low, high=high, confidence=confidence, n=float(effective[0])
        ),
        missed=_measured(missed_rate(float(rejected(evidence.genuine, thresholds[0])), drawn, missed, confidence)),
        trials=false.trials,
        gallery_people=evidence.gallery_people,
        gallery_templates=evidence.gallery_templates,
        data_hash=data_hash,
        model_fingerprint=model_fingerprint,
        created=datetime.now(UTC).isoformat(timespec="seconds") if created is None else created,
    )


def _refusal(
    evidence: _Evidence, target: float, effective: float, supported: NDArray[np.bool_], rates: list[float]
) -> str:
    if np.any(supported):
        offer = f"the nearest rate supported is {rates[int(np.argmax(supported))]:g}"
    else:
        offer = "no rate up to 0.5 is supported"
    return (
        f"the {evidence.kind.upper()} target {target:g} is not supported by this data: a threshold is issued "
        f"from {NEEDED_ERRORS} effective expected errors upwards, and {effective:,.0f} effective "
        f"{evidence.words} (of {len(evidence.impostor):,}) give {target * effective:.1f}; {offer}, "
        f"or bring about {NEEDED_ERRORS / (target * effective):.1f} times as many people"
    )


def _measured(rate: Rate) -> MeasuredRate:
    assert rate.value is not None
    assert rate.low is not None
    assert rate.high is not None
    return MeasuredRate(value=rate.value, low=rate.low, high=rate.high, confidence=rate.confidence, n=rate.n)
