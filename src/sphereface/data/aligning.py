"""A folder of photographs to a folder of aligned crops: every photograph accounted for, nothing done twice."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from sphereface.data.aligned_folder import AlignedFolder, Known, open_aligned, stamp_of
from sphereface.data.aligning_result import Aligned, summed_up
from sphereface.data.crop_names import crop_names
from sphereface.data.crop_writing import CropWriter, Order
from sphereface.data.folders import FolderListing, list_folder
from sphereface.errors import ConfigurationError, DataError
from sphereface.faces.choices import DetectorName, Policy
from sphereface.faces.contract import Size
from sphereface.faces.detection import MOST_ENLARGED, choose
from sphereface.faces.detectors import detector
from sphereface.faces.parallel import in_parallel
from sphereface.faces.photograph import PhotographReader
from sphereface.faces.quality import QualityLimits
from sphereface.faces.template import TEMPLATES
from sphereface.progress import SILENT, Progress
from sphereface.version import __version__

METHOD: Final = 1
"""Counts up whenever the same photograph gives another crop, so that two ways never share a folder."""


@dataclass(frozen=True)
class AlignSettings:
    """On what the crops depend.

    Attributes:
        size: Of the crops.
        faces: Which faces of a photograph count (:func:`~sphereface.faces.detection.choose`).
        detector: Who finds them.
        most_enlarged: A face that would be enlarged more is ``too-small``.
        quality: What else is refused.
    """

    size: Size = "112x112"
    faces: Policy = "largest"
    detector: DetectorName = "yunet"
    most_enlarged: float = MOST_ENLARGED
    quality: QualityLimits = field(default_factory=QualityLimits)

    def __post_init__(self) -> None:
        choose((), self.faces, (1, 1), most_enlarged=self.most_enlarged)  # which refuses what it cannot use
        if self.size not in TEMPLATES:
            raise ConfigurationError(f"the size of the crops must be {' or '.join(TEMPLATES)}, not {self.size}")


def align_folder(
    source: Path,
    destination: Path,
    settings: AlignSettings = AlignSettings(),
    *,
    workers: int | None = None,
    progress: Progress = SILENT,
) -> Aligned:
    """Write the aligned faces of every photograph of a folder, and a manifest of what became of each.

    ``source`` holds photographs, or one folder of photographs a person, or both; ``destination`` gets the same
    structure (``person/name.png``) and ``manifest.jsonl`` (:mod:`sphereface.data.aligned_folder`). A photograph is
    known by name, size and time of change; what is known and has its crops is not done again. So a run that was
    stopped at any moment goes on where it was, and leaves the same files as one that was not.

    Args:
        source: Folder of photographs; only read.
        destination: A folder that is new, empty, or was written by this function with the same settings.
        settings: On what the crops depend.
        workers: Processes (:func:`~sphereface.faces.parallel.in_parallel`).
        progress: Told about every photograph.

    Raises:
        DataError: If a folder cannot be used, or one lies inside the other.
        ConfigurationError: If a setting is out of range.
        ModelError: If the detector's model file is missing or another one.
        OSError: If a crop cannot be written; the same call goes on when the reason is gone.
    """
    listing = list_folder(source)
    _insist_on_two_places(listing.root, destination.resolve())
    names = [str(path.relative_to(listing.root)) for path in _photographs(listing)]
    if not names:
        raise DataError(f"there is no picture in '{source}'; name a folder of photographs, or of folders of them")
    reader = PhotographReader(
        detector(settings.detector), settings.size, settings.faces, settings.most_enlarged, settings.quality
    )
    writer = CropWriter(reader, listing.root, destination, numbered=settings.faces == "all")
    with open_aligned(destination, _head(settings)) as folder:
        known = folder.known()
        # What is no longer among the photographs stays as long as its crops do.
        vanished = [name for name in sorted(known.keys() - set(names)) if _any_crop(destination, known[name])]
        orders = [Order(*pair) for pair in zip(names, crop_names([*names, *vanished]), strict=False)]
        orders = [order for order in orders if not _done(order, known, writer)]
        for order in orders:
            _remove_crops(destination, known.get(order.name))
        _work(folder, writer, orders, workers, progress)
        known = folder.finish([*names, *vanished])
    return summed_up(source, destination, listing, {name: known[name] for name in names}, vanished, len(orders))


def _head(settings: AlignSettings) -> dict[str, Any]:
    """Return the first line of the manifest."""
    from sphereface.faces.dlib_files import LANDMARKS_FILE, SHA256
    from sphereface.faces.yunet import YUNET_SHA256

    models = {"yunet": YUNET_SHA256, "dlib": SHA256[LANDMARKS_FILE]}
    return {
        "sphereface": __version__,
        "method": METHOD,
        "detector": {"name": settings.detector, "sha256": models[settings.detector]},
        "settings": {
            "size": settings.size,
            "faces": settings.faces,
            "most_enlarged": settings.most_enlarged,
            **asdict(settings.quality),
        },
    }


def _insist_on_two_places(source: Path, destination: Path) -> None:
    if source == destination:
        raise DataError(f"'{source}' holds the photographs; name another folder for the crops")
    if source in destination.parents:
        raise DataError(
            f"'{destination}' lies in the folder of the photographs and would be taken for one of its people; "
            "name a folder outside of it"
        )


def _photographs(listing: FolderListing) -> Iterable[Path]:
    yield from listing.loose
    for pictures in listing.people.values():
        yield from pictures


def _done(order: Order, known: Mapping[str, Known], writer: CropWriter) -> bool:
    """Say whether a photograph is known, has not changed, and has all its crops."""
    before = known.get(order.name)
    if before is None or before.outcome == "refused" or before.stamp != stamp_of(writer.source / order.name):
        return False
    return all(
        name == writer.crop_name(order, number) and stamp_of(writer.destination / name).bytes == size
        for number, (name, size) in enumerate(before.crops)
    )


def _any_crop(destination: Path, known: Known) -> bool:
    return any((destination / name).exists() for name, _ in known.crops)


def _remove_crops(destination: Path, known: Known | None) -> None:
    """Remove what an earlier look at a photograph gave, for it may give less now, or under another name."""
    for name, _ in known.crops if known else ():
        (destination / name).unlink(missing_ok=True)


def _work(
    folder: AlignedFolder, writer: CropWriter, orders: Sequence[Order], workers: int | None, progress: Progress
) -> None:
    with progress.task("Aligning faces", len(orders)) as task:
        for line in in_parallel(writer, orders, workers, lost=writer.lost):
            folder.append(line)
            task.advance()
    if orders:
        os.sync()  # once for all crops
