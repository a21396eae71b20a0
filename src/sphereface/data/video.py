"""Frames of a video, decoded one after the other by OpenCV; what is no video is refused before OpenCV sees it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError, DataError, reason_of
from sphereface.faces.opencv import cv2, without_warnings

_FORMATS = "MP4, MOV, Matroska, WebM, AVI, MPEG, FLV, WMV or Ogg"

# (where, what) of the first bytes. Lists of other files (HLS, DASH, concat) are text, and so are none of these:
# FFmpeg would open what they name.
_SIGNATURES = (
    *((4, kind) for kind in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")),
    (0, b"\x1aE\xdf\xa3"),
    (0, b"\x00\x00\x01\xba"),
    (0, b"\x00\x00\x01\xb3"),
    (0, b"FLV\x01"),
    (0, b"0&\xb2u\x8ef\xcf\x11"),
    (0, b"OggS"),
)
_PACKET = 188  # bytes of an MPEG transport stream's packets; each begins with G


@dataclass(frozen=True)
class VideoLimits:
    """How much one video may ask for.

    Attributes:
        max_pixels: Largest width times height of a frame.
        max_frames: Most frames that are read; there may be no more.
    """

    max_pixels: int = 40_000_000
    max_frames: int = 2_000_000


DEFAULT_LIMITS = VideoLimits()


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a video.

    Attributes:
        number: Counted from 0.
        seconds: When it is shown.
        pixels: Shape (H, W, 3), uint8, RGB, upright.
    """

    number: int
    seconds: float
    pixels: NDArray[np.uint8]


class Video:
    """A video that is open; made by :func:`open_video`.

    Attributes:
        frames: How many frames it claims to have, 0 if it does not say.
        rate: Frames a second, 0 if it does not say.
        decoded: How many frames have been read so far.
    """

    def __init__(self, path: Path, capture: Any, limits: VideoLimits) -> None:
        self._path, self._capture, self._limits = path, capture, limits
        self.frames = max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        self.rate = max(0.0, float(capture.get(cv2.CAP_PROP_FPS)))
        self.decoded = 0

    @property
    def is_cut(self) -> bool:
        """Whether far fewer frames could be read than it claims to have: it is damaged or cut off."""
        return self.decoded < 0.9 * self.frames - 1  # some formats only estimate their number

    def every(self, step: int) -> Iterator[Frame]:
        """Yield every ``step``-th frame, the first one first.

        Raises:
            ConfigurationError: If ``step`` is below 1.
            DataError: If a limit is passed, or no frame can be decoded.
        """
        if step < 1:
            raise ConfigurationError(f"every must be 1 or more frames, not {step}")
        while self._capture.grab():
            if self.decoded >= self._limits.max_frames:
                most = f"{self._limits.max_frames:,}"
                raise DataError(f"'{self._path}' has more than the {most} frames allowed; cut it into parts")
            seconds = float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000.0
            if self.decoded % step == 0:
                there, bgr = self._capture.retrieve()
                if not there:
                    break
                _check_size(self._path, bgr.shape[1], bgr.shape[0], self._limits)
                yield Frame(self.decoded, seconds, cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
            self.decoded += 1
        if not self.decoded:
            raise DataError(f"no frame of '{self._path}' can be decoded; save it again as MP4 or remove it")


@contextmanager
def open_video(path: Path, limits: VideoLimits = DEFAULT_LIMITS) -> Iterator[Video]:
    """Open a video for reading.

    Args:
        path: A regular file; the first bytes decide what it is, not its name.
        limits: What is refused as too much.

    Raises:
        DataError: If there is no such file, if it is a pipe, a device or no video, if it cannot be decoded, or if
            its frames are too large.
    """
    _insist_on_video(path)
    # FFmpeg writes what it thinks of a damaged stream to stderr; it reads this when it is first used.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    with without_warnings():
        # Named as what it is: OpenCV would take "%03d" in a name for a series of pictures.
        capture = cv2.VideoCapture(str(path.resolve()), cv2.CAP_FFMPEG)
    try:
        if not capture.isOpened():
            raise DataError(f"'{path}' is damaged, or of a kind that cannot be decoded; save it again as MP4")
        width, height = (int(capture.get(each)) for each in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        _check_size(path, width, height, limits)
        yield Video(path, capture, limits)
    finally:
        capture.release()


def _insist_on_video(path: Path) -> None:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
            kind = "a folder" if path.is_dir() else "a pipe, socket or device"
            raise DataError(f"'{path}' is {kind}, not a video file; name a file")
        with path.open("rb") as file:
            start = file.read(2 * _PACKET + 5)
    except FileNotFoundError as error:
        raise DataError(f"there is no file '{path}'; check the path") from error
    except OSError as error:
        reason = reason_of(error)
        raise DataError(f"'{path}' cannot be read ({reason}); check its permissions") from error
    known = any(start[where : where + len(what)] == what for where, what in _SIGNATURES)
    avi = start.startswith(b"RIFF") and start[8:12] == b"AVI "
    # Packets of blu-ray discs have four more bytes, in front.
    stream = any(start[at :: _PACKET + at][:2] == b"GG" for at in (0, 4))
    if not (known or avi or stream):
        raise DataError(f"'{path}' is no {_FORMATS} video; convert or remove it")


def _check_size(path: Path, width: int, height: int, limits: VideoLimits) -> None:
    if width * height > limits.max_pixels:
        raise DataError(
            f"the frames of '{path}' have {width}x{height} pixels, more than the {limits.max_pixels:,} allowed; "
            "make it smaller"
        )
