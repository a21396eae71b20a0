"""In 1,000 worlds of each kind: how often does a 95 % interval hold the truth? It should in 93 to 97 % of them.

Worlds with person effects have wolves and lambs (people who resemble everybody), goats (people hard to recognise)
and good and bad images; the others have none of these. Pairs are all pairs of some people, or a sparse list like
LFW's. With ``SPHEREFACE_COVERAGE=FOLDER`` each world is written down there when it is done, and a run that was
broken off goes on where it was:

    SPHEREFACE_COVERAGE=/tmp/coverage python -m pytest -m faults -s tests/faults/test_coverage_worlds.py
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm

from sphereface.evaluation import folds
from sphereface.evaluation.counting import false_matches, misses
from sphereface.evaluation.identification import identify
from sphereface.evaluation.intervals import PersonRate
from sphereface.evaluation.results import Rate
from sphereface.evaluation.search import SearchScores
from sphereface.evaluation.verification import verify
from tests.unit.evaluation.test_evaluation_coverage import World, every_pair, sparse_list

COUNT = 1000
NAMES = {False: "nobody special", True: "wolves, lambs and goats"}
WORLDS = {False: World(), True: World(wolves=0.5, couples=0.4, goats=0.6, images=0.3)}
LAYOUTS = {
    "all pairs of 120 people": lambda generator: every_pair(120, 3),
    "a list like LFW's": lambda generator: sparse_list(2000, 1500, generator),
}
FMR, FPIR, FIXED = 0.02, 0.1, 0.02
Truth = tuple[float | None, float | None, float]  # low, high, truth


def pairs(layout: str, effects: bool, number: int) -> dict[str, Truth]:
    """Judge the pairs of one world."""
    world, generator = WORLDS[effects], np.random.default_rng([number, 31])
    scores = world.scores(*LAYOUTS[layout](generator), generator)
    with patch.object(folds, "_middle_threshold", Watched(folds._middle_threshold)) as learnt:
        result = verify(scores, fmr_targets=(FMR,), resamples=200, seed=number)
    # What folds estimate is how thresholds fare that were learnt so, each in the pairs of its own two folds.
    share = len(scores.genuine) / (len(scores.genuine) + len(scores.impostor))
    cuts = np.array(learnt.thresholds)
    groups = list(itertools.combinations_with_replacement(range(folds.FOLDS), 2))
    one_fold = np.array([first == second for first, second in groups])
    weights = np.where(one_fold, 1.0, 2.0) / folds.FOLDS**2  # of impostor pairs
    right = share * world.genuine.sf(cuts[one_fold]).mean() + (1.0 - share) * (weights @ world.impostor.cdf(cuts))
    # Thresholds that were there before the world was.
    fixed = world.impostor.isf([0.2, 0.1, 0.05, FIXED])
    return {
        "FMR, threshold fixed": (*last(false_matches(scores, fixed)), FIXED),
        "FNMR, threshold fixed": (*last(misses(scores, fixed)), world.fnmr(fixed[-1])),
        "EER": (*ends(result.eer), world.eer()),
        f"FNMR at FMR {FMR}": (*ends(result.fnmr_at_fmr[FMR]), world.fnmr_at(FMR)),
        "accuracy": (*ends(result.accuracy), float(right)),
    }


class Watched:
    """A function that remembers what it returned."""

    def __init__(self, function: Callable[..., float]) -> None:
        self.function = function
        self.thresholds: list[float] = []

    def __call__(self, *arguments: object) -> float:
        self.thresholds.append(self.function(*arguments))
        return self.thresholds[-1]


def last(rate: PersonRate) -> tuple[float, float]:
    low, high = rate.band(0.95)
    return float(low[-1]), float(high[-1])


def ends(rate: Rate) -> tuple[float | None, float | None]:
    return (rate.low, rate.high) if rate.value is not None else (None, None)


ENROLLED, STRANGERS, EACH, MEAN = 200, 200, 3, 5.0


def search(effects: bool, number: int) -> dict[str, Truth]:
    """Judge the searches of one world: each score is a sum of the effects of both people, and noise."""
    wolves, goats = (0.4, 0.6) if effects else (0.0, 0.0)
    generator = np.random.default_rng([number, 32])
    gallery = wolves * generator.standard_normal(ENROLLED)
    mates, strangers = (np.repeat(np.arange(n), EACH) for n in (ENROLLED, STRANGERS))
    own = MEAN + goats * generator.standard_normal(ENROLLED)[mates] + generator.standard_normal(len(mates))
    # An enrolled person's own wolfishness is one number in both roles.
    others = gallery[mates][:, None] + gallery + generator.standard_normal((len(mates), ENROLLED))
    others[np.arange(len(mates)), mates] = -np.inf
    visitors = wolves * generator.standard_normal(STRANGERS)[strangers][:, None]
    visitors = visitors + gallery + generator.standard_normal((len(strangers), ENROLLED))
    order = np.argsort(-visitors, axis=1).astype(np.int32)
    result = identify(
        SearchScores(
            title="world",
            gallery_people=ENROLLED,
            gallery_templates=ENROLLED,
            names=tuple(f"{n:05d}" for n in range(ENROLLED + STRANGERS)),
            mated_scores=own.astype(np.float32),
            mated_ranks=1 + (others >= own[:, None]).sum(axis=1),
            mated_people=mates.astype(np.int32),
            non_mated_scores=visitors.max(axis=1).astype(np.float32),
            non_mated_people=(ENROLLED + strangers).astype(np.int32),
            non_mated_nearest=order[:, 0],
            best=np.take_along_axis(visitors, order, axis=1).astype(np.float32),
            best_people=order,
        ),
        fpir_targets=(FPIR,),
        resamples=200,
        seed=number,
    )
    return {f"FNIR at FPIR {FPIR}": (*ends(result.fnir_at_fpir[FPIR]), true_fnir(wolves, goats))}


def true_fnir(wolves: float, goats: float) -> float:
    """Return FNIR at the threshold where the expected FPIR is the target, by quadrature, over all galleries."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    spread = np.hypot(1.0, wolves)  # of a stranger's score with a person drawn for the gallery

    def quiet(threshold: NDArray[np.float64], people: int) -> NDArray[np.float64]:
        """Return the chance that none of so many people scores as high, over the searcher's own effect."""
        return norm.cdf((threshold[..., None] - wolves * nodes) / spread) ** people @ weights

    threshold = brentq(lambda t: 1.0 - float(quiet(np.array(t), ENROLLED)) - FPIR, 0.0, 10.0)
    grid = np.linspace(threshold, MEAN + 9.0 * np.hypot(1.0, goats), 20_001)
    hits = norm.pdf(grid, MEAN, np.hypot(1.0, goats)) * quiet(grid, ENROLLED - 1)
    return 1.0 - float(np.trapezoid(hits, grid))


