"""Pictures made smaller or larger, together with the map that leads their coordinates back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import DataError
from sphereface.faces.opencv import cv2
from sphereface.faces.template import Points

Pixels = NDArray[np.uint8]


def checked(pixels: Pixels) -> Pixels:
    """Return the picture as it is, or say why it is none.

    Raises:
        DataError: If it is not uint8 of shape (H, W, 3) with at least one pixel.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or 0 in pixels.shape:
        raise DataError(
            f"a picture must be uint8 RGB of shape (H, W, 3), not {pixels.dtype} {pixels.shape}; "
            "faces.image.read_image decodes any file to that"
        )
    return pixels


def resized(pixels: Pixels, longest_side: int) -> tuple[Pixels, Points]:
    """Bring the longer side of a picture to a length; the shorter one follows, rounded.

    Making smaller averages areas, so that fine patterns do not turn into coarse ones; making larger
    interpolates linearly.

    Args:
        pixels: Shape (H, W, 3), uint8.
        longest_side: In pixels, at least 1.

    Returns:
        The picture, and the matrix (2, 3) from its coordinates back to those of ``pixels``.

    >>> small, back = resized(np.zeros((100, 200, 3), np.uint8), 50)
    >>> small.shape, back.tolist()
    ((25, 50, 3), [[4.0, 0.0, 1.5], [0.0, 4.0, 1.5]])
    """
    height, width = pixels.shape[:2]
    longest = max(height, width)
    size = max(1, round(width * longest_side / longest)), max(1, round(height * longest_side / longest))
    method = cv2.INTER_AREA if longest_side < longest else cv2.INTER_LINEAR
    # The rounded sides, not the length asked for, say how far the two axes were really scaled; pixel centres
    # lie at whole numbers, hence the halves.
    across, down = width / size[0], height / size[1]
    back = np.array([(across, 0.0, 0.5 * across - 0.5), (0.0, down, 0.5 * down - 0.5)])
    if size == (width, height):
        return pixels, back
    picture: Pixels = cv2.resize(pixels, size, interpolation=method)  # type: ignore[assignment]
    return picture, back
