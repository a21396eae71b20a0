"""OpenCV, asked for in one place so that its absence is told with the way out."""

from __future__ import annotations

from sphereface.errors import MissingExtraError

try:
    import cv2
except ImportError as missing:
    raise MissingExtraError(
        "finding and aligning faces needs OpenCV: pip install 'sphereface[faces]'"
    ) from missing

__all__ = ["cv2"]
