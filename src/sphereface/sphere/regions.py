"""Decision regions of a multiplicative angular margin: which part of the sphere each class holds.

With margin m a class holds the points x with m angle(x, w_own) <= angle(x, w_other) for every other class:
that is psi(theta_own) >= cos(theta_other) with A-Softmax's psi, which falls below -1 beyond pi / m. Along a
great circle from w_own the left side grows faster than the right one, so a region is star-shaped around its
prototype, and one radius in every direction describes it, wrapped or not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError
from sphereface.sphere.geometry import angle, unit

Floats = NDArray[np.float64]

TINY = 1e-12  # stands in for the length of an offset that has none

_ALMOST = 1.0 - 1e-15
_ROWS = 1024  # of a C x C matrix that is held at a time


def check_prototypes(prototypes: object) -> Floats:
    """Return prototypes as float64 of length 1, shape (C, d).

    Raises:
        ConfigurationError: If they are not finite numbers of shape (C, d) with C and d at least 2, if one is
            zero, or if two point the same way.
    """
    try:
        given = np.asarray(prototypes)
    except ValueError:  # rows of different lengths
        given = np.empty(0, dtype=object)
    if given.dtype.kind not in "biuf":
        raise ConfigurationError("prototypes must be an array of real numbers of shape (C, d)")
    points = given.astype(np.float64)
    if points.ndim != 2 or min(points.shape) < 2:
        raise ConfigurationError(
            f"prototypes must have shape (C, d) with C and d at least 2, not {tuple(points.shape)}"
        )
    largest = np.abs(points).max(axis=1)
    for row in np.flatnonzero(~np.isfinite(largest) | (largest == 0.0)):
        raise ConfigurationError(f"prototype {row} is {'zero' if largest[row] == 0.0 else 'not finite'}")
    # Divided by the largest coordinate first, so that squares neither overflow nor vanish.
    directions: Floats = unit(points / largest[:, None])
    near, partners = nearest_prototypes(directions)
    if near.min() < 1e-6:
        one, two = sorted((int(near.argmin()), int(partners[near.argmin()])))
        raise ConfigurationError(f"prototypes {one} and {two} point the same way: no margin parts them")
    return directions


def check_margin(margin: float) -> float:
    """Return a multiplicative margin.

    Raises:
        ConfigurationError: If it is not a finite number of 1 or more.
    """
    if not math.isfinite(margin) or margin < 1.0:
        raise ConfigurationError(f"a multiplicative margin must be a number of 1 or more, not {margin!r}")
    return margin


def nearest_prototypes(directions: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return every prototype's angle to the nearest other one in radians, and which it is, both (C,).

    Args:
        directions: Prototypes (C, d) at length 1.

    >>> nearest_prototypes(np.eye(3))[1].tolist()
    [1, 0, 0]
    """
    partners = np.empty(len(directions), dtype=np.int64)
    for start in range(0, len(directions), _ROWS):
        cosine = directions[start : start + _ROWS] @ directions.T
        rows = np.arange(len(cosine))
        cosine[rows, start + rows] = -np.inf
        partners[start : start + _ROWS] = cosine.argmax(axis=1)
    return angle(directions, directions[partners]), partners


def nearest_regions(between: float, margin: float) -> float:
    """Return the smallest angle between the regions of the closest two prototypes, in radians; any dimension.

    Let a and b be the angles of x and y to their own prototypes, t that between these. Three triangle
    inequalities give angle(x, y) >= t - a - b, m a - b and m b - a. The largest of the three is never below
    t (m - 1) / (m + 1), and on the arc between the closest two prototypes, where no other class is nearer, this
    value is attained. So it is the smallest angle between any two regions of an arrangement.

    Args:
        between: Smallest angle t between two prototypes.
        margin: m, at least 1.

    Reference: Liu et al. 2017 for two classes in a plane; beyond is ours.

    >>> nearest_regions(3.0, 2.0)
    1.0
    """
    return between * (margin - 1.0) / (margin + 1.0)


def two_class_width(between: float, margin: float) -> float:
    """Return the largest angle within the region of one of two prototypes, in radians.

    The two ends lie on the great circle through both: t / (m + 1) towards the other prototype and t / (m - 1)
    away from it, or (2 pi - t) / (m + 1) where that end lies beyond the other one's antipode. No pair of points
    beside that circle is further apart (checked on a grid in three dimensions, which by symmetry is enough).

    Args:
        between: Angle t between the prototypes.
        margin: m, at least 1.

    Reference: Liu et al. 2017, the proof of its first bound; the wrapped case is ours.

    >>> round(two_class_width(math.pi / 2, 3.0) / math.pi, 6)
    0.375
    """
    wrapped = 2.0 * math.pi / (margin + 1.0)
    if margin == 1.0:
        return wrapped
    return min(between / (margin - 1.0) + between / (margin + 1.0), wrapped)


