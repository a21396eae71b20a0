"""The smallest margin m that keeps classes apart: the paper's two values, and ours for any prototypes.

The paper's ideal criterion asks that no angle within a class exceed the smallest angle between classes. Applied
to the whole decision regions of A-Softmax it bounds m from below. The paper derives 2 + sqrt(3) for two classes
and 3 for many classes spread evenly over a circle; the same question for other arrangements and dimensions is
answered here. Every value says whose it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from sphereface.errors import ConfigurationError, nearest
from sphereface.sphere.health import ExtremeAngles
from sphereface.sphere.region_search import search_refusal, smallest_margin, widest_region
from sphereface.sphere.regions import (
    Floats,
    check_margin,
    check_prototypes,
    nearest_prototypes,
    nearest_regions,
    two_class_margin,
)


@dataclass(frozen=True, slots=True)
class MarginBound:
    """A lower bound on m.

    Attributes:
        where: For which prototypes.
        margin: The smallest m that meets the criterion there; None where it was not searched for.
        source: ``paper`` or ``ours``.
        how: ``exact`` or ``search``; what a search finds is proven by a pair of points, so that the true
            bound can only be larger.
        enough: An m that is certainly enough there (:func:`sufficient_margin`).
        note: Why there is no margin, or what else to know.
    """

    where: str
    margin: float | None
    source: Literal["paper", "ours"]
    how: Literal["exact", "search"]
    enough: float | None = None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)


PAPER_BOUNDS = (
    MarginBound("two classes, any angle up to 131.8°", 2.0 + math.sqrt(3.0), "paper", "exact"),
    MarginBound("three or more classes spread evenly over the circle, d = 2", 3.0, "paper", "exact"),
)
"""Liu et al. 2017, https://arxiv.org/abs/1704.08063, section 3.4: m >= 2 + sqrt(3), and m >= 3."""

MANY_ORTHONORMAL = (3.0 + math.sqrt(17.0)) / 2.0
"""What orthonormal prototypes ask for in the limit of many (ours): m² - 3 m - 2 = 0, a region pi / m wide."""


def lowest_margin(prototypes: object, where: str = "these prototypes") -> MarginBound:
    """Return the smallest m at which the largest angle within a region is the smallest between two regions.

    Exact on the circle; in more dimensions by search, and without a value where there are too many prototypes for
    one. Only the closest two prototypes count for the angle between regions: one unlucky pair among many classes
    raises the bound for all.

    Args:
        prototypes: Shape (C, d), any lengths.
        where: How to call them in the result.

    Raises:
        ConfigurationError: For prototypes that cannot be used.

    Source: the criterion is Liu et al. 2017; the number is ours.

    >>> round(lowest_margin([[1.0, 0.0], [-0.5, 3**0.5 / 2], [-0.5, -(3**0.5) / 2]]).margin, 6)
    3.0
    """
    directions = check_prototypes(prototypes)
    how: Literal["exact", "search"] = "exact" if directions.shape[1] == 2 else "search"
    refusal = search_refusal(directions)
    found = None if refusal else smallest_margin(directions)
    return MarginBound(where, found, "ours", how, sufficient_margin(directions), refusal)


def known_bounds(classes: int = 6) -> tuple[MarginBound, ...]:
    """Return the paper's bounds and ours for every named arrangement, some seconds' work.

    Args:
        classes: Number C of prototypes where it is free, 2 to 100.

    Raises:
        ConfigurationError: If it is out of range.
    """
    ours = []
    for name in ARRANGEMENTS:
        points = arrangement(name, classes)
        ours.append(lowest_margin(points, f"{name}, {len(points)} in {points.shape[1]} dimensions"))
    wrapped = [
        MarginBound(f"two classes {degrees}° apart", two_class_margin(math.radians(degrees)), "ours", "exact")
        for degrees in (150, 180)
    ]
    many = MarginBound("orthonormal, in the limit of many", MANY_ORTHONORMAL, "ours", "exact")
    return (*PAPER_BOUNDS, *wrapped, *ours, many)


