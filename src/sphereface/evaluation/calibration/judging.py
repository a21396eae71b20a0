"""Fit on some people, judge on others: a calibration that has seen the people it is judged on proves nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError, NotEnoughDataError, nearest
from sphereface.evaluation.calibration.beta import fit_beta
from sphereface.evaluation.calibration.faircal import fit_faircal
from sphereface.evaluation.calibration.figures import (
    brier,
    calibration_error,
    cllr,
    cllr_costs,
    min_cllr,
    reliability,
)
from sphereface.evaluation.calibration.isotonic import fit_isotonic
from sphereface.evaluation.calibration.likelihood import Calibrator, Fit, log_odds, probability
from sphereface.evaluation.calibration.local import fit_local
from sphereface.evaluation.calibration.people import JudgedPairs, cost
from sphereface.evaluation.calibration.platt import fit_platt
from sphereface.evaluation.calibration.results import CalibrationResult
from sphereface.evaluation.folds import fold_of
from sphereface.evaluation.images import Embeddings
from sphereface.evaluation.score_normalisation import check_disjoint, flattened
from sphereface.evaluation.scores import PairScores
from sphereface.evaluation.verification import check_settings

KINDS = ("platt", "beta", "isotonic", "local", "faircal")


def split_people(names: Sequence[str], seed: int = 0) -> NDArray[np.int64]:
    """Return the half of each person, 0 or 1, by the hash of seed and name: whoever else is there.

    >>> split_people(["a", "b", "c", "d"]).tolist()
    [0, 0, 0, 1]
    """
    return np.array([fold_of(f"{seed} {name}", 2) for name in names], dtype=np.int64)


def calibrate_and_judge(
    scores: PairScores,
    embeddings: Embeddings | None = None,
    kinds: Sequence[str] = ("platt", "beta", "isotonic"),
    *,
    cohort: Embeddings | None = None,
    cohort_identities: Iterable[str] | None = None,
    prior: float = 0.5,
    bins: int = 15,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, CalibrationResult]:
    """Measure how well each kind of calibration does on people it was not fitted on (:func:`cross_fit`).

    Args:
        scores: Genuine and impostor pairs.
        embeddings: Shape (N, d), those that were scored; ``local`` and ``faircal`` need them.
        kinds: Of ``platt``, ``beta``, ``isotonic``, ``local``, ``faircal``.
        cohort: Shape (M, d), for ``local``: of people who are in no pair.
        cohort_identities: M names; whoever is also judged is then an error.
        prior: At which probabilities are judged.
        bins: Of the reliability and the calibration error.
        confidence: Of the two-sided intervals.
        seed: Of the halves and of clusters.

    Raises:
        ConfigurationError: If a kind is unknown or lacks what it needs, or a setting is out of range.
        DataError: If the cohort shares people with the pairs, or embeddings are unusable.
        NotEnoughDataError: If a half of the people has pairs of one kind only.
    """
    check_disjoint(cohort_identities, scores)
    fits = {kind: _fit_of(kind, embeddings, cohort, seed) for kind in kinds}
    return {
        kind: judge_calibration(
            cross_fit(scores, embeddings, fit, seed=seed),
            kind,
            prior=prior,
            bins=bins,
            confidence=confidence,
        )
        for kind, fit in fits.items()
    }


def calibrate(
    scores: PairScores,
    embeddings: Embeddings | None = None,
    kind: str = "platt",
    *,
    cohort: Embeddings | None = None,
    seed: int = 0,
) -> Calibrator:
    """Fit one calibration on all pairs, for use on people who are in none of them.

    What it is worth is measured by :func:`calibrate_and_judge` on the same pairs.

    Raises:
        ConfigurationError: If the kind is unknown or lacks what it needs.
        DataError: If embeddings or cohort are unusable.
        NotEnoughDataError: If one kind of pairs has no score.
    """
    return _fit_of(kind, embeddings, cohort, seed)(*flattened(scores.scored(), embeddings))


def cross_fit(scores: PairScores, embeddings: Embeddings | None, fit: Fit, *, seed: int = 0) -> JudgedPairs:
    """Return the ratio of every pair within a half of the people, from a calibrator fitted on the other half.

    Everybody is judged once; a pair across both halves serves neither fitting nor judging. The fit is handed
    nothing but its own half's pairs and embeddings.

    Args:
        scores: Genuine and impostor pairs.
        embeddings: Shape (N, d), or None for kinds that look at scores only.
        fit: Takes scores, labels and images; returns a calibrator.
        seed: Of the halves.

    Raises:
        NotEnoughDataError: If a half has pairs of one kind only.
    """
    values, same, sides = flattened(scores.scored(), embeddings)
    half = split_people(scores.names, seed)[scores.people]
    one, two = half[sides.first], half[sides.second]
    inside = [np.flatnonzero((one == number) & (two == number)) for number in (0, 1)]
    for number, chosen in enumerate(inside):
        if same[chosen].all() or not same[chosen].any():
            kind = "impostor" if same[chosen].any() else "genuine"
            raise NotEnoughDataError(
                f"half {number + 1} of the people in '{scores.title}' has no {kind} pair; calibration is fitted "
                "on one half and judged on the other, so it needs more people"
            )
    ratios = []
    for judged, fitted in ((0, 1), (1, 0)):
        learn, test = inside[fitted], inside[judged]
        calibrator = fit(values[learn], same[learn], sides.only(learn))
        ratios.append(calibrator.log_likelihood_ratio(values[test], sides.only(test)))
    both = np.concatenate(inside)
    return JudgedPairs(
        np.concatenate(ratios),
        same[both],
        scores.people[sides.first[both]],
        scores.people[sides.second[both]],
        int(np.isneginf(values[both]).sum()),
    )


def judge_calibration(
    pairs: JudgedPairs, kind: str = "", *, prior: float = 0.5, bins: int = 15, confidence: float = 0.95
) -> CalibrationResult:
    """Measure every figure of calibration on judged pairs, with intervals by person.

    Args:
        pairs: Ratios of people the calibrator has not seen.
        kind: For the result.
        prior: At which probabilities are judged.
        bins: Of the reliability and the calibration error.
        confidence: Of the two-sided intervals.

    Raises:
        ConfigurationError: If a setting is out of range.
        DataError: If a ratio is NaN.
        NotEnoughDataError: If one kind is missing.
    """
    log_odds(prior)
    check_settings([], confidence, 20)
    people = pairs.people
    _, variance = pairs.sums(cllr_costs(pairs.llr, pairs.same), 0.5)
    _, squared = pairs.sums((probability(pairs.llr, prior) - pairs.same) ** 2, prior)
    error, spread, noise = calibration_error(pairs, prior, bins)
    return CalibrationResult(
        kind=kind,
        people=people,
        genuine_pairs=int(pairs.same.sum()),
        impostor_pairs=int((~pairs.same).sum()),
        failed_pairs=pairs.failed,
        cllr=cost(cllr(pairs.llr, pairs.same), float(variance[0]), confidence, people),
        min_cllr=min_cllr(pairs.llr, pairs.same),
        prior=prior,
        brier=cost(brier(pairs.llr, pairs.same, prior), float(squared[0]), confidence, people),
        ece=cost(error, spread, confidence, people),
        ece_noise=noise,
        bins=bins,
        reliability=reliability(pairs, prior, bins, confidence),
    )


def _fit_of(kind: str, embeddings: Embeddings | None, cohort: Embeddings | None, seed: int) -> Fit:
    """Return the fit of a kind with its defaults, or say what it lacks."""
    if kind not in KINDS:
        raise ConfigurationError(
            f"unknown calibration '{kind}'; there are {', '.join(KINDS)}.{nearest(kind, KINDS)}"
        )
    if kind in ("local", "faircal") and embeddings is None:
        raise ConfigurationError(f"calibration '{kind}' looks at neighbourhoods and needs the embeddings")
    if kind == "local" and cohort is None:
        raise ConfigurationError("calibration 'local' needs a cohort: embeddings of people who are in no pair")
    fits: dict[str, Fit] = {
        "platt": fit_platt,
        "beta": fit_beta,
        "isotonic": fit_isotonic,
        "faircal": partial(fit_faircal, seed=seed),
    }
    if cohort is not None:
        fits["local"] = partial(fit_local, cohort=cohort, seed=seed)
    return fits[kind]
