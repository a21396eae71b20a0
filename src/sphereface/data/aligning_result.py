"""What became of a folder of photographs, as values: counts, names, and sentences for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sphereface.data.aligned_folder import Known
from sphereface.data.folders import FolderListing, remarks
from sphereface.faces.outcomes import OUTCOMES

_LISTED = 20  # names of each outcome that JSON gives; the manifest has all


@dataclass(frozen=True)
class Aligned:
    """What :func:`sphereface.data.aligning.align_folder` did; names are relative to the folder of photographs.

    Attributes:
        source: Folder of the photographs.
        destination: Folder of the crops.
        outcomes: Number of photographs by outcome, in the order of :data:`~sphereface.faces.outcomes.OUTCOMES`;
            those that did not occur are left out.
        without_crop: Names of the photographs of each outcome but ``ok``.
        crops: Number of faces written, now or earlier.
        done: Number of photographs that were looked at now; the others were known.
        people_without_crop: People of whom no photograph gave a crop.
        vanished: Photographs that are gone while their crops are there.
        ignored: Files that are no pictures by their name.
        deeper: Folders inside folders of people, which nobody looked into.
    """

    source: str
    destination: str
    outcomes: dict[str, int]
    without_crop: dict[str, tuple[str, ...]]
    crops: int
    done: int
    people_without_crop: tuple[str, ...]
    vanished: tuple[str, ...]
    ignored: tuple[str, ...]
    deeper: tuple[str, ...]

    @property
    def images(self) -> int:
        """Number of photographs; each has exactly one outcome."""
        return sum(self.outcomes.values())

    @property
    def ok(self) -> bool:
        """True when every photograph gave a crop."""
        return not self.without_crop

    @property
    def notes(self) -> tuple[str, ...]:
        """What else is worth knowing, one sentence each."""
        found = (
            (self.people_without_crop, "person has no crop", "people have no crop",
             "a dataset of these crops is without them"),
            (self.vanished, "photograph is gone", "photographs are gone",
             f"the crops are still in '{self.destination}'; delete them there, or bring the photographs back"),
            (self.deeper, "folder lies inside a person's folder", "folders lie inside a person's folder",
             "not looked into; move the pictures up"),
            (self.ignored, "file is no picture by name", "files are no pictures by name", "not looked at"),
        )  # fmt: skip
        return remarks(found)

    def to_json(self) -> dict[str, Any]:
        """Return counts and the first names as plain lists, dicts, numbers and strings."""
        return {
            "ok": self.ok,
            "source": self.source,
            "destination": self.destination,
            "images": self.images,
            "outcomes": self.outcomes,
            "crops": self.crops,
            "done": self.done,
            "without_crop": {outcome: list(names[:_LISTED]) for outcome, names in self.without_crop.items()},
            "notes": list(self.notes),
        }


def summed_up(
    source: Path,
    destination: Path,
    listing: FolderListing,
    known: Mapping[str, Known],
    vanished: Sequence[str],
    done: int,
) -> Aligned:
    """Count.

    Args:
        source: As the user named it.
        destination: Likewise.
        listing: Of the photographs.
        known: What became of each, by name.
        vanished: Of :class:`Aligned`.
        done: Of :class:`Aligned`.
    """
    names: dict[str, list[str]] = {}
    for name, line in known.items():
        names.setdefault(line.outcome, []).append(name)
    order = [outcome for outcome in OUTCOMES if outcome in names]
    with_crop = {name.rpartition("/")[0] for name, line in known.items() if line.crops}

    def relative(paths: Sequence[Path]) -> tuple[str, ...]:
        return tuple(str(path.relative_to(listing.root)) for path in paths)

    return Aligned(
        source=str(source),
        destination=str(destination),
        outcomes={outcome: len(names[outcome]) for outcome in order},
        without_crop={outcome: tuple(names[outcome]) for outcome in order if outcome != "ok"},
        crops=sum(len(line.crops) for line in known.values()),
        done=done,
        people_without_crop=tuple(
            person
            for person, pictures in listing.people.items()
            if not with_crop & {name.rpartition("/")[0] for name in relative(pictures)}
        ),
        vanished=tuple(vanished),
        ignored=relative(listing.ignored),
        deeper=relative(listing.deeper),
    )