def two_class_margin(between: float, closest: float | None = None) -> float:
    """Return the m at which the region of one of two prototypes is as narrow as it has to be.

    For k = between / closest the two ends ask for m² - 2 (1 + k) m + 1 >= 0; and 1 + 2 pi / closest is always
    enough, because no region is wider than 2 pi / (m + 1).

    Args:
        between: Angle t between the prototypes, in (0, pi].
        closest: Smallest angle between two prototypes of the arrangement, if there are others.

    Reference: Liu et al. 2017, section 3.4: 2 + sqrt(3) for two classes. The case beyond the antipode, 131.8
    degrees and more, is ours: 1 + 2 pi / t, 3 at 180 degrees.

    >>> [round(two_class_margin(math.radians(degrees)), 3) for degrees in (60, 150, 180)]
    [3.732, 3.4, 3.0]
    """
    closest = between if closest is None else closest
    half = 1.0 + between / closest
    return min(half + math.sqrt(half * half - 1.0), 1.0 + 2.0 * math.pi / closest)


def without_spare(directions: Floats) -> Floats:
    """Return the same arrangement with at most one dimension that no prototype points into.

    Two points of a region are furthest apart when they leave the prototypes' own space in opposite directions,
    and for that one dimension is enough.

    >>> without_spare(np.eye(2, 512)).shape
    (2, 3)
    """
    _, sizes, axes = np.linalg.svd(directions, full_matrices=False)
    rank = int((sizes > 1e-9 * sizes[0]).sum())
    if rank + 1 >= directions.shape[1]:
        return directions
    inside: Floats = unit(directions @ axes[:rank].T)
    return np.hstack([inside, np.zeros((len(inside), 1))])


def arcs_on_circle(prototypes: object, margin: float) -> Floats:
    """Return where each region of the circle begins and ends, as angles in radians, (C, 2).

    The first is below, the second above the direction of the prototype, which lies in (-pi, pi].

    Args:
        prototypes: Shape (C, 2), any lengths.
        margin: m, at least 1.

    Raises:
        ConfigurationError: For prototypes that are not in two dimensions, or a margin below 1.

    >>> np.degrees(arcs_on_circle([[1.0, 0.0], [0.0, 1.0]], 2.0)).round(6).tolist()
    [[-90.0, 30.0], [60.0, 180.0]]
    """
    check_margin(margin)
    directions = check_prototypes(prototypes)
    if directions.shape[1] != 2:
        raise ConfigurationError(f"a circle needs prototypes of shape (C, 2), not {directions.shape}")
    arcs = []
    for index, (x, y) in enumerate(directions):
        others = np.delete(directions, index, axis=0)
        region = Region(others @ directions[index], others @ np.array([[-y], [x]]))
        below, above = region.radius(np.array([[-1.0], [1.0]]), margin)
        arcs.append((math.atan2(y, x) - below, math.atan2(y, x) + above))
    return np.array(arcs)


@dataclass(frozen=True)
class Region:
    """One class's region, seen from its prototype.

    A point is written as its offset: the direction in which it is left, times the angle (the exponential map's
    inverse), d - 1 numbers. The cosine to another prototype at offset t u is cos(t) level + sin(t) u . pull.

    Attributes:
        levels: Cosine of the own prototype to each other one, (K,).
        pulls: Tangent part of each other prototype, (K, d - 1).
    """

    levels: Floats
    pulls: Floats

    @classmethod
    def of(cls, directions: Floats, index: int) -> Region:
        """Return the region of one row of the prototypes, (C, d) at length 1."""
        axes = np.linalg.svd(directions[index : index + 1])[2][1:]
        others = np.delete(directions, index, axis=0)
        return cls(others @ directions[index], others @ axes.T)

    def radius(self, ways: Floats, margin: float) -> Floats:
        """Return how far the region reaches in each direction (N, d - 1) of length 1, in radians, (N,)."""
        along = ways @ self.pulls.T
        low, high = np.zeros(len(ways)), np.full(len(ways), math.pi / margin)
        for _ in range(52):
            middle = 0.5 * (low + high)
            cosine = np.cos(middle)[:, None] * self.levels + np.sin(middle)[:, None] * along
            inside = margin * middle <= np.arccos(np.clip(cosine.max(axis=1), -1.0, 1.0))
            low, high = np.where(inside, middle, low), np.where(inside, high, middle)
        return low

    def angles(self, offset: Floats) -> tuple[Floats, Floats]:
        """Return the angle to every other prototype at an offset (d - 1,), (K,), and the slopes, (K, d - 1)."""
        reach = max(float(np.linalg.norm(offset)), TINY)
        way, sine = offset / reach, math.sin(reach)
        along = self.pulls @ way
        # Rounding must not carry a cosine to 1, where the slope of its angle is infinite.
        cosine = np.clip(math.cos(reach) * self.levels + sine * along, -_ALMOST, _ALMOST)
        outwards = -sine * self.levels + (math.cos(reach) - sine / reach) * along
        slopes = outwards[:, None] * way + sine / reach * self.pulls
        return np.arccos(cosine), -slopes / np.sqrt(1.0 - cosine**2)[:, None]

    @property
    def flat(self) -> bool:
        """Whether it lies on the circle."""
        return len(self.pulls.T) == 1
