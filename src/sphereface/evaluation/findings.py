"""What more an embedding gives away: larger galleries, look-alikes, groups, calibration, morphs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Final, TypeVar

from sphereface.errors import DataError, NotEnoughDataError
from sphereface.evaluation.averages import GalleryAverage, average_galleries
from sphereface.evaluation.calibration.judging import calibrate_and_judge
from sphereface.evaluation.calibration.results import CalibrationResult
from sphereface.evaluation.evaluation import Evaluation
from sphereface.evaluation.gallery_size.sizes import SizedIdentification, by_gallery_size
from sphereface.evaluation.groups.clusters import cluster_audit
from sphereface.evaluation.groups.rates import GroupRates, GroupSearches, group_rates, group_searches
from sphereface.evaluation.judge import Comparisons
from sphereface.evaluation.lists import thresholds_at_fmr, together
from sphereface.evaluation.lookalikes import (
    SubsetMatches,
    lookalike_matches,
    nearest_people,
    within_group_matches,
)
from sphereface.evaluation.morphing.pairs import Kind
from sphereface.evaluation.morphing.scores import morph_scores
from sphereface.evaluation.morphing.vulnerability import MorphVulnerability, morph_vulnerability
from sphereface.evaluation.results import Identification
from sphereface.evaluation.scores import PairScores
from sphereface.evaluation.settings import DEFAULT, Settings

_T = TypeVar("_T")

_CALIBRATIONS: Final = ("platt", "beta", "isotonic", "faircal")
_DEPLOYED: Final = 1e-3  # the rate that groups, look-alikes and morphs are measured at where it is supported
_MOST_IMPOSTORS: Final = 500_000  # of a calibration: more change the third digit of its cost and take minutes


@dataclass(frozen=True, slots=True)
class Findings:
    """What was looked into; a part that the data does not allow is empty, and ``absent`` says why.

    Attributes:
        pairs_title: The pairs that groups, clusters, calibration and look-alikes are measured on: the lists of a
            protocol together; empty where there are none.
        gallery_title: The gallery of ``gallery_sizes`` and ``group_searches``, the first; empty without one.
        threshold: The one at which groups, clusters and morphs are measured.
        threshold_fmr: The false match rate it was chosen for.
        threshold_at_fmr: FMR target -> threshold over these pairs, where supported.
        average: Over the galleries of a protocol, where it has several.
        gallery_sizes: Open-set search in galleries of other sizes.
        groups: Rates by group, as labelled.
        group_searches: Open-set search by group, at the strictest threshold the searches support.
        clusters: Rates by cluster of people who look alike to the embedding.
        calibration: From scores to probabilities, by kind of calibration.
        morphing: Worst-case morphs, by kind of pairs and number of attempts.
        lookalikes: FMR between people who resemble each other, and within groups, at ``threshold_at_fmr``.
        absent: Why a part is missing, by its name.
    """

    pairs_title: str = ""
    gallery_title: str = ""
    threshold: float | None = None
    threshold_fmr: float | None = None
    threshold_at_fmr: Mapping[float, float] = field(default_factory=dict)
    average: GalleryAverage | None = None
    gallery_sizes: tuple[SizedIdentification, ...] = ()
    groups: GroupRates | None = None
    group_searches: GroupSearches | None = None
    clusters: GroupRates | None = None
    calibration: tuple[CalibrationResult, ...] = ()
    morphing: tuple[MorphVulnerability, ...] = ()
    lookalikes: tuple[SubsetMatches, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)


def find(
    comparisons: Comparisons,
    evaluation: Evaluation,
    groups: Mapping[str, str] = MappingProxyType({}),
    settings: Settings = DEFAULT,
) -> Findings:
    """Look into everything that the comparisons allow.

    Groups, clusters and morphs are measured at one threshold: that of the strictest false match rate up to 0.1 %
    that the data supports, or else of the strictest at all. The lists of a protocol count as one.

    Args:
        comparisons: Of one embedding.
        evaluation: What was measured from them.
        groups: A label of each person, by name; nobody needs to have one.
        settings: Of the evaluation.
    """
    absent: dict[str, str] = {}

    def tried(part: str, measure: Callable[[], Sequence[_T]]) -> tuple[_T, ...]:
        try:
            return tuple(measure())
        except (NotEnoughDataError, DataError) as error:
            absent[part] = str(error)
            return ()

    basis = _basis(comparisons, evaluation, settings)
    kinds: tuple[Kind, ...] = ("all", "same group", "nearest") if groups else ("all", "nearest")
    sizes = tried("gallery_sizes", lambda: _sizes(comparisons, settings))
    labelled = tried("groups", lambda: [_groups(basis, groups, settings)]) if groups else ()
    searched = (
        tried("group_searches", lambda: [_searches_by_group(comparisons, evaluation, groups, settings)])
        if groups
        else ()
    )
    clustered = tried("clusters", lambda: [_clusters(comparisons, basis, settings)])
    morphs = [
        tried(f"morphing: {kind}", partial(_morphs, comparisons, kind, groups or None, basis, settings))
        for kind in kinds
    ]
    alike = tried("lookalikes", lambda: [_lookalikes(comparisons, basis, settings)])
    within = (
        tried("lookalikes: within groups", lambda: [_within_groups(basis, groups, settings)]) if groups else ()
    )
    return Findings(
        pairs_title=basis.lists.title if basis.lists else "",
        gallery_title=comparisons.searches[0].title if comparisons.searches else "",
        threshold=basis.threshold if basis.thresholds else None,
        threshold_fmr=basis.fmr,
        threshold_at_fmr=basis.thresholds,
        average=average_galleries(_of_one_protocol(comparisons, evaluation)),
        gallery_sizes=sizes,
        groups=labelled[0] if labelled else None,
        group_searches=searched[0] if searched else None,
        clusters=clustered[0] if clustered else None,
        calibration=tried("calibration", lambda: _calibration(comparisons, basis, settings)),
        morphing=tuple(found for of_kind in morphs for found in of_kind),
        lookalikes=(*alike, *within),
        absent=absent,
    )


@dataclass(frozen=True, slots=True)
class _Basis:
    """What figures at a threshold stand on.

    Attributes:
        lists: The pairs, None where none are compared.
        thresholds: FMR target -> threshold over them, where supported.
    """

    lists: PairScores | None
    thresholds: Mapping[float, float]

    @property
    def pairs(self) -> PairScores:
        if self.lists is None:
            raise NotEnoughDataError("no pairs are compared")
        return self.lists

    @property
    def fmr(self) -> float | None:
        return max(
            (rate for rate in self.thresholds if rate <= _DEPLOYED), default=min(self.thresholds, default=None)
        )

    @property
    def supported(self) -> Mapping[float, float]:
        if not self.thresholds:
            raise NotEnoughDataError(
                "no pairs are compared, so there is no threshold"
                if self.lists is None
                else "no false match rate is supported, so there is no threshold"
            )
        return self.thresholds

    @property
    def threshold(self) -> float:
        supported = self.supported
        assert self.fmr is not None
        return supported[self.fmr]


def _basis(comparisons: Comparisons, evaluation: Evaluation, settings: Settings) -> _Basis:
    if not comparisons.pairs:
        return _Basis(None, {})
    pairs = together(comparisons.pairs)
    if pairs is comparisons.pairs[0]:
        return _Basis(pairs, evaluation.verifications[0].threshold_at_fmr)
    return _Basis(pairs, thresholds_at_fmr(pairs, settings.fmr_targets))


def _of_one_protocol(comparisons: Comparisons, evaluation: Evaluation) -> Sequence[Identification]:
    """Return the searches of a protocol; beside all pairs the first search is a draw of one's own."""
    drawn = bool(comparisons.pairs) and comparisons.pairs[0].balanced
    return evaluation.identifications[1:] if drawn else evaluation.identifications


