"""Paint what lies on the skin: soft shadows and blush, the lines of age, freckles and moles."""

from __future__ import annotations

from typing import Final

import numpy as np

from sphereface.data.canvas import Canvas
from sphereface.data.face_shape import curve, mirrored
from sphereface.data.palette import Colour, mix, shade
from sphereface.data.sitter import Sitter


def paint_tones(tone: Canvas, s: Sitter) -> None:
    """Paint light and shadow that the shape of a face makes: 128 is neutral, more is lighter."""
    t, n = s.t, s.n
    eye, nose = s.points[1], s.points[2]
    eye_x, eye_y, nose_y = float(eye[0]), float(eye[1]), float(nose[1])
    deep = 0.6 + 0.25 * n["shadow_depth"]

    def spot(x: float, y: float, z: float, across: float, down: float, level: Colour) -> None:
        tone.oval(s.view.place([(x, y, z)])[0], across, down, level)

    socket = max(128.0 - 2.0 * deep * max(10.0 + 5.0 * t["eye_hollow"], 2.0), 40.0)
    gaunt = 128.0 - deep * (9.0 - 7.0 * t["cheek_fullness"] + 3.0 * t["cheekbones"])
    rosy = max(6.0 + 5.0 * t["blush"] + 2.0 * n["makeup"], 0.0)
    for side in (-1.0, 1.0):
        spot(side * eye_x, eye_y - 2.0, 13.0, 9.5, 6.5, (socket + 4.0, socket, socket))
        spot(side * 25.0, 24.0, 8.0, 5.0, 8.0, (gaunt + 2.0, gaunt, gaunt))
        spot(side * 25.0, 13.0, 13.0, 8.5, 6.5, (136.0, 131.0 - rosy, 131.0 - 0.8 * rosy))
    spot(0.0, eye_y - 22.0, 16.0, 17.0, 8.0, (134.0, 134.0, 133.0))

    # The nose throws its shadow away from the light; its back and tip catch it.
    bridge = 3.4 + 1.2 * t["nose_bridge"]
    dark_side = -1.0 if n["light_x"] > 0 else 1.0
    flank = [
        (dark_side * bridge, eye_y - 6.0, 17.0),
        (dark_side * (bridge + 0.3), eye_y + 6.0, 18.0),
        (dark_side * (bridge + 2.5), nose_y - 3.0, 22.0),
    ]
    grey = 128.0 - deep * (26.0 + 8.0 * abs(n["light_x"]))
    tone.lines([s.view.place(flank)], (grey + 4.0, grey, grey), 4.5)
    back = [
        (0.2 * t["nose_bend"], eye_y - 4.0, 20.0),
        (0.9 * t["nose_bend"], eye_y + 6.0, 25.0),
        nose - (0.0, 3.0, 0.0),
    ]
    tone.lines([s.view.place(back)], (144.0, 143.0, 142.0), max(2.8 + 0.9 * t["nose_bridge"], 1.0))
    spot(0.0, nose_y - 2.0, 31.0, 3.6 + 0.5 * t["nose_tip"], 3.0, (150.0, 147.0, 145.0))
    spot(0.0, nose_y + 6.5, 22.0, 7.0, 2.4, (108.0, 102.0, 100.0))
    spot(0.0, 43.5 + t["chin_length"], 20.0, 6.0, 3.5, (136.0, 135.0, 134.0))


