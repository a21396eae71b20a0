"""How good the picture of a face is: size, pose, sharpness, exposure. Numbers, and limits that a user sets.

No number here says by itself what is good enough: ``docs/faces.md`` shows how much of the error goes when the
worst pictures by each of them are left out. The one limit that is set by default is on enlargement
(:data:`~sphereface.faces.detection.MOST_ENLARGED`), where pixels would be invented.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sphereface.errors import ConfigurationError, nearest
from sphereface.faces.detection import Detection
from sphereface.faces.template import Points

# The five points of an average face in eye distances: x to the left side of the person, y down, z to the
# onlooker; the origin between the eyes. x and y are the published template's; the depths are those of an
# average head (nose tip 0.45 in front of the pupils, corners of the mouth 0.1). A pose from five points is a
# coarse one: people's noses differ by about 5 degrees of it.
FACE_MODEL: Final[NDArray[np.float64]] = np.array(
    [(-0.5, 0.0, 0.0), (0.5, 0.0, 0.0), (0.0, 0.57, 0.45), (-0.41, 1.155, 0.1), (0.41, 1.155, 0.1)]
)
FACE_MODEL.flags.writeable = False

_DARK, _BRIGHT = 8, 247  # grey levels at which a pixel has lost its shading
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601
_FACE_ROWS, _FACE_COLUMNS = (28, 104), (28, 84)  # of a 112x112 crop, which eyes, nose and mouth take


@dataclass(frozen=True)
class Quality:
    """What can be measured of one face without a network, always on its 112x112 crop.

    Of a picture that was an aligned crop already pose and score are unknown, NaN.

    Attributes:
        enlargement: How many pixels of that crop one pixel of the picture became; above 1 nothing is gained.
        yaw: Degrees by which the head is turned, positive to the person's own left.
        pitch: Degrees by which it is bent, positive upwards.
        roll: Degrees by which it is tilted in the picture, positive clockwise.
        sharpness: Root mean square of the Laplacian of the crop's face in grey levels, over the standard
            deviation of the face: 0 is a blur, and neither light nor contrast changes it.
        brightness: Mean grey of the face, 0 to 1.
        clipped: Share of the face's pixels that are so dark or so bright that nothing shows in them.
        score: The detector's own confidence.
    """

    enlargement: float
    yaw: float
    pitch: float
    roll: float
    sharpness: float
    brightness: float
    clipped: float
    score: float


@dataclass(frozen=True)
class QualityLimits:
    """What is refused as ``low-quality``; None refuses nothing.

    Attributes:
        most_yaw: Degrees to either side.
        most_pitch: Degrees up or down.
        least_sharpness: See :class:`Quality`.
        least_brightness: Of 1.
        most_brightness: Of 1.
        most_clipped: Share of pixels.
        least_score: Of the detector; scores of two detectors are not comparable.
    """

    most_yaw: float | None = None
    most_pitch: float | None = None
    least_sharpness: float | None = None
    least_brightness: float | None = None
    most_brightness: float | None = None
    most_clipped: float | None = None
    least_score: float | None = None

    @property
    def of_photographs(self) -> tuple[str, ...]:
        """Names of the limits set that an aligned crop cannot be held to."""
        return tuple(
            name.replace("_", "-")
            for name in ("most_yaw", "most_pitch", "least_score")
            if getattr(self, name) is not None
        )

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = getattr(self, setting.name)
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise ConfigurationError(f"{setting.name.replace('_', '-')} must be 0 or more, not {value}")

    def complaint(self, quality: Quality) -> str:
        """Say in one sentence what is not good enough; empty if nothing is."""
        checks = (
            (self.most_yaw, abs(quality.yaw), 1, "the head is turned by {0:.0f} degrees, and {1:g} is the most"),
            (self.most_pitch, abs(quality.pitch), 1, "the head is bent by {0:.0f} degrees, and {1:g} is the most"),
            (self.least_sharpness, quality.sharpness, -1, "its sharpness is {0:.3f}, and {1:g} is the least"),
            (self.least_brightness, quality.brightness, -1, "its brightness is {0:.2f}, and {1:g} is the least"),
            (self.most_brightness, quality.brightness, 1, "its brightness is {0:.2f}, and {1:g} is the most"),
            (self.most_clipped, quality.clipped, 1, "{0:.0%} of it are black or white, and {1:.0%} is the most"),
            (self.least_score, quality.score, -1, "the detector's score is {0:.2f}, and {1:g} is the least"),
        )
        for limit, value, sign, words in checks:
            if limit is not None and sign * value > sign * limit:
                return f"the face is not good enough: {words.format(value, limit)}; use a better picture"
        return ""


NO_LIMITS: Final = QualityLimits()


def read_limits(words: Iterable[str]) -> QualityLimits:
    """Read limits as a user writes them.

    Raises:
        ConfigurationError: If a word is no ``name=number`` with a known name.

    >>> read_limits(["least-sharpness=0.2", "most-yaw=40"]).least_sharpness
    0.2
    """
    known = {setting.name: setting.name.replace("_", "-") for setting in fields(QualityLimits)}
    found: dict[str, float] = {}
    for word in words:
        name, _, number = word.partition("=")
        key = name.strip().replace("-", "_")
        if key not in known:
            names = ", ".join(known.values())
            close = nearest(name, known.values())
            raise ConfigurationError(f"no limit is called '{name}'; known: {names}.{close}")
        try:
            found[key] = float(number)
        except ValueError:
            raise ConfigurationError(f"a limit is written as {known[key]}=NUMBER, not '{word}'") from None
    return QualityLimits(**found)


def quality_of(detection: Detection, crop: NDArray[np.uint8]) -> Quality:
    """Measure a face.

    Args:
        detection: Where it was found, in the picture's own pixels.
        crop: The aligned crop made of it, (112, 112, 3), uint8, RGB.
    """
    yaw, pitch, roll = pose(detection.landmarks)
    sharpness, brightness, clipped = appearance(crop)
    return Quality(detection.enlargement, yaw, pitch, roll, sharpness, brightness, clipped, detection.score)


def quality_of_crop(crop: NDArray[np.uint8]) -> Quality:
    """Measure a face of which there is only an aligned crop, (112, 112, 3) or (112, 96, 3), uint8, RGB."""
    unknown = math.nan
    return Quality(1.0, unknown, unknown, unknown, *appearance(crop), unknown)


def pose(landmarks: ArrayLike) -> tuple[float, float, float]:
    """Return yaw, pitch and roll in degrees from five landmarks, seen from far away (orthographic).

    The affine camera that fits :data:`FACE_MODEL` best, by least squares, and the rotation nearest to it
    (the two rows made orthonormal by their polar decomposition). Exact if the landmarks are an orthographic
    picture of the model.

    Args:
        landmarks: Shape (5, 2), as in :mod:`sphereface.faces.template`.

    >>> [round(angle, 6) + 0.0 for angle in pose(40 * FACE_MODEL[:, :2] + 100)]
    [0.0, 0.0, 0.0]
    """
    points: Points = np.asarray(landmarks, dtype=np.float64)
    model = FACE_MODEL - FACE_MODEL.mean(axis=0)
    camera = np.linalg.lstsq(model, points - points.mean(axis=0), rcond=None)[0].T
    left, _, right = np.linalg.svd(camera, full_matrices=False)
    across, down = left @ right
    ahead = np.cross(across, down)
    # The rotation is yaw first, then pitch, then roll in the plane of the picture.
    yaw = math.atan2(-ahead[0], ahead[2])
    pitch = math.asin(float(np.clip(ahead[1], -1.0, 1.0)))
    roll = math.atan2(-across[1], down[1])
    return math.degrees(yaw), math.degrees(pitch), math.degrees(roll)


def appearance(crop: NDArray[np.uint8]) -> tuple[float, float, float]:
    """Return sharpness, brightness and the clipped share of a 112x112 or 112x96 crop (:class:`Quality`)."""
    shift = (crop.shape[1] - 112) // 2  # the narrow crop lacks 8 columns on either side
    face = crop[slice(*_FACE_ROWS), _FACE_COLUMNS[0] + shift : _FACE_COLUMNS[1] + shift]
    grey = face @ _LUMA
    spread = float(grey.std())
    inner = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4.0 * inner
    sharpness = float(np.sqrt(np.mean(np.square(laplacian)))) / spread if spread > 0 else 0.0
    clipped = float(np.mean((grey <= _DARK) | (grey >= _BRIGHT)))
    return sharpness, float(grey.mean()) / 255.0, clipped
