"""How fast scores are judged, and in how much memory: long lists of pairs, a million distractors, resamples.

    python benchmarks/bench_evaluation.py [--rounds 3] [--scale 1.0] [--only pairs search resamples]

The embeddings are random unit vectors round the people's centres, so that scores have the shape of real ones. Each
part is timed beside what it cannot do without, or beside scikit-learn, in interleaved rounds of one run; a ratio
is the median over the rounds. Memory is the highest resident memory of a process of its own over what it held when
the embeddings were there. Two threads, or as many as OMP_NUM_THREADS says. ``--scale 0.02`` tries everything
quickly; its figures mean nothing.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "2")

import numpy as np
from head_facts import facts
from head_memory import peak, reset_peak, resident, tidy
from sklearn.metrics import roc_curve

from sphereface.evaluation import products
from sphereface.evaluation.counting import false_matches, misses
from sphereface.evaluation.distractors import cosines, float32_product, ranks_among, search_distractors
from sphereface.evaluation.images import checked
from sphereface.evaluation.protocol import UnitPairs
from sphereface.evaluation.scores import listed_pairs
from sphereface.evaluation.steps import curve_thresholds, full_curve
from sphereface.evaluation.verification import verify
from sphereface.quick_products import bfloat16_product

ARGUMENTS = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ARGUMENTS.add_argument("--rounds", type=int, default=3)
ARGUMENTS.add_argument("--scale", type=float, default=1.0, help="share of templates, pairs and distractors")
ARGUMENTS.add_argument("--only", nargs="+", choices=["pairs", "search", "resamples"])
ARGUMENTS.add_argument("--memory", choices=["pairs", "search"], help=argparse.SUPPRESS)
OPTIONS = ARGUMENTS.parse_args()
THREADS = int(os.environ["OMP_NUM_THREADS"])
TEMPLATES, PEOPLE, GENUINE, IMPOSTOR = 23_124, 3_531, 19_557, 15_638_932  # as many as the 1:1 protocol of IJB-C
PROBES, DISTRACTORS, DIMENSION, KEEP = 3_530, 1_000_000, 512, 100  # as MegaFace's
FAR = 1e-6


def scaled(number: int) -> int:
    return max(2, round(number * OPTIONS.scale))


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def rounds(works: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    """Return the seconds of every work in every round; works take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(OPTIONS.rounds):
        for name, work in works.items():
            seconds[name].append(timed(work)[0])
    return seconds


def table(seconds: dict[str, list[float]], *over: tuple[str, str]) -> None:
    print("| work | median seconds | all rounds |\n|---|---|---|")
    for name, each in seconds.items():
        print(f"| {name} | {statistics.median(each):.3f} | {', '.join(f'{s:.3f}' for s in each)} |")
    for one, two in over:
        ratio = statistics.median(a / b for a, b in zip(seconds[one], seconds[two], strict=True))
        print(f"\n{one} / {two}: **{ratio:.3f}**")
    print(flush=True)


