"""The published places of five landmarks in an aligned crop, and the similarity that brings a face there.

A point is (x, y) in pixels: x to the right, y down, and the centre of the first pixel is (0, 0), so a
picture reaches from -0.5 to width - 0.5.

**The order of the five landmarks**, here and everywhere in this project: the person's own right eye, the
person's own left eye, nose tip, right corner of the mouth, left corner of the mouth. In an upright picture
that is not mirrored the right eye stands on the left side, so the first point has the smaller x. It is the
order in which YuNet answers, and that of ArcFace's and SphereFace's templates, whose authors name the sides
as the onlooker sees them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sphereface.errors import DataError
from sphereface.faces.contract import Size

Points = NDArray[np.float64]

# Liu et al. 2017, sphereface/preprocess/code/face_align_demo.m, for crops of 112 rows and 96 columns.
SPHEREFACE_TEMPLATE: Final[Points] = np.array(
    [(30.2946, 51.6963), (65.5318, 51.5014), (48.0252, 71.7366), (33.5493, 92.3655), (62.7299, 92.2041)]
)
# Deng et al. 2019, insightface: the same with 8 more columns on either side, which makes a square.
ARCFACE_TEMPLATE: Final[Points] = np.add(SPHEREFACE_TEMPLATE, (8.0, 0.0))
# dlib aligns by five other points (the corners of the eyes and the base of the nose). These are the places of ours
# in its 150x150 chip: the medians over 116 photographs, made symmetric. With them View 1 of LFW gives no less than
# with dlib's own predictor (docs/results/faces.md).
DLIB_TEMPLATE: Final[Points] = np.array([(46.9, 44.8), (102.1, 44.8), (74.5, 77.5), (50.6, 101.0), (98.4, 101.0)])
for _template in (SPHEREFACE_TEMPLATE, ARCFACE_TEMPLATE, DLIB_TEMPLATE):
    _template.flags.writeable = False

TEMPLATES: Final[Mapping[Size, Points]] = MappingProxyType(
    {"112x112": ARCFACE_TEMPLATE, "112x96": SPHEREFACE_TEMPLATE, "150x150": DLIB_TEMPLATE}
)


def shape_of(size: Size) -> tuple[int, int]:
    """Return height and width of a crop.

    >>> shape_of("112x96")
    (112, 96)
    """
    height, _, width = size.partition("x")
    return int(height), int(width)


_SMALLEST_SPREAD = 1e-9  # of the coordinates' own size: below, the differences are rounding errors


def similarity(landmarks: ArrayLike, template: ArrayLike = ARCFACE_TEMPLATE) -> Points:
    """Return the turn, scale and shift that bring landmarks closest to a template, never a mirror image.

    The sum of squared distances is the smallest possible (Umeyama 1991, https://doi.org/10.1109/34.88573).
    In the plane his solution is one complex number: with both sets centred, scale and turn together are
    ``sum(conj(landmarks) * template) / sum(|landmarks|^2)``.

    Args:
        landmarks: Shape (5, 2), x and y in pixels, in the order this module states. Points on one line are
            enough; all five on one spot are not.
        template: Shape (5, 2), where they should come to lie.

    Returns:
        Shape (2, 3), float64: ``matrix @ (x, y, 1)`` is the point's place in the crop.

    Raises:
        DataError: If the landmarks have another shape, are not finite, or fix no turn and scale.

    >>> similarity(2.0 * ARCFACE_TEMPLATE + (10.0, 0.0)).round(6)
    array([[ 0.5, -0. , -5. ],
           [ 0. ,  0.5,  0. ]])
    """
    source, target = _complex(landmarks, "landmarks"), _complex(template, "the template")
    start, centre = source.mean(), target.mean()
    spokes = source - start
    spread = float(np.vdot(spokes, spokes).real)
    if spread <= 5 * (_SMALLEST_SPREAD * float(np.abs(source).max())) ** 2:
        raise DataError(
            f"the five landmarks lie on one spot ({start.real:g}, {start.imag:g}), which fixes neither turn nor "
            "scale; detect the face again"
        )
    factor = np.vdot(spokes, target - centre) / spread
    if abs(factor) * spread**0.5 <= _SMALLEST_SPREAD * float(np.abs(target).max()):
        raise DataError("no turn of the five landmarks is like a face; check their order: right eye first")
    shift = centre - factor * start
    return np.array([(factor.real, -factor.imag, shift.real), (factor.imag, factor.real, shift.imag)])


def scale_of(matrix: Points) -> float:
    """Return how many pixels of the crop one pixel of the picture becomes, for a similarity (2, 3).

    >>> scale_of(similarity(4.0 * ARCFACE_TEMPLATE))
    0.25
    """
    return float(np.hypot(matrix[0, 0], matrix[1, 0]))


def apply(matrix: ArrayLike, points: ArrayLike) -> Points:
    """Map points (K, 2) by an affine matrix (2, 3).

    >>> apply([[2, 0, 1], [0, 2, 0]], [[3, 4]])
    array([[7., 8.]])
    """
    affine = np.asarray(matrix, dtype=np.float64)
    moved: Points = np.asarray(points, dtype=np.float64) @ affine[:, :2].T + affine[:, 2]
    return moved


def after(second: ArrayLike, first: ArrayLike) -> Points:
    """Return the affine matrix (2, 3) that does ``first`` and then ``second``.

    >>> after([[1, 0, 5], [0, 1, 0]], [[2, 0, 0], [0, 2, 0]])
    array([[2., 0., 5.],
           [0., 2., 0.]])
    """
    outer, inner = np.asarray(second, dtype=np.float64), np.asarray(first, dtype=np.float64)
    joined: Points = outer[:, :2] @ inner
    joined[:, 2] += outer[:, 2]
    return joined


def _complex(points: ArrayLike, name: str) -> NDArray[np.complex128]:
    values = np.asarray(points, dtype=np.float64)
    if values.shape != (5, 2):
        raise DataError(f"{name} must be five points of x and y, shape (5, 2), not {values.shape}")
    if not np.isfinite(values).all():
        raise DataError(f"{name} must be finite numbers, but point {_first_bad(values)} of 5 is not; detect again")
    return values[:, 0] + 1j * values[:, 1]


def _first_bad(values: Points) -> int:
    return int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0]) + 1
