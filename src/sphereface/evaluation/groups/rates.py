"""Error rates of groups of people at the one threshold that is deployed, and how unequal they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError, NotEnoughDataError
from sphereface.evaluation.groups.counts import count
from sphereface.evaluation.groups.labels import person_labels
from sphereface.evaluation.groups.ratios import (
    RATIOS,
    Inequality,
    against_chance,
    fairness_discrepancy_rate,
    garbe,
    permuted,
)
from sphereface.evaluation.identification import false_alarms, missed_searches
from sphereface.evaluation.intervals import Floats, PersonRate, supported
from sphereface.evaluation.results import Rate
from sphereface.evaluation.scores import PairScores
from sphereface.evaluation.search import SearchScores

_NOTHING = Rate(None, None, None, 0.0, 0.0)
_CHUNK = 1 << 20  # pairs handled at a time


@dataclass(frozen=True, slots=True)
class GroupRates:
    """Rates of G groups at one threshold.

    A rate that fewer than ten errors are expected for, at the rate of all groups together, has no value but an
    upper end. Ratios are taken over the groups whose rate has one.

    Attributes:
        title: What the groups are.
        threshold: Accept iff score >= threshold.
        names: G names.
        people: People of each group who occur in a pair.
        unlabelled: People in a pair without a label; none of their pairs is counted here.
        fnmr: Of each group.
        fmr: G x G: impostor pairs of a person of one group with a person of the other; both of one group on the
            diagonal.
        all_fnmr: Over the genuine pairs of all groups.
        all_fmr: Over impostor pairs within groups.
        fnmr_ratios: ``max_to_geometric_mean``, ``max_to_min`` and ``gini`` of FNMR.
        fmr_ratios: The same of FMR within groups.
        fdr: Fairness discrepancy rate; 1 is equal.
        garbe: Gini aggregation rate for biometric equitability; 0 is equal.
        permutations: Permutations of labels over people behind every figure of chance.
    """

    title: str
    threshold: float
    names: tuple[str, ...]
    people: tuple[int, ...]
    unlabelled: int
    fnmr: tuple[Rate, ...]
    fmr: tuple[tuple[Rate, ...], ...]
    all_fnmr: float | None
    all_fmr: float | None
    fnmr_ratios: dict[str, Inequality]
    fmr_ratios: dict[str, Inequality]
    fdr: Inequality
    garbe: Inequality
    permutations: int


@dataclass(frozen=True, slots=True)
class GroupSearches:
    """Open-set search at one threshold by group: FNIR (rank 1) of enrolled people, FPIR of strangers."""

    threshold: float
    names: tuple[str, ...]
    unlabelled: int
    fnir: tuple[Rate, ...]
    fpir: tuple[Rate, ...]


def group_rates(
    scores: PairScores,
    groups: Sequence[str] | Mapping[str, str],
    threshold: float,
    *,
    title: str = "groups as labelled",
    confidence: float = 0.95,
    permutations: int = 200,
    seed: int = 0,
) -> GroupRates:
    """Measure FNMR and FMR of every group at one threshold, with ratios beside those that chance gives.

    Intervals are clustered by person and dyadic, for a fixed threshold. Chance: labels are permuted over people,
    so that the sizes of groups and the correlation of a person's pairs stay as they are.

    Args:
        scores: Genuine and impostor pairs.
        groups: One label for each of the N images of ``scores``, or a mapping from a person's name to a label.
            An empty label, or none, is a missing one.
        threshold: The one that is deployed.
        title: What the groups are.
        confidence: Of the two-sided intervals.
        permutations: Of the labels.
        seed: Of the permutations.

    Raises:
        DataError: If a person's images have two labels, lengths differ, or there are more than 100 groups.
        NotEnoughDataError: If fewer than two groups occur in a pair.
        ConfigurationError: If the confidence or the number of permutations is out of range.
    """
    if not 0.0 < confidence < 1.0:
        raise ConfigurationError(f"confidence must lie between 0 and 1, such as 0.95, not {confidence}")
    if permutations < 20:
        raise ConfigurationError(f"permutations must be 20 or more (200 is usual), not {permutations}")
    present = _present(scores)
    names, labels = person_labels(groups, scores.people, scores.names, present)
    if len(names) < 2:
        raise NotEnoughDataError(f"{len(names)} groups of people occur in the pairs; give two or more")
    counts = count(scores, threshold)
    tally = counts.by_group(labels[None], len(names))
    all_fnmr, all_fmr = (
        float(errors.sum() / trials.sum()) if trials.any() else None
        for errors, trials in ((tally.missed, tally.genuine), (tally.accepted, tally.compared))
    )
    masks = [labels == group for group in range(len(names))]
    fnmr = tuple(_fixed(counts.misses(mask), all_fnmr, "genuine pairs", confidence) for mask in masks)
    fmr = [[_NOTHING] * len(names) for _ in names]
    for one, two in combinations_with_replacement(range(len(names)), 2):
        rate = counts.false_matches(masks[one], masks[two])
        fmr[one][two] = fmr[two][one] = _fixed(rate, all_fmr, "impostor pairs", confidence)
    own = [_values(rates) for rates in (fnmr, [fmr[group][group] for group in range(len(names))])]
    drawn = permuted(counts, labels, len(names), permutations, seed)
    fnmr_ratios, fmr_ratios = (
        {key: against_chance(measure, [rates], [by_lot], names) for key, measure in RATIOS.items()}
        for rates, by_lot in zip(own, drawn, strict=True)
    )
    return GroupRates(
        title=title,
        threshold=float(threshold),
        names=names,
        people=tuple(int(mask.sum()) for mask in masks),
        unlabelled=int((present & (labels < 0)).sum()),
        fnmr=fnmr,
        fmr=tuple(tuple(row) for row in fmr),
        all_fnmr=all_fnmr,
        all_fmr=all_fmr,
        fnmr_ratios=fnmr_ratios,
        fmr_ratios=fmr_ratios,
        fdr=against_chance(fairness_discrepancy_rate, own[::-1], drawn[::-1], names, higher_is_worse=False),
        garbe=against_chance(garbe, own[::-1], drawn[::-1], names),
        permutations=permutations,
    )


def group_searches(
    scores: SearchScores, groups: Mapping[str, str], threshold: float, *, confidence: float = 0.95
) -> GroupSearches:
    """Measure FNIR and FPIR of every group at one threshold, each search counted for the person who searches.

    Strangers search among all enrolled people, whatever their group: that is what is deployed.

    Args:
        scores: Open-set searches.
        groups: Label of each person by name; an empty label, or none, is a missing one.
        threshold: The one that is deployed.
        confidence: Of the two-sided intervals.

    Raises:
        DataError: If no label fits a person, or there are more than 100 groups.
        NotEnoughDataError: If fewer than two groups search.
    """
    present = np.zeros(len(scores.names), dtype=bool)
    for side in (scores.mated_people, scores.non_mated_people):
        present[side] = True
    names, labels = person_labels(groups, np.arange(len(present)), scores.names, present)
    if len(names) < 2:
        raise NotEnoughDataError(f"{len(names)} groups of people search; give two or more")
    at = np.array([float(threshold)])
    rates: list[tuple[Rate, ...]] = []
    for kind, rate_of in (("mated", missed_searches), ("non_mated", false_alarms)):
        of_search = labels[getattr(scores, f"{kind}_people")]
        parts = [
            _searches(scores, kind, of_search >= 0),
            *(_searches(scores, kind, of_search == g) for g in range(len(names))),
        ]
        everyone, *each = (rate_of(part, at) if len(getattr(part, f"{kind}_scores")) else None for part in parts)
        overall = None if everyone is None else float(everyone.rate[0])
        rates.append(
            tuple(_fixed(rate, overall, f"{kind.replace('_', '-')} searches", confidence) for rate in each)
        )
    return GroupSearches(float(threshold), names, int((present & (labels < 0)).sum()), *rates)


def _searches(scores: SearchScores, kind: str, chosen: NDArray[np.bool_]) -> SearchScores:
    """Return the searches with all but the chosen ones of this kind left out."""
    prefixes = ("mated_",) if kind == "mated" else ("non_mated_", "best")
    columns = {
        field.name: getattr(scores, field.name)
        for field in dataclasses.fields(scores)
        if field.name.startswith(prefixes)
    }
    kept = {name: column[chosen] for name, column in columns.items() if len(column) == len(chosen)}
    return replace(scores, **kept)


def _fixed(rate: PersonRate | None, overall: float | None, trials: str, confidence: float) -> Rate:
    """Return the rate of a group at the fixed threshold, if its trials can show the rate of all groups."""
    if rate is None:
        return Rate(
            None, None, None, confidence, 0.0, f"not supported by this data: there are no {trials}", "fixed"
        )
    low, high = (float(end[0]) for end in rate.band(confidence))
    effective = float(rate.effective()[0])
    if not overall:
        reason = f"not supported by this data: no error among the {trials} of all groups"
    else:
        reason = supported(effective, overall, trials)
    if reason:
        return Rate(None, None, high, confidence, effective, reason, "fixed")
    return Rate(float(rate.rate[0]), low, high, confidence, effective, threshold="fixed")


def _values(rates: Sequence[Rate]) -> Floats:
    return np.array([np.nan if rate.value is None else rate.value for rate in rates])


def _present(scores: PairScores) -> NDArray[np.bool_]:
    """Return who occurs in a pair, shape (P,)."""
    present = np.zeros(len(scores.names), dtype=bool)
    for side in (scores.genuine.first, scores.impostor.first, scores.impostor.second):
        for start in range(0, len(side), _CHUNK):
            present[scores.people[side[start : start + _CHUNK]]] = True
    return present
