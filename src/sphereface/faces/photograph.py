"""From a photograph to aligned faces: decoded, looked at, chosen, judged, aligned; with exactly one outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np

from sphereface.errors import ImageError
from sphereface.faces.alignment import align
from sphereface.faces.choices import Policy
from sphereface.faces.contract import Size
from sphereface.faces.detection import MOST_ENLARGED, Detection, Detector, choose
from sphereface.faces.image import DEFAULT_LIMITS, ImageLimits, Picture, read_picture
from sphereface.faces.ladder import Ladder
from sphereface.faces.outcomes import Outcome
from sphereface.faces.quality import NO_LIMITS, QualityLimits, quality_of
from sphereface.faces.reading import LEAST_SIDE, AlignedFace, CropReader, Reading, failed, is_crop
from sphereface.faces.template import TEMPLATES, scale_of, similarity


@dataclass(frozen=True)
class PhotographReader:
    """Finds the faces of a photograph and aligns those that count. Safe to call from several threads.

    A large JPEG is decoded at a fraction of its size, and again in full only for a face that would otherwise
    be enlarged. All coordinates are those of the full picture.

    Attributes:
        detector: Who finds faces, usually :func:`~sphereface.faces.ladder.yunet_ladder`.
        size: Of the crops.
        policy: Which faces count (:func:`~sphereface.faces.detection.choose`).
        most_enlarged: A face that would be enlarged more is ``too-small``.
        quality: What else is refused.
        limits: What the decoder refuses.
        least_side: A JPEG's longer side is decoded to at least so many pixels; None always decodes in full.
    """

    detector: Detector
    size: Size = "112x112"
    policy: Policy = "largest"
    most_enlarged: float = MOST_ENLARGED
    quality: QualityLimits = NO_LIMITS
    limits: ImageLimits = DEFAULT_LIMITS
    least_side: int | None = LEAST_SIDE

    def read(self, source: Path | bytes) -> Reading:
        """Read one photograph."""
        try:
            return self.faces_of(read_picture(source, self.limits, least_side=self.least_side), source)
        except ImageError as error:
            return failed(error)

    def faces_of(self, picture: Picture, source: Path | bytes | None = None) -> Reading:
        """Go on with a photograph that is decoded.

        Args:
            picture: Perhaps decoded at a fraction of its size.
            source: Where the full picture can be had if a face needs it.

        Raises:
            ImageError: If the full picture cannot be decoded.
        """
        detections, rung = self._look(picture)
        full = (picture.height, picture.width)
        choice = choose(detections, self.policy, full, most_enlarged=self.most_enlarged)
        if source is not None and self._needs_full_size(choice.chosen, picture):
            picture = read_picture(source, self.limits)
        faces: list[AlignedFace] = []
        complaints: list[str] = []
        for detection in choice.chosen:
            face = self._aligned(picture, detection)
            complaint = self.quality.complaint(face.quality) if face.quality else ""
            if complaint:
                complaints.append(complaint)
            else:
                faces.append(face)
        outcome: Outcome = "low-quality" if complaints and not faces else choice.outcome
        message = complaints[0] if complaints and not faces else choice.message
        if faces and len(detections) > len(faces):
            left = len(detections) - len(faces)
            rest = f"the {self.policy} one counts"
            if self.policy == "all":
                rest = f"{left} {'is' if left == 1 else 'are'} too small or of low quality and left out"
            message = f"{len(detections)} faces were found; {rest}"
        return Reading(outcome, tuple(faces), message, *full, len(detections), rung)

    def _look(self, picture: Picture) -> tuple[tuple[Detection, ...], str]:
        """Return the faces in coordinates of the full picture, and how they were found."""
        if isinstance(self.detector, Ladder):
            climb = self.detector.climb(picture.pixels)
            found, rung = climb.detections, climb.rung
        else:
            found, rung = self.detector.detect(picture.pixels), ""
        factor, middle = picture.factor, 0.5 * picture.factor - 0.5
        to_full = np.array([(factor, 0.0, middle + picture.left), (0.0, factor, middle + picture.top)])
        return tuple(face.moved(to_full) for face in found if _can_be_aligned(face, picture)), rung

    def _needs_full_size(self, chosen: tuple[Detection, ...], picture: Picture) -> bool:
        """Say whether pixels of the full picture would be seen in a crop, and are not there."""
        return picture.factor > 1 and any(
            scale_of(similarity(face.landmarks, TEMPLATES[self.size])) * picture.factor > 1.0 for face in chosen
        )

    def _aligned(self, picture: Picture, detection: Detection) -> AlignedFace:
        corner = (picture.left, picture.top)
        here = (detection.landmarks + 0.5 - corner) / picture.factor - 0.5
        crop = align(picture.pixels, here, self.size)
        # Always of the same crop, so that a limit means the same whatever size a model takes.
        measured = crop if self.size == "112x112" else align(picture.pixels, here)
        return AlignedFace(crop, detection, quality_of(detection, measured))


def _can_be_aligned(face: Detection, picture: Picture) -> bool:
    """Say whether five landmarks fix a crop that shows some of the picture; a detector may err badly."""
    height, width = picture.pixels.shape[:2]
    centre = face.landmarks.mean(axis=0)
    spread = float(np.abs(face.landmarks - centre).max())
    return spread > 0.5 and bool((centre >= -0.5).all() and (centre <= (width - 0.5, height - 0.5)).all())


class EitherReader:
    """Takes a picture of exactly 112x112 or 112x96 pixels for an aligned crop, anything else for a photograph.

    Aligning a crop a second time ruins a figure as surely as not aligning a photograph. The rule is safe for
    photographs of any camera, and :attr:`~sphereface.faces.reading.Reading.message` says where it took a
    picture for a crop.

    Args:
        crops: Reads crops.
        photographs: Makes the reader of photographs when the first one comes, so that crops need no detector.
    """

    def __init__(self, crops: CropReader, photographs: Callable[[], PhotographReader]) -> None:
        self._crops: Final = crops
        self._make: Final = photographs

    @cached_property
    def _photographs(self) -> PhotographReader:
        return self._make()

    def read(self, source: Path | bytes) -> Reading:
        """Read one picture."""
        try:
            picture = read_picture(source, self._crops.limits, least_side=LEAST_SIDE)
            if not is_crop(picture):
                return self._photographs.faces_of(picture, source)
            reading = self._crops.crop_of(picture.pixels)
        except ImageError as error:
            return failed(error)
        note = f"taken for an aligned crop, for it has {picture.height}x{picture.width} pixels"
        return replace(reading, message=reading.message or note)
