"""A face found in a picture, who finds it, and which one counts when there are several.

No detector lives here and no OpenCV is needed: values and rules only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sphereface.errors import ConfigurationError, DataError, nearest
from sphereface.faces.choices import POLICIES, Policy
from sphereface.faces.outcomes import ChoiceOutcome
from sphereface.faces.template import Points, apply, scale_of, similarity

MOST_ENLARGED: Final = 2.0
"""Beyond this enlargement to the template more than three of four pixels of a crop are invented."""


@dataclass(frozen=True, eq=False)
class Detection:
    """One face, in the coordinates of the picture it was found in (pixel centres at whole numbers).

    Attributes:
        x: Left edge of the box, in pixels; may lie outside the picture, as the other edges may.
        y: Upper edge of the box.
        width: Of the box, in pixels.
        height: Of the box, in pixels.
        score: The detector's own confidence, 0 to 1; scores of two detectors are not comparable.
        landmarks: Shape (5, 2), float64, read-only: the person's right eye, left eye, nose tip, right and
            left corner of the mouth (:mod:`sphereface.faces.template`).
    """

    x: float
    y: float
    width: float
    height: float
    score: float
    landmarks: Points = field(repr=False)

    def __post_init__(self) -> None:
        landmarks = np.array(self.landmarks, dtype=np.float64)
        numbers = (self.x, self.y, self.width, self.height, self.score)
        if landmarks.shape != (5, 2) or not (np.isfinite(landmarks).all() and np.isfinite(numbers).all()):
            raise DataError(
                f"a detection needs a finite box and score and five finite landmarks, not {numbers} and "
                f"landmarks of shape {landmarks.shape}"
            )
        if self.width <= 0 or self.height <= 0:
            raise DataError(f"a face's box must have an area, not {self.width:g}x{self.height:g} pixels")
        landmarks.flags.writeable = False
        object.__setattr__(self, "landmarks", landmarks)

    @property
    def area(self) -> float:
        """Of the box, in square pixels."""
        return self.width * self.height

    @property
    def enlargement(self) -> float:
        """How many pixels of the aligned crop one pixel of the picture becomes; below 1 it is made smaller."""
        return scale_of(similarity(self.landmarks))

    def moved(self, matrix: ArrayLike) -> Detection:
        """Return the same face in other coordinates.

        Args:
            matrix: Shape (2, 3), a map that keeps upright boxes upright: scaling, shift, quarter turns.
        """
        box = apply(matrix, [(self.x, self.y), (self.x + self.width, self.y + self.height)])
        (x, y), (right, bottom) = box.min(axis=0).tolist(), box.max(axis=0).tolist()
        return Detection(x, y, right - x, bottom - y, self.score, apply(matrix, self.landmarks))


class Detector(Protocol):
    """Finds faces; safe to call from several threads at once."""

    def detect(self, pixels: NDArray[np.uint8]) -> tuple[Detection, ...]:
        """Find every face of a picture (H, W, 3), uint8, RGB: the highest score first, none is an empty tuple."""


@dataclass(frozen=True)
class Choice:
    """Which of the faces found count, and why.

    Attributes:
        outcome: ``ok``, ``no-face``, ``several-faces`` (the policy ``error`` met more than one) or
            ``too-small``.
        chosen: The faces that count, one unless the policy is ``all``; empty unless the outcome is ``ok``.
        message: One sentence that says what is wrong and what to do; empty for ``ok``. It names no file.
    """

    outcome: ChoiceOutcome
    chosen: tuple[Detection, ...] = ()
    message: str = ""


def choose(
    detections: Sequence[Detection],
    policy: Policy,
    size: tuple[int, int],
    *,
    most_enlarged: float = MOST_ENLARGED,
) -> Choice:
    """Choose among the faces of one picture.

    Args:
        detections: All faces found.
        policy: ``error`` takes the only face and refuses several, a small one in the background counts too;
            ``largest`` takes the largest box; ``central`` the box whose centre is nearest the picture's;
            ``all`` takes every face that is not too small. A tie goes to the more central, the larger, and at
            last the higher score.
        size: Height and width of the picture in pixels.
        most_enlarged: A face that alignment would enlarge more than this is too small. Under ``largest`` and
            ``central`` the chosen face is not exchanged for another: too small is the answer then.

    Raises:
        ConfigurationError: If the policy is unknown or ``most_enlarged`` is not positive.

    >>> choose((), "error", (480, 640)).outcome
    'no-face'
    """
    if policy not in POLICIES:
        known = ", ".join(POLICIES)
        raise ConfigurationError(
            f"no policy is called '{policy}'; choose from {known}.{nearest(policy, POLICIES)}"
        )
    if not most_enlarged > 0:
        raise ConfigurationError(f"most_enlarged must be above 0, not {most_enlarged}")
    if not detections:
        return Choice("no-face", message="no face was found; use a picture that shows the whole face, well lit")
    if policy == "error" and len(detections) > 1:
        return Choice(
            "several-faces",
            message=f"{len(detections)} faces were found where one is wanted; crop the picture to one person, or "
            "let the largest or the most central one count",
        )
    wanted = tuple(sorted(detections, key=lambda face: _rank(face, policy, size)))
    wanted = wanted if policy == "all" else wanted[:1]
    large = tuple(face for face in wanted if face.enlargement <= most_enlarged)
    if large:
        return Choice("ok", large)
    best = min(wanted, key=lambda face: face.enlargement)
    return Choice(
        "too-small",
        message=f"the face is too small: it would be enlarged {best.enlargement:.1f} times, and {most_enlarged:g} "
        "is the most; use a picture with more pixels",
    )


def _rank(face: Detection, policy: Policy, size: tuple[int, int]) -> tuple[float, float, float]:
    """Sort key of a face, the smallest first."""
    height, width = size
    across, down = face.x + face.width / 2 - (width - 1) / 2, face.y + face.height / 2 - (height - 1) / 2
    away = float(np.hypot(across, down))
    order = (away, -face.area) if policy == "central" else (-face.area, away)
    return (*order, -face.score)
