"""Summaries of runs that were never made: few people, errors that are put in on purpose."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from evidence import plan
from evidence.plan import CANDIDATES, Run
from evidence.summary import Summary, recipe_hash, write_summary

PEOPLE, IMAGES = 40, 10
PAIRS = IMAGES * (IMAGES - 1) // 2
LEARNERS, KEPT = 50, 40
BASE = 30  # of 45 pairs of each person missed: 66.7 %

Effect = Callable[[Run], "tuple[float, int]"]
"""Of a run: pairs it misses more than others, on average for each person, and how far people go either way."""


def no_effect(run: Run) -> tuple[float, int]:
    """Every row is like every other."""
    return 0.0, 1


def every_run(best: int = 2) -> Iterator[Run]:
    """Yield all runs of the plan, question 1 with the best trial of each loss."""
    yield from plan.trials()
    yield from plan.margins({head: settings[best - 1] for head, settings in CANDIDATES.items()})
    yield from plan.gradients()
    for arm in plan.ARMS:
        yield from plan.stability(arm, *plan.RUNGS[0])
    yield from plan.milder()
    yield from plan.sizes()
    yield from plan.norms()
    yield from plan.budgets()


def write_people(folder: Path) -> None:
    """Write whom the summaries count."""
    judged = {"images": IMAGES, "listed_pairs": 20, "mated": 3, "non_mated": 5}
    learned = [8 + 5 * (number % 4) if number % 3 else 90 + 4 * number for number in range(KEPT)]
    write_summary(
        "people",
        {
            "judged": {key: [value] * PEOPLE for key, value in judged.items()},
            "kept": {"images": [4] * KEPT, "learned_from": learned},
            "learners": {"people": LEARNERS, "images": 2_000},
        },
        folder,
    )


def write_run(run: Run, folder: Path, effect: Effect = no_effect, stopped: str = "", best: int = 2) -> None:
    """Write the summary of a run; of trials the one of that number is the best."""
    summary: Summary = {
        "run": run.name,
        "kind": run.kind,
        "recipe_hash": recipe_hash(run),
        "recipe": run.recipe().model_dump(mode="json", include={"backbone", "head", "regularizers", "optimiser"}),
        "seed": run.seed,
        "learners": {"people": LEARNERS},
        "stopped": stopped,
        "ended": f"2026-11-22 12:{run.seed:02d}",
        "seconds": 90,
        "journal": {"step": [*range(20, run.steps + 1, 20)], "gradient_norm": _gradients(run)},
        "last": {"step": run.steps // 2 if stopped else run.steps, "loss": 2.5, "cosine": 0.5},
    }
    if run.kind == "stress":
        level = math.log(LEARNERS)
        fails = run.row.startswith(plan.CONTROL)
        summary["last"] = {
            "step": run.steps,
            "loss": level if fails else level / 2,
            "cosine": 0.0 if fails else 0.5,
        }
        summary |= {"chance": level, "collapsed": level}
    elif not stopped:
        summary |= _trial(run, best) if run.kind == "trial" else _judged(run, *effect(run))
    write_summary(run.name, summary, folder)


def _gradients(run: Run) -> list[float]:
    """Return norms a fifth of which are beyond the bound, of the first seed; none at all of the others."""
    return [9.0 if run.seed == 1 and number % 5 == 0 else 5.0 for number in range(run.steps // 20)]


def _trial(run: Run, best: int) -> dict[str, Any]:
    """Return rates of which one trial of each loss is the best."""
    number = int(run.row.rpartition("-")[2])
    return {"trial": {"fnmr": 0.6 + 0.05 * abs(number - best), "eer": 0.2}}


def _judged(run: Run, more: float, spread: int) -> dict[str, Any]:
    luck = np.random.default_rng(list(run.name.encode()))
    either_way = np.tile([1, -1], PEOPLE // 2) * spread
    lifted = np.floor(np.arange(1, PEOPLE + 1) * more).astype(int) - np.floor(np.arange(PEOPLE) * more).astype(int)
    misses = np.clip(BASE + run.seed + lifted + either_way + _balanced(luck, PEOPLE), 0, PAIRS)
    total, easier = int(misses.sum()), misses // 2
    left = np.full(PEOPLE, 30)
    by_norm = np.clip(misses * 30 // PAIRS - 3, 0, 30)
    health = {
        "alignment": 0.8,
        "uniformity": -3.2,
        "angular_fisher_score": 0.6,
        "effective_rank": 101.0,
        "norm_quality": 0.2 if run.question == "norms" else 0.1,
    }
    rates = [
        [PAIRS * PEOPLE, total],
        *([1_500 - 300 * step, int(by_norm.sum()) - 200 * step] for step in range(4)),
    ]
    discard = {
        "shares": [0.0, 0.05, 0.1, 0.2, 0.3],
        "pairs_and_misses": rates,
        # One in a thousand at first; among the pairs that are left half as many again.
        "impostors_and_false": [[80_000, 80], *([70_000 - 10_000 * step, 105 - 15 * step] for step in range(4))],
        "left": left.tolist(),
        "images": [IMAGES - 2] * PEOPLE,
    }
    by_sharpness = np.clip(misses * 30 // PAIRS - 1, 0, 30)
    return {
        "pairs": {
            "eer": 0.2,
            "misses": misses.tolist(),
            "false_matches": [4] * PEOPLE,
            "missed_near": [total + 20, total - 20],
            "false_near": [50, 120],
        },
        "easier_pairs": {
            "misses": easier.tolist(),
            "false_matches": [40] * PEOPLE,
            "missed_near": [int(easier.sum()) + 20, int(easier.sum()) - 20],
            "false_near": [500, 1_200],
        },
        "accuracy": {
            "value": 0.8 - more / 100,
            "wrong": {str(number): int(luck.integers(2, 6)) for number in range(PEOPLE)},
        },
        "search": {
            "misses": np.clip(misses // 15, 0, 3).tolist(),
            "alarms": {"3": 2},
            "met": {"5": 1, "7": 1},
            "nearest": [5] * PEOPLE,
            "missed_near": [66, 60],
            "alarms_near": [1, 3],
        },
        "discard": {
            by: {
                **discard,
                "fnmr_at_same_fmr": [
                    total / (PAIRS * PEOPLE),
                    *[(int(left_missed.sum()) + 9) / (30 * PEOPLE)] * 4,
                ],
                "same_fmr": {
                    "misses": left_missed.tolist(),
                    "false_matches": [3] * PEOPLE,
                    "missed_near": [int(left_missed.sum()) + 12, int(left_missed.sum()) - 12],
                    "false_near": [40, 90],
                },
            }
            for by, left_missed in (("norm", by_norm), ("sharpness", by_sharpness))
        },
        "health": health,
        "ideal": {
            "met": dict.fromkeys(map(str, np.flatnonzero(luck.random(PEOPLE) < 0.2).tolist()), 1),
            "median_own": 1.1,
            "median_other": 0.9,
        },
        "kept": {"misses": [int(luck.integers(1, 5 if number % 3 else 3)) for number in range(KEPT)]},
        "learned": {
            "ideal": {
                "met": dict.fromkeys(map(str, np.flatnonzero(luck.random(LEARNERS) < 0.6).tolist()), 1),
                "median_own": 0.8,
                "median_other": 1.0,
            }
        },
    }


def _balanced(luck: np.random.Generator, people: int) -> Any:
    """Return a little noise that leaves the mean of all people nearly as it is."""
    noise = np.tile([1, -1], people // 2)
    luck.shuffle(noise)
    return noise


def write_study(folder: Path, effect: Effect = no_effect, *, stopped: tuple[str, ...] = (), best: int = 2) -> None:
    """Write people and all runs, some of which stopped; of trials the one of that number is the best."""
    write_people(folder)
    for run in every_run(best):
        write_run(run, folder, effect, "the loss of step 200 is not finite" if run.name in stopped else "", best)
