"""Faces of successive frames linked to tracks: the same face goes on where it was, or where it was going.

A wrong link puts two people under one name, a missing one only makes two tracks of one person. So a face is linked
to what is near, of its size and looks alike; in doubt a new track begins.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError
from sphereface.faces.detection import Detection
from sphereface.faces.opencv import cv2

_LOOK = 20  # pixels a side of what two sightings are compared by
_NEVER = 1e6  # more than all links of a frame can cost together


@dataclass(frozen=True)
class TrackLimits:
    """What may be linked.

    Attributes:
        most_away: How far a face may lie from where its track was going, in sides of its box.
        most_growth: By which factor a box's side may change from one sighting to the next.
        least_alike: Correlation that the aligned crops of two sightings in a row must have, -1 to 1: where one
            person passes behind another, the boxes lead over from one to the other without a jump.
        longest_gap: How many looks in a row may miss a face before its track ends.
    """

    most_away: float = 0.5
    most_growth: float = 1.5
    least_alike: float = 0.4
    longest_gap: int = 3

    def __post_init__(self) -> None:
        given = (self.most_away, self.most_growth, self.least_alike, self.longest_gap)
        if not (given[0] > 0 and given[1] >= 1 and -1 <= given[2] <= 1 and given[3] >= 0):
            raise ConfigurationError(
                "tracks need most_away above 0, most_growth of 1 or more, least_alike between -1 and 1 and "
                f"longest_gap of 0 or more, not {', '.join(map(str, given))}"
            )


@dataclass(frozen=True, eq=False)
class Sighting:
    """A face in a frame, as far as linking is concerned.

    Attributes:
        centre: Of its box, x and y in pixels.
        side: Of a square as large as its box, in pixels.
        look: Shape (20, 20), the middle of the aligned crop in grey, of mean 0 and length 1.
    """

    centre: NDArray[np.float64]
    side: float
    look: NDArray[np.float64]


def sighting(face: Detection, crop: NDArray[np.uint8]) -> Sighting:
    """Return what linking needs of a face and its aligned crop, (H, W, 3), uint8, RGB."""
    height, width = crop.shape[:2]
    inner = crop[height // 5 : height - height // 10, width // 7 : width - width // 7]
    grey = cv2.cvtColor(np.ascontiguousarray(inner), cv2.COLOR_RGB2GRAY)
    look = cv2.resize(grey, (_LOOK, _LOOK), interpolation=cv2.INTER_AREA).astype(np.float64)
    look -= look.mean()
    length = float(np.linalg.norm(look))
    centre = np.array((face.x + face.width / 2, face.y + face.height / 2))
    return Sighting(centre, face.area**0.5, look / length if length else look)


@dataclass
class _Track:
    number: int
    last: Sighting
    moment: int  # of the last sighting, in looks
    velocity: NDArray[np.float64] | None = None  # pixels a look, once there are two sightings

    def away(self, face: Sighting, now: int, limits: TrackLimits) -> float:
        """Return how far a face lies from where this was going, in sides; infinite if it cannot be the same."""
        last, expected = self.last, self.last.centre
        if self.velocity is not None:
            expected = expected + self.velocity * (now - self.moment)
        away = float(np.hypot(*(face.centre - expected))) / (face.side * last.side) ** 0.5
        growth = max(face.side / last.side, last.side / face.side)
        alike = float((face.look * last.look).sum())
        near = away <= limits.most_away and growth <= limits.most_growth and alike >= limits.least_alike
        return away if near else math.inf

    def go_on(self, face: Sighting, now: int) -> None:
        """Move on to where the face was found."""
        velocity = (face.centre - self.last.centre) / (now - self.moment)
        self.velocity = velocity if self.velocity is None else 0.5 * (self.velocity + velocity)
        self.last, self.moment = face, now


class Tracker:
    """Follows the faces of one video.

    Args:
        limits: What may be linked.
    """

    def __init__(self, limits: TrackLimits | None = None) -> None:
        self._limits = limits or TrackLimits()
        self._tracks: list[_Track] = []
        self._now = -1
        self._count = 0

    @property
    def living(self) -> set[int]:
        """Numbers of the tracks that may go on."""
        return {track.number for track in self._tracks}

    def cut(self) -> None:
        """End all tracks: what comes next was filmed elsewhere."""
        self._tracks = []

    def follow(self, faces: Sequence[Sighting]) -> list[int]:
        """Take the faces of the next frame looked at.

        Returns:
            The number of each face's track, counted from 0 in the order in which tracks began.
        """
        self._now += 1
        oldest = self._now - self._limits.longest_gap - 1
        self._tracks = [track for track in self._tracks if track.moment >= oldest]
        linked = self._links(faces)
        numbers = []
        for index, face in enumerate(faces):
            if (track := linked.get(index)) is not None:
                track.go_on(face, self._now)
            else:
                track = _Track(self._count, face, self._now)
                self._tracks.append(track)
                self._count += 1
            numbers.append(track.number)
        return numbers

    def _links(self, faces: Sequence[Sighting]) -> dict[int, _Track]:
        """Return the track of every face that goes on, so that the sum of distances is the smallest possible."""
        from scipy.optimize import linear_sum_assignment

        away = np.array([[track.away(face, self._now, self._limits) for track in self._tracks] for face in faces])
        if away.size == 0:
            return {}
        # Finite, for it insists on a whole assignment; a pair that costs so much is no link.
        rows, columns = linear_sum_assignment(np.minimum(away, _NEVER))
        pairs = zip(rows.tolist(), columns.tolist(), strict=True)
        return {row: self._tracks[column] for row, column in pairs if away[row, column] < _NEVER}
