"""YuNet: the pinned file, colours and coordinates, several threads, and agreement with the reference."""

from __future__ import annotations

import csv
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from sphereface.data.synthetic import SyntheticFaces, landmarks, render
from sphereface.errors import ConfigurationError, DataError, ModelError
from sphereface.faces.detection import Detection, choose
from sphereface.faces.image import read_image
from sphereface.faces.template import apply
from sphereface.faces.yunet import MODELS_VARIABLE, YUNET_FILE, YUNET_SHA256, YuNet, YuNetSettings

POPULATION = SyntheticFaces(5)


@pytest.fixture(scope="module")
def model(shared_data: Path) -> Path:
    return shared_data.parent / "models" / YUNET_FILE


@pytest.fixture(scope="module")
def yunet(model: Path) -> YuNet:
    return YuNet(model)


def drawn(person: int, side: int = 224) -> tuple[np.ndarray, np.ndarray]:
    """A drawn face in the middle of a grey canvas twice its size, and its landmarks there."""
    identity, nuisance = POPULATION.identity_vector(person), POPULATION.nuisance_vector(person, 0)
    half = side // 2
    canvas = cv2.copyMakeBorder(
        render(identity, nuisance, side=side), half, half, half, half, cv2.BORDER_CONSTANT, value=(120,) * 3
    )
    return canvas, (landmarks(identity, nuisance) + 0.5) * side / 112 - 0.5 + half


def figures(found: tuple[Detection, ...]) -> list[object]:
    return [(face.x, face.y, face.width, face.height, face.score, face.landmarks.tolist()) for face in found]


# --- the file ----------------------------------------------------------------------------------------------


def test_a_missing_file_is_told_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MODELS_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for folder in (tmp_path / "data" / "sphereface" / "models", tmp_path):
        with pytest.raises(ModelError, match=f"'{folder / YUNET_FILE}'.*; run: sphereface models get yunet"):
            YuNet()
        monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path))
    with pytest.raises(ModelError, match="cannot be read"):
        YuNet(tmp_path)


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", bytes(3_000_000)])
def test_another_file_is_refused_before_opencv_sees_it(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / YUNET_FILE
    path.write_bytes(content)
    with pytest.raises(ModelError, match="not the face detector this version was measured with"):
        YuNet(path)


def test_a_flipped_bit_is_noticed(model: Path, tmp_path: Path) -> None:
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / YUNET_FILE).write_bytes(content)
    with pytest.raises(ModelError, match=YUNET_SHA256[:12]):
        YuNet(tmp_path / YUNET_FILE)


def test_the_folder_of_models_is_looked_into(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODELS_VARIABLE, str(model.parent))
    assert YuNet().model == model


def test_settings_are_checked() -> None:
    with pytest.raises(ConfigurationError, match="longest_side must be 1 or more"):
        YuNetSettings(longest_side=0)
    with pytest.raises(ConfigurationError, match="smallest_score must be between 0 and 1"):
        YuNetSettings(smallest_score=60)


def test_it_speaks_to_nobody(model: Path) -> None:
    """OpenCV's warning does not reach stderr, and its level is afterwards what it was."""
    code = (
        "import sys, cv2, numpy as np; from pathlib import Path; from sphereface.faces.yunet import YuNet;"
        "before = cv2.utils.logging.getLogLevel();"
        "YuNet(Path(sys.argv[1])).detect(np.zeros((50, 60, 3), np.uint8));"
        "assert cv2.utils.logging.getLogLevel() == before"
    )
    environment = {key: value for key, value in os.environ.items() if key != "OPENCV_LOG_LEVEL"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(model)], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout + done.stderr == ""


def test_without_opencv_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['cv2'] = None\n"
        "import sphereface.faces.detection, sphereface.faces.template\n"  # values and rules do without
        "from sphereface.errors import MissingExtraError\n"
        "try:\n    import sphereface.faces.yunet\n"
        "except MissingExtraError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "finding and aligning faces needs OpenCV: pip install 'sphereface[faces]'\n"


# --- what it finds -----------------------------------------------------------------------------------------


def test_drawn_faces_are_found_where_they_were_drawn(yunet: YuNet) -> None:
    """A network that learned on photographs puts the mouth of a drawing too high; eyes and nose are near."""
    errors = []
    for person in range(20):
        canvas, points = drawn(person)
        (found,) = choose(yunet.detect(canvas), "largest", canvas.shape[:2]).chosen
        errors.append(np.hypot(*(found.landmarks - points).T) / np.hypot(*(points[1] - points[0])))
        assert found.x < points[:, 0].min()
        assert found.y + found.height > points[:, 1].max() - 0.15 * found.height
    assert np.mean(errors, axis=0)[:3].max() < 0.12  # in eye distances
    assert np.mean(errors) < 0.2


def test_the_persons_right_eye_comes_first(yunet: YuNet) -> None:
    canvas, points = drawn(3)
    found = yunet.detect(canvas)[0].landmarks
    assert found[0, 0] < found[2, 0] < found[1, 0]
    assert found[3, 0] < found[4, 0]
    assert found[0, 1] < found[2, 1] < found[3, 1]
    assert points[0, 0] < points[1, 0]


