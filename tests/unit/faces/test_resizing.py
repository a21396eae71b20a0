"""Pictures made smaller or larger: their sides, their means, and the way back for coordinates."""

from __future__ import annotations

import numpy as np
import pytest

from sphereface.faces.resizing import resized
from sphereface.faces.template import apply


def ramp(height: int, width: int) -> np.ndarray:
    """A picture whose red is the column and whose green is the row."""
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([columns, rows, 0 * rows], axis=2).astype(np.uint8)


@pytest.mark.parametrize("longest_side", [37, 60, 100, 240, 431])
def test_a_pixel_shows_what_lies_where_it_leads_back_to(longest_side: int) -> None:
    picture = ramp(160, 240)
    other, back = resized(picture, longest_side)
    height, width = other.shape[:2]
    assert max(height, width) == longest_side
    for row in (height // 3, height // 2):
        for column in (width // 4, 2 * width // 3):
            x, y = apply(back, [(column, row)])[0]
            assert other[row, column, :2].astype(float) == pytest.approx([x, y], abs=1.0)


def test_the_same_side_gives_the_same_picture() -> None:
    picture = ramp(20, 30)
    other, back = resized(picture, 30)
    assert other is picture
    assert np.array_equal(back, np.eye(2, 3))


def test_a_long_strip_keeps_one_pixel_across() -> None:
    other, back = resized(ramp(2, 2000), 100)
    assert other.shape == (1, 100, 3)
    np.testing.assert_allclose(back, [(20.0, 0.0, 9.5), (0.0, 2.0, 0.5)])


def test_fine_patterns_become_grey() -> None:
    stripes = np.zeros((200, 200, 3), np.uint8)
    stripes[:, ::2] = 255
    small, _ = resized(stripes, 67)
    assert small.std() < 40
    assert small.mean() == pytest.approx(127.5, abs=3)
