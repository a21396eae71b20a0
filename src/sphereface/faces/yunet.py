"""YuNet, the default face detector, through OpenCV.

Wu, Peng and Yu 2023, *YuNet: a tiny millisecond-level face detector*, https://doi.org/10.1007/s11633-023-1423-y.
The file is OpenCV Zoo's ``face_detection_yunet_2026may.onnx``
(https://github.com/opencv/opencv_zoo/tree/main/models/face_detection_yunet), licence MIT.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError, ModelError
from sphereface.faces.detection import Detection
from sphereface.faces.opencv import cv2
from sphereface.faces.resizing import checked, resized

MODELS_VARIABLE: Final = "SPHEREFACE_MODELS"
YUNET_FILE: Final = "face_detection_yunet_2026may.onnx"
YUNET_SHA256: Final = "ebafce4e3c118d6554634be5c27ab333b4c047a9a8c3faf1d7cf93101c22f0f0"
YUNET_PAGE: Final = "https://github.com/opencv/opencv_zoo/tree/main/models/face_detection_yunet"

_LARGEST_FILE = 2**20  # the true one has 229,738 bytes
_quiet = threading.Lock()


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
        model: The file, or None for ``face_detection_yunet_2026may.onnx`` in the folder that the environment
            variable ``SPHEREFACE_MODELS`` names. It is read once, and its SHA-256 is checked.
        settings: How it is asked.

    Raises:
        ModelError: If the file is missing, unreadable or not the one that is pinned here.
    """

    def __init__(self, model: Path | None = None, settings: YuNetSettings | None = None) -> None:
        self.model: Final = _model_path() if model is None else Path(model)
        self.settings: Final = settings or YuNetSettings()
        self._network = np.frombuffer(_verified(self.model), dtype=np.uint8)
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
        with _without_warnings():
            return cv2.FaceDetectorYN.create(
                "onnx", self._network, empty, (32, 32), settings.smallest_score, settings.largest_overlap
            )


def _detection(row: NDArray[np.float64]) -> Detection:
    x, y, width, height = row[:4].tolist()
    return Detection(x, y, width, height, float(row[14]), row[4:14].reshape(5, 2))


def _model_path() -> Path:
    folder = os.environ.get(MODELS_VARIABLE)
    if not folder:
        raise ModelError(
            f"it is not known where the face detector lies: get {YUNET_FILE} from {YUNET_PAGE}, and set "
            f"{MODELS_VARIABLE} to its folder"
        )
    return Path(folder) / YUNET_FILE


def _verified(path: Path) -> bytes:
    """Read the model and check that it is the pinned one: the bytes checked are the bytes used."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE)
    except FileNotFoundError as error:
        advice = f"get it from {YUNET_PAGE}, or set {MODELS_VARIABLE} to the folder that holds {YUNET_FILE}"
        raise ModelError(f"there is no face detector at '{path}'; {advice}") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ModelError(f"the face detector '{path}' cannot be read ({reason}); check its permissions") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != YUNET_SHA256:
        raise ModelError(
            f"'{path}' is not the face detector this version was measured with: its SHA-256 begins "
            f"{digest[:12]}, not {YUNET_SHA256[:12]}; get {YUNET_FILE} again from {YUNET_PAGE}"
        )
    return content


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Silence OpenCV's warnings, never its errors, while a network is made.

    OpenCV 5 warns that its new engine ignores the target, which was not asked for. The level belongs to the
    whole process, hence the lock and the way back.
    """
    logging = cv2.utils.logging
    with _quiet:
        before = logging.getLogLevel()
        logging.setLogLevel(min(before, logging.LOG_LEVEL_ERROR))
        try:
            yield
        finally:
            logging.setLogLevel(before)