def paint_age(canvas: Canvas, s: Sitter) -> None:
    """Paint the lines of forehead, cheeks and eyes, deeper with the traits of age and with expression."""
    t, n = s.t, s.n
    _, right, nose, _, mouth = s.points
    eye_x, eye_y = float(right[0]), float(right[1])
    skin, shadow = s.colours.skin, shade(s.colours.skin, 0.62)

    def amount(trait: str, lift: float = 0.0) -> float:
        return min(max(0.36 * t[trait] + lift, 0.0), 0.8)

    forehead = amount("forehead_lines", 0.1 * n["brow_raise"])
    if forehead > 0.08:
        rows = [(-0.4, -23.0), (0.5, -27.0), (-0.2, -31.0)][: 1 + round(2 * min(forehead / 0.5, 1.0))]
        line = np.array([(-15.0, 1.2, 14.0), (-6.0, 0.0, 18.0), (5.0, 0.4, 18.0), (15.0, 1.0, 14.0)])
        paths = [s.view.place(curve(np.add(line, (x, y, 0.0)), 4)) for x, y in rows]
        canvas.lines(paths, mix(skin, shadow, forehead), 0.5)
    fold = amount("cheek_lines", 0.04 + 0.14 * max(n["smile"], 0.0))
    if fold > 0.05:
        wing = 7.6 + 0.9 * t["nose_width"]
        right_fold = np.array(
            [
                (wing, float(nose[1]) - 1.5, 20.0),
                (0.45 * wing + 0.55 * mouth[0] + 2.2, 0.55 * nose[1] + 0.45 * mouth[1] - 0.5, 17.0),
                (mouth[0] + 3.0, mouth[1] - 4.0 + 6.0 * min(fold, 0.6), 14.0),
            ]
        )
        both = [s.view.place(curve(points, 5)) for points in (right_fold, mirrored(right_fold))]
        canvas.lines(both, mix(skin, shadow, fold), 0.6)
    crow = amount("eye_lines", 0.08 * max(n["smile"], 0.0))
    bags = amount("eye_bags", 0.08)
    for side in (-1.0, 1.0):
        if crow > 0.1:
            x = side * (eye_x + 9.5)
            paths = [
                s.view.place([(x, eye_y + 1.5 * k, 10.0), (x + side * 4.0, eye_y - 1.0 + 3.2 * k, 6.0)])
                for k in (-1, 0, 1)
            ]
            canvas.lines(paths, mix(skin, shadow, crow), 0.5)
        if bags > 0.06:
            bag = np.add([(-5.5, 5.2, 14.0), (-1.0, 6.8, 15.0), (5.0, 5.6, 12.0)], (eye_x, eye_y, 0.0))
            canvas.lines([s.view.place(curve(bag * (side, 1.0, 1.0), 4))], mix(skin, shadow, bags), 0.6)


# Two rows of the additive recurrence with the plastic number: evenly strewn, never in rows.
_FRECKLES: Final = np.stack(
    [
        np.mod(0.5 + 0.7548776662466927 * np.arange(1, 49), 1.0) * 56.0 - 28.0,
        np.mod(0.5 + 0.5698402909980532 * np.arange(1, 49), 1.0) * 20.0 - 1.0,
    ],
    axis=1,
)


def paint_spots(canvas: Canvas, s: Sitter) -> None:
    """Paint freckles and moles."""
    t = s.t
    if t["freckles"] > 0.7:
        count = min(round(30.0 * (t["freckles"] - 0.5)), len(_FRECKLES))
        flat = _FRECKLES[:count]
        depth = 26.0 - 0.022 * flat[:, 0] ** 2
        at = s.view.place(np.column_stack([flat, depth]))
        colour = mix(s.colours.skin, (130.0, 72.0, 40.0), 0.36)
        canvas.lines(list(np.stack([at, np.add(at, (0.3, 0.0))], axis=1)), colour, 0.8)
    for name in ("mole_one", "mole_two"):
        size = 0.45 * (t[name] - 0.2)
        if size > 0.12:
            x, y = 13.0 * t[f"{name}_across"], 18.0 + 10.0 * t[f"{name}_down"]
            colour = mix(shade(s.colours.skin, 0.4), (50.0, 30.0, 26.0), 0.4)
            canvas.disc(s.view.place([(x, y, 26.0 - 0.022 * x * x)])[0], 0.45 + 0.5 * size, colour)
