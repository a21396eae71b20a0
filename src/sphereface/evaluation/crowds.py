"""A few people's pictures looked for among a crowd of distractors, as MegaFace does.

Every picture of a person searches once for each other picture of that person, enrolled beside all distractors;
the rank is 1 + the number of distractors that score as high (Kemelmacher-Shlizerman, Seitz, Miller and Brossard
2016, CVPR, arXiv:1512.00596). Over all pairs of a probe and a distractor it is a false match rate as well.

Few people meet many distractors, and some resemble a crowd more than others: both rates are clustered by the
person of the probe, and the threshold is chosen again in each resample of people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import DataError, NotEnoughDataError
from sphereface.evaluation.distractors import Product, cosines, float32_product, ranks_among, search_distractors
from sphereface.evaluation.embedding_set import EmbeddingSet
from sphereface.evaluation.images import Codes, person_codes
from sphereface.evaluation.intervals import (
    Floats,
    PersonRate,
    clustered,
    draw_people,
    rate_from_variance,
    supported,
)
from sphereface.evaluation.protocol import UnitDistractors
from sphereface.evaluation.resampled import missed_at
from sphereface.evaluation.results import CrowdSearch, Rate
from sphereface.evaluation.settings import DEFAULT, Settings
from sphereface.evaluation.steps import curve_thresholds, rejected, threshold_in_tail

RANKS: Final = (1, 2, 5, 10, 20, 50, 100)

_MARGIN = 3  # times the false matches of a rate are kept, for resamples in which its threshold is lower
_LEAST_TAIL = 1000
_MOST_TAIL = 20_000_000  # scores kept for thresholds, 240 MB


@dataclass(frozen=True, slots=True, eq=False)
class CrowdScores:
    """What searches among a crowd found. A search with a probe or mate that failed has rank K + 1.

    Attributes:
        title: Who searched whom.
        names: The person behind each code, P of them.
        distractors: D, those that failed included; they are nobody's rivals and in no comparison.
        people: Shape (S,): who searches, for every ordered pair of probes of one person.
        ranks: Shape (S,): of the mate among the distractors; K + 1 says it is not within the K highest.
        genuine: Shape (S / 2,), rising: cosine of each pair of probes of one person; -inf where it failed.
        genuine_people: Shape (S / 2,): whose they are.
        tail: Shape (m,), rising: the highest cosines of a probe and a distractor.
        tail_people: Shape (m,): whose probe it is.
        trials: Shape (P,): comparisons of each person's probes with distractors.
        failed: Searches that failed.
    """

    title: str
    names: tuple[str, ...]
    distractors: int
    people: Codes
    ranks: NDArray[np.int64]
    genuine: Floats
    genuine_people: Codes
    tail: Floats
    tail_people: Codes
    trials: NDArray[np.int64]
    failed: int

    @property
    def comparisons(self) -> int:
        """Number of comparisons of a probe with a distractor."""
        return int(self.trials.sum())


class CrowdRates(NamedTuple):
    """FMR and FNMR at the same K thresholds, as far down as the tail reaches.

    Attributes:
        thresholds: FMR target -> smallest threshold that keeps it; absent where the tail is too short.
        grid: Shape (K,), increasing; those among them.
        false: FMR over all pairs of a probe and a distractor.
        missed: FNMR over all pairs of probes of one person.
    """

    thresholds: dict[float, float]
    grid: Floats
    false: PersonRate
    missed: PersonRate

    def unsupported(self, target: float) -> str:
        """Return why FNMR at this FMR cannot be told, or an empty string."""
        if target not in self.thresholds:
            return f"not measured: more than {_MOST_TAIL:,} false matches would have to be kept"
        at = np.searchsorted(self.grid, self.thresholds[target])
        return supported(float(self.false.effective()[at]), target, "impostor scores")


def search_crowd(
    units: EmbeddingSet,
    crowd: UnitDistractors,
    settings: Settings = DEFAULT,
    product: Product = float32_product,
) -> CrowdSearch:
    """Look for every probe's person among the distractors; :func:`crowd_scores`, judged by :func:`judge_crowd`."""
    return judge_crowd(crowd_scores(units, crowd, settings.fmr_targets, product), settings)


def crowd_scores(
    units: EmbeddingSet,
    crowd: UnitDistractors,
    fmr_targets: Sequence[float] = DEFAULT.fmr_targets,
    product: Product = float32_product,
) -> CrowdScores:
    """Look for every probe's person among the distractors.

    Args:
        units: Embeddings of probes and distractors.
        crowd: Which are which.
        fmr_targets: What thresholds will be asked for.
        product: What sorts out roughly which cosines cannot matter.

    Raises:
        DataError: If somebody is both a probe and a distractor.
        NotEnoughDataError: If no person has two probes, or nothing is left to search with or among.
    """
    people = [units.identities[at] for at in crowd.probes.tolist()]
    names, codes = person_codes(people)
    both = set(people) & {units.identities[at] for at in crowd.distractors.tolist()} - {""}
    if both:
        raise DataError(f"'{min(both)}' is both a probe and a distractor; a person can be only one")
    probe, mate = _mates(codes)
    if not len(probe):
        raise NotEnoughDataError(f"nobody has two probes in '{crowd.title}', so nobody can be looked for")
    usable = ~units.failed[crowd.probes]
    met = crowd.distractors[~units.failed[crowd.distractors]]
    trials = np.bincount(codes[usable], minlength=len(names)) * len(met)
    wanted = int(_MARGIN * max(fmr_targets) * trials.sum()) + 1
    found = search_distractors(
        units.embeddings[crowd.probes[usable]],
        units.embeddings[met],
        keep=max(RANKS),
        tail=min(max(wanted, _LEAST_TAIL), _MOST_TAIL),
        product=product,
    )
    tried = usable[probe] & usable[mate]
    own = np.full(len(probe), -np.inf)
    vectors = units.embeddings[crowd.probes]
    own[tried] = cosines(vectors[probe[tried]], vectors[mate[tried]])
    row = np.cumsum(usable) - 1
    ranks = np.full(len(probe), max(RANKS) + 1)
    ranks[tried] = ranks_among(found.top[row[probe[tried]]], own[tried])
    once = np.flatnonzero(probe < mate)
    once = once[np.argsort(own[once], kind="stable")]
    return CrowdScores(
        title=crowd.title,
        names=names,
        distractors=len(crowd.distractors),
        people=codes[probe],
        ranks=ranks,
        genuine=own[once],
        genuine_people=codes[probe[once]],
        tail=found.tail,
        tail_people=codes[usable][found.tail_probes],
        trials=trials,
        failed=int((~tried).sum()),
    )


