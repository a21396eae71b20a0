"""YuNet, the default face detector, through OpenCV.

Wu, Peng and Yu 2023, *YuNet: a tiny millisecond-level face detector*, https://doi.org/10.1007/s11633-023-1423-y.
The file is OpenCV Zoo's ``face_detection_yunet_2026may.onnx``
(https://github.com/opencv/opencv_zoo/tree/main/models/face_detection_yunet), licence MIT.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError
from sphereface.faces.detection import Detection
from sphereface.faces.opencv import cv2, without_warnings
from sphereface.faces.resizing import checked, resized
from sphereface.model_files import MODELS_VARIABLE, YUNET, models_folder, read_model_file

__all__ = ["MODELS_VARIABLE", "YUNET_FILE", "YUNET_SHA256", "YuNet", "YuNetSettings"]

YUNET_FILE: Final = YUNET.file
YUNET_SHA256: Final = YUNET.sha256


@dataclass(frozen=True)
class YuNetSettings:
    """How YuNet is asked.

    Attributes:
        longest_side: A larger picture is made smaller to this many pixels before detection; a smaller one is
            left alone. YuNet is made for faces of 10 to 300 pixels, as its page says: on a photo of full size
            it misses or misplaces large ones.
        smallest_score: Faces below are left out. 0.6 is what ``docs/faces.md`` was measured at.
        largest_overlap: Of two boxes that share more than this (intersection over union), the lower score
            goes.
    """

    longest_side: int = 640
    smallest_score: float = 0.6
    largest_overlap: float = 0.3

    def __post_init__(self) -> None:
        if self.longest_side < 1:
            raise ConfigurationError(f"longest_side must be 1 or more pixels, not {self.longest_side}")
        for name in ("smallest_score", "largest_overlap"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigurationError(f"{name} must be between 0 and 1, not {getattr(self, name)}")


class YuNet:
    """A detector that may be called from several threads at once, and copied to other processes.

    OpenCV's own object keeps the size of its input, so two threads that shared one would get each other's
    boxes. Here a call takes an idle one, or makes one (a few milliseconds), and puts it back: there are never
    more of them than calls that ran at the same time.

    Args:
        model: The file, or None for the one that ``sphereface models get yunet`` put into
            :func:`~sphereface.model_files.models_folder`. It is read once, and its SHA-256 is checked.
        settings: How it is asked.

    Raises:
        ModelError: If the file is missing, unreadable or not the pinned one.
    """

    def __init__(self, model: Path | None = None, settings: YuNetSettings | None = None) -> None:
        self.model: Final = models_folder() / YUNET.file if model is None else Path(model)
        self.settings: Final = settings or YuNetSettings()
        self._network = np.frombuffer(read_model_file(YUNET, self.model), dtype=np.uint8)
        self._idle: list[Any] = []  # pop and append of a list are atomic, so it needs no lock

    def __reduce__(self) -> tuple[type[YuNet], tuple[Path, YuNetSettings]]:
        return YuNet, (self.model, self.settings)

    def with_longest_side(self, longest_side: int) -> YuNet:
        """Return the same detector at another working size."""
        return YuNet(self.model, replace(self.settings, longest_side=longest_side))

    def detect(self, pixels: NDArray[np.uint8]) -> tuple[Detection, ...]:
        """Find every face: the highest score first.

        Args:
            pixels: Shape (H, W, 3), uint8, RGB; not changed.

        Returns:
            Boxes and landmarks in pixels of ``pixels``; empty if there is no face.

        Raises:
            DataError: If ``pixels`` is no such picture.
        """
        small, back = checked(pixels), None
        if max(pixels.shape[:2]) > self.settings.longest_side:
            small, back = resized(pixels, self.settings.longest_side)
        rows = self._rows(cv2.cvtColor(np.ascontiguousarray(small), cv2.COLOR_RGB2BGR))
        found = [_detection(row) for row in rows if np.isfinite(row).all() and (row[2:4] > 0).all()]
        placed = found if back is None else [face.moved(back) for face in found]
        return tuple(sorted(placed, key=lambda face: -face.score))

    def _rows(self, bgr: Any) -> NDArray[np.float64]:
        """Return OpenCV's answer, (K, 15): box, five points as (x, y), score."""
        try:
            network = self._idle.pop()
        except IndexError:
            network = self._new_network()
        network.setInputSize((bgr.shape[1], bgr.shape[0]))
        rows = network.detect(bgr)[1]
        self._idle.append(network)  # not in a finally: one that raised is dropped
        return np.zeros((0, 15)) if rows is None else np.asarray(rows, dtype=np.float64)

    def _new_network(self) -> Any:
        settings = self.settings
        empty = np.zeros(0, dtype=np.uint8)
        # OpenCV 5 warns that its new engine ignores the target, which was not asked for.
        with without_warnings():
            return cv2.FaceDetectorYN.create(
                "onnx", self._network, empty, (32, 32), settings.smallest_score, settings.largest_overlap
            )


def _detection(row: NDArray[np.float64]) -> Detection:
    x, y, width, height = row[:4].tolist()
    return Detection(x, y, width, height, float(row[14]), row[4:14].reshape(5, 2))
