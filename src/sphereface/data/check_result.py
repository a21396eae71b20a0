"""The findings of a dataset check as values: sentences for a person, JSON for a program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from sphereface.data.folders import counted, first_few, remarks


@dataclass(frozen=True)
class UnreadableFile:
    """A picture by its name that is none: ``outcome`` is an :class:`~sphereface.errors.ImageError`'s."""

    file: str
    outcome: str
    message: str


@dataclass(frozen=True)
class Duplicate:
    """Two or more files that show the same picture.

    Attributes:
        files: Relative to the dataset's folder.
        people: Whose folders they lie in; more than one means that somebody is mislabelled.
        same: ``bytes`` when the files are equal, ``pixels`` when only what they decode to is.
    """

    files: tuple[str, ...]
    people: tuple[str, ...]
    same: Literal["bytes", "pixels"]


@dataclass(frozen=True)
class NearDuplicateGroup:
    """Two or more files that show the same picture, re-encoded, resized, cropped a little, tinted or mirrored.

    Attributes:
        files: Relative to the dataset's folder; each is a copy of another one here, not of every other.
        people: Whose folders they lie in; more than one means that somebody is mislabelled.
        mirrored: True if two of them have to be mirrored to be alike.
    """

    files: tuple[str, ...]
    people: tuple[str, ...]
    mirrored: bool


