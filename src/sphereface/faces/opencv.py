"""OpenCV, asked for in one place so that its absence is told with the way out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sphereface.errors import MissingExtraError

try:
    import cv2
except ImportError as missing:
    raise MissingExtraError(
        "finding and aligning faces needs OpenCV: pip install 'sphereface[faces]'"
    ) from missing

__all__ = ["cv2", "without_warnings"]

_quiet = threading.Lock()


@contextmanager
def without_warnings() -> Iterator[None]:
    """Silence OpenCV's warnings, never its errors.

    The level belongs to the whole process, hence the lock and the way back.
    """
    logging = cv2.utils.logging
    with _quiet:
        before = logging.getLogLevel()
        logging.setLogLevel(min(before, logging.LOG_LEVEL_ERROR))
        try:
            yield
        finally:
            logging.setLogLevel(before)
