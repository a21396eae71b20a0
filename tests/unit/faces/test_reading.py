"""Pictures that are aligned crops already: which are taken, at which size, and what is said about them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sphereface.errors import ImageError
from sphereface.faces.reading import recut


def picture(seed: int, height: int = 112, width: int = 112) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_an_exact_crop_is_taken_as_it_is() -> None:
    crop, note = recut(picture(1), "112x112")
    np.testing.assert_array_equal(crop, picture(1))
    assert note == ""


def test_the_narrow_model_takes_both_sizes_and_sees_the_same() -> None:
    from_wide, _ = recut(picture(1), "112x96")
    np.testing.assert_array_equal(from_wide, picture(1)[:, 8:104])
    from_narrow, note = recut(from_wide, "112x96")
    np.testing.assert_array_equal(from_narrow, from_wide)
    assert note == ""


def test_the_square_model_refuses_the_narrow_crop_and_says_why() -> None:
    with pytest.raises(ImageError, match=r"112x96.*this model takes 112x112.*sphereface align") as error:
        recut(picture(1, 112, 96), "112x112")
    assert error.value.outcome == "not-aligned"


def test_a_larger_square_is_averaged_over_areas_and_noted() -> None:
    large = picture(1, 224, 224)
    crop, note = recut(large, "112x112")
    means = large.reshape(112, 2, 112, 2, 3).mean(axis=(1, 3))
    assert np.abs(crop - means).max() <= 1.0
    assert "224x224" in note


@pytest.mark.parametrize(("height", "width"), [(1, 1), (55, 55), (112, 113), (250, 249), (96, 112)])
def test_what_cannot_be_an_aligned_crop_is_refused(height: int, width: int) -> None:
    with pytest.raises(ImageError, match=f"{height}x{width}.*aligned crop has 112x112") as error:
        recut(picture(0, height, width), "112x112")
    assert error.value.outcome == "not-aligned"