@dataclass(frozen=True)
class DatasetCheck:
    """What :func:`sphereface.data.check.check_dataset` found; file names are relative to the folder.

    Attributes:
        folder: The folder checked.
        against: The folder it was compared with, if any.
        people: Number of folders of people.
        files: Number of pictures by name in them: ``readable + len(unreadable)``.
        readable: Number of those that decode.
        unreadable: The others, with the reason.
        loose: Pictures beside the folders of people; nobody's, so unused.
        ignored: Files that are no pictures by their name.
        deeper: Folders inside folders of people; unused.
        people_without_readable: People with no readable picture.
        people_with_one: People with exactly one: they can be impostors, but give no genuine pair.
        duplicates: Groups of files with the same picture.
        similar_names: Two folders whose names differ in case, blanks or underscores only.
        overlaps: (name here, name there) of people who occur in ``against`` too.
        shared_files: (file here, file there) with the same pixels.
        near_duplicates: Groups of files with nearly the same picture; of files with the same pixels the first
            stands for all.
        near_shared: (file here, file there) with nearly the same picture: of each file here the nearest there.
        unaligned_sizes: Number of readable pictures by height x width, sizes of aligned crops left out.
        unaligned_example: One such file.
    """

    folder: str
    against: str | None
    people: int
    files: int
    readable: int
    unreadable: tuple[UnreadableFile, ...]
    loose: tuple[str, ...]
    ignored: tuple[str, ...]
    deeper: tuple[str, ...]
    people_without_readable: tuple[str, ...]
    people_with_one: tuple[str, ...]
    duplicates: tuple[Duplicate, ...]
    similar_names: tuple[tuple[str, str], ...]
    overlaps: tuple[tuple[str, str], ...]
    shared_files: tuple[tuple[str, str], ...]
    near_duplicates: tuple[NearDuplicateGroup, ...]
    near_shared: tuple[tuple[str, str], ...]
    unaligned_sizes: dict[str, int]
    unaligned_example: str | None

    @property
    def duplicates_within(self) -> tuple[Duplicate, ...]:
        """Duplicates inside one person's folder."""
        return tuple(group for group in self.duplicates if len(group.people) == 1)

    @property
    def duplicates_across(self) -> tuple[Duplicate, ...]:
        """Duplicates that lie in the folders of two or more people."""
        return tuple(group for group in self.duplicates if len(group.people) > 1)

    @property
    def near_duplicates_within(self) -> tuple[NearDuplicateGroup, ...]:
        """Near duplicates inside one person's folder."""
        return tuple(group for group in self.near_duplicates if len(group.people) == 1)

    @property
    def near_duplicates_across(self) -> tuple[NearDuplicateGroup, ...]:
        """Near duplicates that lie in the folders of two or more people."""
        return tuple(group for group in self.near_duplicates if len(group.people) > 1)

    @property
    def ok(self) -> bool:
        """True when there is nothing to repair (see ``problems``)."""
        return not self.problems

    @property
    def problems(self) -> tuple[str, ...]:
        """What should be repaired before training or judging, one sentence each."""
        return (*self._file_problems(), *self._people_problems())

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth knowing but may be meant, one sentence each."""
        found = (
            (self.people_with_one, "person has one image only", "people have one image only",
             "they give no genuine pair"),
            (self.loose, "image lies beside the folders of people", "images lie beside the folders of people",
             "nobody's, so not used"),
            (self.ignored, "file is no image by name", "files are no images by name", "not used"),
            (self.deeper, "folder lies inside a person's folder", "folders lie inside a person's folder",
             "not looked into"),
        )  # fmt: skip
        return (*self._near_notes(), *remarks(found))

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain lists, dicts, numbers and strings."""
        verdict = {"ok": self.ok, "problems": self.problems, "notes": self.notes}
        plain: dict[str, Any] = _plain({**verdict, **asdict(self)})
        return plain

    def _near_notes(self) -> Iterator[str]:
        if within := self.near_duplicates_within:
            copies = range(sum(len(group.files) - 1 for group in within))
            found = counted(copies, "file nearly repeats", "files nearly repeat")
            yield (
                f"{found} another image of the same person ({' ~ '.join(within[0].files[:2])}), re-encoded, "
                "resized, cropped, tinted or mirrored: they count as easy genuine pairs."
            )

    def _file_problems(self) -> Iterator[str]:
        if self.unreadable:
            reasons = Counter(file.outcome for file in self.unreadable)
            counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(reasons.items()))
            found = counted(self.unreadable, "file", "files")
            names = first_few([file.file for file in self.unreadable])
            yield f"{found} cannot be read ({counts}): {names}; replace or remove them."
        if within := self.duplicates_within:
            copies = range(sum(len(group.files) - 1 for group in within))
            found = counted(copies, "file repeats", "files repeat")
            yield (
                f"{found} another image of the same person ({' = '.join(within[0].files[:2])}); "
                "remove the copies, or they count as easy genuine pairs."
            )
        if across := self.duplicates_across:
            found = counted(across, "image lies", "images lie")
            yield (
                f"{found} in the folders of different people ({' = '.join(across[0].files[:2])}); "
                "decide whose they are and remove the others."
            )
        if nearly := self.near_duplicates_across:
            found = counted(nearly, "image lies, changed a little,", "images lie, changed a little,")
            yield (
                f"{found} in the folders of different people ({' ~ '.join(_two_people(nearly[0]))}); "
                "decide whose they are and remove the others."
            )
        if self.unaligned_sizes:
            found = counted(range(sum(self.unaligned_sizes.values())), "image is", "images are")
            sizes = ", ".join(f"{count} of {size}" for size, count in list(self.unaligned_sizes.items())[:3])
            yield (
                f"{found} no aligned 112x112 or 112x96 crop (height x width: {sizes}; for example "
                f"'{self.unaligned_example}'); align and crop them first."
            )

    def _people_problems(self) -> Iterator[str]:
        if self.people == 0:
            yield "There are no folders of people; move each person's images into a folder with their name."
        if without := self.people_without_readable:
            found = counted(without, "person has", "people have")
            yield f"{found} no readable image ({first_few(without)}); add images or remove the folder."
        if similar := self.similar_names:
            found = counted(similar, "pair", "pairs")
            yield (
                f"{found} of folders may be one person under two spellings "
                f"('{similar[0][0]}' and '{similar[0][1]}'); merge them or give them distinct names."
            )
        if overlaps := self.overlaps:
            found = counted(overlaps, "person is", "people are")
            names = first_few([name for name, _ in overlaps])
            yield f"{found} in '{self.against}' too ({names}); leave them out of one side."
        if shared := self.shared_files:
            found = counted(shared, "image is", "images are")
            yield f"{found} in '{self.against}' too ({' = '.join(shared[0])}); remove them from one side."
        if nearly := self.near_shared:
            found = counted(nearly, "image is, changed a little,", "images are, changed a little,")
            yield f"{found} in '{self.against}' too ({' ~ '.join(nearly[0])}); remove them from one side."


def _two_people(group: NearDuplicateGroup) -> tuple[str, str]:
    """Return the first file, and the first that lies in another folder."""
    first = group.files[0]
    return first, next(file for file in group.files if Path(file).parts[0] != Path(first).parts[0])


def _plain(value: Any) -> Any:
    """Turn tuples into lists, so that what is returned equals what JSON gives back."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
