"""Frames of a video: all of them, of the right time and colour; what is no video never reaches the decoder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from sphereface.data.video import VideoLimits, open_video
from sphereface.errors import ConfigurationError, DataError

CODECS = {"mp4": "mp4v", "avi": "MJPG", "mkv": "mp4v", "mov": "mp4v", "webm": "VP80"}


def film(path: Path, frames: int = 12, size: tuple[int, int] = (160, 120)) -> Path:
    """A red picture that becomes brighter, at 25 frames a second."""
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*CODECS[path.suffix[1:]]), 25, size)
    assert writer.isOpened()
    for number in range(frames):
        picture = np.zeros((size[1], size[0], 3), np.uint8)
        picture[..., 2] = 20 * (number % 12) + 10  # OpenCV's order: blue, green, red
        writer.write(picture)
    writer.release()
    return path


@pytest.mark.parametrize("suffix", CODECS)
def test_every_frame_comes_once_in_its_colours(tmp_path: Path, suffix: str) -> None:
    with open_video(film(tmp_path / f"film.{suffix}")) as video:
        frames = list(video.every(1))
        assert (video.decoded, video.is_cut) == (12, False)
    assert [frame.number for frame in frames] == list(range(12))
    for frame in frames:
        assert frame.pixels.shape == (120, 160, 3)
        assert frame.pixels[..., 0].mean() == pytest.approx(20 * frame.number + 10, abs=12)
        assert frame.pixels[..., 2].mean() < 12
        assert frame.seconds == pytest.approx(frame.number / 25, abs=0.041)


@pytest.mark.parametrize("step", [1, 5, 12, 100])
def test_every_so_many_frames(tmp_path: Path, step: int) -> None:
    with open_video(film(tmp_path / "film.mp4")) as video:
        assert [frame.number for frame in video.every(step)] == list(range(0, 12, step))
        assert video.decoded == 12


def test_a_name_with_a_pattern_is_one_file(tmp_path: Path) -> None:
    with open_video(film(tmp_path / "film %03d: http, a.mp4")) as video:
        assert len(list(video.every(1))) == 12


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is no MP4"),
        (b"hello", "is no MP4"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "is no MP4"),
        (b"ffconcat version 1.0\nfile other.mp4\n", "is no MP4"),
        (b"\xff\xd8\xff\xe0" + bytes(500), "is no MP4"),
        (b"RIFF\0\0\0\0WEBP" + bytes(500), "is no MP4"),
        (b"\0\0\0\x20ftypisom" + bytes(500), "is damaged"),
        (b"G" + bytes(187) + b"G" + bytes(187) + b"G" + bytes(187), "is damaged|no frame"),
    ],
)
def test_what_is_no_video_is_told(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(DataError, match=words), open_video(path) as video:
        list(video.every(1))


def test_a_damaged_stream_is_told_by_us_alone(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4", 50)
    content = bytearray(path.read_bytes())
    content[1000:3000] = bytes(2000)
    path.write_bytes(content)
    (tmp_path / "head.mp4").write_bytes(content[:300])
    code = (
        "import sys; from pathlib import Path; from sphereface.data.video import open_video\n"
        "for name in sys.argv[1:]:\n"
        "    try:\n"
        "        with open_video(Path(name)) as video: print(len(list(video.every(1))) <= 50)\n"
        "    except ValueError as error: print(error)"
    )
    files = [str(path), str(tmp_path / "head.mp4")]
    done = subprocess.run([sys.executable, "-c", code, *files], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.splitlines()[0] == "True"
    assert "head.mp4' is damaged" in done.stdout


def test_pipes_folders_and_missing_files_are_refused_before_they_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    for path, words in (
        (tmp_path / "pipe.mp4", "is a pipe, socket or device"),
        (Path("/dev/zero"), "is a pipe, socket or device"),
        (tmp_path, "is a folder"),
        (tmp_path / "nothing.mp4", "there is no file"),
    ):
        with pytest.raises(DataError, match=words), open_video(path):
            pass


def test_a_film_that_was_cut_off_gives_what_there_is(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mkv", frames=60)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with open_video(path) as video:
        frames = list(video.every(1))
        assert 0 < len(frames) < 60


def test_limits(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4")
    with (
        pytest.raises(DataError, match=r"160x120 pixels, more than the 19,199 allowed"),
        open_video(path, VideoLimits(max_pixels=19_199)),
    ):
        pass
    with open_video(path, VideoLimits(max_frames=12)) as video:
        assert len(list(video.every(1))) == 12
    with (
        open_video(path, VideoLimits(max_frames=11)) as video,
        pytest.raises(DataError, match="more than the 11 frames"),
    ):
        list(video.every(1))
    with open_video(path) as video, pytest.raises(ConfigurationError, match="every must be 1 or more"):
        list(video.every(0))
