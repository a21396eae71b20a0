"""From the counts of a summary to its figures, each with every person's part in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evidence.summary import SUMMARIES, Summary, load_summary
from sphereface.evaluation.person_figures import missed_by_counts
from sphereface.evaluation.repeated import PersonFigure, error_rate

Counts = NDArray[np.int64]
WORST = 1.0  # the figure of a run that stopped


@dataclass(frozen=True, eq=False)
class Counted:
    """What all summaries count against: numbers of anonymous people, always in the same order.

    Attributes:
        images: Pictures in all pairs, (P,).
        listed_pairs: Pairs of View 1 each is the first person of, (P,).
        mated: Searches of people who are enrolled, (P,).
        non_mated: Searches of strangers, (P,).
        kept: Pictures kept back of K people learned from, (K,).
        learned_from: Pictures of them that were learned from, (K,).
    """

    images: Counts
    listed_pairs: Counts
    mated: Counts
    non_mated: Counts
    kept: Counts
    learned_from: Counts


def read_counted(folder: Path = SUMMARIES) -> Counted:
    """Read it from beside the summaries."""
    values = load_summary(folder / "people.json")
    judged = {key: np.array(value, dtype=np.int64) for key, value in values["judged"].items()}
    return Counted(
        **judged,
        kept=np.array(values["kept"]["images"], dtype=np.int64),
        learned_from=np.array(values["kept"]["learned_from"], dtype=np.int64),
    )


def headline(summary: Summary, counted: Counted, pairs: str = "pairs") -> PersonFigure:
    """Return FNMR at FMR 0.1 % over all pairs; with ``easier_pairs`` at FMR 1 %."""
    if summary["stopped"]:
        return PersonFigure(WORST, np.zeros(len(counted.images)))
    return _missed(summary[pairs], _pairs_within(counted.images), counted.images)


def _missed(found: Mapping[str, Any], genuine: Counts, images: Counts) -> PersonFigure:
    """Return FNMR at the threshold that (P,) pictures' impostor pairs give, of (P,) genuine pairs."""
    # A pair counts for both of its people; which of them comes first makes no difference to the sum.
    impostor = images * (images.sum() - images) / 2
    false = np.array(found["false_matches"]) / 2
    misses = _spread(found["misses"], genuine > 0)
    return missed_by_counts(
        misses, genuine, [false] * 2, [impostor] * 2, _rising(found["missed_near"]), _rising(found["false_near"])
    )


def accuracy(summary: Summary, counted: Counted) -> PersonFigure:
    """Return the ten-fold accuracy on View 1's pairs."""
    if summary["stopped"]:
        return PersonFigure(0.5, np.zeros(len(counted.images)))
    wrong = error_rate(_sparse(summary["accuracy"]["wrong"], len(counted.images)), counted.listed_pairs)
    return PersonFigure(summary["accuracy"]["value"], -wrong.parts)


def search(summary: Summary, counted: Counted) -> PersonFigure:
    """Return FNIR at FPIR 1 %, rank 1."""
    people = len(counted.images)
    if summary["stopped"]:
        return PersonFigure(WORST, np.zeros(people))
    found = summary["search"]
    return missed_by_counts(
        _spread(found["misses"], counted.mated > 0),
        counted.mated,
        [_sparse(found[role], people) for role in ("alarms", "met")],
        [counted.non_mated, np.array(found["nearest"])],
        _rising(found["missed_near"]),
        _rising(found["alarms_near"]),
    )


def kept_back(summary: Summary, counted: Counted, fewest: int = 0, most: float = np.inf) -> PersonFigure:
    """Return the misses among pictures kept back of people of whom so many pictures were learned from."""
    among = (counted.learned_from >= fewest) & (counted.learned_from <= most)
    pairs = np.where(among, _pairs_within(counted.kept), 0)
    if summary["stopped"]:
        return PersonFigure(WORST, np.zeros(len(pairs)))
    return error_rate(np.where(among, np.array(summary["kept"]["misses"]), 0), pairs)


def left_over(summary: Summary, counted: Counted, by: str) -> PersonFigure:
    """Return FNMR at FMR 0.1 % of what is left without the worst 20 % of pictures, at a threshold of its own."""
    if summary["stopped"]:
        return PersonFigure(WORST, np.zeros(len(counted.images)))
    left = summary["discard"][by]
    genuine = _spread(left["left"], _pairs_within(counted.images) > 0)
    images = _spread(left["images"], counted.images > 0)
    return _missed(left["same_fmr"], genuine, images)


def ideal(summary: Summary, counted: Counted) -> PersonFigure:
    """Return the share of strangers with two pictures all of whose own are nearer than anybody else's."""
    judged = counted.images > 1
    if summary["stopped"]:
        return PersonFigure(0.0, np.zeros(len(judged)))
    return error_rate(_sparse(summary["ideal"]["met"], len(judged)), judged)


def ideal_of_learners(summary: Summary, people: int) -> PersonFigure:
    """Return the same share of the people who were learned from."""
    if summary["stopped"]:
        return PersonFigure(0.0, np.zeros(people))
    return error_rate(_sparse(summary["learned"]["ideal"]["met"], people), np.ones(people))


def _pairs_within(images: Counts) -> Counts:
    return images * (images - 1) // 2


def _rising(counts: list[int]) -> list[int]:
    """Return counts at the two thresholds around, the lower first, as summaries do not."""
    return counts[::-1]


def _spread(counts: list[int], judged: NDArray[np.bool_]) -> Counts:
    """Put the counts of those who are judged in their places among everybody."""
    everybody = np.zeros(len(judged), dtype=np.int64)
    everybody[judged] = counts
    return everybody


def _sparse(counts: Mapping[str, int], people: int) -> Counts:
    everybody = np.zeros(people, dtype=np.int64)
    for number, count in counts.items():
        everybody[int(number)] = count
    return everybody
