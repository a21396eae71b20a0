"""Do 95 % intervals hold the truth in 95 % of worlds? Worlds with wolves, lambs and goats, truth known.

An impostor score is w_a + w_b + d_ab + v_i + v_j + noise: w is how much a person resembles everybody, d how
much two people resemble each other, v the quality of an image. A genuine score is mean + l_a + v_i + v_j +
noise: l says who is hard to recognise. All effects are normal, so the true error rates are known.

The long run (marked faults) measures coverage in 200 worlds of each kind; ``pytest -m faults -s`` shows it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm

from sphereface.errors import NotEnoughDataError
from sphereface.evaluation.results import Rate
from sphereface.evaluation.scores import PairScores, score_list
from sphereface.evaluation.search import SearchScores
from sphereface.evaluation.threshold_choice import choose_operating_point
from sphereface.evaluation.verification import verify
from sphereface.evaluation.wilson import interval


@dataclass(frozen=True)
class World:
    mean: float = 4.0
    wolves: float = 0.0
    couples: float = 0.0
    goats: float = 0.0
    images: float = 0.0
    noise: float = 1.0

    @property
    def genuine(self):
        return norm(self.mean, np.sqrt(self.goats**2 + 2 * self.images**2 + self.noise**2))

    @property
    def impostor(self):
        variance = 2 * self.wolves**2 + self.couples**2 + 2 * self.images**2 + self.noise**2
        return norm(0.0, np.sqrt(variance))

    def fmr(self, threshold: float) -> float:
        return float(self.impostor.sf(threshold))

    def fnmr(self, threshold: float) -> float:
        return float(self.genuine.cdf(threshold))

    def fnmr_at(self, fmr: float) -> float:
        return self.fnmr(self.impostor.isf(fmr))

    def eer(self) -> float:
        return self.fnmr(brentq(lambda t: self.fmr(t) - self.fnmr(t), -1.0, self.mean + 1.0))

    def accuracy(self, threshold: float) -> float:
        """Return the balanced accuracy of a threshold on new pairs."""
        return 1.0 - (self.fmr(threshold) + self.fnmr(threshold)) / 2.0

    def auc(self) -> float:
        spread = np.hypot(self.genuine.std(), self.impostor.std())
        return float(norm.cdf(self.mean / spread))

    def scores(
        self,
        first: NDArray[np.int64],
        second: NDArray[np.int64],
        people: NDArray[np.int64],
        generator: np.random.Generator,
    ) -> PairScores:
        """Draw the scores of pairs of images, given each image's person."""
        count = int(people.max()) + 1
        wolf = self.wolves * generator.standard_normal(count)
        goat = self.goats * generator.standard_normal(count)
        image = self.images * generator.standard_normal(len(people))
        one, two = people[first], people[second]
        same = one == two
        codes = np.minimum(one, two) * count + np.maximum(one, two)
        unique, where = np.unique(codes, return_inverse=True)
        couple = self.couples * generator.standard_normal(len(unique))[where]
        scores = image[first] + image[second] + self.noise * generator.standard_normal(len(first))
        scores += np.where(same, self.mean + goat[one], wolf[one] + wolf[two] + couple)
        names = tuple(f"person-{number:05d}" for number in range(count))
        return score_list("world", scores, same, first, second, people, names)


def every_pair(people: int, images: int) -> tuple[NDArray[np.int64], ...]:
    """Return first, second and people of all pairs of ``people`` x ``images`` images."""
    first, second = np.triu_indices(people * images, 1)
    return first, second, np.repeat(np.arange(people), images)


def sparse_list(people: int, pairs: int, generator: np.random.Generator) -> tuple[NDArray[np.int64], ...]:
    """Return a list like LFW's: as many genuine as impostor pairs, few of a person; four images a person."""
    owner = generator.integers(0, people, pairs)
    genuine = np.stack([owner * 4 + generator.integers(0, 2, pairs), owner * 4 + generator.integers(2, 4, pairs)])
    one = generator.integers(0, people, pairs)
    two = (one + generator.integers(1, people, pairs)) % people
    impostor = np.stack([one, two]) * 4 + generator.integers(0, 4, (2, pairs))
    first, second = np.concatenate([genuine, impostor], axis=1)
    return first, second, np.repeat(np.arange(people), 4)


WORLDS = {
    "nobody special": World(),
    "wolves and goats": World(wolves=0.5, goats=0.6, images=0.3),
    "couples": World(couples=0.8, goats=0.6),
    "everything": World(wolves=0.5, couples=0.6, goats=0.7, images=0.4),
}
LAYOUTS = {
    "all pairs of 60 x 6": lambda generator: every_pair(60, 6),
    "all pairs of 200 x 3": lambda generator: every_pair(200, 3),
    "a list like LFW's": lambda generator: sparse_list(1500, 1100, generator),
}
FMR = 0.01


