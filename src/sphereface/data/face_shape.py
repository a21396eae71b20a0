"""From traits to lines: where every feature of a drawn face lies in the picture.

The head is a set of points in space (x to the right, y down, z towards the camera, in pixels of the 112x112
picture, origin between nose and eyes). It is turned by yaw and pitch, seen in parallel projection, and
brought to the picture by the similarity that fits its five landmarks to the usual template best, just as a
detector's crop would be, plus a little misalignment. Depth therefore moves features against each other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sphereface.faces.template import ARCFACE_TEMPLATE

Points = NDArray[np.float64]
Numbers = Mapping[str, float]

_MIRROR: Final = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True)
class View:
    """The map from head space to the picture: ``points @ matrix.T + offset``.

    ``widen`` undoes the narrowing of silhouettes by yaw (a head is as deep as it is wide), and ``body`` is
    the map for neck and shoulders, which do not turn with the head.
    """

    matrix: Points
    offset: Points
    widen: float
    body_matrix: Points

    def place(self, points: ArrayLike) -> Points:
        """Project points of head space, (K, 3) to (K, 2)."""
        placed: Points = np.asarray(points, dtype=np.float64) @ self.matrix.T + self.offset
        return placed

    def outline(self, points: ArrayLike) -> Points:
        """Project points of a silhouette, (K, 3) to (K, 2)."""
        return self.place(np.asarray(points, dtype=np.float64) * (self.widen, 1.0, 1.0))

    def body(self, points: ArrayLike) -> Points:
        """Project points of neck and shoulders, (K, 2) to (K, 2)."""
        placed: Points = np.asarray(points, dtype=np.float64) @ self.body_matrix.T + self.offset
        return placed


@lru_cache(maxsize=64)
def _spline(count: int, per_piece: int, closed: bool) -> Points:
    """Weights (samples, count) of a uniform Catmull-Rom spline through ``count`` control points."""
    pieces = count if closed else count - 1
    t = np.arange(per_piece) / per_piece
    basis = 0.5 * np.stack(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2], axis=1
    )
    weights = np.zeros((pieces * per_piece + (not closed), count))
    for piece in range(pieces):
        rows = slice(piece * per_piece, (piece + 1) * per_piece)
        for k in range(4):
            at = piece + k - 1
            weights[rows, at % count if closed else min(max(at, 0), count - 1)] += basis[:, k]
    if not closed:
        weights[-1, -1] = 1.0
    return weights


def curve(points: Points, per_piece: int = 5, closed: bool = False) -> Points:
    """Return a smooth curve through control points, (K, D) to (S, D)."""
    smooth: Points = _spline(len(points), per_piece, closed) @ points
    return smooth


def both_sides(right: Sequence[Sequence[float]]) -> Points:
    """Close a right half (top to bottom, both ends on the midline) with its mirror image."""
    half = np.array(right, dtype=np.float64)
    return np.concatenate([half, mirrored(half[-2:0:-1])])


def mirrored(points: ArrayLike) -> Points:
    """Mirror points of head space at the midline."""
    mirror: Points = np.asarray(points, dtype=np.float64) * _MIRROR
    return mirror


def landmarks_in_space(t: Numbers, n: Numbers) -> Points:
    """Return the five landmarks in head space, (5, 3)."""
    eye_x, eye_y = 17.4 + 1.1 * t["eye_spacing"], -8.4 + 0.8 * t["eye_height"]
    nose = (0.9 * t["nose_bend"], 10.4 + 1.7 * t["nose_length"], 30.0)
    smile, gape = smiling(n), opening(n)
    mouth_x = 13.6 + 1.35 * t["mouth_width"] + 1.5 * smile - 1.2 * gape
    mouth_y = 31.4 + 1.2 * t["philtrum"] + 0.5 * t["nose_length"] - 1.3 * smile + 1.2 * gape
    corner, skew = -0.5 * t["mouth_corners"], 0.45 * t["mouth_skew"]
    return np.array(
        [
            (-eye_x, eye_y, 15.0),
            (eye_x, eye_y, 15.0),
            nose,
            (-mouth_x, mouth_y + corner + skew, 15.0),
            (mouth_x, mouth_y + corner - skew, 15.0),
        ]
    )


def smiling(n: Numbers) -> float:
    """How much the mouth smiles: people in pictures do so more often than not."""
    return max(n["smile"] + 0.6, -0.7)


def opening(n: Numbers) -> float:
    """How far the mouth is open, 0 (closed, for most pictures) to 1."""
    return min(max(0.75 * (n["mouth_open"] - 0.35), 0.0), 1.0)


def view(t: Numbers, n: Numbers) -> View:
    """Turn the head and fit its landmarks to the template."""
    yaw, pitch = math.radians(13.0 * n["yaw"]), math.radians(7.0 * n["pitch"])
    cy, sy, cp, sp = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
    turn = np.array([(cy, 0.0, sy), (sp * sy, cp, -sp * cy)])
    flat = landmarks_in_space(t, n) @ turn.T
    source = flat[:, 0] + 1j * flat[:, 1]
    target = ARCFACE_TEMPLATE[:, 0] + 1j * ARCFACE_TEMPLATE[:, 1]
    centred = source - source.mean()
    factor = (centred.conj() @ (target - target.mean())) / (centred.conj() @ centred).real
    offset = target.mean() - factor * source.mean()
    middle = complex(56.0, 60.0)
    jitter = math.exp(0.03 * n["scale"]) * np.exp(1j * math.radians(2.0 * n["turn"]))
    shift = complex(0.9 * n["shift_x"], 0.9 * n["shift_y"])
    factor, offset = factor * jitter, (offset - middle) * jitter + middle + shift
    rotate = np.array([(factor.real, -factor.imag), (factor.imag, factor.real)])
    lean = factor * np.exp(1j * math.radians(7.0 * n["roll"]))
    body = np.array([(lean.real, -lean.imag), (lean.imag, lean.real)])
    return View(rotate @ turn, np.array((offset.real, offset.imag)), 1.0 / cy, body)


def head_outline(t: Numbers, n: Numbers) -> Points:
    """Control points of the head's outline in head space, from the crown clockwise, (16, 3)."""
    wide = 36.5 + 1.8 * t["face_width"]
    cheek = wide - 0.6 + 1.4 * t["cheekbones"] + 0.8 * t["cheek_fullness"]
    jaw = wide - 6.8 + 1.7 * t["jaw_width"] + 0.9 * t["cheek_fullness"]
    corner = 0.74 + 0.05 * t["jaw_angle"] + 0.02 * t["cheek_fullness"]
    chin_x = 11.5 + 2.3 * t["chin_width"]
    chin_y = 48.5 + 2.2 * t["chin_length"] + 4.0 * opening(n)
    top = -50.0 - 2.2 * t["forehead_height"]
    temple = wide - 1.5 + 1.3 * t["temple_width"]
    return both_sides(
        [
            (0.0, top, -8.0),
            (0.55 * temple, top + 4.5, -8.0),
            (0.9 * temple, top + 17.0, -5.0),
            (temple, -17.0, -4.0),
            (cheek, 4.0, -2.0),
            (jaw, 22.0, 0.0),
            (jaw * corner, 37.0 + 0.6 * t["jaw_angle"], 9.0),
            (chin_x, chin_y - 2.2, 15.0),
            (0.0, chin_y, 16.0),
        ]
    )
