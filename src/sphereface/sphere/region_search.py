"""The widest decision region of an arrangement, found by search: it has no closed form beyond the circle.

Two points of a region are sought at the largest angle, or, to find the smallest margin that meets the paper's
criterion, two points that stay in their region at the largest m although they are no nearer than the nearest
two regions. Boundary points in many directions give the pairs to start from; each is improved under its
constraints. What is returned is computed anew from the two points: a search that stops early is too small,
never too large.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sphereface.errors import ConfigurationError
from sphereface.sphere.geometry import length, unit
from sphereface.sphere.regions import (
    TINY,
    Floats,
    Region,
    nearest_prototypes,
    nearest_regions,
    two_class_margin,
    two_class_width,
    without_spare,
)

MOST_CLASSES, MOST_DIMENSIONS = 100, 32  # beyond, a search takes many minutes

_DRAWS = 300  # random directions of a boundary, each with its opposite
_STARTS = 3  # pairs of boundary points from which a search climbs, besides the one across the nearest prototype
_BEST_PAIRS = 4000  # looked at for starts that differ
_ALIKE = 0.1  # radians: starts whose directions differ by less climb to the same place
_LIMITS: Any = {"maxiter": 100, "ftol": 1e-9}


def widest_region(directions: Floats, margin: float) -> float:
    """Return the largest angle within any region, in radians; exact on the circle.

    Args:
        directions: Prototypes (C, d) at length 1.
        margin: m, at least 1.

    Raises:
        ConfigurationError: If there are more prototypes or dimensions than a search can take.
    """
    points, near, widest = _searchable(directions), nearest_prototypes(directions)[0], 0.0
    # No region is wider than that of its prototype and the nearest other one alone. Rows come in falling order
    # of that, so the first one that cannot win ends the search.
    for index in np.argsort(-near):
        if widest >= two_class_width(float(near[index]), margin):
            break
        widest = max(widest, _width(Region.of(points, int(index)), margin))
    return widest


def smallest_margin(directions: Floats) -> float:
    """Return the m at which the widest region is as wide as the nearest two regions are apart.

    Args:
        directions: Prototypes (C, d) at length 1.

    Raises:
        ConfigurationError: If there are more prototypes or dimensions than a search can take.
    """
    points, near, found = _searchable(directions), nearest_prototypes(directions)[0], 1.0
    closest = float(near.min())
    for index in np.argsort(-near):
        enough = two_class_margin(float(near[index]), closest)
        if found >= enough:
            break
        find = _margin_on_circle if points.shape[1] == 2 else _margin
        found = max(found, find(Region.of(points, int(index)), closest, enough))
    return found


def search_refusal(directions: Floats) -> str:
    """Say why there are too many prototypes or dimensions to search, in a sentence; empty if there are not."""
    if directions.shape[1] == 2:
        return ""
    if len(directions) > MOST_CLASSES:
        return f"the search takes at most {MOST_CLASSES} prototypes, not {len(directions):,}"
    dimensions = without_spare(directions).shape[1]
    if dimensions > MOST_DIMENSIONS:
        return f"the search takes at most {MOST_DIMENSIONS} dimensions, one to spare included, not {dimensions}"
    return ""


def _searchable(directions: Floats) -> Floats:
    refusal = search_refusal(directions)
    if refusal:
        raise ConfigurationError(refusal)
    return without_spare(directions)


def _width(region: Region, margin: float) -> float:
    if region.flat:
        return min(float(region.radius(np.array([[1.0], [-1.0]]), margin).sum()), math.pi)
    return max(_Search(region, margin).climb(pair, margin) for pair in _starts(region, margin))


def _margin(region: Region, closest: float, enough: float) -> float:
    return max(_Search(region, None, closest).climb(pair, enough) for pair in _starts(region, enough))


def _margin_on_circle(region: Region, closest: float, enough: float) -> float:
    from scipy.optimize import brentq

    def excess(margin: float) -> float:
        return _width(region, margin) - nearest_regions(closest, margin)

    return float(brentq(excess, 1.0, enough + 1e-9, xtol=1e-12))


def _starts(region: Region, margin: float) -> list[Floats]:
    """Return the pairs of boundary offsets, (2, d - 1) each, that are furthest apart, no two alike."""
    size = region.pulls.shape[1]
    if size == 2:
        turn = np.linspace(0.0, 2.0 * np.pi, 720, endpoint=False)
        ways = np.column_stack([np.cos(turn), np.sin(turn)])
    else:
        drawn = np.random.default_rng(0).standard_normal((_DRAWS, size))
        ways = np.vstack([drawn, region.pulls, region.pulls.sum(axis=0, keepdims=True)])
        ways = unit(ways[np.abs(ways).max(axis=1) > 1e-9])
        ways = np.vstack([ways, -ways])
    reach = region.radius(ways, margin)
    cosine = np.outer(np.cos(reach), np.cos(reach)) + np.outer(np.sin(reach), np.sin(reach)) * (ways @ ways.T)
    best = np.argpartition(cosine.ravel(), min(_BEST_PAIRS, cosine.size - 1))[:_BEST_PAIRS]
    towards = unit(region.pulls[region.levels.argmax()])
    # Across the nearest other prototype: the widest place of a class that is far from all but one.
    pairs = [np.stack([towards, -towards])] if towards.any() else []
    for place in best[np.argsort(cosine.ravel()[best])]:
        pair = ways[list(divmod(int(place), len(ways)))]
        if all(max((pair * old).sum(), (pair[::-1] * old).sum()) < 2.0 * math.cos(_ALIKE) for old in pairs):
            pairs.append(pair)
        if len(pairs) > _STARTS:
            break
    return [pair * region.radius(pair, margin)[:, None] for pair in pairs]


@dataclass(frozen=True)
class _Search:
    """Improve a pair of points: to the largest angle at ``margin`` or, if that is None, to the largest margin.

    The variables z are both offsets and m, 2 (d - 1) + 1 numbers.
    """

    region: Region
    margin: float | None
    closest: float = 0.0

    def climb(self, pair: Floats, margin: float) -> float:
        """Return the best angle, or margin, to be reached from a pair of offsets (2, d - 1) and a margin."""
        from scipy.optimize import minimize

        start = np.append(pair, margin)
        limits = [{"type": "ineq", "fun": lambda z: self._inside(z)[0], "jac": lambda z: self._inside(z)[1]}]
        if self.margin is None:
            goal = self._largest_margin
            limits.append({"type": "ineq", "fun": lambda z: self._apart(z)[0], "jac": lambda z: self._apart(z)[1]})
        else:
            goal = self._largest_angle
            last = np.append(np.zeros(pair.size), 1.0)
            limits.append({"type": "eq", "fun": lambda z: z[-1:] - self.margin, "jac": lambda z: last[None]})
        found = minimize(goal, start, jac=True, method="SLSQP", constraints=limits, options=_LIMITS)
        return max(self._worth(pair), self._worth(found.x[:-1].reshape(pair.shape)))

    def _worth(self, offsets: Floats) -> float:
        """Return what a pair proves: the angle between its points drawn back inside, or the m it asks for."""
        lengths = np.maximum(length(offsets), TINY)
        if self.margin is not None:
            reach = np.minimum(lengths, self.region.radius(offsets / lengths[:, None], self.margin))
            return float(self._angle(offsets * (reach / lengths)[:, None])[0])
        ratios = [
            self.region.angles(offset)[0].min() / size for offset, size in zip(offsets, lengths, strict=True)
        ]
        between = float(self._angle(offsets)[0])
        spread = self.closest - between
        return float(min(*ratios, (self.closest + between) / spread if spread > 0.0 else math.inf))

    def _angle(self, offsets: Floats) -> tuple[float, Floats]:
        """Return the angle between the two points and its slope by both offsets, (2, d - 1)."""
        slopes = np.empty_like(offsets)
        between = 0.0
        for which, other in enumerate(offsets[::-1]):
            reach = max(float(length(other)), TINY)
            pair = Region(np.array([math.cos(reach)]), math.sin(reach) / reach * other[None])
            angles, bends = pair.angles(offsets[which])
            between, slopes[which] = float(angles[0]), bends[0]
        return between, slopes

    def _inside(self, z: Floats) -> tuple[Floats, Floats]:
        """Return angle to each other prototype - m angle to the own one for both points, and the slopes."""
        offsets, margin, others = z[:-1].reshape(2, -1), float(z[-1]), len(self.region.levels)
        values, slopes = np.empty((2, others)), np.zeros((2, others, 2, offsets.shape[1]))
        for which, offset in enumerate(offsets):
            reach = max(float(length(offset)), TINY)
            angles, bends = self.region.angles(offset)
            values[which] = angles - margin * reach
            slopes[which, :, which] = bends - margin * offset / reach
        by_margin = -np.repeat(np.maximum(length(offsets), TINY), others)
        return values.ravel(), np.column_stack([slopes.reshape(2 * others, -1), by_margin])

    def _apart(self, z: Floats) -> tuple[Floats, Floats]:
        """Return how much wider the pair is than the gap between the nearest regions, times m + 1."""
        between, slopes = self._angle(z[:-1].reshape(2, -1))
        value = between * (z[-1] + 1.0) - self.closest * (z[-1] - 1.0)
        return np.array([value]), np.append(slopes * (z[-1] + 1.0), between - self.closest)[None]

    def _largest_angle(self, z: Floats) -> tuple[float, Floats]:
        between, slopes = self._angle(z[:-1].reshape(2, -1))
        return -between, -np.append(slopes, 0.0)

    @staticmethod
    def _largest_margin(z: Floats) -> tuple[float, Floats]:
        return -float(z[-1]), np.append(np.zeros(len(z) - 1), -1.0)
