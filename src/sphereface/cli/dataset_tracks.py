"""``sphereface dataset tracks VIDEO... DST``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sphereface.cli.options import Json
from sphereface.cli.output import Terminal, print_json

if TYPE_CHECKING:
    from sphereface.data.video_tracks import Tracked


def command(
    videos: Annotated[list[Path], typer.Argument(metavar="VIDEO", help="Video files.")],
    destination: Annotated[
        Path, typer.Argument(metavar="DST", help="Folder for DST/<video>/<track>/<frame>.png.")
    ],
    every: Annotated[int, typer.Option("--every", min=1, help="Look at every so many frames.")] = 5,
    shortest: Annotated[int, typer.Option("--shortest", min=1, help="Leave out tracks of fewer sightings.")] = 3,
    most_enlarged: Annotated[
        float, typer.Option("--most-enlarged", help="Leave out faces that would be enlarged more.")
    ] = 2.0,
    as_json: Json = False,
) -> None:
    """Find the faces of videos and follow each from frame to frame: a folder of aligned crops a track.

    A track is one person; one person may have several tracks. Put them together by hand to get a folder a person.
    """
    from sphereface.data.video_tracks import TrackSettings, track_videos

    settings = TrackSettings(every=every, shortest=shortest, most_enlarged=most_enlarged)
    tracked = []
    for each in track_videos(videos, destination, settings, progress=Terminal()):
        tracked.append(each)
        if not as_json:
            _print(each)
    if as_json:
        print_json({"videos": [asdict(each) for each in tracked]})


def _print(tracked: Tracked) -> None:
    counts = tracked.counts
    looked = f"{counts.looks:,} of {counts.frames:,} frames looked at"
    known = " (known from before)" if tracked.known else ""
    print(f"{tracked.folder}: {counts.tracks:,} tracks, {counts.crops:,} crops; {looked}{known}")
    if counts.too_small:
        print(f"  {counts.too_small:,} faces left out, for they are too small")
    if counts.short:
        print(f"  {counts.short:,} faces left out, for they were not seen often enough to make a track")
    if counts.cut:
        print(f"  note: the video is damaged or cut off: the rest of {tracked.video} could not be decoded")
