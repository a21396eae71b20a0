"""The value that the painters share."""

from __future__ import annotations

from dataclasses import dataclass

from sphereface.data.face_shape import Numbers, Points, View
from sphereface.data.hair_shape import Hair
from sphereface.data.palette import Palette


@dataclass(frozen=True)
class Sitter:
    """Everything known before painting.

    ``t`` and ``n`` are traits and circumstances by name, ``points`` the five landmarks in head space,
    ``outline`` the head's outline in the picture.
    """

    t: Numbers
    n: Numbers
    view: View
    colours: Palette
    points: Points
    outline: Points
    hair: Hair