def coverage(world: World, layout, worlds: int) -> dict[str, list[bool]]:
    """Return, for each figure, whether its interval held the truth, world by world."""
    held: dict[str, list[bool]] = defaultdict(list)
    for number in range(worlds):
        generator = np.random.default_rng([number, 7])
        scores = world.scores(*layout(generator), generator)
        scores = replace(scores, balanced=len(scores.genuine) != len(scores.impostor))
        result = verify(scores, fmr_targets=(FMR,), resamples=200, seed=number)
        curve = result.curve
        at = min(int(np.searchsorted(curve.thresholds, world.impostor.isf(0.02))), len(curve.thresholds) - 1)
        fixed = float(curve.thresholds[at])
        for name, rate, truth in (
            ("EER", result.eer, world.eer()),
            ("AUC", result.auc, world.auc()),
            ("accuracy", result.accuracy, world.accuracy(result.accuracy_threshold)),
            (f"FNMR at FMR {FMR}", result.fnmr_at_fmr[FMR], world.fnmr_at(FMR)),
            ("FMR, threshold fixed", _band(curve.false, curve.false_low, curve.false_high, at), world.fmr(fixed)),
            (
                "FNMR, threshold fixed",
                _band(curve.missed, curve.missed_low, curve.missed_high, at),
                world.fnmr(fixed),
            ),
        ):
            if rate.value is not None:
                held[name].append(rate.low <= truth <= rate.high)
        plain = interval(float(curve.false[at]), result.impostor_pairs, 0.95)
        held["FMR, plain Wilson"].append(plain[0] <= world.fmr(fixed) <= plain[1])
    return held


def _band(rate, low, high, at) -> Rate:
    return Rate(float(rate[at]), float(low[at]), float(high[at]), 0.95, 1.0)


@pytest.mark.parametrize("layout", ["all pairs of 60 x 6", "a list like LFW's"])
def test_intervals_hold_the_truth_in_a_few_worlds(layout):
    held = coverage(WORLDS["wolves and goats"], LAYOUTS[layout], worlds=20)
    for name, hits in held.items():
        if name != "FMR, plain Wilson":
            assert hits.count(False) <= 5, (name, hits)  # of 20; more has probability 0.0003 at 95 %
    if layout == "all pairs of 60 x 6":
        # What everybody does holds the truth far too rarely: these worlds can tell.
        assert held["FMR, plain Wilson"].count(False) >= 5


@pytest.mark.faults
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("world", WORLDS)
def test_intervals_hold_the_truth_in_many_worlds(layout, world):
    held = coverage(WORLDS[world], LAYOUTS[layout], worlds=200)
    print(f"\n{layout}, {world}: " + ", ".join(f"{name} {np.mean(hits):.1%}" for name, hits in held.items()))
    for name, hits in held.items():
        if name != "FMR, plain Wilson" and len(hits) > 150:
            assert np.mean(hits) >= 0.87, (name, np.mean(hits))  # 200 worlds tell 4 points


def searches(
    generator: np.random.Generator, wolves: float, strangers: int, each: int, gallery: NDArray[np.float64]
) -> SearchScores:
    """Draw searches by strangers in a gallery of people who resemble everybody by ``gallery``."""
    people = len(gallery)
    who = np.repeat(np.arange(strangers), each)
    scores = wolves * generator.standard_normal(strangers)[who][:, None] + gallery
    scores = scores + generator.standard_normal((len(who), people))
    return SearchScores(
        title="world",
        gallery_people=people,
        gallery_templates=people,
        names=tuple(f"{number:05d}" for number in range(people + strangers)),
        mated_scores=generator.normal(5.0, 1.0, people).astype(np.float32),
        mated_ranks=np.ones(people, dtype=np.int64),
        mated_people=np.arange(people, dtype=np.int32),
        non_mated_scores=scores.max(axis=1).astype(np.float32) / 10,
        non_mated_people=(people + who).astype(np.int32),
        non_mated_nearest=scores.argmax(axis=1).astype(np.int32),
    )


def true_fpir(threshold: float, wolves: float, gallery: NDArray[np.float64]) -> float:
    """Return the chance that a fresh stranger reaches the threshold in this very gallery, by quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    quiet = norm.cdf(threshold - wolves * nodes[:, None] - gallery).prod(axis=1)
    return float(1.0 - weights @ quiet / weights.sum())


def operating_points(worlds: int, wolves: float, strangers: int, target: float) -> tuple[list[bool], list[float]]:
    """Return whether each interval held the true FPIR of fresh strangers, and that FPIR over the target."""
    held, ratio = [], []
    for number in range(worlds):
        generator = np.random.default_rng([number, 11])
        gallery = wolves * generator.standard_normal(50)
        scores = searches(generator, wolves, strangers, 3, gallery)
        try:
            point = choose_operating_point(scores, target, model_fingerprint="f", data_hash="d")
        except NotEnoughDataError:
            continue
        realised = true_fpir(10 * point.threshold, wolves, gallery)
        held.append(point.measured.low <= realised <= point.measured.high)
        ratio.append(realised / target)
    return held, ratio


@pytest.mark.parametrize("wolves", [0.0, 0.7])
def test_issued_operating_points_keep_their_promise_in_a_few_worlds(wolves):
    held, ratio = operating_points(12, wolves, strangers=400, target=0.1)
    assert len(held) >= 9
    assert held.count(False) <= 4
    assert np.mean([0.5 <= r <= 2.0 for r in ratio]) >= 0.95


def test_below_the_floor_of_evidence_no_operating_point_is_issued():
    for wolves in (0.0, 0.7):
        # 90 searches can never expect 30 alarms at a target of 0.1.
        assert operating_points(10, wolves, strangers=30, target=0.1) == ([], [])


@pytest.mark.faults
@pytest.mark.parametrize("wolves", [0.0, 0.7])
def test_issued_operating_points_keep_their_promise_in_many_worlds(wolves):
    held, ratio = operating_points(400, wolves, strangers=500, target=0.1)
    inside = np.mean([0.5 <= r <= 2.0 for r in ratio])
    print(
        f"\nwolves {wolves}: {len(held)} issued, interval holds {np.mean(held):.1%}, "
        f"within half to double {inside:.1%}"
    )
    assert len(held) >= 200
    assert np.mean(held) >= 0.92
    assert inside >= 0.95
