"""The lines of hair and beard in head space."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from sphereface.data.face_shape import Numbers, Points, View, curve, head_outline, mirrored, opening, smiling

_PER_PIECE: Final = 5
_STEPS: Final = np.arange(10 * _PER_PIECE + 1)


@dataclass(frozen=True)
class Hair:
    """Hair as curves in the picture.

    ``outer`` and ``line`` run from the left ear over the crown to the right ear, sample by sample beside
    each other, so that everything between them is hair; ``back`` hangs behind the head, ``locks`` in front
    of the ears (both None for short hair). ``buzz`` in 0..1 says how much skin shows through.
    """

    outer: Points
    line: Points
    back: Points | None
    locks: tuple[Points, Points] | None
    curl: float
    buzz: float


def hair(t: Numbers, n: Numbers, view: View) -> Hair:
    """Shape the hair of a person in a picture."""
    crown = head_outline(t, n)
    wide, top = float(crown[3, 0]), float(crown[0, 1])
    length = t["hair_length"] + 0.08 * n["hair_mess"]
    curl = max(t["hair_curl"] - 0.1, 0.0)
    bald = max(t["recession"] - 0.35, 0.0)
    short = min(max((-1.0 - length) / 0.8, 0.0), 1.0)  # 1: shaved
    full = (1.0 - 0.85 * short) * (1.0 + 0.08 * n["hair_volume"])
    side = full * max(2.6 + 1.1 * t["hair_sides"] + 1.8 * curl + 0.6 * max(length, 0.0), 0.8)
    high = full * max(4.4 + 2.0 * t["hair_top"] + 2.0 * curl, 0.8) * max(1.0 - 0.55 * bald, 0.0)
    part = math.tanh(0.9 * t["parting"])

    end = 1.0 + 3.0 * min(length, 0.0)
    right = np.array(
        [
            (0.0, top - high, -8.0),
            (0.34 * wide, top + 1.2 - high, -8.0),
            (0.68 * wide, top + 6.5 - 0.85 * high - 0.2 * side, -8.0),
            (0.92 * wide + 0.75 * side, top + 18.0 - 0.35 * high, -6.0),
            (wide + side, -15.0, -5.0),
            (wide + min(0.8 * side, 0.6 + 6.0 * max(length, 0.0)), end, -5.0),
        ]
    )
    outer = np.concatenate([mirrored(right[:0:-1]), right])
    across = outer[:, 0] / wide
    outer[:, 1] -= 0.8 * high * 0.35 * (1.0 - across**2).clip(0) * (1.0 + across * part * 1.5)

    lift = 0.8 + 2.1 * t["hairline"]
    corner = 7.5 * bald
    centre = 11.0 * max(bald - 0.75, 0.0)
    front = np.array(
        [
            (0.0, -31.0 - lift - centre, 11.0),
            (0.27 * wide, -31.0 - lift - 0.5 * corner - 0.8 * centre, 10.0),
            (0.53 * wide, -29.5 - 0.8 * lift - corner - 0.5 * centre, 8.0),
            (0.76 * wide, -23.0 - 0.4 * lift - 0.9 * corner, 4.0),
            (0.9 * wide, -11.0 - 0.25 * corner, 1.0),
            (0.96 * wide, end, -2.0),
        ]
    )
    line = np.concatenate([mirrored(front[:0:-1]), front])
    # A fringe hangs from the parting towards both sides, further on the side it is swept to.
    fringe = max(0.75 * t["fringe"] + 0.25, 0.0) * (1.0 - short) * max(1.0 - bald, 0.0)
    fringe *= min(max(0.8 + 0.4 * length, 0.35), 1.2)
    place = line[:, 0] / wide
    hang = (1.0 - place**2).clip(0) ** 0.5
    away = np.abs(place - 0.45 * part)
    sweep = 1.0 + 0.35 * t["fringe_sweep"] * place
    line[:, 1] += 8.5 * fringe * hang * sweep * (0.45 + 0.75 * np.minimum(away / 0.35, 1.0))
    line[:, 1] += 0.5 * n["hair_mess"] * np.sin(4.0 * place + n["hair_volume"])
    line[:, 1] = np.maximum(line[:, 1], np.interp(line[:, 0], outer[:, 0], outer[:, 1]) + 0.3)

    outer, line = curve(outer, _PER_PIECE), curve(line, _PER_PIECE)
    if curl > 0.0:
        # Curls are bumps along the outline, finer and higher the curlier; the fringe gets smaller ones.
        bumps = 1.5 * min(curl, 1.6) * (1.0 - short) * np.abs(np.sin(0.62 * _STEPS + 0.3))
        away_from_head = outer - (0.0, -10.0, outer[0, 2])
        away_from_head /= np.linalg.norm(away_from_head[:, :2], axis=1, keepdims=True)
        outer[:, :2] += (bumps[:, None] * away_from_head)[:, :2]
        line[:, 1] += 0.55 * bumps * np.cos(0.5 * np.pi * line[:, 0] / wide).clip(0)

    back: Points | None = None
    locks: tuple[Points, Points] | None = None
    if length > 0.1:
        reach = 6.0 + 30.0 * length + 1.5 * n["hair_mess"]
        flare = 1.0 + 1.6 * min(length, 1.2) + 1.2 * curl
        edge = np.array(
            [
                (wide + side, -16.0, -8.0),
                (wide + side + 0.5 * flare, 2.0, -10.0),
                (wide + side + flare, 0.55 * reach, -10.0),
                (wide + side + 0.7 * flare, 0.9 * reach, -10.0),
                (wide - 3.0, reach, -10.0),
            ]
        )
        edge = curve(edge, 6)
        edge[:, 0] += (0.35 + 0.9 * min(curl, 1.5)) * np.sin(0.9 * np.arange(len(edge)) + t["hair_sheen"])
        back = view.outline(np.concatenate([edge, mirrored(edge[::-1])]))
        cover = min(2.0 + 2.2 * length + 0.8 * t["fringe"], 7.0)
        inner = np.array(
            [
                (0.8 * wide, -22.0, 2.0),
                (wide - 0.7 * cover, -10.0, 1.0),
                (wide - cover, 8.0, 0.0),
                (wide - 0.8 * cover, 0.6 * reach + 3.0, 0.0),
                (wide - 0.2 * cover, reach, -2.0),
            ]
        )
        inner = curve(inner, 6)
        inner[:, 0] += 0.6 * min(curl, 1.5) * np.sin(0.9 * np.arange(len(inner)))
        front_edge = edge.copy()
        front_edge[:, 2] = -4.0
        lock = np.concatenate([inner, front_edge[::-1]])
        locks = (view.outline(mirrored(lock)), view.outline(lock))
    return Hair(
        outer=view.outline(outer),
        line=view.outline(line * (1.0, 1.0, 1.0)),
        back=back,
        locks=locks,
        curl=curl * (1.0 - short),
        buzz=0.55 * short,
    )


@dataclass(frozen=True)
class Beard:
    """Beard and moustache as curves in the picture, with how dense each is, 0 to 1.

    ``outer`` (below the jaw) and ``inner`` (below cheeks and mouth) run from the right ear over the chin to
    the left one, sample by sample beside each other; ``moustache`` is a closed outline.
    """

    outer: Points
    inner: Points
    moustache: Points
    density: float
    moustache_density: float


def beard(t: Numbers, n: Numbers, view: View, mouth: Points) -> Beard | None:
    """Shape the facial hair, or return None where there is none; ``mouth`` holds both corners, (2, 3)."""
    day = 0.05 * n["stubble"]
    density = min(max(0.62 * (t["beard"] - 0.5) + day, 0.0), 0.92)
    lip_density = min(max(0.62 * (t["moustache"] - 0.45) + day, 0.0), 0.92)
    if density < 0.04 and lip_density < 0.04:
        return None
    outline = head_outline(t, n)
    wide = float(outline[3, 0])
    grown = max(2.4 + 2.6 * t["beard_length"], 0.3) * min(max(density - 0.25, 0.0) * 2.0, 1.0)
    drop = np.array([(0.0, 0.0), (0.3, 0.0), (0.4, 0.35), (0.8, 0.9), (0.0, 1.0)]) * grown
    low = outline[4:9].copy()
    low[:, :2] += drop
    low = np.concatenate([[(wide, -7.0, -3.0)], low])
    corner_x, corner_y = float(mouth[1, 0]), float(mouth[:, 1].mean())
    reach, gape = 2.2 * t["beard_reach"], opening(n)
    inside = np.array(
        [
            (0.95 * wide, -7.0, -1.0),
            (0.9 * wide, 8.0 - reach, 3.0),
            (0.72 * wide, 21.0 - 1.4 * reach, 9.0),
            (corner_x + 3.4, corner_y - 1.0, 15.0),
            (0.6 * corner_x, corner_y + 7.0 + 4.0 * gape, 20.0),
            (0.0, corner_y + 8.2 + 5.5 * gape, 21.0),
        ]
    )
    lower, upper = curve(low, 4), curve(inside, 4)
    smile = smiling(n)
    lip = corner_y - 2.9 - 0.7 * max(t["upper_lip"], -1.5) + 0.5 * t["mouth_corners"] + 0.6 * smile - 2.0 * gape
    thick = 3.1 + 0.5 * t["moustache"]
    outlines = np.array(
        [
            (0.0, lip - thick + 0.7, 22.0),
            (0.22 * corner_x, lip - thick, 22.0),
            (0.65 * corner_x, lip - 0.75 * thick + 0.3, 20.0),
            (corner_x + 1.8, corner_y - 0.8, 16.0),
            (corner_x + 2.2, corner_y + 1.8 + 1.5 * density, 16.0),
            (0.8 * corner_x, corner_y - 0.5, 18.0),
            (0.45 * corner_x, lip + 0.5, 21.0),
            (0.0, lip + 0.5, 22.0),
        ]
    )
    side = curve(outlines, 3)
    return Beard(
        outer=view.outline(np.concatenate([lower, mirrored(lower[-2::-1])])),
        inner=view.place(np.concatenate([upper, mirrored(upper[-2::-1])])),
        moustache=view.place(np.concatenate([side, mirrored(side[::-1])])),
        density=density,
        moustache_density=lip_density,
    )
