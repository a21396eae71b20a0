"""What a user chooses between on the way from a picture to a face: words only, so a program starts at once."""

from __future__ import annotations

from typing import Final, Literal, get_args

Policy = Literal["error", "largest", "central", "all"]
"""Which faces of a picture count (:func:`sphereface.faces.detection.choose`)."""

DetectorName = Literal["yunet", "dlib"]
"""Who finds them (:func:`sphereface.faces.detectors.detector`)."""

PictureKind = Literal["auto", "photographs", "aligned"]
"""What a picture is taken for (:func:`sphereface.faces.detectors.reader`)."""

POLICIES: Final[tuple[Policy, ...]] = get_args(Policy)
DETECTORS: Final[tuple[DetectorName, ...]] = get_args(DetectorName)
