"""Worlds of scores whose true error rates are known: normal scores with effects of people and of couples.

An impostor score is w_a + w_b + d_ab + v_i + v_j + noise: w is how much a person resembles everybody (wolves
and lambs), d how much two people resemble each other, v the quality of an image. A genuine score is
mean + l_a + v_i + v_j + noise: l says who is hard to recognise (goats).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm

from sphereface.evaluation.scores import PairScores, score_list


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

    def accuracy(self) -> float:
        """Return the best balanced accuracy."""
        grid = np.linspace(-1.0, self.mean + 1.0, 5001)
        return float(1.0 - (self.impostor.sf(grid) + self.genuine.cdf(grid)).min() / 2.0)

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
