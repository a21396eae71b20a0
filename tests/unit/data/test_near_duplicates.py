"""Near duplicates: copies of drawn people are found whatever was done to them, and nobody is taken for another."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from sphereface.data.folders import list_folder
from sphereface.data.near_duplicates import LARGEST_REMAINDER, NearDuplicate, find_near_duplicates, thumbnail
from sphereface.data.synthetic import SyntheticFaces
from sphereface.faces.image import read_image

Change = Callable[[Image.Image], Image.Image]


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


def scaled(image: Image.Image, factor: float) -> Image.Image:
    side = round(image.width * factor)
    return image.resize((side, side), Image.Resampling.BICUBIC)


def turned(image: Image.Image, degrees: float) -> Image.Image:
    large = Image.fromarray(np.pad(np.asarray(image), ((8, 8), (8, 8), (0, 0)), mode="reflect"))
    return large.rotate(degrees, Image.Resampling.BICUBIC).crop((8, 8, 8 + image.width, 8 + image.height))


def recoloured(image: Image.Image) -> Image.Image:
    return Image.fromarray((np.asarray(image) * [1.0, 0.85, 0.7]).astype(np.uint8))


CHANGES: dict[str, Change] = {
    "jpeg 50": lambda image: jpeg(image, 50),
    "jpeg 95": lambda image: jpeg(image, 95),
    "half": lambda image: scaled(image, 0.5),
    "double": lambda image: scaled(image, 2.0),
    "half and jpeg 50": lambda image: jpeg(scaled(image, 0.5), 50),
    "3 % off a corner": lambda image: image.crop((3, 3, 112, 112)),
    "3 % off each side": lambda image: image.crop((3, 3, 109, 109)),
    "20 % darker": lambda image: ImageEnhance.Brightness(image).enhance(0.8),
    "less contrast": lambda image: ImageEnhance.Contrast(image).enhance(0.7),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "recoloured": recoloured,
    "turned by 2 degrees": lambda image: turned(image, 2.0),
}


@pytest.fixture(scope="module")
def drawn() -> list[Image.Image]:
    population = SyntheticFaces(7)
    return [Image.fromarray(population.image(person, shot)) for person in range(60) for shot in range(2)]


def copies(images: list[Image.Image]) -> list[NearDuplicate]:
    return find_near_duplicates([thumbnail(np.asarray(image.convert("RGB"))) for image in images])


def test_two_pictures_of_a_person_are_no_copies_and_two_people_are_not(drawn: list[Image.Image]) -> None:
    assert copies(drawn) == []


@pytest.mark.parametrize("change", CHANGES)
def test_changed_copies_are_found(drawn: list[Image.Image], change: str) -> None:
    found = copies([*drawn, *(CHANGES[change](image) for image in drawn)])
    expected = {(index, index + len(drawn)) for index in range(len(drawn))}
    assert {(copy.first, copy.second) for copy in found} <= expected
    assert len(found) >= 0.97 * len(expected)
    assert not any(copy.mirrored for copy in found)
    assert all(0.0 - 1e-5 <= copy.remainder <= LARGEST_REMAINDER for copy in found)


@pytest.mark.parametrize("change", ["jpeg 50", "half", "3 % off a corner"])
def test_mirrored_and_changed_copies_are_found(drawn: list[Image.Image], change: str) -> None:
    mirrored = [CHANGES[change](image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)) for image in drawn]
    found = copies([*drawn, *mirrored])
    assert len(found) >= 0.97 * len(drawn)
    assert all(copy.second == copy.first + len(drawn) and copy.mirrored for copy in found)


def test_a_larger_crop_is_another_picture(drawn: list[Image.Image]) -> None:
    assert copies([drawn[0], drawn[0].crop((15, 15, 97, 97))]) == []


def test_pictures_without_contrast_are_nobodys_copies() -> None:
    noise = np.random.default_rng(0).integers(0, 3, (20, 112, 112, 3)).astype(np.uint8)
    blank = [Image.new("RGB", (112, 112), (grey, grey, grey)) for grey in (0, 128, 255)]
    assert copies([*blank, *blank, *(Image.fromarray(image) for image in noise)]) == []


def test_none_and_one() -> None:
    assert find_near_duplicates([]) == []
    assert copies([Image.fromarray(SyntheticFaces(7).image(0, 0))]) == []


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 4000), (3000, 2), (23, 25), (480, 640)])
def test_a_thumbnail_of_every_shape(height: int, width: int) -> None:
    small = thumbnail(np.full((height, width, 3), 99, np.uint8))
    assert small.shape == (24, 24)
    assert small.dtype == np.uint8
    assert (small == 99).all()


def test_real_faces_of_forty_people(shared_data: Path) -> None:
    """As they are, nobody is a copy of another person; once again as JPEG 60 and cropped, everybody is found."""
    people = list_folder(shared_data / "ci" / "faces112").people
    files = [(person, path) for person, paths in people.items() for path in paths]
    pictures = [Image.fromarray(read_image(path)) for _, path in files]
    assert all(files[copy.first][0] == files[copy.second][0] for copy in copies(pictures))
    again = [jpeg(picture.crop((2, 3, 112, 111)), 60) for picture in pictures]
    found = {(copy.first, copy.second) for copy in copies([*pictures, *again])}
    assert sum((index, index + len(files)) in found for index in range(len(files))) >= 0.99 * len(files)
    assert all(files[one % len(files)][0] == files[other % len(files)][0] for one, other in found)
