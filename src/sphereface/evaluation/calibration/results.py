"""What judging a calibration returns."""

from __future__ import annotations

from dataclasses import dataclass

from sphereface.evaluation.calibration.likelihood import Floats
from sphereface.evaluation.results import Rate


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """Do pairs that are given a probability of 0.8 show one person in 0.8 of cases? All of shape (B,).

    Attributes:
        predicted: Mean probability in each bin, rising.
        observed: Share of genuine pairs in it, genuine pairs making up the prior's share of all.
        low: Lower end of its interval.
        high: Upper end.
        mass: Share of all pairs in the bin, weighted alike.
    """

    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats
    mass: Floats


@dataclass(frozen=True, slots=True)
class CalibrationResult:
    """How good the log-likelihood ratios of one calibrator are, for people it was not fitted on.

    The intervals are for these calibrators: they hold the noise of the people judged, not of those fitted on.

    Attributes:
        kind: The calibrator.
        people: People in the pairs judged.
        genuine_pairs: Number of pairs of one person.
        impostor_pairs: Number of pairs of two people.
        failed_pairs: Genuine pairs among them without a score, which have the lowest ratio.
        cllr: In bits: 0 is perfect, 1 is what no information costs, more is worse than none.
        min_cllr: Of the same ratios after the best rising map: lost in discrimination, the rest in calibration.
        prior: At which the figures below judge probabilities.
        brier: Mean squared error of the probability.
        ece: Expected calibration error over bins of equal mass.
        ece_noise: What ``ece`` would be from noise alone if every probability were right; below it there is
            nothing to see.
        bins: How many bins were asked for; equal probabilities are never parted.
        reliability: The bins.
    """

    kind: str
    people: int
    genuine_pairs: int
    impostor_pairs: int
    failed_pairs: int
    cllr: Rate
    min_cllr: float
    prior: float
    brier: Rate
    ece: Rate
    ece_noise: float
    bins: int
    reliability: Reliability
