"""What the runs answer, question by question, in numbers; None for a question whose runs are not all done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from evidence import counted as count
from evidence import plan
from evidence.comparing import ACCURACY_POINTS, CEILING, FNMR_POINTS, Comparison, Pool, same_rows
from evidence.counted import Counted
from evidence.endings import Ending, endings
from evidence.plan import CANDIDATES, FUNCTIONS, TWINS, Settings
from evidence.study import Study
from evidence.summary import Rows, Summary
from sphereface.evaluation.repeated import Repeated

Compared = tuple[Comparison, Comparison]
"""By headline, and by FNMR at FMR 1 %."""

PLAIN = "normface"
HEALTH = ("alignment", "uniformity", "angular_fisher_score", "effective_rank")
GRADIENTS, PROTOTYPES = ("full", "detached"), ("reparametrised", "projected")
# Of the 274 people 53 have up to 16 pictures left to learn from, 144 have 17 to 26, three 27 to 100, 74 more.
BINS = ((8, 16), (17, 20), (21, 26), (27, 160), (161, 9_999))


@dataclass(frozen=True)
class Trial:
    """A tuning trial; its rates are None if it stopped.

    ``edge`` holds the settings of a chosen one of which the row has tried none that is weaker.
    """

    head: str
    settings: Settings
    fnmr: float | None
    eer: float | None
    chosen: bool
    edge: tuple[str, ...] = ()


def trials(study: Study) -> tuple[Trial, ...] | None:
    """Return the tuning trials."""
    ready = study.ready("tuning")
    if ready is None:
        return None
    rows, _ = ready
    found = []
    for run in plan.trials():
        rates = rows[run.row][0].get("trial", {})
        best = run.settings == study.chosen[run.head]
        edge = _edge(run.head, run.settings) if best else ()
        found.append(Trial(run.head, run.settings, rates.get("fnmr"), rates.get("eer"), best, edge))
    return tuple(found)


def _edge(head: str, settings: Settings) -> tuple[str, ...]:
    """Return what is the weakest that was tried: the smallest margin or scale, the largest lambda."""
    found = []
    for key, weakest in (("margin", min), ("scale", min), ("lambda_min", max)):
        tried = {other[key] for other in CANDIDATES[head] if key in other}
        if len(tried) > 1 and settings[key] == weakest(tried):
            found.append(key)
    return tuple(found)


@dataclass(frozen=True)
class Judged:
    """A row: means over its seeds, and the headline of each seed.

    Health is None where no run reached its end, ``cosine`` (of training images to their own prototypes at the end)
    where none got anywhere, ``clipped`` (share of the recorded steps whose gradient was longer than its bound)
    where none was recorded or there is no bound. ``ending`` says how many of its runs failed, ``loss`` is the mean
    of the last losses.
    """

    name: str
    seeds: tuple[float, ...]
    headline: Repeated
    easier: Repeated
    accuracy: Repeated
    search: Repeated
    health: Mapping[str, float | None]
    cosine: float | None
    clipped: float | None
    ending: Ending
    loss: float | None


@dataclass(frozen=True)
class Bin:
    """People learned from with so many pictures in training: how many there are, and the error of each loss."""

    fewest: int
    most: int
    people: int
    error: Mapping[str, Repeated]


@dataclass(frozen=True)
class MarginsAnswer:
    """Question 1: NormFace and the others that were run, and the others less NormFace (``easier`` at FMR 1 %).

    ``exploratory`` holds the headline of every two of the others, ``best`` is the best of them, ``restless`` the
    row whose headlines lie furthest apart, ``twin`` the second of ``TWINS`` where it was not run because it is the
    first, ``proven`` whether the one run made of it has the first one's weights (None before it was made).
    """

    rows: tuple[Judged, ...]
    headline: tuple[Comparison, ...]
    easier: tuple[Comparison, ...]
    accuracy: tuple[Comparison, ...]
    exploratory: tuple[Comparison, ...]
    best: str
    restless: str
    bins: tuple[Bin, ...]
    twin: str | None
    proven: bool | None


def margins(study: Study) -> MarginsAnswer | None:
    """Return what question 1 found."""
    ready = study.ready("margins")
    if ready is None:
        return None
    rows, counted = ready
    judged = judged_rows(rows, counted)
    heads = [head for head in CANDIDATES if head in rows]
    others = [head for head in heads if head != PLAIN]
    headline, easier, accuracy = headlines(rows, counted), easier_rates(rows, counted), _accuracy(rows, counted)
    best = min(others, key=lambda head: float(np.mean(headline.values(head))))
    return MarginsAnswer(
        tuple(judged[head] for head in heads),
        tuple(headline.compare(head, PLAIN, len(others)) for head in others),
        tuple(easier.compare(head, PLAIN) for head in others),
        tuple(accuracy.compare(head, PLAIN) for head in others),
        tuple(headline.compare(one, two) for i, one in enumerate(others) for two in others[:i]),
        best,
        headline.restless,
        tuple(_bins(rows, counted, (PLAIN, best))),
        None if TWINS[1] in rows else TWINS[1],
        _proven(study, rows),
    )


def _proven(study: Study, rows: Rows) -> bool | None:
    checked = study.progress["twins"].made.get(TWINS[1])
    return None if not checked else checked[0].get("weights") == rows[TWINS[0]][0].get("weights")


def _bins(rows: Rows, counted: Counted, heads: Sequence[str]) -> list[Bin]:
    found = []
    for fewest, most in BINS:
        known = counted.learned_from[(counted.learned_from >= fewest) & (counted.learned_from <= most)]
        if len(known):
            pool = Pool.of(rows, partial(count.kept_back, counted=counted, fewest=fewest, most=most))
            error = {head: pool.mean(head) for head in heads}
            found.append(Bin(int(known.min()), int(known.max()), len(known), error))
    return found


@dataclass(frozen=True)
class GradientsAnswer:
    """Question 2: full less detached, and reparametrised less projected, for each function and over all (last).

    Each is the headline's and that of FNMR at FMR 1 %. ``learned`` is the second change over those pairs of rows
    of which no run failed, where others did. ``restless`` is the row whose headlines lie furthest apart, ``same``
    holds rows that came out with the same weights in every seed.
    """

    rows: tuple[Judged, ...]
    gradient: tuple[Compared, ...]
    prototypes: tuple[Compared, ...]
    learned: Compared | None
    restless: str
    same: tuple[tuple[str, str], ...]


def gradients(study: Study) -> GradientsAnswer | None:
    """Return what question 2 found."""
    ready = study.ready("gradients")
    if ready is None:
        return None
    rows, counted = ready
    pools = headlines(rows, counted), easier_rates(rows, counted)
    each_and_all = [*((head,) for head in FUNCTIONS), tuple(FUNCTIONS)]
    together = 2 * len(each_and_all)
    gradient, prototypes = [], []
    for heads in each_and_all:
        modes = [(f"{head}-full-{kind}", f"{head}-detached-{kind}") for head in heads for kind in PROTOTYPES]
        gradient.append(_changed(pools, *GRADIENTS, modes, together))
        kinds = [
            (f"{head}-{mode}-reparametrised", f"{head}-{mode}-projected") for head in heads for mode in GRADIENTS
        ]
        prototypes.append(_changed(pools, *PROTOTYPES, kinds, together))
    unfailed = [pair for pair in kinds if pools[0].failed.isdisjoint(pair)]
    some = 0 < len(unfailed) < len(kinds)
    return GradientsAnswer(
        tuple(judged_rows(rows, counted).values()),
        tuple(gradient),
        tuple(prototypes),
        _changed(pools, *PROTOTYPES, unfailed, 0) if some else None,
        pools[0].restless,
        tuple((first, second) for second, first in same_rows(rows).items()),
    )


def _changed(
    pools: tuple[Pool, Pool], first: str, second: str, pairs: Sequence[tuple[str, str]], together: int
) -> Compared:
    headline, easier = (pool.compare_change(first, second, pairs, together) for pool in pools)
    return headline, easier


def headlines(rows: Rows, counted: Counted) -> Pool:
    """Return the headline of every run."""
    return Pool.of(rows, partial(count.headline, counted=counted), FNMR_POINTS, CEILING)


def easier_rates(rows: Rows, counted: Counted) -> Pool:
    """Return FNMR at FMR 1 % of every run."""
    return Pool.of(rows, partial(count.headline, counted=counted, pairs="easier_pairs"), FNMR_POINTS, CEILING)


def _accuracy(rows: Rows, counted: Counted) -> Pool:
    return Pool.of(rows, partial(count.accuracy, counted=counted), ACCURACY_POINTS)


def judged_rows(rows: Rows, counted: Counted) -> dict[str, Judged]:
    """Return rows that share their seeds."""
    headline, easier, accuracy = headlines(rows, counted), easier_rates(rows, counted), _accuracy(rows, counted)
    search = Pool.of(rows, partial(count.search, counted=counted))
    ended = {ending.row: ending for ending in endings(rows)}
    return {
        row: Judged(
            row,
            headline.values(row),
            headline.mean(row),
            easier.mean(row),
            accuracy.mean(row),
            search.mean(row),
            health_means(made),
            last_mean(made, "cosine"),
            _clipped(made),
            ended[row],
            last_mean(made, "loss"),
        )
        for row, made in rows.items()
    }


def health_means(made: Sequence[Summary]) -> dict[str, float | None]:
    """Return the means over the runs that reached their end."""
    return {name: mean_of([run["health"][name] for run in made if not run["stopped"]]) for name in HEALTH}


def _clipped(made: Sequence[Summary]) -> float | None:
    bound = made[0]["recipe"]["optimiser"].get("clip_norm")
    norms = [norm for run in made for norm in run.get("journal", {}).get("gradient_norm", ())]
    return None if bound is None or not norms else sum(norm > bound for norm in norms) / len(norms)


def last_mean(made: Sequence[Summary], name: str) -> float | None:
    """Return the mean over runs of what their last steps had, of those that got anywhere."""
    return mean_of([None if run["last"] is None else run["last"][name] for run in made])


def mean_of(values: Sequence[float | None]) -> float | None:
    """Return the mean of those that there are."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
