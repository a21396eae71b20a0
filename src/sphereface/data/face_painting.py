"""Paint the features of a face: eyes, brows, nose and mouth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from sphereface.data.canvas import Canvas
from sphereface.data.face_shape import Points, curve, mirrored, opening, smiling
from sphereface.data.palette import mix, shade
from sphereface.data.sitter import Sitter

_WHITE: Final = (238.0, 233.0, 228.0)


def paint_eye(canvas: Canvas, s: Sitter, side: float) -> None:
    """Paint the eye on one side (-1 is left in the picture): ball, iris, then the lids around the opening."""
    t, n, c = s.t, s.n, s.colours
    centre = s.points[0 if side < 0 else 1]
    wide = 7.0 + 0.6 * t["eye_size"]
    open_ = min(max(1.0 + 0.2 * n["eye_open"] - 0.1 * max(n["smile"], 0.0), 0.25), 1.45)
    up = (3.8 + 0.6 * t["eye_opening"] + 0.25 * t["eye_size"]) * open_
    low = 2.4 + 0.25 * t["eye_opening"] - 0.25 * max(n["smile"], 0.0)
    tilt = 0.3 + 0.75 * t["eye_tilt"]
    upper = curve(
        np.array(
            [
                (-wide, 0.9, 0.6),
                (-0.6 * wide, -0.7 * up, 0),
                (0.05 * wide, -up, 0),
                (0.62 * wide, -0.72 * up, -1),
                (wide, -0.2, -3),
            ]
        ),
        4,
    )
    lower = curve(
        np.array([(wide, -0.2, -3), (0.5 * wide, 0.85 * low, -1), (-0.15 * wide, low, 0), (-wide, 0.9, 0.6)]),
        4,
    )
    local = np.concatenate([upper, lower])
    local[:, 1] -= tilt * local[:, 0] / wide
    opening_ = s.view.place(local * (side, 1.0, 1.0) + centre)
    k = len(upper)
    middle = s.view.place(centre[None] + (0.0, -0.5, 0.0))[0] + (0.75 * n["gaze_x"], 0.35 * n["gaze_y"])

    canvas.fill(opening_, _WHITE)
    radius = 3.9 + 0.35 * t["iris_size"]
    canvas.disc(middle, radius, shade(c.iris, 0.5))
    canvas.disc(middle, radius - 0.55, c.iris)
    canvas.disc(middle, 1.6, (14.0, 11.0, 12.0))
    glint = np.array((-1.1 if n["light_x"] < 0 else 1.1, -1.2))
    canvas.disc(middle + glint, 0.75, (250.0, 250.0, 250.0))
    canvas.lines([np.add(opening_[:k], (0.0, 0.7))], mix(_WHITE, (70.0, 50.0, 46.0), 0.5), 0.8)

    ends = opening_[[0, k - 1]]
    cover = np.concatenate([ends[:1], ends - (0.0, 8.0), ends[1:], np.add(ends[::-1], (0.0, 6.0))])
    canvas.ring(cover, opening_, c.skin)
    canvas.lines([opening_[k:]], mix(c.skin, c.line, 0.55), 0.5)
    lash = 0.9 + 0.22 * t["lashes"]
    canvas.lines([opening_[:k]], c.lash, max(lash, 0.5))
    if t["lashes"] > 0.2:
        wing = np.stack(
            [ends[1], ends[1] + np.array((side * (1.2 + 0.6 * t["lashes"]), -1.0 - 0.3 * t["lashes"]))]
        )
        canvas.lines([wing, np.add(opening_[k - 4 : k], (side * 0.8, -0.8))], c.lash, 0.6)
    crease = 2.0 + 0.75 * t["lid_crease"]
    if crease > 0.9:
        fold = opening_[1:k] * (1.04, 1.0) - (0.04 * middle[0], crease)
        canvas.lines([fold], mix(c.skin, c.line, 0.5), 0.5)


def paint_brow(canvas: Canvas, s: Sitter, side: float) -> None:
    """Paint the brow on one side (-1 is left in the picture)."""
    t, n = s.t, s.n
    centre = s.points[0 if side < 0 else 1]
    x, y = abs(float(centre[0])), float(centre[1])
    inner = x - 9.4 + 1.4 * t["brow_gap"]
    outer = x + 9.4 + 1.4 * t["brow_length"]
    base = y - 9.6 - 1.1 * t["brow_height"] - 1.1 * n["brow_raise"]
    frown = 0.9 * max(n["frown"], 0.0)
    thick = max(1.75 + 0.6 * t["brow_thickness"], 0.55)
    arch = 1.5 + 0.9 * t["brow_arch"]
    tilt = 0.65 * t["brow_tilt"]
    spine = np.array(
        [
            (inner, base + 0.1 + tilt + frown, 18.0),
            (0.62 * inner + 0.38 * outer, base - 0.66 * arch + 0.3 * tilt + 0.4 * frown, 17.0),
            (0.3 * inner + 0.7 * outer, base - arch - 0.4 * tilt, 14.0),
            (outer, base + 1.9 - tilt, 9.0),
        ]
    )
    half = np.array([(0.72 + 0.16 * t["brow_taper"]), 0.82, 0.62, 0.12])[:, None] * (0.0, thick, 0.0)
    shape = np.concatenate([curve(spine - half, 4), curve(spine + half, 4)[::-1]]) * (side, 1.0, 1.0)
    canvas.fill(s.view.place(shape), mix(s.colours.skin, s.colours.brow, 0.72 + 0.1 * t["brow_thickness"]))


def paint_nose(canvas: Canvas, s: Sitter) -> None:
    """Paint wings, tip and nostrils."""
    t, c = s.t, s.colours
    x0, y0 = float(s.points[2, 0]), float(s.points[2, 1])
    wing = 6.7 + 1.15 * t["nose_width"]
    drop = 5.6 + 0.9 * t["nose_drop"] + 0.3 * t["nose_tip"]
    tip = 2.8 + 0.6 * t["nose_tip"]
    right = np.array(
        [
            (wing - 1.5, y0 - 3.0, 21.0),
            (wing, y0 + 0.8, 19.0),
            (wing - 0.5, y0 + 4.0, 19.0),
            (wing - 2.4, y0 + 4.7, 21.0),
        ]
    )
    below = np.array(
        [
            (-tip - 1.0, y0 + 4.0, 24.0),
            (-0.6 * tip, y0 + drop - 0.4, 27.0),
            (0.0, y0 + drop, 28.0),
            (0.6 * tip, y0 + drop - 0.4, 27.0),
            (tip + 1.0, y0 + 4.0, 24.0),
        ]
    )
    shift = (x0, 0.0, 0.0)
    curves = [s.view.place(curve(p, 4) + shift) for p in (right, mirrored(right), below)]
    holes = s.view.place(np.array([(-0.52 * wing, y0 + 4.1, 23.0), (0.52 * wing, y0 + 4.1, 23.0)]) + shift)
    for hole in holes:
        canvas.oval(hole, 1.5 + 0.32 * t["nostrils"], 0.9 + 0.16 * t["nostrils"], shade(c.skin, 0.4))
    canvas.lines(curves, c.line, 0.55)


def paint_mouth(canvas: Canvas, s: Sitter) -> None:
    """Paint lips and, where the mouth is open, teeth."""
    t, n, c = s.t, s.n, s.colours
    left, right = s.points[3], s.points[4]
    wide = 0.5 * float(right[0] - left[0])
    smile = smiling(n)
    line_y = 0.5 * float(left[1] + right[1]) + 0.5 * t["mouth_corners"] + 2.0 * smile
    gap = 6.5 * opening(n) + max(smile - 0.9, 0.0) * 1.9
    up = max(3.0 + 0.85 * t["upper_lip"] - 0.3 * smile, 0.7)
    low = max(3.7 + 1.0 * t["lower_lip"] - 0.3 * smile, 1.2)
    bow = 0.7 + 0.5 * t["cupid_bow"]

    def across(rows: Sequence[tuple[float, float, float]]) -> Points:
        inside = np.array([(f * wide, line_y + v, z) for f, v, z in rows])
        return s.view.place(curve(np.concatenate([left[None], inside, right[None]]), 4))

    lift = 0.3 * gap
    top = across(
        [
            (-0.6, -0.55 * up - 0.2 * lift, 20),
            (-0.2, -up - 0.5 * bow - lift, 23),
            (0, -up + 0.6 * bow - lift, 23.5),
            (0.2, -up - 0.5 * bow - lift, 23),
            (0.6, -0.55 * up - 0.2 * lift, 20),
        ]
    )
    inner_top = across([(-0.5, -0.2 - 0.6 * lift, 21), (0, 0.3 - lift, 23), (0.5, -0.2 - 0.6 * lift, 21)])
    inner_low = across([(-0.5, -0.2 + 0.5 * gap, 21), (0, 0.3 + 0.7 * gap, 23), (0.5, -0.2 + 0.5 * gap, 21)])
    bottom = across(
        [
            (-0.58, 0.66 * low + 0.6 * gap, 19),
            (-0.2, low + 0.7 * gap, 22),
            (0.2, low + 0.7 * gap, 22),
            (0.58, 0.66 * low + 0.6 * gap, 19),
        ]
    )
    canvas.fill(np.concatenate([top, bottom[::-1]]), c.lip)
    canvas.fill(np.concatenate([top, inner_top[::-1]]), shade(c.lip, 0.86))
    if gap > 0.5:
        canvas.fill(np.concatenate([inner_top, inner_low[::-1]]), (62.0, 22.0, 24.0))
        height = np.minimum(inner_low[:, 1] - inner_top[:, 1], 2.6)[:, None] * (0.0, 0.9)
        canvas.fill(np.concatenate([inner_top, (inner_top + height)[::-1]]), (232.0, 226.0, 216.0))
        canvas.lines([inner_top, inner_low], c.lip_line, 0.45)
    else:
        canvas.lines([inner_top], c.lip_line, 0.8)
    canvas.lines([bottom[4:-4]], mix(c.lip, c.lip_line, 0.35), 0.4)
