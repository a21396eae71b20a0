"""The ways in which a picture becomes the crop a network sees, among them every usual mistake."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sphereface.errors import ImageError, MissingExtraError, ModelError
from sphereface.faces.choices import DetectorName, PictureKind
from sphereface.faces.contract import Size
from sphereface.faces.image import Picture, read_picture
from sphereface.faces.reading import LEAST_SIDE, is_crop, recut
from sphereface.faces.template import TEMPLATES, shape_of
from sphereface.progress import SILENT, Progress

if TYPE_CHECKING:
    from sphereface.faces.photograph import PhotographReader

Way = Literal[
    "as crops",
    "by template",
    "tighter",
    "looser",
    "moved right",
    "moved left",
    "resized",
    "as photographs",
    "either",
]

WAYS: Final[Mapping[Way, str]] = MappingProxyType(
    {
        "as crops": "taken for aligned crops, as they are",
        "by template": "crops brought from their own template to the network's",
        "tighter": "crops cut tighter (85 % of the side)",
        "looser": "crops cut looser (115 % of the side)",
        "moved right": "crops moved 8 columns to the right",
        "moved left": "crops moved 8 columns to the left",
        "resized": "the whole picture resized",
        "as photographs": "faces found and aligned here",
        "either": "112x112 and 112x96 taken for aligned crops, faces found and aligned in the others",
    }
)
"""Every way in plain words; of two that do equally well the first says more about what is wrong."""

# How the face lies in a crop that the way mends: landmarks moved away from the middle by a factor, then sideways.
_CUTS: Final[Mapping[Way, tuple[float, float]]] = MappingProxyType(
    {
        "by template": (1.0, 0.0),
        "tighter": (0.85, 0.0),
        "looser": (1.15, 0.0),
        "moved right": (1.0, -8.0),
        "moved left": (1.0, 8.0),
    }
)

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Crops:
    """What a network would see of N pictures.

    Attributes:
        pixels: Shape (N, H, W, 3), uint8, RGB; zeros where there is no crop.
        ok: Shape (N,): whether there is one.
    """

    pixels: Pixels
    ok: NDArray[np.bool_]

    def of(self, chosen: NDArray[np.bool_]) -> Crops:
        """Keep the pictures of a mask (N,)."""
        return Crops(self.pixels[chosen], self.ok[chosen])


@dataclass(frozen=True, eq=False)
class Readings:
    """Pictures read in every way.

    Attributes:
        crops: By way, today's first; ways that make no difference, or never give a crop, are left out.
        decoded: Shape (N,): whether the file gave pixels; no way can help where it did not.
        skipped: Why no face was looked for, in one sentence; empty if faces were.
    """

    crops: Mapping[Way, Crops]
    decoded: NDArray[np.bool_]
    skipped: str


def read_in_every_way(
    paths: Sequence[Path],
    size: Size,
    pictures: PictureKind = "auto",
    detector: DetectorName = "yunet",
    *,
    progress: Progress = SILENT,
) -> Readings:
    """Read pictures as today and in all other ways; a picture of 112x112 takes about 0.3 MB.

    Args:
        paths: Image files.
        size: Of the crops the network takes.
        pictures: What a picture is taken for today.
        detector: Who finds faces.
        progress: Who listens.

    Raises:
        ModelError: If today's way looks for faces and the detector's model file is missing.
        MissingExtraError: Likewise if the detector is not installed; or if OpenCV is not.
    """
    finder = _Finder(size, detector)
    found: dict[Way, list[Pixels | None]] = {way: [] for way in WAYS}
    decoded, today = np.zeros(len(paths), dtype=bool), set[Way]()
    with progress.task("reading pictures", len(paths), "images") as task:
        for row, path in enumerate(paths):
            task.advance()
            try:
                picture = read_picture(path, least_side=LEAST_SIDE)
            except ImageError:
                for crops in found.values():
                    crops.append(None)
                continue
            decoded[row] = True
            own = _way_of(picture, pictures)
            today.add(own)
            for way, read in _ways(picture, path, size, finder, needed=own == "as photographs").items():
                found[way].append(_crop_or_none(read))
            found["either"].append(found[own][-1])
    first: Way = today.pop() if len(today) == 1 else "either"
    return Readings(_distinct(found, first, size), decoded, finder.skipped)


def _ways(
    picture: Picture, path: Path, size: Size, finder: _Finder, *, needed: bool
) -> dict[Way, Callable[[], Pixels | None]]:
    """Return how to get the crop of one picture in each way but ``either``."""
    ways: dict[Way, Callable[[], Pixels | None]] = {
        "as crops": lambda: recut(picture.pixels, size)[0],
        "as photographs": lambda: finder.crop(picture, path, needed=needed),
        "resized": lambda: _resized(picture.pixels, size),
    }
    return ways | {way: partial(_cut, picture.pixels, size, *cut) for way, cut in _CUTS.items()}


def _way_of(picture: Picture, pictures: PictureKind) -> Way:
    """What a picture is taken for today."""
    return "as crops" if pictures == "aligned" or (pictures == "auto" and is_crop(picture)) else "as photographs"


def _crop_or_none(read: Callable[[], Pixels | None]) -> Pixels | None:
    try:
        return read()
    except ImageError:
        return None


class _Finder:
    """Finds faces in photographs, if a detector can be had.

    Args:
        size: Of the crops.
        detector: Who finds faces; made when the first picture comes.
    """

    def __init__(self, size: Size, detector: DetectorName) -> None:
        self._size: Final[Size] = size
        self._detector: Final[DetectorName] = detector
        self._reader: PhotographReader | None = None
        self.skipped = ""

    def crop(self, picture: Picture, path: Path, *, needed: bool) -> Pixels | None:
        """Return the aligned crop of the largest face, or None.

        Raises:
            ModelError: If it is ``needed`` and the detector's model file is missing.
            MissingExtraError: Likewise if the detector is not installed.
        """
        if self._reader is None and (needed or not self.skipped):
            self._make(needed=needed)
        faces = self._reader.faces_of(picture, path).faces if self._reader else ()
        return faces[0].crop if faces else None

    def _make(self, *, needed: bool) -> None:
        from sphereface.faces.detectors import detector
        from sphereface.faces.photograph import PhotographReader

        try:
            self._reader = PhotographReader(detector(self._detector), self._size)
        except (ModelError, MissingExtraError) as error:
            if needed:
                raise
            self.skipped = str(error)


def _resized(pixels: Pixels, size: Size) -> Pixels:
    height, width = shape_of(size)
    smaller = pixels.shape[0] * pixels.shape[1] > height * width
    method = Image.Resampling.BOX if smaller else Image.Resampling.BICUBIC  # as a square crop of another size
    return np.asarray(Image.fromarray(pixels).resize((width, height), method))


def _cut(pixels: Pixels, size: Size, factor: float, right: float) -> Pixels:
    """Warp a crop as if its landmarks lay elsewhere; squares of unknown template count as 112x112 ones."""
    from sphereface.faces.alignment import align  # OpenCV, which reading plain crops does not need

    template = next((TEMPLATES[known] for known in TEMPLATES if shape_of(known) == pixels.shape[:2]), None)
    if template is None:
        pixels, template = recut(pixels, "112x112")[0], TEMPLATES["112x112"]
    middle = (np.array(pixels.shape[1::-1]) - 1.0) / 2.0
    return align(pixels, middle + factor * (template - middle) + (right, 0.0), size)


def _distinct(found: Mapping[Way, list[Pixels | None]], today: Way, size: Size) -> dict[Way, Crops]:
    """Stack the crops of each way, today's first, without those that are empty or like another."""
    kept: dict[Way, Crops] = {}
    for way in (today, *(way for way in WAYS if way not in (today, "either"))):
        crops = _stacked(found[way], size)
        same = any(np.array_equal(crops.pixels, other.pixels) for other in kept.values())
        if way == today or (crops.ok.any() and not same):
            kept[way] = crops
    return kept


def _stacked(crops: Sequence[Pixels | None], size: Size) -> Crops:
    pixels = np.zeros((len(crops), *shape_of(size), 3), dtype=np.uint8)
    for row, crop in enumerate(crops):
        if crop is not None:
            pixels[row] = crop
    return Crops(pixels, np.array([crop is not None for crop in crops], dtype=bool))