def sufficient_margin(prototypes: object) -> float:
    """Return an m that meets the criterion for certain; closed form, any number of prototypes.

    A region is no wider than that of its prototype and the nearest other one alone, so what
    :func:`~sphereface.sphere.regions.two_class_margin` says of the loneliest prototype holds for all. Where all
    have their nearest at the same angle, the paper's 2 + sqrt(3) is enough in any dimension.

    Args:
        prototypes: Shape (C, d), any lengths.

    Raises:
        ConfigurationError: For prototypes that cannot be used.

    Source: ours.

    >>> round(sufficient_margin(np.eye(500)), 3)
    3.732
    """
    near = nearest_prototypes(check_prototypes(prototypes))[0]
    return two_class_margin(float(near.max()), float(near.min()))


def region_angles(prototypes: object, margin: float) -> ExtremeAngles:
    """Return both sides of the paper's ideal criterion for the whole decision regions, in radians.

    The smallest angle between regions is exact. The largest within one is exact on the circle; in more dimensions
    it is attained by two points that a search found, so it can only be too small.

    Args:
        prototypes: Shape (C, d), any lengths.
        margin: m, at least 1.

    Raises:
        ConfigurationError: For prototypes or a margin that cannot be used, or too many of them to search.

    Source: the criterion is Liu et al. 2017, section 3; the numbers are ours.

    >>> angles = region_angles(np.eye(2), 3.0)
    >>> np.degrees([angles.largest_intra, angles.smallest_inter]).round(6).tolist()
    [67.5, 45.0]
    """
    check_margin(margin)
    directions = check_prototypes(prototypes)
    closest = float(nearest_prototypes(directions)[0].min())
    return ExtremeAngles(widest_region(directions, margin), nearest_regions(closest, margin))


def arrangement(name: str, classes: int = 6) -> Floats:
    """Return the prototypes of a named arrangement, (C, d).

    Args:
        name: A key of ``ARRANGEMENTS``.
        classes: Number C of prototypes, 2 to 100, for those whose number is free.

    Raises:
        ConfigurationError: For an unknown name or a number out of range.

    >>> arrangement("great-circle", 4).shape
    (4, 3)
    """
    if name not in ARRANGEMENTS:
        raise ConfigurationError(
            f"unknown arrangement '{name}'.{nearest(name, ARRANGEMENTS)} Known: {', '.join(ARRANGEMENTS)}"
        )
    if not 2 <= classes <= 100:
        raise ConfigurationError(f"an arrangement has 2 to 100 classes, not {classes}")
    return ARRANGEMENTS[name](classes)


def _circle(classes: int) -> Floats:
    turn = 2.0 * np.pi * np.arange(classes) / classes
    return np.column_stack([np.cos(turn), np.sin(turn)])


def _great_circle(classes: int) -> Floats:
    return np.column_stack([_circle(classes), np.zeros(classes)])


def _tetrahedron(_: int) -> Floats:
    return np.array([[1.0, 1.0, 1.0], [1.0, -1.0, -1.0], [-1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]]) / math.sqrt(3.0)


def _octahedron(_: int) -> Floats:
    return np.vstack([np.eye(3), -np.eye(3)])


def _icosahedron(_: int) -> Floats:
    golden = (1.0 + math.sqrt(5.0)) / 2.0
    corners = [(0.0, one, two * golden) for one in (1.0, -1.0) for two in (1.0, -1.0)]
    return np.array([np.roll(corner, turn) for corner in corners for turn in range(3)]) / math.hypot(1.0, golden)


def _simplex(classes: int) -> Floats:
    """Prototypes as far apart as they can be, in C - 1 dimensions, for which two classes need one more."""
    centred = np.eye(classes) - 1.0 / classes
    axes = np.linalg.svd(centred)[2][: max(classes - 1, 2)]
    points: Floats = centred @ axes.T
    return points


def _orthonormal(classes: int) -> Floats:
    return np.eye(classes)


ARRANGEMENTS: dict[str, Callable[[int], Floats]] = {
    "circle": _circle,
    "great-circle": _great_circle,
    "tetrahedron": _tetrahedron,
    "octahedron": _octahedron,
    "icosahedron": _icosahedron,
    "simplex": _simplex,
    "orthonormal": _orthonormal,
}
"""Prototypes by name; ``great-circle`` is the circle within the sphere of three dimensions."""
