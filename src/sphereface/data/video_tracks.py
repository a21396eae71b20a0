"""A video to a folder of face tracks: a folder a track, with an aligned crop for every sighting.

The folder appears when all of it is there. ``tracks.jsonl`` in it begins with a line about the video; then comes
one line a crop.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sphereface.data.aligned_folder import stamp_of
from sphereface.data.folders import TRACKS_NAME
from sphereface.data.new_folder import appearing
from sphereface.data.track_writing import TrackWriter
from sphereface.data.tracking import Tracker, TrackLimits, sighting
from sphereface.data.video import DEFAULT_LIMITS, Video, VideoLimits, open_video
from sphereface.errors import ConfigurationError, DataError
from sphereface.faces.alignment import align
from sphereface.faces.contract import Size
from sphereface.faces.detection import MOST_ENLARGED, Detector
from sphereface.faces.opencv import cv2
from sphereface.faces.quality import quality_of
from sphereface.faces.reading import AlignedFace
from sphereface.faces.yunet import YUNET_SHA256, YuNet, YuNetSettings
from sphereface.progress import SILENT, Progress, Task
from sphereface.version import __version__

_FORMAT = "sphereface-tracks"
_CUT = 30.0  # mean difference in grey levels of two small frames; people who pass make less than half


@dataclass(frozen=True)
class TrackSettings:
    """On what the tracks depend.

    Attributes:
        every: Every so many frames one is looked at.
        size: Of the crops.
        most_enlarged: A face that would be enlarged more is left out.
        shortest: Tracks of fewer sightings are left out: a false face rarely stays.
        longest_side: A larger frame is made smaller to so many pixels before faces are looked for. Faces are
            small in a film.
        links: What makes a track.
    """

    every: int = 5
    size: Size = "112x112"
    most_enlarged: float = MOST_ENLARGED
    shortest: int = 3
    longest_side: int = 1280
    links: TrackLimits = field(default_factory=TrackLimits)

    def __post_init__(self) -> None:
        for name in ("every", "shortest", "longest_side"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} must be 1 or more, not {getattr(self, name)}")
        if not self.most_enlarged > 0:
            raise ConfigurationError(f"most_enlarged must be above 0, not {self.most_enlarged}")


@dataclass(frozen=True)
class Counts:
    """What a video came to.

    Attributes:
        frames: Frames that could be decoded.
        looks: Frames that were looked at.
        tracks: Folders written.
        crops: Pictures written.
        too_small: Faces left out because they would have been enlarged too much.
        short: Faces left out because their track was too short.
        cut: Whether far fewer frames could be decoded than the file claims to have.
    """

    frames: int
    looks: int
    tracks: int
    crops: int
    too_small: int
    short: int
    cut: bool


@dataclass(frozen=True)
class Tracked:
    """What became of a video.

    Attributes:
        video: Name of the file.
        folder: Of its tracks.
        counts: In figures.
        known: Whether it was found done.
    """

    video: str
    folder: str
    counts: Counts
    known: bool = False


def track_videos(
    videos: Sequence[Path],
    destination: Path,
    settings: TrackSettings | None = None,
    *,
    limits: VideoLimits = DEFAULT_LIMITS,
    progress: Progress = SILENT,
) -> Iterator[Tracked]:
    """Write the face tracks of videos to ``destination/video/track/frame.png``, one after another.

    A video that was done before, with the same settings, is not done again.

    Args:
        videos: The files; their names without the suffix differ.
        destination: Made if missing.
        settings: On what the tracks depend.
        limits: What is refused as too much.
        progress: Told about every frame looked at.

    Yields:
        What became of each, in order.

    Raises:
        DataError: If a file is no video or damaged, two have one name, another program is at one of them, or the
            tracks of another video or with other settings lie there. Nothing is left of that video.
        ModelError: If the detector's model file is missing or another one.
    """
    settings = settings or TrackSettings()
    names = [video.stem for video in videos]
    for name in names:
        if names.count(name) > 1:
            raise DataError(f"two of the videos are called '{name}'; name one of them alone, or rename it")
    detector = YuNet(settings=YuNetSettings(longest_side=settings.longest_side))
    for video in videos:
        yield _one(video, destination / video.stem, settings, limits, detector, progress)


def _one(
    path: Path, folder: Path, settings: TrackSettings, limits: VideoLimits, detector: Detector, progress: Progress
) -> Tracked:
    head = {
        "format": _FORMAT,
        "sphereface": __version__,
        "video": {"file": path.name, **stamp_of(path)._asdict()},
        "detector": {"name": "yunet", "sha256": YUNET_SHA256},
        "settings": asdict(settings),
    }
    if folder.exists():
        return _found_done(folder, head)
    with (
        open_video(path, limits) as video,
        appearing(folder) as unfinished,
        closing(TrackWriter(unfinished, settings.shortest)) as writer,
    ):
        expected = -(-video.frames // settings.every)
        with progress.task(f"Tracking {path.name}", expected, "frames") as task:
            looks, too_small = _follow(video, settings, detector, writer, task)
        writer.forget(set())
        counts = Counts(
            video.decoded, looks, writer.tracks, writer.crops, too_small, writer.left_out, video.is_cut
        )
        writer.write_down({**head, "counts": asdict(counts)})
    return Tracked(path.name, str(folder), counts)


def _follow(
    video: Video, settings: TrackSettings, detector: Detector, writer: TrackWriter, task: Task
) -> tuple[int, int]:
    """Hand every face to the writer with the number of its track; return the looks, and the faces too small."""
    tracker = Tracker(settings.links)
    looks, too_small = 0, 0
    before: NDArray[np.float64] | None = None
    for frame in video.every(settings.every):
        small = _small(frame.pixels)
        if before is not None and float(np.abs(small - before).mean()) > _CUT:
            tracker.cut()
        before = small
        found = detector.detect(frame.pixels)
        large = [face for face in found if face.enlargement <= settings.most_enlarged]
        crops = [align(frame.pixels, face.landmarks, settings.size) for face in large]
        numbers = tracker.follow([sighting(face, crop) for face, crop in zip(large, crops, strict=True)])
        for number, face, crop in zip(numbers, large, crops, strict=True):
            writer.add(number, frame, AlignedFace(crop, face, quality_of(face, crop)))
        writer.forget(tracker.living)
        looks, too_small = looks + 1, too_small + len(found) - len(large)
        task.advance()
    return looks, too_small


def _small(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return a frame in grey, of a few pixels."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, (32, 18), interpolation=cv2.INTER_AREA).astype(np.float64)


def _found_done(folder: Path, head: dict[str, Any]) -> Tracked:
    """Return what an earlier run came to, if it was the same."""
    try:
        with (folder / TRACKS_NAME).open("rb") as file:
            found = json.loads(file.readline())
        same = all(found[key] == head[key] for key in head if key != "sphereface")
        tracked = Tracked(head["video"]["file"], str(folder), Counts(**found["counts"]), known=True)
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError(f"'{folder}' is there and was not made of a video; name another folder") from None
    if not same:
        raise DataError(
            f"the tracks in '{folder}' are of another video or were made with other settings; delete that folder, "
            "or name another"
        )
    return tracked
