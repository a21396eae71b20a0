"""The reader of photographs: coordinates of the full picture, one outcome each, a detector only where needed."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sphereface.data.synthetic import SyntheticFaces, landmarks, render
from sphereface.errors import ModelError
from sphereface.faces.alignment import align
from sphereface.faces.detection import Detection
from sphereface.faces.detectors import detector, reader
from sphereface.faces.image import ImageLimits
from sphereface.faces.ladder import Ladder
from sphereface.faces.photograph import EitherReader, PhotographReader
from sphereface.faces.quality import QualityLimits, quality_of
from sphereface.faces.reading import CropReader
from sphereface.faces.template import ARCFACE_TEMPLATE

POPULATION = SyntheticFaces(7)


class Told:
    """Finds faces where it is told to, given as landmarks in shares of the picture's width and height."""

    def __init__(self, *faces: np.ndarray) -> None:
        self.faces, self.sizes = faces, []

    def detect(self, pixels: np.ndarray) -> tuple[Detection, ...]:
        height, width = pixels.shape[:2]
        self.sizes.append((height, width))
        found = []
        for face in self.faces:
            points = face * (width, height) - 0.5
            low, high = points.min(0), points.max(0)
            found.append(Detection(low[0], low[1], *(high - low), 0.95, points))
        return tuple(found)


def photograph(side: int, quality: int = 95) -> tuple[bytes, np.ndarray]:
    """A JPEG with one drawn face, and its landmarks as shares of the side."""
    identity, nuisance = POPULATION.identity_vector(1), POPULATION.nuisance_vector(1, 0)
    pixels = np.full((side, side, 3), 90, np.uint8)
    face = side // 4
    drawn = Image.fromarray(render(identity, nuisance, side=448))
    pixels[face : 2 * face, face : 2 * face] = np.asarray(drawn.resize((face, face), Image.Resampling.BICUBIC))
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    points = (landmarks(identity, nuisance) + 0.5) * face / 112 - 0.5 + face
    return buffer.getvalue(), (points + 0.5) / side


def test_a_reduced_picture_gives_the_crop_and_coordinates_of_the_full_one() -> None:
    content, points = photograph(4096)
    full, reduced = Told(points), Told(points)
    wanted = PhotographReader(full, least_side=None).read(content)
    found = PhotographReader(reduced, least_side=1280).read(content)
    assert (full.sizes, reduced.sizes) == ([(4096, 4096)], [(2048, 2048)])
    assert (found.height, found.width) == (wanted.height, wanted.width) == (4096, 4096)
    np.testing.assert_allclose(found.faces[0].detection.landmarks, wanted.faces[0].detection.landmarks, atol=1e-6)
    assert np.abs(found.faces[0].crop.astype(int) - wanted.faces[0].crop).mean() < 2.0


def test_a_face_that_would_lack_pixels_is_cut_from_the_full_picture() -> None:
    content, points = photograph(4096)
    small = points.mean(axis=0) + (points - points.mean(axis=0)) * 0.1  # as if the face were ten times smaller
    found = PhotographReader(Told(small), least_side=512).read(content)
    wanted = PhotographReader(Told(small), least_side=None).read(content)
    assert np.array_equal(found.faces[0].crop, wanted.faces[0].crop)


def test_every_way_to_end(tmp_path: Path) -> None:
    content, points = photograph(448)
    tiny = points.mean(axis=0) + (points - points.mean(axis=0)) * 0.1
    elsewhere = points + 0.3

    def outcome(told: Told, **settings: object) -> str:
        return PhotographReader(told, **settings).read(content).outcome  # type: ignore[arg-type]

    assert outcome(Told(points)) == "ok"
    assert outcome(Told()) == "no-face"
    assert outcome(Told(points, elsewhere), policy="error") == "several-faces"
    assert outcome(Told(tiny)) == "too-small"
    assert outcome(Told(points), quality=QualityLimits(least_sharpness=100.0)) == "low-quality"
    assert outcome(Told(points), limits=ImageLimits(max_pixels=10)) == "too-large"
    assert PhotographReader(Told(points)).read(b"no picture").outcome == "undecodable"
    assert PhotographReader(Told(points)).read(tmp_path).outcome == "refused"
    assert PhotographReader(Told(points)).read(tmp_path / "none").outcome == "missing"


def test_a_reading_is_ok_exactly_if_it_has_faces() -> None:
    content, points = photograph(448)
    for told, policy in ((Told(points), "all"), (Told(), "all"), (Told(points, points + 0.2), "all")):
        reading = PhotographReader(told, policy=policy).read(content)
        assert (reading.outcome == "ok") == bool(reading.faces)
        assert bool(reading.message) == (not reading.faces)
        assert reading.found == len(told.faces)
    several = PhotographReader(Told(points, points + 0.2)).read(content)
    assert several.message == "2 faces were found; the largest one counts"


def test_of_all_faces_only_the_bad_ones_are_left_out() -> None:
    content, points = photograph(448)
    blank = points - points.mean(axis=0) + (0.85, 0.85)  # where the picture is an even grey
    limits = QualityLimits(least_sharpness=0.01)
    reading = PhotographReader(Told(points, blank), policy="all", quality=limits).read(content)
    assert (reading.outcome, len(reading.faces), reading.found) == ("ok", 1, 2)