@pytest.mark.parametrize("side", [224, 448])
def test_a_large_picture_is_made_smaller_and_mapped_back(yunet: YuNet, side: int) -> None:
    canvas, points = drawn(1, side)
    large = cv2.copyMakeBorder(canvas, 0, 900, 300, 0, cv2.BORDER_CONSTANT, value=(120,) * 3)
    found = yunet.detect(large)[0].landmarks
    eyes = np.hypot(*(points[1] - points[0]))
    assert np.abs(found - points - (300.0, 0.0))[:3].max() < 0.15 * eyes
    again = yunet.with_longest_side(480).detect(large)[0].landmarks  # a drawing's points waver with its size
    assert np.abs(found - again).mean() < 0.15 * eyes


def test_several_faces_come_by_score(yunet: YuNet) -> None:
    both = np.concatenate([drawn(0)[0], drawn(7)[0]], axis=1)
    found = yunet.detect(both)
    assert len(found) == 2
    assert found[0].score >= found[1].score
    assert choose(found, "error", both.shape[:2]).outcome == "several-faces"


def test_colours_matter_and_are_rgb(yunet: YuNet, model: Path) -> None:
    canvas, _ = drawn(2)
    network = cv2.FaceDetectorYN.create(str(model), "", canvas.shape[1::-1], 0.6, 0.3)
    expected = network.detect(np.ascontiguousarray(canvas[..., ::-1]))[1][0]
    assert yunet.detect(canvas)[0].score == pytest.approx(float(expected[14]))
    np.testing.assert_allclose(yunet.detect(canvas)[0].landmarks, expected[4:14].reshape(5, 2))


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (3, 2), (31, 33), (640, 641)])
@pytest.mark.parametrize("value", [0, 255])
def test_pictures_without_a_face_have_none(yunet: YuNet, shape: tuple[int, int], value: int) -> None:
    assert yunet.detect(np.full((*shape, 3), value, np.uint8)) == ()


def test_what_is_no_picture_is_told(yunet: YuNet) -> None:
    for wrong in (np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3)), np.zeros((0, 9, 3), np.uint8)):
        with pytest.raises(DataError, match="must be uint8 RGB"):
            yunet.detect(wrong)


# --- threads and processes ---------------------------------------------------------------------------------


def test_threads_with_pictures_of_many_sizes_get_the_answers_of_one(model: Path) -> None:
    detector = YuNet(model)
    pictures = [drawn(person, 112 + 56 * (person % 4))[0] for person in range(8)]
    alone = [figures(YuNet(model).detect(picture)) for picture in pictures]
    order = np.random.default_rng(0).permutation(np.tile(np.arange(8), 8))
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda index: figures(detector.detect(pictures[index])), order))
    assert all(answer == alone[index] for answer, index in zip(together, order, strict=True))


def test_a_copy_in_another_process_is_the_same_detector(yunet: YuNet) -> None:
    copy = pickle.loads(pickle.dumps(yunet))
    assert (copy.model, copy.settings) == (yunet.model, yunet.settings)
    picture, _ = drawn(4)
    assert figures(copy.detect(picture)) == figures(yunet.detect(picture))


# --- real faces --------------------------------------------------------------------------------------------


def test_real_faces_agree_with_the_reference(yunet: YuNet, shared_data: Path) -> None:
    """The reference is YuNet's own, at a longest side of 640: within 3 % of the eye distance on 98 % of 120."""
    folder = shared_data / "unaligned"
    near, counts = 0, 0
    with (folder / "landmarks.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        points = np.array([float(value) for value in list(row.values())[9:19]]).reshape(5, 2)
        found = yunet.detect(read_image(folder / row["path"]))
        away = [np.hypot(*(face.landmarks - points).T).max() for face in found]
        near += min(away) <= 0.03 * np.hypot(*(points[1] - points[0]))
        counts += len(found) == int(row["nfaces"])
    assert len(rows) == 120
    assert near >= 0.98 * len(rows)
    assert counts == len(rows)


def test_real_faces_turn_with_the_picture(yunet: YuNet, shared_data: Path) -> None:
    """A mirrored photograph has mirrored landmarks, the two sides exchanged."""
    away = []
    for path in sorted((shared_data / "unaligned").glob("lfw*.jpg"))[:20]:
        picture = read_image(path)
        first, second = (yunet.detect(one) for one in (picture, picture[:, ::-1]))
        mirror = [(-1.0, 0.0, picture.shape[1] - 1.0), (0.0, 1.0, 0.0)]
        points = choose(first, "central", picture.shape[:2]).chosen[0].landmarks
        mirrored = apply(mirror, choose(second, "central", picture.shape[:2]).chosen[0].landmarks)[[1, 0, 2, 4, 3]]
        away.append(np.hypot(*(points - mirrored).T).mean() / np.hypot(*(points[1] - points[0])))
    assert np.median(away) < 0.08
