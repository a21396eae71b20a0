"""The shortcut embeddings see exactly what they should: pixels, colour, surroundings."""

from __future__ import annotations

import numpy as np

from sphereface.data.sanity import blanked, colour_embedding, pixel_embedding

GENERATOR = np.random.default_rng(0)


def flat(*colours: tuple[int, int, int]) -> np.ndarray:
    return np.stack([np.full((112, 112, 3), colour, dtype=np.uint8) for colour in colours])


def test_pixels_are_means_of_four_by_four_blocks_without_their_mean() -> None:
    images = GENERATOR.integers(0, 256, (3, 112, 112, 3), dtype=np.uint8)
    rows = pixel_embedding(images)
    assert rows.shape == (3, 28 * 28 * 3)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(rows.sum(axis=1), 0.0, atol=1e-4)
    by_hand = images[1, 4:8, 8:12, 2].mean() - images[1].mean()
    other = images[1, 0:4, 0:4, 0].mean() - images[1].mean()
    np.testing.assert_allclose(rows[1].reshape(28, 28, 3)[1, 2, 2] * other, rows[1, 0] * by_hand, atol=1e-4)


def test_brightness_changes_neither_pixels_nor_colour() -> None:
    images = (GENERATOR.integers(20, 60, (4, 112, 112, 3)) * 2).astype(np.uint8)
    half, double = images, (images * 2).astype(np.uint8)
    np.testing.assert_allclose(pixel_embedding(half), pixel_embedding(double), atol=1e-5)
    tints = flat((40, 30, 20), (40, 40, 20), (30, 30, 30), (50, 20, 20))
    np.testing.assert_allclose(colour_embedding(tints), colour_embedding((tints * 2).astype(np.uint8)), atol=1e-5)


def test_a_black_picture_gives_numbers() -> None:
    images = flat((0, 0, 0), (10, 20, 30), (90, 20, 30))
    assert np.isfinite(pixel_embedding(images)).all()
    assert np.isfinite(colour_embedding(images)).all()


def test_near_colours_have_a_cosine_near_one() -> None:
    tints = flat((200, 150, 120), (202, 150, 119), (120, 150, 200), (150, 200, 120))
    rows = colour_embedding(tints)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, rtol=1e-5)
    cosines = rows @ rows.T
    assert cosines[0, 1] > 0.99
    assert cosines[0, 2] < cosines[0, 1]
    assert cosines[0, 3] < cosines[0, 1]


def test_only_the_middle_of_the_face_gives_the_colour() -> None:
    tints = flat((200, 150, 120), (180, 150, 119), (120, 150, 200), (150, 200, 120))
    elsewhere = tints.copy()
    elsewhere[:, :40] = 0
    elsewhere[:, :, :30] = 255
    np.testing.assert_array_equal(colour_embedding(tints), colour_embedding(elsewhere))


def test_blanking_hides_the_head_alike_for_everyone_and_leaves_the_original() -> None:
    images = GENERATOR.integers(0, 100, (2, 112, 112, 3), dtype=np.uint8)
    before = images.copy()
    rest = blanked(images)
    np.testing.assert_array_equal(images, before)
    hidden = (rest == 128).all(axis=3)
    np.testing.assert_array_equal(hidden[0], hidden[1])
    assert hidden[0, 10:102, 20:92].all()
    assert not hidden[0, [0, 0, -1, -1], [0, -1, 0, -1]].any()
    np.testing.assert_array_equal(rest[~hidden], images[~hidden])
