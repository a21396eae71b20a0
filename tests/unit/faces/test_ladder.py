"""The ladder: in which order a picture is looked at again, and that what is found lies where it was."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sphereface.errors import ConfigurationError, DataError
from sphereface.faces.detection import Detection
from sphereface.faces.image import read_image
from sphereface.faces.ladder import (
    AS_IT_IS,
    FARTHER,
    PADDED,
    Climb,
    Glance,
    Ladder,
    View,
    turned_back,
    yunet_ladder,
)
from sphereface.faces.resizing import resized
from sphereface.faces.template import apply
from sphereface.faces.yunet import YUNET_FILE, YuNet

RIGHT_EYE, LEFT_EYE, MOUTH = (250, 0, 0), (0, 250, 0), (0, 0, 250)
POINTS = np.array([(30.5, 40.5), (60.5, 40.5), (45.5, 50.5), (35.5, 65.5), (55.5, 65.5)])


def photograph(height: int = 120, width: int = 160) -> np.ndarray:
    """A picture with three coloured squares whose centres are the two eyes and the middle of the mouth."""
    picture = np.zeros((height, width, 3), np.uint8)
    for (x, y), colour in zip([(30, 40), (60, 40), (45, 65)], (RIGHT_EYE, LEFT_EYE, MOUTH), strict=True):
        picture[y - 4 : y + 6, x - 4 : x + 6] = colour
    return picture


class FakeDetector:
    """Finds the coloured squares; scores upright faces high, and is choosy as told."""

    def __init__(self, accepts: Callable[[np.ndarray, float], float | None] = lambda pixels, lean: 0.95) -> None:
        self.accepts = accepts
        self.seen: list[tuple[int, ...]] = []

    def detect(self, pixels: np.ndarray) -> tuple[Detection, ...]:
        self.seen.append(pixels.shape[:2])
        centres = []
        for channel in range(3):
            others = [k for k in range(3) if k != channel]
            rows, columns = np.nonzero((pixels[..., channel] > 150) & (pixels[..., others].max(axis=2) < 100))
            if not len(rows):
                return ()
            centres.append((columns.mean(), rows.mean()))
        right, left, mouth = np.array(centres)
        lean = float(np.degrees(np.arctan2(*(left - right)[::-1])))
        score = self.accepts(pixels, lean)
        if score is None:
            return ()
        middle, half = (right + left) / 2, (left - right) / 3
        points = np.array([right, left, (middle + 0.6 * (mouth - middle)), mouth - half, mouth + half])
        low, high = points.min(0), points.max(0)
        return (Detection(low[0], low[1], *(high - low), score, points),)


def upright_only(pixels: np.ndarray, lean: float) -> float | None:
    return 0.95 if abs(lean) < 45 else None


def worst(found: tuple[Detection, ...], expected: np.ndarray = POINTS) -> float:
    return float(np.abs(found[0].landmarks[:2] - expected[:2]).max())


def test_a_sure_first_look_is_the_last() -> None:
    detector = FakeDetector()
    climb = Ladder(detector).climb(photograph())
    assert (climb.view, climb.turns, climb.tries, climb.rung) == ("as it is", 0, 1, "as it is")
    assert detector.seen == [(120, 160)]
    assert worst(climb.detections) < 0.51


@pytest.mark.parametrize("turns", range(4))
def test_a_turned_picture_is_found_upright_and_its_points_lie_where_they_were(turns: int) -> None:
    picture = np.ascontiguousarray(np.rot90(photograph(), turns))
    climb = Ladder(FakeDetector(upright_only)).climb(picture)
    assert (climb.view, climb.turns) == ("as it is", -turns % 4)
    back = turned_back(turns, (120, 160))
    there = np.linalg.inv(back[:, :2])
    assert worst(climb.detections, (POINTS - back[:, 2]) @ there.T) < 0.51
    found = climb.detections[0]
    assert found.x == pytest.approx(found.landmarks[:, 0].min())
    assert found.y + found.height == pytest.approx(found.landmarks[:, 1].max())


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_doubtful_face_on_its_side_gives_way_to_a_better_one_upright(turns: int) -> None:
    detector = FakeDetector(lambda pixels, lean: 0.93 if abs(lean) < 45 else 0.9)
    picture = np.ascontiguousarray(np.rot90(photograph(), turns))
    assert Ladder(detector).climb(picture).turns == -turns % 4
    assert Ladder(detector, sure=0.85).climb(picture).turns == 0  # and is believed where little is asked


def test_a_doubtful_face_that_is_upright_stays_upright() -> None:
    detector = FakeDetector(lambda pixels, lean: 0.7 if abs(lean) < 45 else 0.65)
    climb = Ladder(detector).climb(photograph())
    assert (climb.turns, climb.tries) == (0, 4)


def test_what_the_first_look_missed_must_score_higher() -> None:
    detector = FakeDetector(lambda pixels, lean: 0.8 if abs(lean - 90) < 45 else None)
    assert Ladder(detector).climb(photograph()) == Climb(tries=12)
    assert Ladder(detector, believed=0.8).climb(photograph()).turns == 3


def test_a_tight_crop_is_padded() -> None:
    detector = FakeDetector(lambda pixels, lean: 0.9 if (pixels[0, 0] == 128).all() else None)
    climb = Ladder(detector).climb(photograph()[30:75, 20:70])
    assert (climb.view, climb.turns, climb.tries) == ("padded", 0, 8)
    assert worst(climb.detections, POINTS - (20.0, 30.0)) < 0.51


@pytest.mark.parametrize("side", [80, 320, 100_000])
def test_another_scale_is_mapped_back(side: int) -> None:
    detector = FakeDetector()
    climb = Ladder(detector, [View("scaled", longest_side=side)]).climb(photograph())
    assert max(detector.seen[0]) == min(side, 640)  # at most 4 times 160
    assert worst(climb.detections) < 1.0


def test_a_view_may_bring_its_own_detector() -> None:
    blind, seeing = FakeDetector(lambda pixels, lean: None), FakeDetector()
    climb = Ladder(blind, [AS_IT_IS, View("closer", longest_side=320, detector=seeing)]).climb(photograph())
    assert (climb.view, climb.tries, len(seeing.seen)) == ("closer", 5, 1)


def test_a_glance_tells_which_turn_is_worth_a_look() -> None:
    detector, glance = FakeDetector(upright_only), FakeDetector(upright_only)
    picture = np.ascontiguousarray(np.rot90(photograph(), 1))
    climb = Ladder(detector, [View("as it is", glance=Glance(glance, 160))]).climb(picture)
    assert (climb.turns, climb.tries) == (3, 2)
    assert detector.seen == [(160, 120), (120, 160)]
    assert len(glance.seen) == 4
    back = turned_back(1, (120, 160))
    assert worst(climb.detections, (POINTS - back[:, 2]) @ np.linalg.inv(back[:, :2]).T) < 0.51


def test_a_glance_that_sees_nothing_or_what_is_upright_costs_no_look() -> None:
    doubtful = FakeDetector(lambda pixels, lean: 0.7 if abs(lean) < 45 else 0.65)
    for glance in (doubtful, FakeDetector(lambda pixels, lean: None)):
        detector = FakeDetector(lambda pixels, lean: 0.7)
        climb = Ladder(detector, [View("as it is", glance=Glance(glance, 160))]).climb(photograph())
        assert (climb.turns, climb.tries) == (0, 1)


@pytest.mark.parametrize(
    ("side", "longest", "shown"), [(100, 640, 100), (250, 640, 160), (500, 640, 250), (2000, 640, 320)]
)
def test_a_glance_sees_half_of_what_a_look_does(side: int, longest: int, shown: int) -> None:
    detector = FakeDetector(upright_only)
    for turns in range(4):
        picture = np.ascontiguousarray(np.rot90(resized(photograph(160, 160), side)[0], turns))
        assert Glance(detector, longest).turns(picture) == -turns % 4
    assert set(detector.seen) == {(shown, shown)}


def test_padding_turn_and_scale_together_are_mapped_back() -> None:
    detector = FakeDetector(lambda pixels, lean: 0.9 if abs(lean) < 45 and (pixels[0, 0] == 128).all() else None)
    picture = np.ascontiguousarray(np.rot90(photograph(), 1))
    climb = Ladder(detector, [AS_IT_IS, View("padded and closer", 0.25, 480)]).climb(picture)
    assert climb.rung == "padded and closer, turned by 270 degrees"
    back = turned_back(1, (120, 160))
    assert worst(climb.detections, (POINTS - back[:, 2]) @ np.linalg.inv(back[:, :2]).T) < 1.0


def test_nothing_is_nothing_after_every_rung() -> None:
    detector = FakeDetector()
    blank = np.zeros((40, 50, 3), np.uint8)
    assert Ladder(detector, [AS_IT_IS, PADDED, FARTHER]).climb(blank) == Climb(tries=12)
    assert Ladder(detector).detect(blank) == ()


@pytest.mark.parametrize("turns", range(4))
def test_turned_coordinates_lead_back_to_the_very_pixel(turns: int) -> None:
    picture = np.arange(5 * 7).reshape(5, 7)
    turned = np.rot90(picture, turns)
    back = turned_back(turns, picture.shape)
    for row in range(turned.shape[0]):
        for column in range(turned.shape[1]):
            x, y = apply(back, [(column, row)])[0].astype(int)
            assert picture[y, x] == turned[row, column]


def test_mistakes_are_told() -> None:
    with pytest.raises(ConfigurationError, match="at least one view"):
        Ladder(FakeDetector(), [])
    with pytest.raises(ConfigurationError, match="sure is a score between 0 and 1"):
        Ladder(FakeDetector(), sure=1.5)
    with pytest.raises(ConfigurationError, match="padding must be between"):
        View("vast", padding=9.0)
    with pytest.raises(ConfigurationError, match="1 or more pixels"):
        View("nothing", longest_side=0)
    with pytest.raises(DataError, match="uint8 RGB"):
        Ladder(FakeDetector()).climb(np.zeros((4, 4), np.uint8))


def test_real_faces_turned_photographs_are_found_with_eyes_and_mouth_in_place(shared_data: Path) -> None:
    """Every third photograph, at each quarter turn: the same landmarks, and found by the right turn."""
    folder = shared_data / "unaligned"
    ladder = yunet_ladder(YuNet(shared_data.parent / "models" / YUNET_FILE))
    right, looked = 0, 0
    with (folder / "landmarks.csv").open() as file:
        for row in list(csv.DictReader(file))[::3]:
            points = np.array([float(value) for value in list(row.values())[9:19]]).reshape(5, 2)
            picture = read_image(folder / row["path"])
            for turns in range(4):
                climb = ladder.climb(np.ascontiguousarray(np.rot90(picture, turns)))
                upright = [face.moved(turned_back(turns, picture.shape[:2])) for face in climb.detections]
                away = [np.hypot(*(face.landmarks - points).T).mean() for face in upright]
                right += bool(away) and min(away) < 0.1 * np.hypot(*(points[1] - points[0]))
                looked += 1
    assert looked == 160
    assert right >= 158


def test_real_faces_of_ten_pixels_are_found_closer(shared_data: Path) -> None:
    folder = shared_data / "unaligned"
    ladder = yunet_ladder(YuNet(shared_data.parent / "models" / YUNET_FILE))
    tiny = [resized(read_image(path), 20)[0] for path in sorted(folder.glob("lfw*.jpg"))[::3]]
    assert sum(bool(ladder.detector.detect(picture)) for picture in tiny) == 0
    assert sum(ladder.climb(picture).view == "closer" for picture in tiny) >= 0.75 * len(tiny)
