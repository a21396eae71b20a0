"""Choose the threshold of an operating point, or refuse to: only what the evidence supports is promised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from sphereface.clock import now
from sphereface.errors import ConfigurationError, NotEnoughDataError
from sphereface.evaluation.counting import false_matches, misses
from sphereface.evaluation.gallery_size.draws import alarm_threshold
from sphereface.evaluation.gallery_size.rates import alarms_among, misses_among
from sphereface.evaluation.gallery_size.sizes import thresholds_around
from sphereface.evaluation.identification import false_alarms, missed_searches
from sphereface.evaluation.intervals import Floats, PersonRate, draw_people
from sphereface.evaluation.operating_point import Kind, MeasuredRate, OperatingPoint
from sphereface.evaluation.resampled import missed_at
from sphereface.evaluation.results import Rate
from sphereface.evaluation.scores import PairScores
from sphereface.evaluation.search import SearchScores, alarms, first_rank_scores
from sphereface.evaluation.steps import curve_thresholds, threshold_at
from sphereface.evaluation.verification import check_settings, missed_rate
from sphereface.evaluation.wilson import interval

# The realised rate is then within 36 % (two standard deviations) of the measured one.
NEEDED_ERRORS = 30
# Galleries so many times larger than the measured one are still promised a rate.
FURTHEST = 4

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
    gallery_size: int | None = None,
    preprocessing: Mapping[str, str] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    created: str | None = None,
) -> OperatingPoint:
    """Choose the smallest threshold whose FPIR is at or below the target, ties counted against us.

    The interval of the FPIR is the one for a fixed threshold, by stranger and by enrolled person; that of the FNIR
    has the threshold chosen again in each resample of people.

    Args:
        scores: Open-set searches by people the model has not seen.
        target_fpir: Between 0 and 1.
        model_fingerprint: Of the model that made the embeddings.
        data_hash: Of the images.
        gallery_size: People in the gallery it is for, N; by default as many as were searched, M. Below M the rate
            is exact, the average over all galleries of N of the M; up to 4 M it is extrapolated.
        preprocessing: How the pictures were read, to be checked by whoever uses the point.
        confidence: Of both intervals.
        seed: Of the resamples.
        created: Time to write down, ISO 8601; now, if None.

    Raises:
        NotEnoughDataError: If fewer than 30 effective false alarms are expected at the target; the message
            names the nearest rate that the searches support. If the gallery is more than 4 times as large.
        ConfigurationError: If the target or the confidence is not between 0 and 1, or the gallery is empty.
        DataError: If a size is given and the searches kept too few scores.
    """
    check_settings([target_fpir], confidence, _RESAMPLES)
    enrolled = scores.gallery_people
    size = enrolled if gallery_size is None else gallery_size
    if size < 1:
        raise ConfigurationError(f"a gallery holds 1 person or more, not {size}")
    if size > FURTHEST * enrolled:
        raise NotEnoughDataError(
            f"a gallery of {size} people is {size / enrolled:.1f} times as large as the {enrolled} enrolled here, "
            f"and rates are carried on {FURTHEST} times at most: the largest supported has {FURTHEST * enrolled} "
            "people, or bring more"
        )
    impostor, genuine = np.sort(alarms(scores)), np.sort(first_rank_scores(scores))
    evidence = _Evidence(
        kind="fpir",
        threshold=partial(threshold_at, impostor),
        false=partial(false_alarms, scores),
        missed=partial(missed_searches, scores),
        around=curve_thresholds(genuine, impostor),
        people=len(scores.names),
        trials=len(impostor),
        words="searches by strangers",
    )
    if size != enrolled:
        evidence = replace(
            evidence,
            threshold=partial(alarm_threshold, scores, size),
            false=partial(alarms_among, scores, size),
            missed=partial(misses_among, scores, size),
            around=thresholds_around(scores, size, target_fpir),
        )
    return OperatingPoint(
        **_choose(evidence, target_fpir, confidence, seed),
        gallery_people=enrolled,
        gallery_templates=scores.gallery_templates,
        gallery_size=size,
        basis="measured" if size == enrolled else "thinned" if size < enrolled else "extrapolated",
        data_hash=data_hash,
        model_fingerprint=model_fingerprint,
        preprocessing=dict(preprocessing or {}),
        created=now() if created is None else created,
    )


def choose_verification_point(
    scores: PairScores,
    target_fmr: float,
    *,
    model_fingerprint: str,
    data_hash: str,
    preprocessing: Mapping[str, str] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    created: str | None = None,
) -> OperatingPoint:
    """Choose the smallest threshold whose FMR is at or below the target, for comparing two images.

    Arguments and errors as :func:`choose_operating_point`; the interval of the FMR is dyadic.
    """
    check_settings([target_fmr], confidence, _RESAMPLES)
    scores = scores.scored()
    impostor = np.sort(scores.impostor.scores)
    evidence = _Evidence(
        kind="fmr",
        threshold=partial(threshold_at, impostor),
        false=partial(false_matches, scores),
        missed=partial(misses, scores),
        around=curve_thresholds(np.sort(scores.genuine.scores), impostor),
        people=len(scores.names),
        trials=len(impostor),
        words="impostor pairs",
    )
    return OperatingPoint(
        **_choose(evidence, target_fmr, confidence, seed),
        gallery_people=0,
        gallery_templates=0,
        data_hash=data_hash,
        model_fingerprint=model_fingerprint,
        preprocessing=dict(preprocessing or {}),
        created=now() if created is None else created,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Evidence:
    """What a choice needs of searches or pairs.

    Attributes:
        kind: Of rate.
        threshold: The smallest one at which the false rate is at or below a target.
        false: The false rate at any thresholds.
        missed: The missed rate at any thresholds.
        around: Thresholds that show both curves.
        people: Of whom resamples are drawn.
        words: What a trial is.
    """

    kind: Kind
    threshold: Callable[[float], float]
    false: Callable[[Floats], PersonRate]
    missed: Callable[[Floats], PersonRate]
    around: Floats
    people: int
    trials: int
    words: str


def _choose(evidence: _Evidence, target: float, confidence: float, seed: int) -> dict[str, Any]:
    """Return what a point says of its threshold and its rates."""
    threshold = evidence.threshold(target)
    grid = np.union1d(evidence.around, threshold)
    false, missed = evidence.false(grid), evidence.missed(grid)
    at = int(np.searchsorted(grid, threshold))
    effective = float(false.effective()[at])
    if not _enough(target, effective):
        raise NotEnoughDataError(_refusal(evidence, target, effective))
    deviations = draw_people(evidence.people, _RESAMPLES, seed)
    drawn = missed_at(false.resample(deviations), missed.resample(deviations), target)
    low, high = interval(float(false.rate[at]), effective, confidence, false.clusters)
    return {
        "kind": evidence.kind,
        "target": target,
        "threshold": threshold,
        "measured": MeasuredRate(
            value=float(false.rate[at]), low=low, high=high, confidence=confidence, n=effective
        ),
        "missed": _measured(missed_rate(float(missed.rate[at]), drawn, missed, confidence)),
        "trials": evidence.trials,
    }


def _refusal(evidence: _Evidence, target: float, effective: float) -> str:
    rates = [rate for rate in _ROUND_RATES if target < rate <= 0.5]
    thresholds = np.array([evidence.threshold(rate) for rate in rates])
    grid = np.union1d(evidence.around, thresholds)
    witnesses = evidence.false(grid).effective()[np.searchsorted(grid, thresholds)]
    offers = [rate for rate, n in zip(rates, witnesses, strict=True) if _enough(rate, float(n))]
    offer = f"the nearest rate supported is {offers[0]:g}" if offers else "no rate up to 0.5 is supported"
    return (
        f"the {evidence.kind.upper()} target {target:g} is not supported by this data: a threshold is issued "
        f"from {NEEDED_ERRORS} effective expected errors upwards, and {evidence.trials:,} "
        f"{evidence.words}, worth {effective:,.0f} independent ones, give {target * effective:.1f}; {offer}, "
        f"or bring about {NEEDED_ERRORS / (target * effective):.1f} times as many people"
    )


def _enough(target: float, effective: float) -> bool:
    return target * effective >= NEEDED_ERRORS


def _measured(rate: Rate) -> MeasuredRate:
    assert rate.value is not None
    assert rate.low is not None
    assert rate.high is not None
    return MeasuredRate(value=rate.value, low=rate.low, high=rate.high, confidence=rate.confidence, n=rate.n)
