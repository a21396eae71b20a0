"""Who a drawn person is and how a picture of them was taken, as two vectors of numbers.

An *identity vector* holds one number per trait (roughly standard normal, cut at ±2.5); a *nuisance vector*
one number per circumstance of a picture. Zero is the average face and the plainest picture. Traits are
continuous and correlated through a handful of hidden factors, as in people: dark hair goes with dark eyes,
grey hair with lines, a beard with a strong jaw; none of them decides another.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

LIMIT: Final = 2.5

# Hidden factors: m masculine, a age, p pigment, e eye shape, b build, g grooming, h beard habit.
_FACTORS: Final = "mapebgh"

# Trait -> loadings on the hidden factors; what is left of the unit variance is the person's own.
_TRAITS: Final[dict[str, dict[str, float]]] = {
    # head
    "face_width": {"b": 0.6, "m": 0.2},
    "forehead_height": {"a": 0.1},
    "temple_width": {"m": -0.1},
    "cheekbones": {"e": 0.35},
    "cheek_fullness": {"b": 0.6, "a": -0.3},
    "jaw_width": {"m": 0.55, "b": 0.35},
    "jaw_angle": {"m": 0.5},
    "chin_width": {"m": 0.5},
    "chin_length": {"m": 0.25},
    "ear_size": {"a": 0.35, "m": 0.2},
    "ear_tilt": {},
    "neck_width": {"m": 0.6, "b": 0.5},
    # eyes
    "eye_spacing": {"e": 0.2},
    "eye_height": {},
    "eye_size": {"a": -0.4, "m": -0.35},
    "eye_opening": {"a": -0.3, "m": -0.2, "e": -0.4},
    "eye_tilt": {"e": 0.5, "a": -0.3},
    "eye_hollow": {"a": 0.4, "e": -0.3},
    "lid_crease": {"e": -0.6},
    "iris_size": {"a": -0.2},
    "iris_light": {"p": -0.7, "e": -0.2},
    "iris_hue": {},
    "lashes": {"m": -0.7},
    # brows
    "brow_height": {"m": -0.4},
    "brow_thickness": {"m": 0.55},
    "brow_arch": {"m": -0.5},
    "brow_tilt": {},
    "brow_length": {},
    "brow_taper": {},
    "brow_gap": {},
    # nose
    "nose_length": {"a": 0.25, "m": 0.2},
    "nose_width": {"p": 0.45, "m": 0.2},
    "nose_bridge": {"p": 0.2},
    "nose_tip": {"a": 0.2},
    "nostrils": {"p": 0.3},
    "nose_drop": {"a": 0.25},
    "nose_bend": {},
    # mouth
    "mouth_width": {"m": 0.15},
    "upper_lip": {"p": 0.4, "a": -0.4, "m": -0.25},
    "lower_lip": {"p": 0.4, "a": -0.25, "m": -0.2},
    "cupid_bow": {"m": -0.2},
    "mouth_corners": {"a": -0.2},
    "mouth_skew": {},
    "philtrum": {"a": 0.3},
    "lip_colour": {"m": -0.4, "g": 0.3},
    # skin
    "skin_dark": {"p": 0.95},
    "skin_red": {"p": -0.3},
    "blush": {"m": -0.3, "p": -0.3},
    "freckles": {"p": -0.45},
    "mole_one": {},
    "mole_one_across": {},
    "mole_one_down": {},
    "mole_two": {},
    "mole_two_across": {},
    "mole_two_down": {},
    # age
    "forehead_lines": {"a": 0.85},
    "eye_lines": {"a": 0.85},
    "cheek_lines": {"a": 0.8},
    "eye_bags": {"a": 0.6},
    "grey": {"a": 0.85},
    # hair
    "hair_dark": {"p": 0.75, "e": 0.3},
    "hair_red": {"p": -0.3},
    "hair_length": {"m": -0.82, "g": 0.15},
    "hair_top": {"p": 0.1},
    "hair_sides": {"m": -0.3},
    "hair_curl": {"p": 0.5, "e": -0.4},
    "hairline": {"a": 0.2},
    "recession": {"m": 0.6, "a": 0.5},
    "parting": {},
    "fringe": {"m": -0.35, "e": 0.2},
    "fringe_sweep": {},
    "hair_sheen": {},
    # facial hair
    "beard": {"m": 0.75, "h": 0.55},
    "beard_length": {"m": 0.2, "g": 0.4},
    "beard_reach": {},
    "moustache": {"m": 0.75, "h": 0.5},
}

_NUISANCES: Final[tuple[str, ...]] = (
    # pose and framing
    *("yaw", "pitch", "roll", "shift_x", "shift_y", "scale", "turn"),
    # light
    *("light_x", "light_y", "light_hard", "shadow_depth"),
    # expression
    *("smile", "mouth_open", "brow_raise", "frown", "eye_open", "gaze_x", "gaze_y"),
    # what hides the face, and what changes from day to day
    *("glasses", "glasses_shape", "glasses_colour", "cover", "cover_kind", "cover_x", "cover_y", "cover_hue"),
    *("hair_mess", "hair_volume", "tan", "makeup", "stubble"),
    # clothes and background
    *("clothes_hue", "clothes_strength", "clothes_light", "collar"),
    *("wall_hue", "wall_strength", "wall_light", "wall_angle", "wall_fall", "wall_second_hue"),
    *("shape_kind", "shape_x", "shape_y", "shape_size", "shape_hue", "shape_light"),
    # camera
    *("warmth", "tint", "exposure", "saturation", "contrast"),
    *("blur", "blur_angle", "noise", "noise_x", "noise_y", "compression"),
)

IDENTITY_TRAITS: Final[tuple[str, ...]] = tuple(_TRAITS)
NUISANCES: Final[tuple[str, ...]] = _NUISANCES
IDENTITY_DIMENSIONS: Final = len(IDENTITY_TRAITS)
NUISANCE_DIMENSIONS: Final = len(NUISANCES)

_LOADINGS: Final = np.array([[_TRAITS[name].get(f, 0.0) for f in _FACTORS] for name in IDENTITY_TRAITS])
_OWN: Final = np.sqrt(1.0 - (_LOADINGS**2).sum(axis=1))
_SHOTS: Final = 1 << 24
_PEOPLE: Final = 1 << 40


def _uniforms(seed: int, person: int, stream: int, count: int) -> NDArray[np.float64]:
    """Draw ``count`` numbers in (0, 1) that depend on nothing but the key.

    The raw Philox stream is the part of NumPy's generators that is promised never to change.
    """
    key = np.array([seed % (1 << 64), person * _SHOTS + stream], dtype=np.uint64)
    raw = np.random.Philox(key=key).random_raw(count)
    return ((raw >> np.uint64(11)).astype(np.float64) + 0.5) / (1 << 53)


def _normals(uniforms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn an even number of uniforms into half as many standard normals (Box and Muller 1958)."""
    radius, turn = uniforms.reshape(2, -1)
    normals: NDArray[np.float64] = np.sqrt(-2.0 * np.log(radius)) * np.cos(2.0 * np.pi * turn)
    return normals


