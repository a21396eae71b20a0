"""Decoding at a smaller scale: the same picture, only smaller, and the truth about its full size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from sphereface.faces.image import Picture, read_image, read_picture
from tests.unit.faces.pictures import as_stored, encoded, every_format, exif, gradient, quadrants


def soft(height: int = 203, width: int = 301) -> np.ndarray:
    """A picture without edges, whose every scale looks the same."""
    small = Image.fromarray(gradient(12, 16) // 2 + 60)
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


def mean_difference(picture: Picture, whole: np.ndarray) -> float:
    height, width = picture.pixels.shape[:2]
    expected = Image.fromarray(whole).resize((width, height), Image.Resampling.BOX)
    return float(np.abs(np.asarray(expected).astype(int) - picture.pixels).mean())


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_at_a_smaller_scale_has_the_same_colours(mode: str, progressive: bool) -> None:
    content = encoded(Image.fromarray(soft()).convert(mode), "JPEG", quality=95, progressive=progressive)
    whole = read_image(content)
    assert whole.shape == (203, 301, 3)
    for least_side, shape in ((37, (26, 38, 3)), (75, (51, 76, 3)), (150, (102, 151, 3)), (151, (203, 301, 3))):
        picture = read_picture(content, least_side=least_side)
        assert picture.pixels.shape == shape
        assert (picture.height, picture.width) == (203, 301)
        assert mean_difference(picture, whole) < 1.5
        assert picture.pixels.flags.c_contiguous
        assert picture.pixels.flags.writeable


@pytest.mark.parametrize("orientation", range(1, 9))
def test_scaled_and_turned(orientation: int) -> None:
    upright = quadrants(64)[:112]  # 112 x 128
    content = encoded(Image.fromarray(as_stored(upright, orientation)), "JPEG", exif=exif(orientation))
    picture = read_picture(content, least_side=32)
    assert (picture.height, picture.width) == (112, 128)
    assert picture.pixels.shape == (28, 32, 3)
    assert mean_difference(picture, upright) < 4


@pytest.mark.parametrize("least_side", [1, 2, 7, 16, 50, 99, 150, 300, 301, 302, 5000])
@pytest.mark.parametrize("shape", [(203, 301), (301, 203), (301, 3), (3, 301), (1, 301)])
def test_the_longer_side_keeps_what_was_asked_for(shape: tuple[int, int], least_side: int) -> None:
    picture = read_picture(encoded(Image.fromarray(soft(*shape)), "JPEG"), least_side=least_side)
    assert max(picture.pixels.shape[:2]) >= min(least_side, 301)
    assert (picture.height, picture.width) == shape


@pytest.mark.parametrize("name", [name for name in every_format() if not name.startswith("jpeg")])
def test_other_formats_come_whole(name: str) -> None:
    content = every_format()[name]
    picture, whole = read_picture(content, least_side=5), read_picture(content)
    assert np.array_equal(picture.pixels, whole.pixels)
    assert (picture.height, picture.width) == picture.pixels.shape[:2]


def test_a_picture_is_compared_by_identity() -> None:
    content = every_format()["png"]
    assert read_picture(content) != read_picture(content)


def test_large_pictures_are_converted_in_bands_that_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bands of a few rows must give what one band gives, whatever the mode and the turn."""
    contents = every_format()
    whole = {name: read_image(content) for name, content in contents.items()}
    monkeypatch.setattr("sphereface.faces.image_pixels._BAND", 48 * 7)
    bands: dict[str, Any] = {name: read_image(content) for name, content in contents.items()}
    assert [name for name in contents if not np.array_equal(whole[name], bands[name])] == []
