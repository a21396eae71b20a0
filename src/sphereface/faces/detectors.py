"""Detectors and readers by the words of :mod:`sphereface.faces.choices`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sphereface.errors import ConfigurationError, nearest
from sphereface.faces.choices import DETECTORS, DetectorName, PictureKind, Policy
from sphereface.faces.contract import Size
from sphereface.faces.quality import NO_LIMITS, QualityLimits
from sphereface.faces.reading import CropReader, Reader

if TYPE_CHECKING:
    from sphereface.faces.ladder import Ladder
    from sphereface.faces.photograph import PhotographReader


def reader(
    size: Size,
    kind: PictureKind = "auto",
    policy: Policy = "largest",
    detector_name: DetectorName = "yunet",
    quality: QualityLimits = NO_LIMITS,
) -> Reader:
    """Return what turns files into crops.

    Args:
        size: Of the crops.
        kind: ``aligned`` takes every picture for a crop, ``photographs`` looks for faces in every one, and
            ``auto`` takes a picture of exactly 112x112 or 112x96 pixels for a crop and says so.
        policy: Which faces of a photograph count.
        detector_name: Who finds them; asked for only when there is a photograph to look at.
        quality: Which faces of a photograph are refused as ``low-quality``.

    Raises:
        ConfigurationError: If a word is unknown.
        ModelError: If the detector's model file is missing or another one.
        MissingExtraError: If OpenCV, or dlib, is not installed.
    """
    crops = CropReader(size, quality=quality)
    if kind == "aligned":
        if quality.of_photographs:
            raise ConfigurationError(
                f"{quality.of_photographs[0]} cannot be told of an aligned crop, which has lost its pose; "
                "limit its sharpness, brightness or clipped share, or give photographs"
            )
        return crops
    from sphereface.faces.photograph import EitherReader

    photographs = partial(_photograph_reader, detector_name, size, policy, quality)
    return photographs() if kind == "photographs" else EitherReader(crops, photographs)


def detector(name: str) -> Ladder:
    """Return the detector of this name with the ladder that suits it.

    Raises:
        ConfigurationError: If there is none.
        ModelError: If its model file is missing or another one.
        MissingExtraError: If it is not installed.
    """
    from sphereface.faces.ladder import Ladder, yunet_ladder

    if name == "yunet":
        from sphereface.faces.yunet import YuNet

        return yunet_ladder(YuNet())
    if name == "dlib":
        from sphereface.faces.dlib_detector import DlibDetector

        # dlib does not see turned faces at all, so an answer to an upright picture is believed at once.
        return Ladder(DlibDetector(), sure=0.0, believed=0.6)
    known = ", ".join(DETECTORS)
    raise ConfigurationError(f"no detector is called '{name}'; choose from {known}.{nearest(name, DETECTORS)}")


def _photograph_reader(name: DetectorName, size: Size, policy: Policy, quality: QualityLimits) -> PhotographReader:
    from sphereface.faces.photograph import PhotographReader

    return PhotographReader(detector(name), size, policy, quality=quality)
