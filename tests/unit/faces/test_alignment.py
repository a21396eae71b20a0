"""The aligned crop: what comes back from a larger picture, how it is made smaller, what lies outside."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from sphereface.data.synthetic import SyntheticFaces, landmarks
from sphereface.errors import DataError
from sphereface.faces.alignment import align
from sphereface.faces.image import read_image
from sphereface.faces.template import ARCFACE_TEMPLATE, SPHEREFACE_TEMPLATE, apply, similarity

POPULATION = SyntheticFaces(11)


def map_of(scale: float, degrees: float, across: float, down: float) -> np.ndarray:
    turn = scale * np.exp(1j * np.radians(degrees))
    return np.array([(turn.real, -turn.imag, across), (turn.imag, turn.real, down)])


def pasted(picture: np.ndarray, matrix: np.ndarray, width: int = 400, height: int = 300) -> np.ndarray:
    """Put a picture on a grey canvas under a known similarity."""
    return cv2.warpAffine(
        picture,
        matrix,
        (width, height),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(90,) * 3,
    )


def inner_difference(first: np.ndarray, second: np.ndarray) -> float:
    """Mean absolute difference without the outer 6 pixels, which a canvas or a border may have touched."""
    return float(np.abs(first.astype(float) - second)[6:-6, 6:-6].mean())


@pytest.mark.parametrize(("scale", "degrees"), [(1.0, 0.0), (1.5, 20.0), (2.0, -45.0), (1.7, 170.0), (1.2, 90.0)])
@pytest.mark.parametrize("person", range(3))
def test_a_pasted_face_comes_back(person: int, scale: float, degrees: float) -> None:
    face = cv2.GaussianBlur(POPULATION.image(person, 0), (0, 0), 1.0)  # what resampling can carry
    centre = apply(map_of(scale, degrees, 0.0, 0.0), [(55.5, 55.5)])[0]
    matrix = map_of(scale, degrees, 200.0 - centre[0], 150.0 - centre[1])
    canvas = pasted(face, matrix)
    crop = align(canvas, apply(matrix, ARCFACE_TEMPLATE))
    assert inner_difference(crop, face) < 1.5


def test_the_drawn_landmarks_bring_a_face_to_the_template() -> None:
    identity, nuisance = POPULATION.identity_vector(4), POPULATION.nuisance_vector(4, 2)
    drawn = landmarks(identity, nuisance)
    matrix = map_of(1.6, 30.0, 170.0, 20.0)
    face = POPULATION.image(4, 2)
    crop = align(pasted(face, matrix), apply(matrix, drawn))
    direct = cv2.warpAffine(face, similarity(drawn), (112, 112))
    assert inner_difference(crop[10:-10, 10:-10], direct[10:-10, 10:-10]) < 4.0


def test_the_narrow_crop_is_the_middle_of_the_wide_one() -> None:
    canvas = pasted(POPULATION.image(0, 0), map_of(1.9, 12.0, 90.0, 10.0))
    points = apply(map_of(1.9, 12.0, 90.0, 10.0), ARCFACE_TEMPLATE)
    wide, narrow = align(canvas, points), align(canvas, points, "112x96")
    assert narrow.shape == (112, 96, 3)
    assert np.abs(wide[:, 8:104].astype(int) - narrow).max() <= 1
    assert np.array_equal(align(wide, ARCFACE_TEMPLATE), wide)
    assert np.array_equal(align(narrow, SPHEREFACE_TEMPLATE, "112x96"), narrow)


def test_what_lies_outside_is_black_and_the_picture_is_not_touched() -> None:
    white = np.full((112, 112, 3), 255, dtype=np.uint8)
    white.flags.writeable = False
    crop = align(white, ARCFACE_TEMPLATE - (40.0, 0.0))
    assert (crop[:, :39] == 0).all()
    assert (crop[:, 41:] == 255).all()


@pytest.mark.parametrize("scale", [1.3, 2.0, 3.4, 6.0, 9.7])
def test_fine_patterns_do_not_become_coarse_ones(scale: float) -> None:
    """A chequered pattern finer than the crop's pixels must become an even grey, whatever the turn."""
    rows, columns = np.mgrid[0:1400, 0:1400]
    chequered = np.repeat(((rows + columns) % 2 * 255).astype(np.uint8)[:, :, None], 3, axis=2)
    points = apply(map_of(scale, 23.0, 300.0, 40.0), ARCFACE_TEMPLATE)
    plain = cv2.warpAffine(chequered, similarity(points), (112, 112))[30:-30, 30:-30]
    ours = align(chequered, points)[30:-30, 30:-30]
    assert ours.mean() == pytest.approx(127.5, abs=2.0)
    assert ours.std() < 0.5 * plain.std()