def held(path: Path, judge: Callable[[int], dict[str, Truth]]) -> dict[str, NDArray[np.float64]]:
    """Return by figure, for each world, 0 where the interval held the truth, else the side on which it lay."""
    done: dict[int, dict[str, Truth]] = {}
    if path.exists():
        rows = [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))  # without half a line
        done = dict(rows)
    with path.open("a") as file:
        for number in range(COUNT):
            if number not in done:
                done[number] = judge(number)
                file.write(json.dumps([number, done[number]]) + "\n")
                file.flush()
    sides: dict[str, list[float]] = {}
    for figures in done.values():
        for name, (low, high, truth) in figures.items():
            if low is not None and high is not None:
                sides.setdefault(name, []).append(float(truth > high) - float(truth < low))
    return {name: np.array(values) for name, values in sides.items()}


def check(sides: dict[str, NDArray[np.float64]], title: str) -> None:
    for name, side in sides.items():
        below, above = np.mean(side < 0), np.mean(side > 0)
        print(
            f"\n{title} | {name} | {len(side)} | {np.mean(side == 0):.1%} | {below:.1%} | {above:.1%}",
            end="",
            flush=True,
        )
    for name, side in sides.items():
        assert len(side) > 0.9 * COUNT, (name, "is hardly ever supported")
        assert 0.93 <= np.mean(side == 0) <= 0.97, (title, name, np.mean(side == 0))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(os.environ.get("SPHEREFACE_COVERAGE", tmp_path))


@pytest.mark.faults
@pytest.mark.parametrize("effects", [False, True], ids=list(NAMES.values()))
@pytest.mark.parametrize("layout", LAYOUTS)
def test_pairs(layout: str, effects: bool, folder: Path):
    path = folder / f"pairs-{list(LAYOUTS).index(layout)}-{int(effects)}.jsonl"
    check(held(path, lambda number: pairs(layout, effects, number)), f"{layout} | {NAMES[effects]}")


@pytest.mark.faults
@pytest.mark.parametrize("effects", [False, True], ids=list(NAMES.values()))
def test_searches(effects: bool, folder: Path):
    sides = held(folder / f"searches-{int(effects)}.jsonl", lambda number: search(effects, number))
    check(sides, f"searches | {NAMES[effects]}")
