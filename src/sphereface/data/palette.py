"""The natural colours of people: skin, hair and eyes as mixtures of hand-chosen tones (RGB, 0 to 255)."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

Colour = tuple[float, float, float]

_SKIN: Final[tuple[Colour, ...]] = (
    (248, 218, 200),
    (240, 202, 176),
    (226, 182, 150),
    (202, 154, 120),
    (170, 122, 92),
    (134, 92, 68),
    (98, 66, 50),
)
_HAIR: Final[tuple[Colour, ...]] = (
    (232, 208, 158),
    (208, 170, 112),
    (164, 122, 78),
    (112, 76, 48),
    (72, 48, 34),
    (46, 34, 30),
    (30, 27, 30),
)
_EYES: Final[tuple[Colour, ...]] = (
    (52, 32, 22),
    (84, 52, 30),
    (118, 80, 44),
    (132, 116, 76),
    (124, 146, 140),
    (150, 176, 196),
)
_COPPER: Final[Colour] = (176, 84, 40)
_SILVER: Final[Colour] = (206, 204, 202)
_GREEN: Final[Colour] = (96, 132, 92)
_BLUE: Final[Colour] = (92, 134, 182)


@dataclass(frozen=True)
class Palette:
    """The colours one person is drawn with."""

    skin: Colour
    line: Colour
    crease: Colour
    lip: Colour
    lip_line: Colour
    hair: Colour
    hair_light: Colour
    hair_deep: Colour
    brow: Colour
    iris: Colour
    lash: Colour


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Mix two colours; ``share`` (cut to 0..1) is that of the second.

    >>> mix((0, 0, 0), (100, 50, 10), 0.5)
    (50.0, 25.0, 5.0)
    """
    k = min(max(share, 0.0), 1.0)
    return (
        first[0] + k * (second[0] - first[0]),
        first[1] + k * (second[1] - first[1]),
        first[2] + k * (second[2] - first[2]),
    )


def shade(colour: Colour, factor: float) -> Colour:
    """Darken or lighten a colour, the shadow slightly warmer than the tone."""
    return (
        min(colour[0] * factor**0.85, 255.0),
        min(colour[1] * factor, 255.0),
        min(colour[2] * factor, 255.0),
    )


def hue(turn: float, strength: float, light: float) -> Colour:
    """Return the colour at an angle of the hue circle (in turns); ``strength`` and ``light`` in 0..1."""
    red, green, blue = colorsys.hls_to_rgb(turn % 1.0, light, strength)
    return (255.0 * red, 255.0 * green, 255.0 * blue)


def _along(stops: Sequence[Colour], place: float) -> Colour:
    at = min(max(place, 0.0), 1.0) * (len(stops) - 1)
    below = min(int(at), len(stops) - 2)
    return mix(stops[below], stops[below + 1], at - below)


def palette(t: Mapping[str, float], n: Mapping[str, float]) -> Palette:
    """Choose the colours of a person in a picture: tan and make-up change from day to day."""
    skin = _along(_SKIN, 0.46 + 0.25 * t["skin_dark"] + 0.03 * n["tan"])
    redness = t["skin_red"] if t["skin_red"] > 0.0 else 0.45 * t["skin_red"]
    ruddy = 1.0 + 0.027 * redness
    skin = (min(skin[0] * ruddy, 252.0), skin[1] / ruddy, skin[2] * (1.0 - 0.014 * redness))

    hair = _along(_HAIR, 0.62 + 0.32 * t["hair_dark"])
    hair = mix(hair, _COPPER, 0.4 * (t["hair_red"] - 0.4) * (1.0 - 0.3 * t["hair_dark"]))
    grey = min(max(0.55 * (t["grey"] - 0.55), 0.0), 1.0)
    hair = mix(hair, _SILVER, grey)

    iris = _along(_EYES, 0.40 + 0.3 * t["iris_light"])
    light = min(max(0.8 * t["iris_light"], 0.0), 0.75)
    iris = mix(iris, _BLUE if t["iris_hue"] > 0 else _GREEN, light * min(abs(t["iris_hue"]), 1.0))

    rosy = (200.0, 70.0, 78.0)
    lip = mix(mix(skin, rosy, 0.38 + 0.11 * t["lip_colour"]), shade(skin, 0.62), 0.22)
    painted = 0.30 * (n["makeup"] + 0.5 * t["lip_colour"] - 0.3) if t["lashes"] > -0.3 else 0.0
    lip = mix(lip, (186.0, 38.0, 62.0), min(painted, 0.6))
    return Palette(
        skin=skin,
        line=shade(skin, 0.55),
        crease=shade(skin, 0.74),
        lip=lip,
        lip_line=shade(mix(lip, skin, 0.2), 0.52),
        hair=hair,
        hair_light=mix(shade(hair, 1.25), (255.0, 240.0, 215.0), 0.09 + 0.03 * t["hair_sheen"]),
        hair_deep=shade(hair, 0.68),
        brow=mix(shade(mix(hair, (48.0, 36.0, 30.0), 0.45), 0.9), _SILVER, 0.6 * grey),
        iris=iris,
        lash=mix((34.0, 24.0, 22.0), shade(skin, 0.4), 0.15),
    )


def to_uint8(colour: Colour) -> Colour:
    """Round a colour to what a drawing call takes.

    >>> to_uint8((254.6, -3.0, 12.2))
    (255.0, 0.0, 12.0)
    """
    red, green, blue = (float(min(max(round(part), 0), 255)) for part in colour)
    return (red, green, blue)
