"""False matches against look-alikes, and within groups: what a stranger who resembles someone can hope for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import NotEnoughDataError
from sphereface.evaluation.counting import false_matches
from sphereface.evaluation.groups.labels import person_labels
from sphereface.evaluation.images import Embeddings, Mask, checked
from sphereface.evaluation.intervals import supported
from sphereface.evaluation.results import Rate
from sphereface.evaluation.scores import PairScores

_ROWS = 512


@dataclass(frozen=True, slots=True)
class SubsetMatches:
    """FMR over some impostor pairs at K thresholds that were fixed beforehand.

    Attributes:
        title: Which pairs.
        pairs: How many.
        people: People who occur in them.
        thresholds: K thresholds; accept iff score >= threshold.
        fmr: At each.
    """

    title: str
    pairs: int
    people: int
    thresholds: tuple[float, ...]
    fmr: tuple[Rate, ...]


def nearest_people(embeddings: Embeddings, scores: PairScores, *, failed: Mask | None = None) -> NDArray[np.int64]:
    """Return for each of the P people of ``scores`` the one whose mean direction is nearest, -1 for none.

    Args:
        embeddings: Shape (N, d), the rows that ``scores`` refers to.
        scores: Which row shows whom.
        failed: Shape (N,), bool: rows that could not be embedded.

    Raises:
        DataError: If the embeddings are unusable.
        NotEnoughDataError: If fewer than two people have a mean direction.
    """
    vectors, failed = checked(embeddings, [scores.names[code] for code in scores.people], failed)
    means = np.zeros((len(scores.names), vectors.shape[1]))
    np.add.at(means, scores.people[~failed], vectors[~failed])
    norms = np.linalg.norm(means, axis=1, keepdims=True)
    known = np.flatnonzero(norms[:, 0] > 0)
    if len(known) < 2:
        raise NotEnoughDataError("a look-alike is another person; fewer than two people have an embedding")
    units = (means[known] / norms[known]).astype(np.float32)
    nearest = np.full(len(means), -1, dtype=np.int64)
    for start in range(0, len(known), _ROWS):
        cosines = units[start : start + _ROWS] @ units.T
        own = np.arange(len(cosines))
        cosines[own, start + own] = -np.inf
        nearest[known[start : start + _ROWS]] = known[cosines.argmax(axis=1)]
    return nearest


def lookalike_matches(
    scores: PairScores, nearest: NDArray[np.int64], thresholds: Sequence[float], *, confidence: float = 0.95
) -> SubsetMatches:
    """Measure FMR between each person and the person nearest to them (:func:`nearest_people`).

    A pair counts if either is the other's nearest. Who is nearest is chosen by the embedding that is judged, so
    this is what the worst stranger among those at hand can hope for, and it grows with the number of people.

    Raises:
        NotEnoughDataError: If there is no such pair.
    """
    scores = scores.scored()
    one, two = (scores.people[side] for side in (scores.impostor.first, scores.impostor.second))
    return _measured(scores, (nearest[one] == two) | (nearest[two] == one), "look-alikes", thresholds, confidence)


def within_group_matches(
    scores: PairScores,
    groups: Sequence[str] | Mapping[str, str],
    thresholds: Sequence[float],
    *,
    confidence: float = 0.95,
) -> SubsetMatches:
    """Measure FMR between people of one group: what is left when strangers do not differ in the label already.

    Args:
        scores: Genuine and impostor pairs.
        groups: One label for each of the N images of ``scores``, or of each person by name; those without one
            take no part.
        thresholds: Fixed beforehand.
        confidence: Of the intervals.

    Raises:
        DataError: If labels do not fit.
        NotEnoughDataError: If no two people share a label.
    """
    scores = scores.scored()
    present = np.zeros(len(scores.names), dtype=bool)
    present[scores.people] = True
    _, labels = person_labels(groups, scores.people, scores.names, present)
    one, two = (labels[scores.people[side]] for side in (scores.impostor.first, scores.impostor.second))
    return _measured(scores, (one == two) & (one >= 0), "within the group", thresholds, confidence)


def _measured(
    scores: PairScores, chosen: NDArray[np.bool_], title: str, thresholds: Sequence[float], confidence: float
) -> SubsetMatches:
    if not chosen.any():
        raise NotEnoughDataError(f"there are no impostor pairs ({title}), so no FMR can be measured")
    pairs = scores.impostor
    kept = pairs.only(chosen)
    grid = np.unique(np.asarray(thresholds, dtype=np.float64))
    rate = false_matches(replace(scores, impostor=kept), grid)
    low, high = rate.band(confidence)
    effective = rate.effective()
    rates = []
    for threshold in thresholds:
        at = int(np.searchsorted(grid, threshold))
        value, n = float(rate.rate[at]), float(effective[at])
        # Errors seen stand in for errors expected: there is no target here.
        reason = supported(n, max(value, 1.0 / n), "impostor pairs")
        rates.append(
            Rate(
                None if reason else value,
                None if reason else float(low[at]),
                float(high[at]),
                confidence,
                n,
                reason,
            )
        )
    people = np.unique(scores.people[np.concatenate([kept.first, kept.second])]).size
    return SubsetMatches(title, len(kept), int(people), tuple(map(float, thresholds)), tuple(rates))
