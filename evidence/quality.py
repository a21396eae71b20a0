"""What the runs answer to question 6: is the length of an embedding its quality?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from evidence import counted as count
from evidence.answers import mean_of
from evidence.comparing import FNMR_POINTS, Comparison, Pool, Rows
from evidence.counted import WORST, Counted
from evidence.study import Study
from evidence.summary import Summary
from sphereface.evaluation.repeated import PersonFigure, Repeated

DEGRADED, RADIAL = "hfn-degraded", "hfn-radial"
LEFT_OUT = 0.2  # share of the pictures
ALL, SHORTEST, DULLEST = "all", "without the 20 % shortest", "without the 20 % least sharp"


@dataclass(frozen=True)
class Norm:
    """A row of question 6; every difference is taken within each run, at the run's threshold.

    Attributes:
        name: Of the row.
        headline: FNMR with all pictures.
        without: FNMR without the 20 % shortest embeddings.
        by_norm: What leaving them out adds to FNMR.
        by_sharpness: What leaving out the 20 % least sharp pictures adds.
        between: The first less the second.
        correlation: Of norm and sharpness by rank, mean over seeds.
        false_all: FMR with all pictures, mean over the seeds that reached their end; None if none did.
        false_left: FMR without the 20 % shortest embeddings, likewise, at the same threshold.
        curve: (share left out, mean FNMR of what is left).
    """

    name: str
    headline: Repeated
    without: Repeated
    by_norm: Comparison
    by_sharpness: Comparison
    between: Comparison
    correlation: float | None
    false_all: float | None
    false_left: float | None
    curve: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class NormsAnswer:
    """Question 6: its rows, and what ``radial`` changes in the headline and in what norms are worth.

    ``compared`` is the number of all comparisons: three of each row, and those of ``radial``.
    """

    rows: tuple[Norm, ...]
    radial: Comparison
    radial_by_norm: Comparison
    compared: int


def norms(study: Study) -> NormsAnswer | None:
    """Return what question 6 found."""
    ready = study.ready("norms")
    if ready is None:
        return None
    rows, counted = ready
    headline = Pool.of(rows, partial(count.headline, counted=counted), FNMR_POINTS)
    without = Pool.of(rows, lambda run: _left(run, counted, "norm")[1])
    by_norm = Pool.of(rows, lambda run: _gain(*_left(run, counted, "norm")), FNMR_POINTS)
    by_sharpness = Pool.of(rows, lambda run: _gain(*_left(run, counted, "sharpness")), FNMR_POINTS)
    between = Pool.of(
        rows, lambda run: _gain(_left(run, counted, "sharpness")[1], _left(run, counted, "norm")[1]), FNMR_POINTS
    )
    curves, together = _curves(rows), 3 * len(rows) + 2
    return NormsAnswer(
        tuple(
            Norm(
                row,
                headline.mean(row),
                without.mean(row),
                by_norm.inside(row, SHORTEST, ALL, together),
                by_sharpness.inside(row, DULLEST, ALL, together),
                between.inside(row, SHORTEST, DULLEST, together),
                mean_of([run["health"]["norm_quality"] for run in made if not run["stopped"]]),
                _false_rate(made, 0.0),
                _false_rate(made, LEFT_OUT),
                curves[row],
            )
            for row, made in rows.items()
        ),
        headline.compare(RADIAL, DEGRADED, together),
        by_norm.compare(RADIAL, DEGRADED, together),
        together,
    )


def _left(run: Summary, counted: Counted, by: str) -> tuple[PersonFigure, PersonFigure]:
    """Return FNMR with all pictures and with those that are left; a run that stopped misses everybody in both."""
    if run["stopped"]:
        worst = PersonFigure(WORST, np.zeros(len(counted.images)))
        return worst, worst
    return count.discarded(run, counted, by)


def _gain(before: PersonFigure, after: PersonFigure) -> PersonFigure:
    return PersonFigure(after.value - before.value, after.parts - before.parts)


def _false_rate(made: Sequence[Summary], share: float) -> float | None:
    """Return the mean FMR among what is left when so large a share of the shortest embeddings is left out."""
    rates = []
    for left in (run["discard"]["norm"] for run in made if not run["stopped"]):
        impostors, false = left["impostors_and_false"][left["shares"].index(share)]
        rates.append(false / impostors)
    return mean_of(rates)


def _curves(rows: Rows) -> dict[str, tuple[tuple[float, float], ...]]:
    """Return the mean over seeds at every share; a run that stopped counts as missing everybody."""
    finished = [run["discard"]["norm"] for made in rows.values() for run in made if not run["stopped"]]
    shares = finished[0]["shares"] if finished else []
    curves = {}
    for row, made in rows.items():
        rates = [
            [WORST] * len(shares)
            if run["stopped"]
            else [missed / pairs for pairs, missed in run["discard"]["norm"]["pairs_and_misses"]]
            for run in made
        ]
        curves[row] = tuple(zip(shares, np.mean(rates, axis=0).tolist(), strict=True))
    return curves
