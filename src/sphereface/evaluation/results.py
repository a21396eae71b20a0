"""What an evaluation returns: plain frozen values, ready for a report, a table or a test.

Every rate carries its interval. A rate that the data cannot support has ``value`` None and says why.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate or figure with its confidence interval.

    Attributes:
        value: The point estimate, or None when the data cannot support one.
        low: Lower end of the interval (None with ``value``).
        high: Upper end of the interval. Known even without a value where an upper bound exists.
        confidence: Two-sided confidence of the interval.
        n: Effective number of independent trials behind the figure (never more than the raw count).
        reason: Why there is no value, in words for a person; empty otherwise.
    """

    value: float | None
    low: float | None
    high: float | None
    confidence: float
    n: float
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the form used in ``report.json``."""
        out: dict[str, Any] = {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "confidence": self.confidence,
            "n": self.n,
        }
        if self.reason:
            out["reason"] = self.reason
        return out


@dataclass(frozen=True, slots=True)
class ErrorCurve:
    """Two error rates against the threshold, with pointwise bands.

    For verification ``false`` is FMR and ``missed`` is FNMR; for open-set identification FPIR and FNIR.
    Accept iff score >= threshold. Thresholds increase, so ``false`` falls and ``missed`` rises.
    All arrays have shape (T,).
    """

    thresholds: Floats
    false: Floats
    missed: Floats
    false_low: Floats
    false_high: Floats
    missed_low: Floats
    missed_high: Floats


@dataclass(frozen=True, slots=True)
class ScoreHistogram:
    """Counts of two kinds of scores on common bins: edges (B + 1,), counts (B,)."""

    edges: Floats
    genuine: NDArray[np.int64]
    impostor: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ScoredPair:
    """Two images (indices into the evaluated set) and their cosine."""

    first: int
    second: int
    score: float


@dataclass(frozen=True, slots=True)
class Verification:
    """One-to-one comparison: are these two images the same person?

    Attributes:
        title: What was compared, e.g. ``all pairs, at most 10 images a person``.
        people: People that occur in a pair.
        genuine_pairs: Number of pairs of one person.
        impostor_pairs: Number of pairs of two people.
        eer: Equal error rate.
        auc: Area under the ROC curve, ties counted half.
        accuracy: Ten-fold accuracy, threshold from the other folds: of all pairs, or where ``balanced`` the
            mean of the shares of right decisions among genuine and among impostor pairs.
        accuracy_threshold: Mean of the ten thresholds.
        fnmr_at_fmr: FMR target -> FNMR at the smallest threshold with FMR <= target.
        threshold_at_fmr: FMR target -> that threshold (only where supported).
        curve: FMR and FNMR against the threshold.
        histogram: Scores of genuine and impostor pairs.
        hardest_genuine: Genuine pairs with the lowest scores, worst first.
        hardest_impostor: Impostor pairs with the highest scores, worst first.
        failed_pairs: Listed pairs that could not be scored (missing or failed images), counted as errors.
        balanced: Whether accuracy weighs both kinds of pairs equally (all pairs: impostors outnumber
            genuine pairs a thousand to one there).
    """

    title: str
    people: int
    genuine_pairs: int
    impostor_pairs: int
    eer: Rate
    auc: Rate
    accuracy: Rate
    accuracy_threshold: float | None
    fnmr_at_fmr: dict[float, Rate]
    threshold_at_fmr: dict[float, float]
    curve: ErrorCurve
    histogram: ScoreHistogram
    hardest_genuine: list[ScoredPair] = field(default_factory=list)
    hardest_impostor: list[ScoredPair] = field(default_factory=list)
    failed_pairs: int = 0
    balanced: bool = False


@dataclass(frozen=True, slots=True)
class Identification:
    """One-to-many search with people who are not in the gallery.

    Attributes:
        title: How gallery and probes were drawn.
        gallery_people: People enrolled (N).
        gallery_templates: Templates enrolled.
        mated_searches: Searches by enrolled people.
        non_mated_searches: Searches by strangers.
        non_mated_people: Different strangers among them.
        fnir_at_fpir: FPIR target -> FNIR (rank 1) at the smallest threshold with FPIR <= target.
        threshold_at_fpir: FPIR target -> that threshold (only where supported).
        curve: FPIR and FNIR against the threshold.
        cmc_ranks: Ranks 1..R.
        cmc: Share of mated searches whose mate is within each rank, no threshold: one Rate per rank.
        mated_scores: Score of each mated search's own person (best template); failed searches have none.
        non_mated_scores: Highest score of each non-mated search; failed searches have none.
        failed_mated: Mated searches whose probe or person could not be compared: counted as misses.
        failed_non_mated: Non-mated searches whose probe has no embedding: counted, without an alarm.
        failed_enrolments: People enrolled of whom no template has an embedding.
    """

    title: str
    gallery_people: int
    gallery_templates: int
    mated_searches: int
    non_mated_searches: int
    non_mated_people: int
    fnir_at_fpir: dict[float, Rate]
    threshold_at_fpir: dict[float, float]
    curve: ErrorCurve
    cmc_ranks: list[int]
    cmc: list[Rate]
    mated_scores: Floats
    non_mated_scores: Floats
    failed_mated: int = 0
    failed_non_mated: int = 0
    failed_enrolments: int = 0


@dataclass(frozen=True, slots=True)
class Health:
    """How the embedding uses the hypersphere (see ``sphereface.sphere.health`` for the definitions).

    A figure that needs people with two images is NaN where nobody has two.

    Attributes:
        alignment: Mean squared distance between images of one person, averaged over people.
        uniformity: Logarithm of the mean of exp(-2 squared distance) over all pairs of images.
        angular_fisher_score: Spread within people over spread between people; lower is better.
        largest_intra_angle: Largest angle between two images of one person, in radians.
        smallest_inter_angle: Smallest angle between images of two people, in radians.
        ideal_criterion_met: Whether the former is below the latter.
        ideal_criterion_rate: Share of people who meet the criterion one by one, at the fixed draw.
        ideal_images: Images of each person in a draw (k).
        ideal_people: People in a draw (P); figures at other k and P are not comparable.
        energy: Mean energy between the mean directions of people, by exponent s (0: logarithmic).
        concentration: Median over people of the von Mises-Fisher concentration of their images.
    """

    alignment: float
    uniformity: float
    angular_fisher_score: float
    largest_intra_angle: float
    smallest_inter_angle: float
    ideal_criterion_met: bool
    ideal_criterion_rate: Rate
    ideal_images: int = 5
    ideal_people: int = 0
    energy: dict[int, float] = field(default_factory=dict)
    concentration: float = float("nan")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that was measured for one embedding on one set of people.

    Attributes:
        images: Images evaluated.
        people: People evaluated.
        verification: All-against-all comparison.
        listed: Comparison over a protocol's own pair list (LFW View 1 or 2), if one was given.
        identification: Open-set search.
        health: Hypersphere health.
        settings: Every setting needed to repeat the evaluation.
    """

    images: int
    people: int
    verification: Verification
    listed: Verification | None
    identification: Identification
    health: Health
    settings: dict[str, Any] = field(default_factory=dict)
