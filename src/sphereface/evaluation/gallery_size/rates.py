"""FPIR and FNIR in a gallery of N people, from searches of one with M.

Up to N = M nothing is assumed: rates are averages over all galleries that can be drawn from the one at hand
(:mod:`~sphereface.evaluation.gallery_size.draws`). Beyond, the spread of the tails is fitted
(:mod:`~sphereface.evaluation.gallery_size.tail`).

Alarms vary with who searches and with who is enrolled. For the latter the rate is taken as a U-statistic: what an
enrolled person moves it by is what it loses without them, alarms that others would have raised as well apart.
Beyond M, people move both figures of the fit, by its derivatives. Q searches by strangers among M people are worth
at most Q M / N trials in galleries of N.

Reference: Efron and Stein 1981, Ann. Stat. 9, 586-596 (jackknife); Cameron, Gelbach and Miller 2011, J. Bus. Econ.
Stat. 29, 238-249 (two ways, less what couples count twice).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sphereface.evaluation.gallery_size.draws import chances, require_scores, require_size
from sphereface.evaluation.gallery_size.tail import beyond, slopes
from sphereface.evaluation.intervals import Floats, PersonRate, clustered, kish
from sphereface.evaluation.search import SearchScores, first_rank_scores

_CHUNK = 1 << 20  # scores handled at a time
_NOTHING = 1e-9
_STEP = 1e-5


def alarms_among(scores: SearchScores, people: int, thresholds: Floats) -> PersonRate:
    """Return FPIR in a gallery of ``people`` at K thresholds, clustered by stranger and by enrolled person.

    Raises:
        DataError, NotEnoughDataError, ConfigurationError: As
            :func:`~sphereface.evaluation.gallery_size.draws.alarm_rate`.
    """
    enrolled = scores.gallery_people
    require_scores(scores, people)
    if people <= enrolled:
        part = _part(scores, people, thresholds)
    else:
        part = _extrapolated(_part(scores, 1, thresholds), _part(scores, enrolled, thresholds), enrolled, people)
    count = len(scores.best)
    strangers, nearest = np.bincount(scores.non_mated_people), np.bincount(scores.non_mated_nearest)
    clusters = min(int(np.count_nonzero(strangers)), enrolled)
    alone = (part.strangers**2).sum(axis=0)
    trials = max(1, count * enrolled // people)
    least = min(kish(strangers), kish(nearest)) * min(1.0, enrolled / people)
    return PersonRate(
        rate=part.rate,
        trials=trials,
        residuals=part.strangers * trials,
        variance=np.maximum(alone, alone + (part.enrolled**2).sum(axis=0) - part.couples),
        least=min(least, trials),
        clusters=clusters,
    )


def misses_among(scores: SearchScores, people: int, thresholds: Floats) -> PersonRate:
    """Return FNIR (rank 1) in a gallery of ``people`` at K thresholds, clustered by person.

    Raises:
        ConfigurationError: If ``people`` is below 1.
        NotEnoughDataError: If no enrolled person searched.
    """
    enrolled = scores.gallery_people
    require_size(scores, people)
    first_rank_scores(scores)  # refuses where nobody searched
    accepted = scores.mated_scores[:, None] >= thresholds.astype(np.float32)
    others = np.minimum(scores.mated_ranks - 1, enrolled - 1)
    if people <= enrolled:
        errors = 1.0 - accepted * (1.0 - chances(enrolled - 1, people - 1, enrolled - 1)[others])[:, None]
    else:
        errors = _missed_beyond(accepted, others, enrolled - 1, people - 1)
    sums = np.zeros((len(scores.names), len(thresholds)))
    np.add.at(sums, scores.mated_people, errors)
    return clustered(sums, np.bincount(scores.mated_people, minlength=len(scores.names)))


def _missed_beyond(accepted: NDArray[np.bool_], others: NDArray[np.int64], measured: int, people: int) -> Floats:
    """Return for each search the fitted FNIR plus how far this search moves it, shape (S, K)."""
    parts = np.stack([accepted, accepted * (others / measured)[:, None], accepted & (others > 0)[:, None]])
    means = parts.mean(axis=1)

    def missed(means: Floats) -> Floats:
        share = np.maximum(means[0], 1e-300)
        return np.asarray(1.0 - means[0] * (1.0 - beyond(means[1] / share, means[2] / share, measured, people)))

    errors = np.broadcast_to(missed(means), accepted.shape).copy()
    for index, part in enumerate(parts):
        step = np.zeros_like(means)
        step[index] = _STEP * means[index]
        wide = 2.0 * step[index]
        slope = np.divide(
            missed(means + step) - missed(means - step), wide, out=np.zeros_like(wide), where=wide > 0
        )
        errors += slope * (part - means[index])
    return errors


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """FPIR at K thresholds, and by how much each person moves it.

    Attributes:
        rate: Shape (K,).
        strangers: Shape (P, K): residuals over Q, enlarged to what leaving the person out shows.
        enrolled: Shape (P, K): what the rate loses without the person, less the mean of that.
        couples: Shape (K,): the variance that is in both.
    """

    rate: Floats
    strangers: Floats
    enrolled: Floats
    couples: Floats


def _part(scores: SearchScores, drawn: int, thresholds: Floats) -> _Part:
    """Average over all galleries of ``drawn`` people, N <= M."""
    count, people, enrolled = len(scores.best), len(scores.names), scores.gallery_people
    chance = chances(enrolled, drawn, scores.best.shape[1])
    # Without one of the people a stranger reaches, the chance is that of one fewer in a gallery of one fewer.
    fewer = chances(enrolled - 1, min(drawn, enrolled - 1), scores.best.shape[1]) if enrolled > 1 else chance
    loss = np.diff(fewer, prepend=0.0)
    columns = int(np.count_nonzero(loss > _NOTHING))  # losses fall: further down nobody moves anything
    by_stranger, by_enrolled = np.zeros((2, people, len(thresholds)))
    squares = np.zeros(len(thresholds))
    edges = thresholds.astype(np.float32)
    deep = max(1, int(np.count_nonzero(scores.best.max(axis=0) >= edges[0])))  # further down no score reaches one
    for rows in _rows_by_stranger(scores, max(1, _CHUNK // deep)):
        bins = np.searchsorted(edges, scores.best[rows, :deep], side="right")  # thresholds that each score reaches
        steps = np.arange(len(rows))[:, None] * (len(edges) + 1) + bins
        counts = np.bincount(steps.ravel(), minlength=len(rows) * (len(edges) + 1)).reshape(len(rows), -1)
        reached = np.cumsum(counts[:, ::-1], axis=1)[:, -2::-1]
        np.add.at(by_stranger, scores.non_mated_people[rows], chance[reached])
        row, place = np.nonzero(bins[:, :columns])
        code = scores.best_people[rows[row], place]
        couple = np.unique(
            scores.non_mated_people[rows[row]].astype(np.int64) * people + code, return_inverse=True
        )[1]
        for at in range(len(edges)):
            hit = (place < reached[row, at]) & (reached[row, at] <= columns)
            lost = loss[reached[row[hit], at]]
            by_enrolled[:, at] += np.bincount(code[hit], weights=lost, minlength=people)
            squares[at] += np.sum(np.bincount(couple[hit], weights=lost) ** 2)
    rate = by_stranger.sum(axis=0) / count
    searches = np.bincount(scores.non_mated_people, minlength=people)[:, None] / count
    by_stranger = (by_stranger / count - rate * searches) / np.maximum(1.0 - searches, 0.5)
    mean = by_enrolled.sum(axis=0) / enrolled
    present = np.zeros((people, 1), dtype=bool)
    present[scores.best_people.reshape(-1)] = True
    return _Part(
        rate,
        by_stranger,
        np.where(present, by_enrolled - mean, 0.0) / count,
        (squares - mean**2 * enrolled / count) / count**2,
    )


def _extrapolated(one: _Part, whole: _Part, measured: int, people: int) -> _Part:
    """Join both exact figures by the fit, and what moves them by its derivatives."""
    by_one, by_whole = slopes(one.rate, whole.rate, measured, people)
    return _Part(
        beyond(one.rate, whole.rate, measured, people),
        by_one * one.strangers + by_whole * whole.strangers,
        by_one * one.enrolled + by_whole * whole.enrolled,
        # A couple counts for the whole gallery only where it alone raises an alarm: the covariance is V / M.
        by_one**2 * one.couples + (by_whole + 2.0 * by_one / measured) * by_whole * whole.couples,
    )


def _rows_by_stranger(scores: SearchScores, size: int) -> Iterator[NDArray[np.int64]]:
    order = np.argsort(scores.non_mated_people, kind="stable")
    for start in range(0, len(order), size):
        yield order[start : start + size]
