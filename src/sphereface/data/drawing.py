"""Paint a drawn person from back to front: flat colours and lines, and soft shadows as a map beside them."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from sphereface.data.canvas import Canvas
from sphereface.data.face_painting import paint_brow, paint_eye, paint_mouth, paint_nose
from sphereface.data.face_shape import (
    Numbers,
    Points,
    View,
    curve,
    head_outline,
    landmarks_in_space,
    mirrored,
)
from sphereface.data.hair_shape import beard, hair
from sphereface.data.palette import Colour, Palette, hue, mix, shade
from sphereface.data.sitter import Sitter
from sphereface.data.skin_painting import paint_age, paint_spots, paint_tones

_FAN_ALONG: Final = np.array((0.1, 0.6, 0.88, 1.0))
_FAN_DOWN: Final = np.array((0.12, 0.3, 0.62, 1.0))[None, :, None]
_WAVES: Final = np.sin(0.75 * np.arange(51))[:, None] * (0.0, 1.0)


def sit(t: Numbers, n: Numbers, view: View, colours: Palette) -> Sitter:
    """Compute the curves that several parts of the painting need."""
    outline = view.outline(curve(head_outline(t, n), 5, closed=True))
    return Sitter(t, n, view, colours, landmarks_in_space(t, n), outline, hair(t, n, view))


def paint_person(canvas: Canvas, tone: Canvas, s: Sitter) -> None:
    """Paint a person on ``canvas``, and its soft shadows (128 is neutral) on ``tone``."""
    _paint_behind(canvas, tone, s)
    canvas.fill(s.outline, s.colours.skin)
    tone.fill(s.outline, (128.0, 128.0, 128.0))
    paint_tones(tone, s)
    paint_age(canvas, s)
    paint_spots(canvas, s)
    for side in (-1.0, 1.0):
        paint_eye(canvas, s, side)
    paint_nose(canvas, s)
    _paint_beard(canvas, s)
    paint_mouth(canvas, s)
    canvas.lines([s.outline], s.colours.crease, 0.5, closed=True)
    _paint_hair(canvas, tone, s)
    for side in (-1.0, 1.0):
        paint_brow(canvas, s, side)
    _paint_locks(canvas, s)


def _paint_behind(canvas: Canvas, tone: Canvas, s: Sitter) -> None:
    """Paint the hair behind the head, neck, clothes and ears."""
    t, n = s.t, s.n
    if s.hair.back is not None:
        canvas.fill(s.hair.back, s.colours.hair_deep)
    neck = 20.0 + 1.7 * t["neck_width"]
    half = [(neck, 18.0), (neck + 1.0, 51.0), (neck + 5.0, 60.0)]
    throat = s.view.body([*half, *((-x, y) for x, y in half[::-1])])
    canvas.fill(throat, s.colours.skin)
    tone.fill(throat, (96.0, 88.0, 86.0))

    strength, light = 0.3 + 0.2 * abs(n["clothes_strength"]), 0.45 + 0.15 * n["clothes_light"]
    dip = 54.0 + 2.0 * n["collar"]
    shoulder = curve(
        np.array(
            [
                (-90.0, 75.0),
                (-62.0, 55.0),
                (-neck - 7.0, 48.0),
                (-neck + 1.0, 46.0),
                (-0.5 * neck, dip),
                (0.0, dip + 3.0),
            ]
        ),
        4,
    )
    clothes = s.view.body(np.concatenate([shoulder, (shoulder * (-1.0, 1.0))[::-1]]))
    canvas.fill(clothes, hue(0.3 * n["clothes_hue"], min(strength, 0.8), light))
    tone.fill(clothes, (122.0, 122.0, 122.0))

    out = 4.8 + 1.6 * t["ear_tilt"]
    ear = np.array(
        [
            (-3.0, -10.0, -9.0),
            (0.5 * out, -12.5, -11.0),
            (out + 1.0, -8.0, -13.0),
            (out, 1.0, -12.0),
            (0.3 * out, 8.0, -10.0),
            (-3.0, 7.0, -8.0),
        ]
    )
    ear = ear * (1.0, 1.0 + 0.13 * t["ear_size"], 1.0) + (float(head_outline(t, n)[3, 0]), 1.5, 0.0)
    ear = curve(ear, 4)
    for points in (ear, mirrored(ear)):
        placed = s.view.outline(points)
        canvas.fill(placed, shade(s.colours.skin, 0.93))
        fold = 0.6 * placed[4:18] + 0.4 * placed.mean(axis=0)
        canvas.lines([placed, fold], s.colours.crease, 0.5)


def _paint_beard(canvas: Canvas, s: Sitter) -> None:
    shape = beard(s.t, s.n, s.view, s.points[3:5])
    if shape is None:
        return
    skin, hair_colour = s.colours.skin, shade(s.colours.hair, 0.85)
    if shape.density > 0.04:
        # Three layers, each further from the cheeks, make the edge of a beard soft.
        for step, share in ((0.0, 0.45), (0.14, 0.75), (0.28, 1.0)):
            inner = shape.inner + step * (shape.outer - shape.inner)
            canvas.fill(np.concatenate([shape.outer, inner[::-1]]), mix(skin, hair_colour, share * shape.density))
        if shape.density > 0.35:
            k = np.arange(1, len(shape.outer) - 1)
            at = (0.25 + 0.5 * np.mod(0.618 * k, 1.0))[:, None]
            reach = shape.outer[k] - shape.inner[k]
            roots = shape.inner[k] + at * reach
            hairs = np.stack([roots, roots + 0.22 * reach + (0.0, 0.6)], axis=1)
            strand = mix(mix(skin, hair_colour, shape.density), s.colours.hair_light, 0.16)
            canvas.lines(list(hairs), strand, 0.45)
    if shape.moustache_density > 0.04:
        colour = mix(skin, shade(s.colours.hair, 0.8), shape.moustache_density)
        canvas.fill(shape.moustache, colour)


def _paint_hair(canvas: Canvas, tone: Canvas, s: Sitter) -> None:
    """Paint the hair on top: its body, strands or curls, a gloss, and its shadow on the forehead."""
    h, c, t = s.hair, s.colours, s.t
    body = mix(c.hair, c.skin, h.buzz)
    canvas.fill(np.concatenate([h.outer, h.line[::-1]]), body)
    if h.buzz > 0.3:
        return
    tone.lines([np.add(h.line[5:-5], (0.0, 1.6))], (108.0, 103.0, 101.0), 3.0)
    light, deep = mix(body, c.hair_light, 0.55), mix(body, c.hair_deep, 0.6)
    part = round((0.5 + 0.22 * math.tanh(0.9 * t["parting"])) * (len(h.outer) - 1))
    if h.curl > 0.75:
        _paint_curls(canvas, s, light, deep)
    elif t["fringe"] < -0.55:
        _paint_swept_back(canvas, s, light, deep)
    elif t["fringe"] > 0.45:
        _paint_fanned(canvas, s, part, light, deep)
    else:
        _paint_combed(canvas, s, part, light, deep)
    canvas.lines([h.line[8:-8]], deep, 0.5)
    gloss = 134.0 + max(8.0 + 5.0 * t["hair_sheen"], 0.0) * (0.6 if h.curl > 0.75 else 1.0)
    shine = (0.62 * h.outer + 0.38 * h.line)[10:-10]
    tone.lines([shine], (gloss, gloss, gloss), 4.0)


def _paint_curls(canvas: Canvas, s: Sitter, light: Colour, deep: Colour) -> None:
    h = s.hair
    turn = np.linspace(0.0, 4.6, 6)
    size = 1.9 - 0.3 * min(h.curl, 2.0)
    ring = size * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    for shares, colour in (((0.12, 0.5, 0.8), light), ((0.3, 0.66, 0.95), deep)):
        spots = [(1.0 - k) * h.outer[i::4] + k * h.line[i::4] for i, k in enumerate(shares)]
        canvas.lines(list(np.concatenate(spots)[:, None] + ring), colour, 0.5)


def _paint_combed(canvas: Canvas, s: Sitter, part: int, light: Colour, deep: Colour) -> None:
    h = s.hair
    wave = (0.15 + 0.9 * h.curl) * _WAVES
    for shares, colour in (((0.16, 0.4, 0.64, 0.86), light), ((0.28, 0.52, 0.75), deep)):
        pieces: list[Points] = []
        for i, k in enumerate(shares):
            strand = (1.0 - k) * h.outer + k * h.line + wave
            pieces += [strand[2 + 3 * i : part - 1 - i], strand[part + 2 + i : -2 - 2 * (3 - i)]]
        canvas.lines([piece for piece in pieces if len(piece) > 1], colour, 0.45)
    canvas.lines([np.stack([0.3 * h.outer[part] + 0.7 * h.line[part], h.line[part]])], deep, 0.6)


def _paint_swept_back(canvas: Canvas, s: Sitter, light: Colour, deep: Colour) -> None:
    h = s.hair
    lean = round(2.5 * max(min(s.t["fringe_sweep"], 1.5), -1.5))
    bend = (0.5 + 0.8 * h.curl) * np.array((1.0, -1.0))
    for start, colour in ((6, deep), (8, light)):
        at = np.arange(start, len(h.outer) - 6, 4)
        to = np.clip(at + lean, 2, len(h.outer) - 3)
        low, high = h.line[at], 0.85 * h.outer[to] + 0.15 * h.line[to]
        paths = np.stack([low, 0.62 * low + 0.38 * high + bend, 0.3 * low + 0.7 * high - bend, high], axis=1)
        canvas.lines([curve(path, 3) for path in paths], colour, 0.45)


def _paint_fanned(canvas: Canvas, s: Sitter, part: int, light: Colour, deep: Colour) -> None:
    h = s.hair
    for start, colour in ((4, light), (6, deep)):
        ends = np.arange(start, len(h.outer) - 4, 4)
        # Along (place on the hairline, share of the way from the outline to it) a strand stays in the hair.
        at = np.rint(part + (ends[:, None] - part) * _FAN_ALONG).astype(int)
        paths = (1.0 - _FAN_DOWN) * h.outer[at] + _FAN_DOWN * h.line[at]
        canvas.lines([curve(path, 3) for path in paths], colour, 0.45)


def _paint_locks(canvas: Canvas, s: Sitter) -> None:
    if s.hair.locks is None:
        return
    light, deep = (
        mix(s.colours.hair, s.colours.hair_light, 0.5),
        mix(s.colours.hair, s.colours.hair_deep, 0.7),
    )
    for lock in s.hair.locks:
        canvas.fill(lock, s.colours.hair)
        half = len(lock) // 2
        inner, outer = lock[:half], lock[half:][::-1]
        canvas.lines([(1.0 - k) * inner[3:] + k * outer[3:] for k in (0.3, 0.75)], light, 0.45)
        canvas.lines([inner, 0.45 * inner[3:] + 0.55 * outer[3:]], deep, 0.5)
