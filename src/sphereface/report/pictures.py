"""Pixels become addresses that a page can carry inside itself."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from sphereface.report.content import Picture


def picture_address(picture: Picture) -> str:
    """Return a face (H, W, 3) RGB uint8 as a JPEG data address, 4:4:4 at quality 90.

    Raises:
        ValueError: The array is not an RGB picture of bytes.

    >>> picture_address(np.zeros((2, 2, 3), np.uint8))[:23]
    'data:image/jpeg;base64,'
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise ValueError(f"a picture is (H, W, 3) uint8, not {picture.shape} {picture.dtype}")
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, "JPEG", quality=90, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def png_address(png: bytes) -> str:
    """Return PNG bytes as a data address.

    >>> png_address(b"x")
    'data:image/png;base64,eA=='
    """
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