def judge_crowd(scores: CrowdScores, settings: Settings = DEFAULT) -> CrowdSearch:
    """Turn the searches into rates with intervals, clustered by the person who searches.

    A search that failed is a miss.

    Args:
        scores: The searches.
        settings: Targets, confidence and resamples.
    """
    rates = crowd_rates(scores, settings.fmr_targets)
    deviations = draw_people(len(scores.names), settings.resamples, settings.seed)
    drawn = rates.false.resample(deviations), rates.missed.resample(deviations)
    missed = {target: _missed(scores.genuine, rates, target, drawn, settings) for target in settings.fmr_targets}
    hits = hits_within(scores, RANKS)
    return CrowdSearch(
        title=scores.title,
        people=len(scores.names),
        searches=len(scores.people),
        distractors=scores.distractors,
        cmc_ranks=list(RANKS),
        cmc=hits.rates(settings.confidence),
        fnmr_at_fmr=missed,
        threshold_at_fmr={t: at for t, at in rates.thresholds.items() if missed[t].value is not None},
        failed=scores.failed,
    )


def hits_within(scores: CrowdScores, ranks: Sequence[int]) -> PersonRate:
    """Return the share of searches whose mate is within each of these ranks, clustered by person."""
    counts = np.zeros((len(scores.names), len(ranks)))
    np.add.at(counts, scores.people, scores.ranks[:, None] <= np.array(ranks))
    return clustered(counts, np.bincount(scores.people, minlength=len(scores.names)))


def crowd_rates(scores: CrowdScores, targets: Sequence[float]) -> CrowdRates:
    """Return FMR and FNMR at the targets' thresholds and at others near them, clustered by the probe's person."""
    tail, comparisons, people = scores.tail, scores.comparisons, len(scores.names)
    reaching = [t for t in targets if len(tail) >= min(int(_MARGIN * t * comparisons) + 1, comparisons)]
    thresholds = {target: threshold_in_tail(tail, comparisons, target) for target in reaching}
    grid = curve_thresholds(scores.genuine, tail, extra=list(thresholds.values()))
    if len(tail) < comparisons:
        grid = grid[grid > tail[0]]  # below it false matches are not known
    reached = _counts(tail, scores.tail_people, grid, people)[1:]
    below = _counts(scores.genuine, scores.genuine_people, grid, people)[:-1]
    totals = np.bincount(scores.genuine_people, minlength=people)
    return CrowdRates(
        thresholds,
        grid,
        false=clustered(np.cumsum(reached[::-1], axis=0)[::-1].T, scores.trials),
        missed=clustered(np.cumsum(below, axis=0).T, totals),
    )


def _missed(
    genuine: Floats, rates: CrowdRates, target: float, drawn: tuple[Floats, Floats], settings: Settings
) -> Rate:
    """Return FNMR at an FMR, with the spread of both rates drawn anew, the threshold chosen again in each."""
    reason = rates.unsupported(target)
    if reason:
        return Rate(None, None, None, settings.confidence, 0.0, reason, "estimated")
    threshold, missed = rates.thresholds[target], rates.missed
    at = np.searchsorted(rates.grid, threshold)
    found = rate_from_variance(
        float(rejected(genuine, threshold)),
        float(np.var(missed_at(*drawn, target), ddof=1)),
        missed.trials,
        missed.least,
        settings.confidence,
        float(min(rates.false.witnesses()[at], missed.witnesses()[at])),
    )
    return replace(found, threshold="estimated")


def _mates(codes: Codes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return every ordered pair of probes of one person, as positions among the probes."""
    order = np.argsort(codes, kind="stable")
    first, second = [], []
    for rows in np.split(order, np.flatnonzero(np.diff(codes[order])) + 1):
        one, two = np.nonzero(~np.eye(len(rows), dtype=bool))
        first.append(rows[one])
        second.append(rows[two])
    return np.concatenate(first), np.concatenate(second)


def _counts(ordered: Floats, people: Codes, grid: Floats, size: int) -> Floats:
    """Return how many of each person's rising scores lie before, between and after K thresholds: (K + 1, P)."""
    parts = np.split(people, np.searchsorted(ordered, grid))
    return np.stack([np.bincount(part, minlength=size) for part in parts]).astype(np.float64)
