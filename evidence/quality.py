"""What the runs answer to question 6: is the length of an embedding its quality?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from evidence import counted as count
from evidence import plan
from evidence.answers import headlines, health_means, last_mean, mean_of
from evidence.comparing import CEILING, FNMR_POINTS, Comparison, Pool
from evidence.counted import WORST
from evidence.endings import Ending, endings
from evidence.study import Study
from evidence.summary import Rows, Summary
from sphereface.evaluation.repeated import Repeated

DEGRADED, RADIAL = "hfn-degraded", "hfn-radial"
LOOKING = ("magface", "adaface")
BLIND = ("normface-s15", "cosface", "arcface")
"""Losses at a fixed norm with about the error of those: what their lengths say they were not taught to say."""
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
class Blind:
    """A row of question 7 whose loss does not see the norm: what leaving out by norm adds to FNMR, exploratory.

    ``less`` holds the same of each loss that looks at the norm, less this one's.
    """

    name: str
    headline: Repeated
    by_norm: Comparison
    less: tuple[Comparison, ...]


@dataclass(frozen=True)
class NormsAnswer:
    """Question 6: its rows, and what ``radial`` changes in the headline and in what norms are worth.

    ``compared`` is the number of all comparisons: three of each row, and those of ``radial``; ``restless`` the row
    whose gains by norm lie furthest apart; ``blind`` the controls, none before question 7 is done.
    """

    rows: tuple[Norm, ...]
    radial: Comparison
    radial_by_norm: Comparison
    compared: int
    restless: str
    blind: tuple[Blind, ...]


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
        _blind(study),
    )


def _blind(study: Study) -> tuple[Blind, ...]:
    """Return the losses of question 7 that do not see the norm, at the budget of question 6.

    Noise is pooled over them and the losses that look at the norm, so that no comparison of the plan changes.
    """
    ready, others = study.ready("norms"), study.ready("budget")
    if ready is None or others is None:
        return ()
    (rows, counted), (made, _) = ready, others
    few = plan.BUDGETS[0]
    blind = {plan.budget_row(name, few): name for name in BLIND}
    together = {**{row: rows[row] for row in LOOKING}, **{row: made[row] for row in blind}}
    every, short = partial(count.headline, counted=counted), partial(count.left_over, counted=counted, by="norm")
    gains = Pool.of_gains(together, every, short, FNMR_POINTS, CEILING)
    headline = headlines(together, counted)
    return tuple(
        Blind(
            name,
            headline.mean(row),
            gains.inside(row, SHORTEST, ALL),
            tuple(gains.compare(looking, row) for looking in LOOKING),
        )
        for row, name in blind.items()
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
