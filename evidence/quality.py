"""What the runs answer to question 6: is the length of an embedding its quality?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from evidence import counted as count
from evidence.answers import headlines, health_means, last_mean, mean_of
from evidence.comparing import CEILING, FNMR_POINTS, Comparison, Pool
from evidence.counted import WORST
from evidence.endings import Ending, endings
from evidence.study import Study
from evidence.summary import Rows, Summary
from sphereface.evaluation.repeated import Repeated

DEGRADED, RADIAL = "hfn-degraded", "hfn-radial"
LEFT_OUT = 0.2  # share of the pictures
ALL, SHORTEST, DULLEST = "all", "without the 20 % shortest", "without the 20 % least sharp"


@dataclass(frozen=True)
class Norm:
    """A row of question 6; every difference is taken within each run, all at FMR 0.1 % of what is compared.

    Attributes:
        name: Of the row.
        headline: FNMR with all pictures.
        without: FNMR without the 20 % shortest embeddings.
        by_norm: What leaving them out adds to FNMR.
        by_sharpness: What leaving out the 20 % least sharp pictures adds.
        between: The first less the second.
        correlation: Of norm and sharpness by rank, mean over seeds.
        cosine: Of training images to their own prototype at the end, mean over seeds.
        uniformity: Of the people judged, mean over seeds.
        ending: How many of its runs failed.
        kept: FNMR without the 20 % shortest at the threshold of all pictures, and how many times FMR is then what
            it was; means over the seeds that reached their end, None if none did.
        curve: (share left out, mean FNMR of what is left).
    """

    name: str
    headline: Repeated
    without: Repeated
    by_norm: Comparison
    by_sharpness: Comparison
    between: Comparison
    correlation: float | None
    cosine: float | None
    uniformity: float | None
    ending: Ending
    kept: tuple[float | None, float | None]
    curve: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class NormsAnswer:
    """Question 6: its rows, and what ``radial`` changes in the headline and in what norms are worth.

    ``compared`` is the number of all comparisons: three of each row, and those of ``radial``; ``restless`` the row
    whose gains by norm lie furthest apart.
    """

    rows: tuple[Norm, ...]
    radial: Comparison
    radial_by_norm: Comparison
    compared: int
    restless: str


def norms(study: Study) -> NormsAnswer | None:
    """Return what question 6 found."""
    ready = study.ready("norms")
    if ready is None:
        return None
    rows, counted = ready
    every = partial(count.headline, counted=counted)
    short, dull = (partial(count.left_over, counted=counted, by=by) for by in ("norm", "sharpness"))
    headline, without = headlines(rows, counted), Pool.of(rows, short)
    by_norm = Pool.of_gains(rows, every, short, FNMR_POINTS, CEILING)
    by_sharpness = Pool.of_gains(rows, every, dull, FNMR_POINTS, CEILING)
    between = Pool.of_gains(rows, dull, short, FNMR_POINTS, CEILING)
    curves, together = _curves(rows), 3 * len(rows) + 2
    ended = {ending.row: ending for ending in endings(rows)}
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
                last_mean(made, "cosine"),
                health_means(made)["uniformity"],
                ended[row],
                _at_the_kept_threshold(made),
                curves[row],
            )
            for row, made in rows.items()
        ),
        headline.compare(RADIAL, DEGRADED, together),
        by_norm.compare(RADIAL, DEGRADED, together),
        together,
        by_norm.restless,
    )


def _at_the_kept_threshold(made: Sequence[Summary]) -> tuple[float | None, float | None]:
    """Return FNMR without the shortest and the ratio of FMR, the threshold being that of all pictures."""
    missed, times = [], []
    for left in (run["discard"]["norm"] for run in made if not run["stopped"]):
        at = left["shares"].index(LEFT_OUT)
        pairs, misses = left["pairs_and_misses"][at]
        rates = [false / impostors for impostors, false in left["impostors_and_false"]]
        missed.append(misses / pairs)
        times.append(rates[at] / rates[0] if rates[0] else None)
    return mean_of(missed), mean_of(times)


def _curves(rows: Rows) -> dict[str, tuple[tuple[float, float], ...]]:
    """Return the mean over seeds at every share; a run that stopped counts as missing everybody."""
    finished = [run["discard"]["norm"] for made in rows.values() for run in made if not run["stopped"]]
    shares = finished[0]["shares"] if finished else []
    curves = {}
    for row, made in rows.items():
        rates = [
            [WORST] * len(shares) if run["stopped"] else run["discard"]["norm"]["fnmr_at_same_fmr"] for run in made
        ]
        curves[row] = tuple(zip(shares, np.mean(rates, axis=0).tolist(), strict=True))
    return curves
