"""What an evaluation returns: plain frozen values, ready for a report, a table or a test.

Every rate carries its interval. A rate that the data cannot support has ``value`` None and says why.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

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
        threshold: Whether the threshold behind it was ``fixed`` beforehand or ``estimated`` from the same
            scores, which the interval then covers; empty for a figure without one.
    """

    value: float | None
    low: float | None
    high: float | None
    confidence: float
    n: float
    reason: str = ""
    threshold: Literal["", "fixed", "estimated"] = ""

    def to_json(self) -> dict[str, Any]:
        """Return the form used in ``report.json``."""
        out: dict[str, Any] = {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "confidence": self.confidence,
            "n": self.n,
        }
        if self.threshold:
            out["threshold"] = self.threshold
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
        failed_pairs: Pairs that could not be scored (missing or failed images): misses, or in no false match rate,
            and errors of the accuracy.
        balanced: Whether accuracy weighs both kinds of pairs equally (all pairs: impostors outnumber
            genuine pairs a thousand to one there).
        folded: Whether there is an accuracy to speak of; a protocol without folds has none.
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
    folded: bool = True


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
        mean_rank: Of the own person in mated searches; N + 1 where the search failed.
        selectivity: FPIR target -> mean number of enrolled people who reach its threshold in a non-mated search.
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
    mean_rank: float | None = None
    selectivity: dict[float, float] = field(default_factory=dict)


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
        effective_rank: Dimensions that the images really use.
        person_criterion: Share of people whose largest own angle is below their smallest to anybody else, over
            all images measured; it falls with their number.
        norm_quality: Spearman's correlation of the embedding's norm and the picture's quality, if that was given.
        widest: Two images at the largest angle within a person, one pair a person, the widest first.
        nearest: Two images at the smallest angle between two people, one pair a couple, the nearest first.
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
    effective_rank: float = float("nan")
    person_criterion: Rate | None = None
    norm_quality: Rate | None = None
    widest: list[ScoredPair] = field(default_factory=list)
    nearest: list[ScoredPair] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CrowdSearch:
    """Each picture of a few people looked for among a crowd of distractors (MegaFace, Trillion Pairs).

    Attributes:
        title: Who searched whom.
        people: People among the probes.
        searches: Ordered pairs of probes of one person: one searches, the other is enrolled in the crowd.
        distractors: How many strangers are enrolled beside it.
        cmc_ranks: Ranks at which ``cmc`` is given.
        cmc: Share of searches whose mate is within each rank, ties counted against us; clustered by person.
        fnmr_at_fmr: FMR target over all pairs of a probe and a distractor -> FNMR; both are clustered by the
            person of the probe.
        threshold_at_fmr: FMR target -> that threshold (only where supported).
        failed: Searches with a probe or mate that could not be embedded: counted as misses.
    """

    title: str
    people: int
    searches: int
    distractors: int
    cmc_ranks: list[int]
    cmc: list[Rate]
    fnmr_at_fmr: dict[float, Rate]
    threshold_at_fmr: dict[float, float]
    failed: int = 0


@dataclass(frozen=True, slots=True)
class ClassAccuracy:
    """How well something other than the person is told from the embedding by a linear probe.

    Attributes:
        title: What is told: ``expression``.
        classes: The words.
        people: People judged; nobody is learnt from and judged in one fold.
        accuracy: Share of pictures told right, by person-independent folds.
        balanced_accuracy: Mean over classes of the share of their pictures told right.
        confusion: Shape (K, K): pictures of each class (rows) by what they were taken for (columns).
    """

    title: str
    classes: tuple[str, ...]
    people: int
    accuracy: Rate
    balanced_accuracy: Rate
    confusion: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a figure's definition and data come from.

    Attributes:
        name: As on the command line; empty for one's own pictures.
        title: In words.
        citation: Who made it, where it was published.
        note: What a reader must know, in a sentence.
        missing: Pictures or templates the protocol asks for and the set does not have; they count as failures.
    """

    name: str
    title: str
    citation: str = ""
    note: str = ""
    missing: tuple[str, ...] = ()
