"""dlib's frontal face detector, the second one: its models come with a Python package, not from a network.

Histograms of oriented gradients and a linear classifier (King 2015, https://arxiv.org/abs/1502.00046), then 68
points by a cascade of regression trees (Kazemi and Sullivan 2014, https://doi.org/10.1109/CVPR.2014.241). It finds
upright, frontal faces of 80 pixels and more; ``docs/faces.md`` compares it with YuNet. The 68-point model was
trained on iBUG 300-W, whose licence excludes commercial use.
"""

from __future__ import annotations

import math
import threading
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError
from sphereface.faces.detection import Detection
from sphereface.faces.dlib_files import LANDMARKS_FILE, dlib_file, load_dlib
from sphereface.faces.resizing import checked, resized

# Of the 68 points of iBUG 300-W: the six around each eye, the tip of the nose, the corners of the mouth.
_RIGHT_EYE, _LEFT_EYE, _NOSE, _RIGHT_MOUTH, _LEFT_MOUTH = range(36, 42), range(42, 48), 30, 48, 54


class DlibDetector:
    """A detector that may be called from several threads, one after the other, and copied to other processes.

    Args:
        longest_side: A larger picture is made smaller to this many pixels first, a smaller one enlarged (at
            most twice): the smallest face dlib knows is 80 pixels wide.
        smallest_margin: How far a window must lie on the face's side of the classifier; 0 is dlib's own.

    Raises:
        ConfigurationError: If ``longest_side`` is not positive.
        MissingExtraError: If dlib is not installed.
    """

    def __init__(self, longest_side: int = 1000, smallest_margin: float = 0.0) -> None:
        if longest_side < 1:
            raise ConfigurationError(f"longest_side must be 1 or more pixels, not {longest_side}")
        dlib = load_dlib()
        self.longest_side: Final = longest_side
        self.smallest_margin: Final = smallest_margin
        self._finder: Any = dlib.get_frontal_face_detector()
        self._points: Any = dlib.shape_predictor(str(dlib_file(LANDMARKS_FILE)))
        self._one_at_a_time = threading.Lock()  # dlib's detector keeps its pyramid between calls

    def __reduce__(self) -> tuple[type[DlibDetector], tuple[int, float]]:
        return DlibDetector, (self.longest_side, self.smallest_margin)

    def detect(self, pixels: NDArray[np.uint8]) -> tuple[Detection, ...]:
        """Find every face: the highest score first. The score is the logistic function of dlib's margin.

        Args:
            pixels: Shape (H, W, 3), uint8, RGB; not changed.

        Raises:
            DataError: If ``pixels`` is no such picture.
        """
        longest = max(checked(pixels).shape[:2])
        picture, back = resized(pixels, min(self.longest_side, 2 * longest))
        picture = np.ascontiguousarray(picture)
        with self._one_at_a_time:
            boxes, margins, _ = self._finder.run(picture, 0, self.smallest_margin)
            shapes = [self._points(picture, box) for box in boxes]
        found = [
            _detection(box, margin, shape).moved(back)
            for box, margin, shape in zip(boxes, margins, shapes, strict=True)
        ]
        return tuple(sorted(found, key=lambda face: -face.score))


def _detection(box: Any, margin: float, shape: Any) -> Detection:
    points = np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float64)
    eyes = [points[list(eye)].mean(axis=0) for eye in (_RIGHT_EYE, _LEFT_EYE)]
    landmarks = np.array([*eyes, points[_NOSE], points[_RIGHT_MOUTH], points[_LEFT_MOUTH]])
    score = 1.0 / (1.0 + math.exp(-margin))
    return Detection(box.left(), box.top(), box.width(), box.height(), score, landmarks)