def test_the_rung_of_a_ladder_is_told() -> None:
    content, points = photograph(448)
    assert PhotographReader(Ladder(Told(points))).read(content).rung == "as it is"
    assert PhotographReader(Told(points)).read(content).rung == ""


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(("size", "columns"), [("112x112", slice(0, 112)), ("112x96", slice(8, 104))])
def test_a_crop_is_not_aligned_again_and_needs_no_detector(size: str, columns: slice) -> None:
    def nobody() -> PhotographReader:
        raise AssertionError("a crop needs no detector")

    crop = POPULATION.image(3, 0)
    reading = EitherReader(CropReader(size), nobody).read(png(crop))  # type: ignore[arg-type]
    assert np.array_equal(reading.faces[0].crop, crop[:, columns])
    assert reading.faces[0].detection is None
    assert "taken for an aligned crop" in reading.message


def test_anything_else_is_a_photograph() -> None:
    content, points = photograph(448)
    reading = EitherReader(CropReader(), lambda: PhotographReader(Told(points))).read(content)
    assert reading.faces[0].detection is not None


def test_a_crop_for_dlib_is_the_same_face_on_its_template() -> None:
    crop = POPULATION.image(3, 0)
    reading = reader("150x150", "aligned").read(png(crop))
    assert np.array_equal(reading.faces[0].crop, align(crop, ARCFACE_TEMPLATE, "150x150"))


def test_without_the_model_file_a_photograph_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SPHEREFACE_MODELS", str(tmp_path))
    content, _ = photograph(448)
    with pytest.raises(ModelError, match="face_detection_yunet"):
        reader("112x112").read(content)


def test_an_unknown_detector() -> None:
    with pytest.raises(ValueError, match=r"no detector is called 'yunett'.*Did you mean 'yunet'"):
        detector("yunett")


class Marked:
    """Finds the one bright square by its pixels, as a detector does; its corners and middle are the landmarks."""

    def detect(self, pixels: np.ndarray) -> tuple[Detection, ...]:
        # Weighted by brightness above the ground of 40: the edge of a reduced square lies between two pixels.
        weight = np.where(pixels[..., 1] > 50, pixels[..., 1] - 40.0, 0.0)
        rows, columns = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
        y, x = (weight * rows).sum() / weight.sum(), (weight * columns).sum() / weight.sum()
        half = 0.5 * np.sqrt(weight.sum() / 190.0)
        points = np.array(
            [(x - half, y - half), (x + half, y - half), (x, y), (x - half, y + half), (x + half, y + half)]
        )
        return (Detection(x - half, y - half, 2 * half, 2 * half, 0.95, points),)


@pytest.mark.parametrize("orientation", [1, 2, 3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize(("width", "height"), [(5121, 2563), (2561, 3001)])
def test_coordinates_are_exact_at_sides_that_no_factor_divides(width: int, height: int, orientation: int) -> None:
    """A reduced side is rounded up: its last pixel stands for less, and an orientation may put it in front."""
    pixels = np.full((height, width, 3), 40, np.uint8)
    y, x = height - 200, width - 240
    pixels[y : y + 120, x : x + 120] = 230
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95, exif=exif)
    content = buffer.getvalue()
    whole = PhotographReader(Marked(), least_side=None, most_enlarged=99.0).read(content)
    reduced = PhotographReader(Marked(), least_side=600, most_enlarged=99.0).read(content)
    middle, found = (reading.faces[0].detection.landmarks[2] for reading in (whole, reduced))
    np.testing.assert_allclose(found, middle, atol=0.2)


@pytest.mark.parametrize("size", ["112x112", "112x96", "150x150"])
def test_the_quality_of_a_face_does_not_depend_on_the_crop_a_model_takes(size: str) -> None:
    content, points = photograph(448)
    (face,) = PhotographReader(Told(points), size=size).read(content).faces  # type: ignore[arg-type]
    (plain,) = PhotographReader(Told(points)).read(content).faces
    assert face.quality == plain.quality == quality_of(plain.detection, plain.crop)


def test_limits_hold_for_crops_too_as_far_as_they_can() -> None:
    crop = png(POPULATION.image(3, 0))
    for kind in ("aligned", "auto"):
        strict, mild = (QualityLimits(least_sharpness=limit) for limit in (99.0, 0.01))
        assert reader("150x150", kind, quality=strict).read(crop).outcome == "low-quality"  # type: ignore[arg-type]
        assert reader("150x150", kind, quality=mild).read(crop).outcome == "ok"  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="most-yaw cannot be told of an aligned crop"):
        reader("112x112", "aligned", quality=QualityLimits(most_yaw=10.0))


def test_what_cannot_be_a_face_is_no_face() -> None:
    content, points = photograph(448)
    spot = points.mean(axis=0) + (points - points.mean(axis=0)) * 1e-4
    for broken in (spot, points + 5.0):
        assert PhotographReader(Told(broken)).read(content).outcome == "no-face"
        assert PhotographReader(Told(points, broken), policy="all").read(content).found == 1


def test_faces_that_do_not_count_are_told() -> None:
    content, points = photograph(448)
    tiny = points.mean(axis=0) + (points - points.mean(axis=0)) * 0.1
    reading = PhotographReader(Told(points, tiny), policy="all").read(content)
    assert reading.message == "2 faces were found; 1 is too small or of low quality and left out"
