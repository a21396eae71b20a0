"""What lies around and between a drawn person and the file: background, things in the way, light, camera."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from sphereface.data.canvas import SIDE, Canvas
from sphereface.data.face_shape import Numbers, Points
from sphereface.data.palette import Colour, hue, shade
from sphereface.data.sitter import Sitter

Floats = NDArray[np.float32]
_TILE: Final = 512
_LUMA: Final = np.array([0.299, 0.587, 0.114])


def _square(x: float, y: float, wide: float, high: float, turn: float = 0.0) -> Points:
    corners = np.array([(-wide, -high), (wide, -high), (wide, high), (-wide, high)])
    c, s = math.cos(turn), math.sin(turn)
    turned: Points = corners @ np.array([(c, s), (-s, c)]) + (x, y)
    return turned


def paint_background(canvas: Canvas, n: Numbers) -> None:
    """Fill the canvas with a wall whose colour runs from one tone to another, and one thing on it."""
    strength = min(0.08 + 0.16 * abs(n["wall_strength"]), 0.6)
    light = min(max(0.58 + 0.2 * n["wall_light"], 0.06), 0.94)
    first = np.array(hue(0.35 * n["wall_hue"], strength, light))
    fall = min(max(light + 0.2 * n["wall_fall"], 0.04), 0.96)
    second = np.array(hue(0.35 * n["wall_hue"] + 0.1 * n["wall_second_hue"], strength, fall))
    turn = 1.3 * n["wall_angle"]
    down, across = 0.5 * math.cos(turn), 0.5 * math.sin(turn)
    corners = 0.5 + np.array([(-down - across, -down + across), (down - across, down + across)])
    colours = first + corners[..., None] * (second - first)
    side = canvas.image.shape[0]
    patch = np.clip(colours, 0, 255).astype(np.float32)
    small = cv2.resize(patch, (16, 16), interpolation=cv2.INTER_LINEAR)
    cv2.resize(small.astype(np.uint8), (side, side), dst=canvas.image, interpolation=cv2.INTER_LINEAR)
    kind = n["shape_kind"]
    tone = hue(0.35 * n["shape_hue"], strength, min(max(0.5 + 0.2 * n["shape_light"], 0.05), 0.95))
    x, y, size = 56.0 + 45.0 * n["shape_x"], 40.0 + 35.0 * n["shape_y"], 16.0 + 6.0 * n["shape_size"]
    if kind < -0.4:
        canvas.disc(np.array((x, y)), max(size, 4.0), tone)
    elif kind > 0.4:
        canvas.fill(_square(x, y, max(size, 4.0), 60.0, 0.4 * n["shape_light"]), tone)


def paint_covers(canvas: Canvas, s: Sitter) -> None:
    """Put glasses on some pictures, and something in the way of the face on some."""
    n = s.n
    if n["glasses"] > 1.0:
        _paint_glasses(canvas, s, dark=n["glasses"] > 1.9)
    if abs(n["cover"]) < 1.55:
        return
    colour = hue(0.35 * n["cover_hue"], 0.45, min(max(0.5 + 0.17 * n["cover_x"], 0.1), 0.9))
    kind = n["cover_kind"]
    if kind < -0.7:  # a scarf or a mask over the mouth
        edge = [
            (-44.0, 24.0, 0.0),
            (-20.0, 19.0, 20.0),
            (0.0, 17.0 + 2.0 * n["cover_y"], 29.0),
            (20.0, 19.0, 20.0),
            (44.0, 24.0, 0.0),
        ]
        placed = s.view.place([*edge, (40.0, 60.0, 10.0), (-40.0, 60.0, 10.0)])
        canvas.fill(placed, colour)
        canvas.lines([np.add(placed[:5], (0.0, y)) for y in (8.0, 16.0)], shade(colour, 0.8), 0.8)
    elif kind < 0.1:  # a cap
        brim = -25.0 + 1.5 * n["cover_y"]
        cap = [
            (-43.0, brim + 3.0, 0.0),
            (-40.0, -50.0, -5.0),
            (0.0, -72.0, -5.0),
            (40.0, -50.0, -5.0),
            (43.0, brim + 3.0, 0.0),
        ]
        canvas.fill(
            s.view.outline([*cap, (22.0, brim, 20.0), (0.0, brim - 1.0, 26.0), (-22.0, brim, 20.0)]), colour
        )
        canvas.lines(
            [
                s.view.outline(
                    [
                        (-43, brim + 1, 0),
                        (-22, brim - 2, 20),
                        (0, brim - 3, 26),
                        (22, brim - 2, 20),
                        (43, brim + 1, 0),
                    ]
                )
            ],
            shade(colour, 0.7),
            1.2,
        )
    elif kind < 0.8:  # a hand or a branch from the side
        x = 56.0 + math.copysign(34.0 + 8.0 * abs(n["cover_x"]), n["cover_x"])
        skin = kind < 0.4
        tone = shade(s.colours.skin, 0.92) if skin else colour
        canvas.fill(_square(x, 84.0 + 10.0 * n["cover_y"], 12.0, 17.0, 0.3 * n["cover_hue"]), tone)
    else:  # something anywhere
        canvas.disc(np.array((56.0 + 32.0 * n["cover_x"], 60.0 + 32.0 * n["cover_y"])), 15.0, colour)


def _paint_glasses(canvas: Canvas, s: Sitter, dark: bool) -> None:
    n = s.n
    turn = np.linspace(0.0, 2.0 * np.pi, 17)[:-1]
    square = 1.0 / (1.0 + math.exp(-2.0 * n["glasses_shape"]))  # 0 round, 1 angular
    power = 1.0 - 0.55 * square
    rim = np.stack(
        [
            np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** power,
            np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** power,
        ],
        axis=1,
    )
    rim *= (11.2, 8.8 - 1.2 * square)
    frame = (34.0, 30.0, 32.0) if n["glasses_colour"] < 0.3 else hue(0.3 * n["glasses_colour"], 0.5, 0.4)
    eyes = s.points[:2]
    lenses = [s.view.place(np.column_stack([rim + eye[:2] + (0.0, 1.0), np.full(len(rim), 20.0)])) for eye in eyes]
    if dark:
        for lens in lenses:
            canvas.fill(lens, (30.0, 28.0, 34.0))
    canvas.lines(lenses, frame, 1.0, closed=True)
    x, y = float(eyes[1, 0]), float(eyes[1, 1])
    bridge = s.view.place([(-x + 11.2, y, 20.0), (0.0, y - 1.5, 23.0), (x - 11.2, y, 20.0)])
    temples = [s.view.place([(k * (x + 11.2), y, 20.0), (k * 38.0, y - 2.0, -6.0)]) for k in (-1.0, 1.0)]
    canvas.lines([bridge, *temples], frame, 1.0)


@lru_cache(maxsize=1)
def _noise() -> Floats:
    """A square of standard normal noise to cut from; made from the promised raw Philox stream."""
    raw = np.random.Philox(key=np.array([112, 112], dtype=np.uint64)).random_raw(_TILE * _TILE * 3 * 2)
    uniform = ((raw >> np.uint64(11)).astype(np.float64) + 0.5) / (1 << 53)
    radius, turn = uniform.reshape(2, -1)
    normal = np.sqrt(-2.0 * np.log(radius)) * np.cos(2.0 * np.pi * turn)
    return normal.reshape(_TILE, _TILE, 3).astype(np.float32)


_GRID: Final = 28


def _light(n: Numbers) -> Floats:
    """Brightness of a head-shaped ellipsoid lit from one side, (28, 28), about 1 in the middle."""
    at = (np.arange(_GRID) + 0.5) / _GRID * SIDE
    x, y = (at[None, :] - 56.0) / 84.0, (at[:, None] - 60.0) / 98.0
    depth = np.sqrt(np.maximum(1.0 - x * x - y * y, 0.12))
    aim = np.array((0.7 * n["light_x"], -0.3 + 0.4 * n["light_y"], 1.0))
    aim /= np.linalg.norm(aim)
    lit = np.maximum(x * aim[0] + y * aim[1] + depth * aim[2], 0.0)
    hard = min(max(0.66 + 0.16 * n["light_hard"], 0.2), 0.95)
    brightness: Floats = ((1.0 - hard) + 1.12 * hard * lit / (0.55 + 0.45 * aim[2])).astype(np.float32)
    return brightness


def _colour_map(n: Numbers, skin: Colour) -> NDArray[np.float64]:
    """Camera colours as a (3, 4) matrix: white balance, saturation, exposure, contrast.

    The camera exposes for the face, half-heartedly: brighter skin gets less light.
    """
    warm, tint = 0.065 * n["warmth"], 0.025 * n["tint"]
    gains = np.exp(np.array((warm, -tint, -1.25 * warm)))
    gains *= (150.0 / float(_LUMA @ skin)) ** 0.3 * math.exp(0.14 * n["exposure"]) / (_LUMA @ gains)
    keep = min(max(0.92 + 0.2 * n["saturation"], 0.12), 1.6)
    saturate = keep * np.eye(3) + (1.0 - keep) * _LUMA[None, :]
    contrast = math.exp(0.13 * n["contrast"])
    matrix = contrast * (saturate @ np.diag(gains))
    return np.column_stack([matrix, np.full(3, 118.0 * (1.0 - contrast))])


def develop(canvas: Canvas, tone: Canvas, s: Sitter, side: int) -> NDArray[np.uint8]:
    """Turn a painting and its shadow map into a photograph, (side, side, 3) uint8 RGB."""
    n = s.n
    small = cv2.resize(canvas.image, (side, side), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(tone.image, (0, 0), 1.35)
    lit = cv2.resize(_light(n), soft.shape[:2], interpolation=cv2.INTER_LINEAR)
    shadow = cv2.multiply(soft, cv2.merge([lit, lit, lit]), scale=1.0 / 128.0, dtype=cv2.CV_32F)
    shadow = cv2.resize(shadow, (side, side), interpolation=cv2.INTER_LINEAR)
    picture = cv2.transform(cv2.multiply(small, shadow, dtype=cv2.CV_32F), _colour_map(n, s.colours.skin))
    unit = side / SIDE
    blur = max(0.2 + 0.38 * n["blur"], 0.0) * unit
    if blur > 0.3:
        stretch = 1.0 + 0.5 * n["blur_angle"] ** 2 if n["blur"] > 0.8 else 1.0  # shake smears one direction
        across, down = (blur * stretch, blur) if n["blur_angle"] > 0 else (blur, blur * stretch)
        picture = cv2.GaussianBlur(picture, (0, 0), sigmaX=across, sigmaY=down)
    grain = max(2.0 + 3.0 * n["noise"], 0.0)
    if grain > 0.5:
        spare = _TILE - side
        left, top = (round((0.5 + 0.19 * n[name]) * spare) for name in ("noise_x", "noise_y"))
        picture = cv2.scaleAdd(_noise()[top : top + side, left : left + side], grain, picture)
    finished = np.asarray(cv2.convertScaleAbs(np.maximum(picture, 0.0)), dtype=np.uint8)
    if n["compression"] > 0.6:
        quality = int(np.clip(78 - 28 * (n["compression"] - 0.6), 25, 95))
        packed = cv2.imencode(".jpg", finished, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        finished = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), dtype=np.uint8)
    return finished