def test_making_smaller_is_the_mean_of_what_a_pixel_covers() -> None:
    generator = np.random.default_rng(0)
    picture = generator.integers(0, 256, (448, 448, 3), dtype=np.uint8)
    points = 4.0 * ARCFACE_TEMPLATE + 1.5  # pixel centres: 4 x + 1.5
    expected = picture.reshape(112, 4, 112, 4, 3).mean(axis=(1, 3))
    assert np.abs(align(picture, points).astype(float) - expected).max() <= 1.0


def test_a_face_of_thousands_of_pixels_comes_back() -> None:
    """Beyond 16 pixels for one the picture is made smaller first, which must not move the face."""
    face = POPULATION.image(2, 0)
    times = 22
    large = np.repeat(np.repeat(face, times, axis=0), times, axis=1)
    crop = align(large, times * ARCFACE_TEMPLATE + (times - 1) / 2)
    assert inner_difference(crop, face) < 1.0


def test_a_huge_face_costs_no_more_than_its_picture() -> None:
    tall = np.full((6000, 40, 3), 200, dtype=np.uint8)
    crop = align(tall, 400.0 * ARCFACE_TEMPLATE - (20_000.0, 20_000.0))
    assert crop.shape == (112, 112, 3)
    assert crop.max() <= 200
    wide = np.full((40, 40_000, 3), 200, dtype=np.uint8)  # OpenCV warps nothing that long
    assert align(wide, ARCFACE_TEMPLATE * 0.3 + (35_000.0, 0.0)).mean() > 150


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((9, 9), np.uint8),
        np.zeros((9, 9, 4), np.uint8),
        np.zeros((9, 9, 3), np.float32),
        np.zeros((0, 9, 3), np.uint8),
    ],
)
def test_what_is_no_picture_is_told(picture: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"must be uint8 RGB of shape \(H, W, 3\)"):
        align(picture, ARCFACE_TEMPLATE)


def test_mistakes_are_told() -> None:
    picture = np.zeros((200, 100, 3), np.uint8)
    with pytest.raises(DataError, match="outside the picture of 100x200"):
        align(picture, ARCFACE_TEMPLATE + 500.0)
    with pytest.raises(DataError, match="112x112, 112x96, 150x150, not '96x112'"):
        align(picture, ARCFACE_TEMPLATE, "96x112")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="one spot"):
        align(picture, np.zeros((5, 2)))


def test_any_stride_will_do() -> None:
    picture = POPULATION.image(1, 1)
    assert np.array_equal(
        align(picture[:, ::-1][:, ::-1], ARCFACE_TEMPLATE + 3.0), align(picture, ARCFACE_TEMPLATE + 3.0)
    )


def test_real_faces_sixty_lfw_originals_give_their_crops(shared_data: Path) -> None:
    """The crops of ``lfw112`` were warped bilinearly and stored as JPEG; an area filter differs a little more."""
    originals = shared_data / "unaligned"
    differences = []
    with (originals / "landmarks.csv").open() as file:
        for row in csv.DictReader(file):
            if not row["path"].startswith("lfw"):
                continue
            _, person, name = row["path"].split("__")
            points = np.array([float(value) for value in list(row.values())[9:19]]).reshape(5, 2)
            crop = align(read_image(originals / row["path"]), points)
            expected = read_image(shared_data / "lfw112" / person / name)
            differences.append(np.abs(crop.astype(float) - expected).mean())
    assert len(differences) == 60
    assert max(differences) < 2.0
    assert np.mean(differences) < 1.45