def _sizes(comparisons: Comparisons, settings: Settings) -> list[SizedIdentification]:
    if not comparisons.searches:
        raise NotEnoughDataError("no gallery is searched")
    return by_gallery_size(
        comparisons.searches[0],
        target=min(settings.fpir_targets, default=0.01),
        confidence=settings.confidence,
        resamples=settings.resamples,
        seed=settings.seed,
    )


def _groups(basis: _Basis, groups: Mapping[str, str], settings: Settings) -> GroupRates:
    threshold = basis.threshold
    return group_rates(basis.pairs, groups, threshold, confidence=settings.confidence, seed=settings.seed)


def _searches_by_group(
    comparisons: Comparisons, evaluation: Evaluation, groups: Mapping[str, str], settings: Settings
) -> GroupSearches:
    if not comparisons.searches:
        raise NotEnoughDataError("no gallery is searched")
    thresholds = evaluation.identification.threshold_at_fpir
    if not thresholds:
        raise NotEnoughDataError("no false positive identification rate is supported, so there is no threshold")
    threshold = thresholds[min(thresholds)]
    return group_searches(comparisons.searches[0], groups, threshold, confidence=settings.confidence)


def _lookalikes(comparisons: Comparisons, basis: _Basis, settings: Settings) -> SubsetMatches:
    thresholds = sorted(basis.supported.values())
    nearest = nearest_people(comparisons.faces.embeddings, basis.pairs, failed=comparisons.faces.failed)
    return lookalike_matches(basis.pairs, nearest, thresholds, confidence=settings.confidence)


def _within_groups(basis: _Basis, groups: Mapping[str, str], settings: Settings) -> SubsetMatches:
    thresholds = sorted(basis.supported.values())
    return within_group_matches(basis.pairs, groups, thresholds, confidence=settings.confidence)


def _clusters(comparisons: Comparisons, basis: _Basis, settings: Settings) -> GroupRates:
    faces, threshold = comparisons.faces, basis.threshold
    return cluster_audit(
        basis.pairs,
        faces.embeddings,
        faces.identities,
        threshold,
        failed=faces.failed,
        confidence=settings.confidence,
        seed=settings.seed,
    )


def _calibration(comparisons: Comparisons, basis: _Basis, settings: Settings) -> list[CalibrationResult]:
    found = calibrate_and_judge(
        basis.pairs.thinned(_MOST_IMPOSTORS, settings.seed),
        comparisons.faces.embeddings,
        _CALIBRATIONS,
        confidence=settings.confidence,
        seed=settings.seed,
    )
    return list(found.values())


def _morphs(
    comparisons: Comparisons, kind: Kind, groups: Mapping[str, str] | None, basis: _Basis, settings: Settings
) -> list[MorphVulnerability]:
    faces, threshold = comparisons.faces, basis.threshold
    scores = morph_scores(
        faces.embeddings, faces.identities, kind, failed=faces.failed, groups=groups, seed=settings.seed
    )
    return morph_vulnerability(
        scores, threshold, confidence=settings.confidence, resamples=settings.resamples, seed=settings.seed
    )