def identity_vector(seed: int, person: int) -> NDArray[np.float64]:
    """Draw the traits of one person, shape (IDENTITY_DIMENSIONS,).

    Raises:
        ValueError: If ``person`` is negative or beyond 2**40.

    >>> identity_vector(0, 17).shape == (IDENTITY_DIMENSIONS,)
    True
    >>> bool((identity_vector(0, 17) == identity_vector(0, 17)).all())
    True
    """
    if not 0 <= person < _PEOPLE:
        raise ValueError(f"person must be in 0..2**40 - 1, not {person}")
    spread = _uniforms(seed, person, 0, 12 + 2 * IDENTITY_DIMENSIONS)
    side = 0.88 if spread[0] < 0.5 else -0.88
    own = _normals(spread[12:])
    even = (spread[1:8] - 0.5) * np.sqrt(12.0)  # uniform of unit variance: all ages and skins are common
    factors = np.concatenate([[side + 0.27 * even[0]], even[1:]])
    vector: NDArray[np.float64] = np.clip(_LOADINGS @ factors + _OWN * own, -LIMIT, LIMIT)
    return vector


def nuisance_vector(seed: int, person: int, shot: int) -> NDArray[np.float64]:
    """Draw the circumstances of one picture, shape (NUISANCE_DIMENSIONS,), independent of who is in it.

    Raises:
        ValueError: If ``person`` or ``shot`` is out of range.
    """
    if not 0 <= person < _PEOPLE:
        raise ValueError(f"person must be in 0..2**40 - 1, not {person}")
    if not 0 <= shot < _SHOTS - 1:
        raise ValueError(f"shot must be in 0..2**24 - 2, not {shot}")
    return np.clip(_normals(_uniforms(seed, person, shot + 1, 2 * NUISANCE_DIMENSIONS)), -LIMIT, LIMIT)


def named_traits(identity: NDArray[np.float64]) -> dict[str, float]:
    """Name the entries of an identity vector."""
    return dict(zip(IDENTITY_TRAITS, np.asarray(identity, dtype=np.float64).tolist(), strict=True))


def named_nuisances(nuisance: NDArray[np.float64]) -> dict[str, float]:
    """Name the entries of a nuisance vector."""
    return dict(zip(NUISANCES, np.asarray(nuisance, dtype=np.float64).tolist(), strict=True))