def near(centres: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return a unit vector round each centre: cosines of one person lie about 0.6."""
    rows = centres + 0.8 * generator.standard_normal(centres.shape, dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def pair_world() -> tuple[np.ndarray, UnitPairs, list[str]]:
    generator = np.random.default_rng(0)
    templates, people = scaled(TEMPLATES), scaled(PEOPLE)
    owner = np.sort(np.concatenate([np.repeat(np.arange(people), 2), generator.integers(0, people, templates)]))
    owner = owner[np.sort(generator.permutation(len(owner))[:templates])]
    x = near(generator.standard_normal((people, DIMENSION), dtype=np.float32)[owner], generator)
    near_by = generator.integers(0, templates - 1, scaled(GENUINE) * 3)
    near_by = near_by[owner[near_by] == owner[near_by + 1]][: scaled(GENUINE)]
    one, two = generator.integers(0, templates, (2, round(scaled(IMPOSTOR) * 1.01) + 50))
    apart = np.flatnonzero(owner[one] != owner[two])[: scaled(IMPOSTOR)]
    first, second = np.concatenate([near_by, one[apart]]), np.concatenate([near_by + 1, two[apart]])
    order = generator.permutation(len(first))
    first, second = first[order], second[order]
    pairs = UnitPairs("as many as IJB-C", first, second, owner[first] == owner[second])
    return x, pairs, [f"person {number:05d}" for number in owner]


def gather_and_dot(x: np.ndarray, pairs: UnitPairs) -> np.ndarray:
    """Do what cannot be left out: fetch both vectors of every pair and multiply them, in the same threads."""
    return products.row_products(x, x, pairs.first, pairs.second)


def whole(x: np.ndarray, pairs: UnitPairs, people: list[str]) -> Any:
    """From embeddings to both error rates at every threshold."""
    scores = listed_pairs(x, pairs, people)
    curve = full_curve(scores.genuine.scores, scores.impostor.scores)
    return curve.thresholds, curve.false, curve.missed


def judge_pairs() -> None:
    x, pairs, people = pair_world()
    scores = listed_pairs(x, pairs, people)
    genuine, impostor = scores.genuine.scores, scores.impostor.scores
    print(f"## Pairs: {len(x):,} templates, {len(genuine):,} genuine and {len(impostor):,} impostor pairs\n")
    labels = np.repeat([1, 0], [len(genuine), len(impostor)])
    values = np.concatenate([genuine, impostor])

    def ours() -> Any:
        curve = full_curve(genuine, impostor)
        return curve.false, curve.missed

    def theirs() -> Any:
        return roc_curve(labels, values, drop_intermediate=False)

    false, hit, _ = theirs()
    mine = ours()
    off = max(np.abs(mine[0] - false[::-1]).max(), np.abs(1.0 - mine[1] - hit[::-1]).max())
    print(f"Curves agree to {off:.1e} at {len(false):,} thresholds.")
    some = slice(0, 100_000)
    unit, _ = checked(x, people)
    plain = np.einsum("nd,nd->n", unit[pairs.first[some]], unit[pairs.second[some]])
    same = np.array_equal(plain, gather_and_dot(unit, pairs)[some])
    print(f"Blocked and plain products of {len(plain):,} pairs are equal to the last bit: {same}.\n")
    seconds = rounds(
        {
            "curve from scores": ours,
            "scikit-learn's roc_curve": theirs,
            "scikit-learn's, some thresholds dropped": lambda: roc_curve(labels, values),
            "bare gather and dot": lambda: gather_and_dot(unit, pairs),
            "whole, embeddings to curve": lambda: whole(x, pairs, people),
            "dyadic and clustered variances at 300 thresholds": lambda: variances(scores),
        }
    )
    table(
        seconds,
        ("scikit-learn's roc_curve", "curve from scores"),
        ("scikit-learn's, some thresholds dropped", "curve from scores"),
        ("whole, embeddings to curve", "bare gather and dot"),
    )
    print(f"verify, everything with 400 resamples: {timed(lambda: verify(scores))[0]:.1f} s\n", flush=True)


def variances(scores: Any) -> Any:
    grid = curve_thresholds(np.sort(scores.genuine.scores), np.sort(scores.impostor.scores))
    return false_matches(scores, grid), misses(scores, grid)


def search_world() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return probes, their mates and distractors, some of which are equal to mates."""
    generator = np.random.default_rng(1)
    centres = generator.standard_normal((scaled(PROBES), DIMENSION), dtype=np.float32)
    probes, mates = near(centres, generator), near(0.3 * centres, generator)
    distractors = generator.standard_normal((scaled(DISTRACTORS), DIMENSION), dtype=np.float32)
    distractors /= np.linalg.norm(distractors, axis=1, keepdims=True)
    ties = min(50, len(mates))
    distractors[np.linspace(0, len(distractors) - 1, ties).astype(int)] = mates[:ties]
    return probes, mates, distractors


def bare(probes: np.ndarray, distractors: np.ndarray) -> float:
    """Return the highest product, of all of them in float32, some 64 MB at a time and nothing kept."""
    step = max(1, (1 << 24) // len(probes))
    out = np.empty((len(probes), step), np.float32)
    for start in range(0, len(distractors) - step + 1, step):
        np.matmul(probes, distractors[start : start + step].T, out=out)
    rest = len(distractors) % step
    return float((probes @ distractors[len(distractors) - rest :].T).sum()) + float(out[0, 0])


def found(product: Any, probes: np.ndarray, distractors: np.ndarray) -> Any:
    tail = int(FAR * len(probes) * len(distractors)) + 1
    return search_distractors(probes, distractors, keep=KEEP, tail=tail, product=product)


def judge_search() -> None:
    probes, mates, distractors = search_world()
    print(f"## Search: {len(probes):,} probes, {len(distractors):,} distractors, {KEEP} ranks, FAR {FAR:g}\n")
    some = np.arange(0, len(probes), max(1, len(probes) // 200))
    exact = np.full((len(some), 0), 0.0)
    double = probes[some] / np.linalg.norm(probes[some].astype(np.float64), axis=1, keepdims=True)
    for start in range(0, len(distractors), 50_000):
        block = distractors[start : start + 50_000].astype(np.float64)
        block /= np.linalg.norm(block, axis=1, keepdims=True)
        exact = np.sort(np.hstack([exact, double @ block.T]), axis=1)[:, -KEEP:]
    own = cosines(probes, mates)
    for name, product in (("bfloat16", bfloat16_product()), ("float32", float32_product)):
        top = found(product, probes, distractors).top
        off = np.abs(top[some] - exact[:, ::-1]).max()
        ranks = ranks_among(top, own)[some]
        expected = 1 + (exact >= own[some, None] - 1e-12).sum(axis=1)
        print(
            f"{name}: scores off from float64 by {off:.1e}; ranks of {len(some)} probes "
            f"{'equal' if np.array_equal(ranks, expected) else 'NOT EQUAL'}, rank 1 for {np.mean(ranks == 1):.1%}"
        )
    print()
    table(
        rounds(
            {
                "bare float32 products": lambda: bare(probes, distractors),
                "search, bfloat16": lambda: found(bfloat16_product(), probes, distractors),
                "search, float32": lambda: found(float32_product, probes, distractors),
            }
        ),
        ("search, bfloat16", "bare float32 products"),
        ("search, float32", "bare float32 products"),
    )


def judge_resamples() -> None:
    generator = np.random.default_rng(2)
    people = 4_000
    owner = np.repeat(np.arange(people), 2)
    x = near(generator.standard_normal((people, 128), dtype=np.float32)[owner], generator)
    one = generator.integers(0, people, 6_000)
    two = np.where(np.arange(6_000) < 3_000, one, (one + generator.integers(1, people, 6_000)) % people)
    fold = np.tile(np.repeat(np.arange(10), 300), 2)
    pairs = UnitPairs("as many as LFW View 2", 2 * one, 2 * two + 1, one == two, fold)
    scores = listed_pairs(x, pairs, [f"{number:05d}" for number in owner])
    print("## Resamples: 1,000 resamples of people over 6,000 pairs of 4,000 people\n")
    table(rounds({"verify, every figure": lambda: verify(scores, resamples=1000)}))


def memory(part: str) -> None:
    """Print the megabytes that a part takes beyond the embeddings (and beyond its list of pairs)."""
    if part == "pairs":
        x, pairs, people = pair_world()
        listing = sum(side.nbytes for side in (pairs.first, pairs.second, pairs.same))
    else:
        probes, _, distractors = search_world()
        found(bfloat16_product(), probes[:100], distractors[:1000])  # torch starts up
    tidy()
    before = resident()
    reset_peak()
    kept = whole(x, pairs, people) if part == "pairs" else found(bfloat16_product(), probes, distractors)
    highest = peak()
    del kept
    if before is None or highest is None:
        print("memory is not known on this system")
    else:
        also = f", and the list of pairs {listing / 1e6:,.0f} MB" if part == "pairs" else ""
        print(f"Memory of {part} beyond the embeddings: **{(highest - before) / 1e6:,.0f} MB**{also}.")


def main() -> None:
    if OPTIONS.memory:
        memory(OPTIONS.memory)
        return
    for name, value in (facts(THREADS, {}) | {"numpy": np.__version__}).items():
        print(f"- {name}: {value}")
    print()
    for name, judge in (("pairs", judge_pairs), ("search", judge_search), ("resamples", judge_resamples)):
        if OPTIONS.only is None or name in OPTIONS.only:
            judge()
            if name != "resamples":
                own = [sys.executable, str(Path(__file__)), "--memory", name, "--scale", str(OPTIONS.scale)]
                subprocess.run(own, check=True)
                print()


if __name__ == "__main__":
    main()
