"""What is tried before a picture counts as one without a face: turned, padded, closer, from farther away.

In a picture that lies on its side YuNet often finds an upright face instead of nothing, with a good score and
with eyes and mouth in the wrong places. So a first answer is believed only if its score is high;
otherwise all four quarter turns are asked, and the highest score wins. A glance at a quarter of the pixels tells
which turn that will be. ``docs/faces.md`` has the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError
from sphereface.faces.detection import Detection, Detector
from sphereface.faces.resizing import checked, resized
from sphereface.faces.template import Points, after
from sphereface.faces.yunet import YuNet

_GREY = 128
_MOST_ENLARGED = 4.0  # beyond, a picture has no more to show
_LEAST_SIDE = 160  # of a glance; below, photographs that face fills lose it


@dataclass(frozen=True)
class Glance:
    """How a picture is looked at to see which way is up: at a quarter of the pixels that a look sees.

    Attributes:
        detector: Asked.
        longest_side: Of a picture as a look sees it; a glance sees half of that, or of the picture, down to 160.
    """

    detector: Detector
    longest_side: int

    def turns(self, picture: NDArray[np.uint8]) -> int:
        """Return the quarter turns counter-clockwise that show the surest face, 0 if there is none."""
        seen = max(_LEAST_SIDE, min(max(picture.shape[:2]), self.longest_side) // 2)
        small = picture if max(picture.shape[:2]) <= seen else resized(picture, seen)[0]
        found = [self.detector.detect(_turned(small, turns)) for turns in range(4)]
        scores = [max((face.score for face in faces), default=0.0) for faces in found]
        return scores.index(max(scores))


@dataclass(frozen=True)
class View:
    """One way to look at a picture.

    Attributes:
        name: How a result says where it comes from.
        padding: Grey border on each side, as a share of the longer side: for crops so tight that the face
            touches the edge.
        longest_side: The padded picture is brought to this many pixels, made at most 4 times as large; None
            leaves it.
        detector: Asked instead of the ladder's own, if any.
        glance: Tells which turn is worth a look; without one, all are looked at.
    """

    name: str
    padding: float = 0.0
    longest_side: int | None = None
    detector: Detector | None = None
    glance: Glance | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.padding <= 2.0:
            raise ConfigurationError(f"padding must be between 0 and 2 times the longer side, not {self.padding}")
        if self.longest_side is not None and self.longest_side < 1:
            raise ConfigurationError(f"longest_side must be 1 or more pixels, not {self.longest_side}")

    def of(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Points]:
        """Return the picture seen this way, and the matrix (2, 3) from its coordinates back to ``pixels``."""
        border = round(self.padding * max(pixels.shape[:2]))
        picture, back = pixels, np.array([(1.0, 0.0, -border), (0.0, 1.0, -border)])
        if border:
            picture = np.pad(pixels, ((border, border), (border, border), (0, 0)), constant_values=_GREY)
        if self.longest_side is not None:
            most = int(_MOST_ENLARGED * max(picture.shape[:2]))
            picture, scaled_back = resized(picture, min(self.longest_side, most))
            back = after(back, scaled_back)
        return picture, back


AS_IT_IS: Final = View("as it is")
PADDED: Final = View("padded", padding=0.5)
FARTHER: Final = View("from farther away", longest_side=320)


@dataclass(frozen=True)
class Climb:
    """What a ladder found, and where.

    Attributes:
        detections: In the coordinates of the picture given, the highest score first.
        view: Name of the view that found them; empty if none did.
        turns: By how many quarter turns counter-clockwise the picture was turned for it, 0 to 3.
        tries: How often the detector was asked; glances are not counted.
    """

    detections: tuple[Detection, ...] = ()
    view: str = ""
    turns: int = 0
    tries: int = 0

    @property
    def rung(self) -> str:
        """Where the faces were found, in words; empty if there are none.

        >>> Climb(view="padded", turns=1).rung
        'padded, turned by 90 degrees'
        """
        return f"{self.view}, turned by {90 * self.turns} degrees" if self.turns else self.view


class Ladder:
    """A detector that looks again, in other ways, where another one found nothing or was not sure.

    View after view: the picture is asked upright, and if the best score is below ``sure``, turned by one, two
    and three quarters as well; the turn with the highest score wins. The first view that finds a face ends
    the climb. Looking 16 times at a picture without a face finds a fist or a flower where looking once finds
    nothing, so what the plain first look did not find at all must score higher.

    Args:
        detector: Asked at every rung, unless a view brings its own.
        views: From the first to the last.
        sure: The score at which an upright face is believed without turning the picture. 0.92 suits YuNet;
            0 believes any.
        believed: The score that a face needs if the first look, upright, found none.

    Raises:
        ConfigurationError: If there is no view, or a score is not between 0 and 1.
    """

    def __init__(
        self,
        detector: Detector,
        views: Sequence[View] = (AS_IT_IS, PADDED, FARTHER),
        *,
        sure: float = 0.92,
        believed: float = 0.85,
    ) -> None:
        if not views:
            raise ConfigurationError("a ladder needs at least one view")
        for name, score in (("sure", sure), ("believed", believed)):
            if not 0.0 <= score <= 1.0:
                raise ConfigurationError(f"{name} is a score between 0 and 1, not {score}")
        self.detector: Final = detector
        self.views: Final = tuple(views)
        self.sure: Final = sure
        self.believed: Final = believed

    def detect(self, pixels: NDArray[np.uint8]) -> tuple[Detection, ...]:
        """Find every face: what :meth:`climb` finds, without saying where."""
        return self.climb(pixels).detections

    def climb(self, pixels: NDArray[np.uint8]) -> Climb:
        """Look at a picture (H, W, 3), uint8, RGB, until there is a face or nothing is left to try.

        Raises:
            DataError: If ``pixels`` is no such picture.
        """
        checked(pixels)
        tries, needed = 0, self.believed
        for view in self.views:
            picture, back = view.of(pixels)
            detector = view.detector or self.detector
            faces, turns = detector.detect(picture), 0
            tries += 1
            if faces and tries == 1:
                needed = 0.0
            if not faces or faces[0].score < self.sure:
                for turn in _worth_a_look(picture, view.glance):
                    found = detector.detect(_turned(picture, turn))
                    tries += 1
                    if found and (not faces or found[0].score > faces[0].score):
                        faces, turns = found, turn
            if faces and faces[0].score >= needed:
                whole_back = after(back, turned_back(turns, picture.shape[:2]))
                return Climb(tuple(face.moved(whole_back) for face in faces), view.name, turns, tries)
        return Climb(tries=tries)


def yunet_ladder(detector: YuNet) -> Ladder:
    """Return the ladder for YuNet: as it is, padded, closer (at twice its working size), from farther away."""
    side = detector.settings.longest_side
    larger = detector.with_longest_side(2 * side)
    closer = View("closer", longest_side=2 * side, detector=larger, glance=Glance(larger, 2 * side))
    glance = Glance(detector, side)
    as_it_is, padded, farther = (replace(view, glance=glance) for view in (AS_IT_IS, PADDED, FARTHER))
    return Ladder(detector, (as_it_is, padded, closer, farther))


def _worth_a_look(picture: NDArray[np.uint8], glance: Glance | None) -> tuple[int, ...]:
    """Return the quarter turns at which a picture is to be looked at, beside upright."""
    if glance is None:
        return (1, 2, 3)
    turns = glance.turns(picture)
    return (turns,) if turns else ()


def _turned(picture: NDArray[np.uint8], turns: int) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.rot90(picture, turns))


def turned_back(turns: int, size: tuple[int, ...]) -> Points:
    """Return the matrix (2, 3) from coordinates in ``numpy.rot90(picture, turns)`` to those of the picture.

    Args:
        turns: Quarter turns counter-clockwise, 0 to 3.
        size: Height and width of the picture before it was turned.

    >>> turned_back(1, (2, 3)) @ (0.0, 0.0, 1.0)  # the first pixel of the turned one is the upper right one
    array([2., 0.])
    """
    height, width = size
    return np.array(
        {
            0: [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0)],
            1: [(0.0, -1.0, width - 1.0), (1.0, 0.0, 0.0)],
            2: [(-1.0, 0.0, width - 1.0), (0.0, -1.0, height - 1.0)],
            3: [(0.0, 1.0, 0.0), (-1.0, 0.0, height - 1.0)],
        }[turns]
    )
