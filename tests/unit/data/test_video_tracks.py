"""A video to a folder of tracks: one person a track, all of it or nothing, and nothing twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from sphereface.data.check import check_dataset
from sphereface.data.video_tracks import TrackSettings, track_videos
from sphereface.errors import ConfigurationError, DataError
from sphereface.faces.yunet import MODELS_VARIABLE
from tests.drawn_photographs import portrait

EVERY = TrackSettings(every=1)


@pytest.fixture(autouse=True)
def models(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODELS_VARIABLE, str(shared_data.parent / "models"))


def scene(people: dict[int, tuple[int, int]], grey: int = 120) -> np.ndarray:
    """People at places, in a frame of 640 x 360."""
    frame = np.full((360, 640, 3), grey, np.uint8)
    for person, (x, y) in people.items():
        frame[y : y + 224, x : x + 224] = portrait(person)[112:336, 112:336]
    return frame


def film(path: Path, frames: list[np.ndarray]) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*"mp4v"), 25, (640, 360))
    assert writer.isOpened()
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    return path


def walk(frames: int = 12) -> list[np.ndarray]:
    """Two people who walk towards each other."""
    return [scene({0: (10 + 5 * step, 60), 3: (400 - 5 * step, 100)}) for step in range(frames)]


def lines_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "tracks.jsonl").read_text().splitlines()]


def test_two_who_walk_give_two_tracks(tmp_path: Path) -> None:
    (tracked,) = track_videos([film(tmp_path / "walk.mp4", walk())], tmp_path / "tracks", EVERY)
    counts, folder = tracked.counts, tmp_path / "tracks" / "walk"
    assert (counts.frames, counts.looks, counts.tracks, counts.crops, counts.short) == (12, 12, 2, 24, 0)
    names = [f"{frame:06d}.png" for frame in range(12)]
    for track in ("0000", "0001"):
        assert sorted(path.name for path in (folder / track).iterdir()) == names
        with Image.open(folder / track / names[0]) as crop:
            assert crop.size == (112, 112)
    head, *lines = lines_of(folder)
    assert head["video"]["file"] == "walk.mp4"
    assert head["counts"]["crops"] == len(lines) == 24
    centres = {track: [line["box"][0] for line in lines if line["track"] == track] for track in ("0000", "0001")}
    directions = [np.sign(np.diff(places)).mean() for places in centres.values()]
    assert sorted(directions) == [-1.0, 1.0]
    assert lines[0]["seconds"] == pytest.approx(lines[0]["frame"] / 25, abs=0.041)
    checked = check_dataset(folder)
    assert (checked.people, checked.readable, checked.ignored) == (2, 24, ())
    assert [path.name for path in (tmp_path / "tracks").iterdir()] == ["walk"]


def test_a_cut_to_another_scene_ends_the_track(tmp_path: Path) -> None:
    """The other person stands in the very same place."""
    frames = [scene({0: (200, 60)})] * 4 + [scene({3: (200, 60)}, grey=20)] * 4
    (tracked,) = track_videos([film(tmp_path / "cut.mp4", frames)], tmp_path, EVERY)
    assert (tracked.counts.tracks, tracked.counts.crops) == (2, 8)


def test_short_tracks_and_small_faces_are_left_out_and_counted(tmp_path: Path) -> None:
    frames = [*[scene({0: (10, 60)})] * 5, *[scene({0: (10, 60), 3: (400, 60)})] * 2, *[scene({0: (10, 60)})] * 4]
    video = film(tmp_path / "visit.mp4", frames)
    (tracked,) = track_videos([video], tmp_path / "a", EVERY)
    assert (tracked.counts.tracks, tracked.counts.crops, tracked.counts.short) == (1, 11, 2)
    (tracked,) = track_videos([video], tmp_path / "b", TrackSettings(every=1, shortest=1))
    assert (tracked.counts.tracks, tracked.counts.crops, tracked.counts.short) == (2, 13, 0)
    (tracked,) = track_videos([video], tmp_path / "c", TrackSettings(every=1, most_enlarged=0.1))
    assert (tracked.counts.tracks, tracked.counts.too_small) == (0, 13)


def test_nothing_is_done_twice_and_nothing_is_mixed(tmp_path: Path) -> None:
    video = film(tmp_path / "walk.mp4", walk(4))
    (first,) = track_videos([video], tmp_path / "tracks", EVERY)
    (again,) = track_videos([video], tmp_path / "tracks", EVERY)
    assert (first.known, again.known) == (False, True)
    assert first.counts == again.counts
    with pytest.raises(DataError, match="with other settings"):
        list(track_videos([video], tmp_path / "tracks", TrackSettings(every=2)))
    film(video, walk(5))
    with pytest.raises(DataError, match="of another video"):
        list(track_videos([video], tmp_path / "tracks", EVERY))


def test_what_cannot_be_done_leaves_nothing(tmp_path: Path) -> None:
    video = film(tmp_path / "walk.mp4", walk(4))
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(video.read_bytes()[:3000])
    done = track_videos([video, bad], tmp_path / "tracks", EVERY)
    assert next(done).counts.frames == 4
    with pytest.raises(DataError, match=r"bad\.mp4' is damaged"):
        next(done)
    assert [path.name for path in (tmp_path / "tracks").iterdir()] == ["walk"]
    (tmp_path / "other").mkdir()
    with pytest.raises(DataError, match="two of the videos are called 'walk'"):
        list(track_videos([video, film(tmp_path / "other" / "walk.mp4", walk(1))], tmp_path / "two", EVERY))
    (tmp_path / "taken" / "walk").mkdir(parents=True)
    with pytest.raises(DataError, match="was not made of a video"):
        list(track_videos([video], tmp_path / "taken", EVERY))


def test_what_another_program_is_at_is_not_disturbed(tmp_path: Path) -> None:
    video = film(tmp_path / "walk.mp4", walk(4))
    (tmp_path / "tracks" / ".walk.unfinished").mkdir(parents=True)
    with pytest.raises(DataError, match=r"\.walk\.unfinished' is there: another program fills it"):
        list(track_videos([video], tmp_path / "tracks", EVERY))


@pytest.mark.parametrize("wrong", [{"every": 0}, {"shortest": 0}, {"longest_side": 0}, {"most_enlarged": 0.0}])
def test_settings_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        TrackSettings(**wrong)


def test_people_in_a_street_are_followed(shared_data: Path, tmp_path: Path) -> None:
    """Five seconds with half a dozen people who pass each other: few tracks, most of them long."""
    video = shared_data / "scenes" / "facenetpytorch_video.mp4"
    (tracked,) = track_videos([video], tmp_path, TrackSettings(every=5))
    counts = tracked.counts
    assert (counts.frames, counts.looks, counts.cut) == (105, 21, False)
    assert 8 <= counts.tracks <= 14
    assert counts.crops >= 70
    seen = [len(list(path.iterdir())) for path in (tmp_path / "facenetpytorch_video").iterdir() if path.is_dir()]
    assert max(seen) >= 16
