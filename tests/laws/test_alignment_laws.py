"""Where a picture was held, turned or scaled does not change the aligned face in it."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sphereface.data.synthetic import SyntheticFaces
from sphereface.faces.alignment import align
from sphereface.faces.image import read_image
from sphereface.faces.template import TEMPLATES, after, apply, similarity

SIZES = st.sampled_from(["112x112", "112x96"])
FACE = cv2.GaussianBlur(SyntheticFaces(2).image(3, 1), (0, 0), 1.0)


@st.composite
def similarities(draw: st.DrawFn, least: float, most: float, far: float) -> np.ndarray:
    scale = float(np.exp(draw(st.floats(np.log(least), np.log(most)))))
    turn = scale * np.exp(1j * draw(st.floats(-np.pi, np.pi)))
    across, down = draw(st.floats(-far, far)), draw(st.floats(-far, far))
    return np.array([(turn.real, -turn.imag, across), (turn.imag, turn.real, down)])


def scene(matrix: np.ndarray, side: int = 420) -> np.ndarray:
    return cv2.warpAffine(FACE, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def difference(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(first.astype(float) - second).mean())


@settings(max_examples=300, deadline=None)
@given(SIZES, similarities(0.01, 100.0, 10_000.0))
def test_every_similarity_of_the_template_is_undone_exactly(size, matrix):
    template = TEMPLATES[size]
    found = similarity(apply(matrix, template), template)
    np.testing.assert_allclose(apply(found, apply(matrix, template)), template, atol=1e-9)
    np.testing.assert_allclose(after(found, matrix)[:, :2], np.eye(2), atol=1e-9)
    # Of a face a pixel large and ten thousand pixels away, the last digits of a float64 are the shift.
    np.testing.assert_allclose(after(found, matrix)[:, 2], 0.0, atol=1e-8)


@settings(max_examples=100, deadline=None)
@given(similarities(0.2, 5.0, 1_000.0), st.integers(0, 10_000))
def test_landmarks_moved_by_a_similarity_give_the_same_crop_coordinates(matrix, seed):
    landmarks = TEMPLATES["112x112"] + 5.0 * np.random.default_rng(seed).standard_normal((5, 2))
    moved = apply(matrix, landmarks)
    np.testing.assert_allclose(apply(similarity(moved), moved), apply(similarity(landmarks), landmarks), atol=1e-8)


@settings(max_examples=40, deadline=None)
@given(SIZES, similarities(1.0, 2.2, 0.0))
def test_a_picture_turned_scaled_and_moved_gives_the_same_face(size, turn):
    middle = apply(turn, [(55.5, 55.5)])[0]
    matrix = after([(1.0, 0.0, 209.5 - middle[0]), (0.0, 1.0, 209.5 - middle[1])], turn)
    crop = align(scene(matrix), apply(matrix, TEMPLATES["112x112"]), size)
    expected = FACE if size == "112x112" else FACE[:, 8:104]
    assert difference(crop[4:-4, 4:-4], expected[4:-4, 4:-4]) < 2.0


# Orientation: from the upright picture to the one a camera stores, for pixels and for points (x, y) in it.
STORED = {
    1: (lambda p: p, lambda x, y, w, h: (x, y)),
    2: (lambda p: p[:, ::-1], lambda x, y, w, h: (w - 1 - x, y)),
    3: (lambda p: p[::-1, ::-1], lambda x, y, w, h: (w - 1 - x, h - 1 - y)),
    4: (lambda p: p[::-1], lambda x, y, w, h: (x, h - 1 - y)),
    5: (lambda p: p.transpose(1, 0, 2), lambda x, y, w, h: (y, x)),
    6: (lambda p: np.rot90(p, 1), lambda x, y, w, h: (y, w - 1 - x)),
    7: (lambda p: np.rot90(p, 2).transpose(1, 0, 2), lambda x, y, w, h: (h - 1 - y, w - 1 - x)),
    8: (lambda p: np.rot90(p, -1), lambda x, y, w, h: (h - 1 - y, x)),
}
MATRIX = np.array([(1.5, -0.4, 120.0), (0.4, 1.5, 40.0)])


def upright() -> np.ndarray:
    return scene(MATRIX)[:400, :360]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_eight_exif_orientations_of_one_photograph_give_the_same_crop(orientation):
    turn, _ = STORED[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(turn(upright()))).save(buffer, "PNG", exif=exif)
    points = apply(MATRIX, TEMPLATES["112x112"])
    assert np.array_equal(align(read_image(buffer.getvalue()), points), align(upright(), points))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", ["112x112", "112x96"])
def test_a_stored_picture_with_its_landmarks_moved_along_gives_the_same_crop(orientation, size):
    """A picture turned without a tag: turns are undone by alignment; a mirror image stays one."""
    turn, place = STORED[orientation]
    height, width = upright().shape[:2]
    points = apply(MATRIX, TEMPLATES["112x112"])
    moved = np.array([place(x, y, width, height) for x, y in points])
    picture = np.ascontiguousarray(turn(upright()))
    if orientation in (2, 4, 5, 7):  # mirrored: the person's right and left change places, and so does the crop
        moved = moved[[1, 0, 2, 4, 3]]
        mirrored = upright()[:, ::-1]
        swapped = (points * (-1.0, 1.0) + (width - 1.0, 0.0))[[1, 0, 2, 4, 3]]
        expected = align(mirrored, swapped, size)
    else:
        expected = align(upright(), points, size)
    assert difference(align(picture, moved, size), expected) < 0.5
