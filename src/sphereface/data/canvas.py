"""A picture to draw on, in coordinates of the 112x112 crop whatever its true size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from sphereface.data.face_shape import Points
from sphereface.data.palette import Colour, to_uint8

Image = NDArray[np.uint8]
SIDE: Final = 112
_SHIFT: Final = 4  # drawing coordinates carry four binary digits after the point


@dataclass(frozen=True)
class Canvas:
    """A picture being drawn, ``scale`` of its pixels to one of the 112x112 coordinates."""

    image: Image
    scale: float

    def _fixed(self, points: Points) -> NDArray[np.int32]:
        return np.rint((points * self.scale + (0.5 * self.scale - 0.5)) * (1 << _SHIFT)).astype(np.int32)

    def fill(self, points: Points, colour: Colour) -> None:
        """Fill a polygon, (K, 2)."""
        cv2.fillPoly(self.image, [self._fixed(points)], to_uint8(colour), cv2.LINE_AA, _SHIFT)

    def ring(self, outer: Points, inner: Points, colour: Colour) -> None:
        """Fill what lies between two polygons."""
        both = [self._fixed(outer), self._fixed(inner)]
        cv2.fillPoly(self.image, both, to_uint8(colour), cv2.LINE_AA, _SHIFT)

    def lines(self, curves: Sequence[Points], colour: Colour, width: float, closed: bool = False) -> None:
        """Draw curves, ``width`` in 112x112 pixels."""
        paths = [self._fixed(points) for points in curves]
        thick = max(round(width * self.scale), 1)
        cv2.polylines(self.image, paths, closed, to_uint8(colour), thick, cv2.LINE_AA, _SHIFT)

    def disc(self, centre: Points, radius: float, colour: Colour) -> None:
        """Fill a circle around a point, (2,)."""
        x, y = self._fixed(centre).tolist()
        size = round(radius * self.scale * (1 << _SHIFT))
        cv2.circle(self.image, (x, y), size, to_uint8(colour), -1, cv2.LINE_AA, _SHIFT)

    def oval(self, centre: Points, across: float, down: float, colour: Colour) -> None:
        """Fill an upright ellipse around a point, (2,), given its two radii."""
        x, y = self._fixed(centre).tolist()
        size = self.scale * (1 << _SHIFT)
        axes = (max(round(across * size), 1), max(round(down * size), 1))
        cv2.ellipse(self.image, (x, y), axes, 0.0, 0.0, 360.0, to_uint8(colour), -1, cv2.LINE_AA, _SHIFT)


def blank(scale: float) -> Canvas:
    """Return an empty canvas of ``scale`` times 112x112."""
    side = round(SIDE * scale)
    return Canvas(np.empty((side, side, 3), dtype=np.uint8), scale)
