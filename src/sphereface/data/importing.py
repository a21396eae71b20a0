"""The field's legacy containers become plain folders of pictures, byte for byte as they were stored.

Everything is written to a hidden folder beside the destination, which takes the destination's name when all of
it is on the disk: an import that fails or is killed leaves nothing behind that looks like a data set.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from sphereface.atomic import write_json, write_text
from sphereface.data.folders import nfc
from sphereface.data.intake import REFUSALS, Intake
from sphereface.data.new_folder import appearing
from sphereface.data.pickled_pairs import PairTable, read_pickled_pairs, store_pairs
from sphereface.data.recordio import Entry, list_entries, record_entries
from sphereface.data.streams import HashedFile, open_regular
from sphereface.errors import DataError, reason_of
from sphereface.progress import SILENT, Progress
from sphereface.version import __version__

IMPORT_FILE: Final = "import.json"
PAIRS_FILE: Final = "pairs.csv"
PICTURES_FOLDER: Final = "pictures"

_SUFFIXES = (".rec", ".lst", ".bin")
_LARGEST_PICKLE = 2_000_000_000  # in memory as a whole; the field's have less than a tenth of it
_LONGEST_NAME = 200  # bytes of a folder's name, somewhat less than file systems take


@dataclass(frozen=True)
class Imported:
    """What an import has brought.

    Attributes:
        source: Name of the file that was read.
        sha256: Of that file, in hexadecimal.
        index: Name of the index that numbered its records, if it had one.
        people: Folders made.
        pictures: Files written.
        bookkeeping: Records that only list other records.
        refused: How many places gave no picture, by key of :data:`~sphereface.data.intake.REFUSALS`.
        listed: The first of them, as (place, reason).
        pairs: The comparisons of an evaluation file, None for other sources.
    """

    source: str
    sha256: str
    index: str | None
    people: int
    pictures: int
    bookkeeping: int
    refused: dict[str, int]
    listed: tuple[tuple[str, str], ...]
    pairs: PairTable | None = None

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a person should know about it, in sentences."""
        first = {reason: where for where, reason in reversed(self.listed)}
        said = [
            f"{count:,} not taken: {REFUSALS[reason]} (the first: {first.get(reason, 'late in the file')})"
            for reason, count in self.refused.items()
        ]
        if self.pairs is not None:
            said.append(
                "the file names nobody: people are the groups its pairs and equal pictures show, so one person "
                "may have several folders; of an evaluation only the figure on the listed pairs counts, and its "
                "operating points must not be stored"
            )
            if strange := self.pairs.contradictions:
                said.append(
                    f"{len(strange):,} pairs are said to show two people whom the rest of the file makes one (the "
                    f"first: pair {strange[0]}); they are kept as they are"
                )
        return tuple(said)

    def to_json(self) -> dict[str, Any]:
        """Return everything in words that JSON has."""
        return {
            "source": self.source,
            "sha256": self.sha256,
            "index": self.index,
            "people": self.people,
            "pictures": self.pictures,
            "bookkeeping_records": self.bookkeeping,
            "pairs": None if self.pairs is None else self.pairs.pairs,
            "contradictory_pairs": [] if self.pairs is None else list(self.pairs.contradictions),
            "refused": self.refused,
            "first_refused": [{"where": where, "reason": reason} for where, reason in self.listed],
            "remarks": list(self.remarks),
            "sphereface": __version__,
        }


def import_dataset(
    source: Path, destination: Path, *, prefix: str | None = None, progress: Progress = SILENT
) -> Imported:
    """Turn a legacy data set into folders of pictures.

    RecordIO and lists become ``destination/person/00000012.jpg``, with the number of the record; an evaluation
    file becomes ``destination/pictures/person/000012.jpg`` and ``destination/pairs.csv``. What was read and
    what was refused is written to ``destination/import.json``.

    Args:
        source: A ``.rec``, ``.lst`` or ``.bin`` file, or a folder that holds ``train.rec``. An ``.idx`` file
            beside a ``.rec`` numbers its records. A list's pictures lie where it says, relative to its folder.
        destination: A folder that does not exist yet, or is empty.
        prefix: Before the number of every person, so that two data sets do not share names; by default the
            destination's name and a hyphen.
        progress: Told about the source, in thousands of bytes, or about its pictures.

    Raises:
        DataError: If the source is none of these, damaged, or gives no picture at all, if the destination is in
            use, or if it cannot be written. The destination is then as it was.
    """
    source, destination = _container(Path(source)), Path(destination).resolve()
    prefix = f"{destination.name}-" if prefix is None else nfc(prefix)
    if not _usable(f"{prefix}0"):
        raise DataError(f"'{prefix}' cannot begin the name of a folder; choose another with --prefix")
    try:
        with open_regular(source) as file, appearing(destination) as folder:
            imported = _import(source, file, folder, prefix, progress)
            if not imported.pictures:
                raise DataError(f"'{source}' gives no picture; {'; '.join(imported.remarks) or 'it is empty'}")
            write_json(folder / IMPORT_FILE, imported.to_json())
        return imported
    except OSError as error:
        where = error.filename or destination
        raise DataError(f"cannot import '{source}': {reason_of(error)} ('{where}')") from error


def _container(source: Path) -> Path:
    if source.is_dir():
        source = source / "train.rec"
    if source.suffix.lower() not in _SUFFIXES:
        raise DataError(
            f"'{source}' is none of {', '.join(_SUFFIXES)}; name such a file, or a folder with train.rec"
        )
    if not source.exists():
        raise DataError(f"there is no file '{source}'; check the path")
    return source


def _import(source: Path, file: BinaryIO, folder: Path, prefix: str, progress: Progress) -> Imported:
    hashed, size, title = HashedFile(file), os.fstat(file.fileno()).st_size, f"Importing {source.name}"
    index, bookkeeping, table = None, 0, None
    if source.suffix.lower() == ".bin":
        if size > _LARGEST_PICKLE:
            raise DataError(f"'{source}' has {size:,} bytes, more than the {_LARGEST_PICKLE:,} allowed; split it")
        intake = Intake(folder / PICTURES_FOLDER)
        pictures, same = read_pickled_pairs(hashed, size, source.name)
        with progress.task(title, len(pictures)) as task:
            table = store_pairs(pictures, same, intake, prefix, task)
        write_text(folder / PAIRS_FILE, table.text)
    else:
        intake = Intake(folder)
        index = _index_of(source)
        with progress.task(title, size // 1000, "kB") as task:
            told = 0
            for entry in _entries(source, hashed, index):
                bookkeeping += entry.outcome == "bookkeeping"
                _take(entry, intake, prefix)
                task.advance(hashed.position // 1000 - told)
                told = hashed.position // 1000
    return Imported(
        source=source.name,
        sha256=hashed.sha256.hexdigest(),
        index=None if index is None else index.name,
        people=intake.people,
        pictures=intake.pictures,
        bookkeeping=bookkeeping,
        refused=dict(intake.refused.most_common()),
        listed=tuple(intake.listed),
        pairs=table,
    )


def _index_of(source: Path) -> Path | None:
    beside = source.with_suffix(".idx")
    return beside if source.suffix.lower() == ".rec" and beside.exists() else None


def _entries(source: Path, file: HashedFile, index: Path | None) -> Iterator[Entry]:
    if source.suffix.lower() == ".lst":
        yield from list_entries(file, source.name, source.parent)
    elif index is None:
        yield from record_entries(file, source.name)
    else:
        with open_regular(index) as numbers:
            yield from record_entries(file, source.name, numbers)


def _take(entry: Entry, intake: Intake, prefix: str) -> None:
    if entry.outcome == "bookkeeping":
        return
    person = _person(entry.label, prefix)
    if entry.outcome != "picture":
        intake.refuse(entry.where, entry.outcome)
    elif person is None:
        intake.refuse(entry.where, "label")
    else:
        intake.store(person, f"{entry.number:08d}", entry.content, entry.where)


def _person(label: float | str, prefix: str) -> str | None:
    """Return the name of a label's folder: numbers get the prefix, names stay; None if there is none."""
    if isinstance(label, str):
        name = nfc(label).strip()
        return name if _usable(name) else None
    return f"{prefix}{int(label):07d}" if label >= 0 and label.is_integer() else None


def _usable(name: str) -> bool:
    """Say whether a folder of this name is one folder here, visible, and the same on every system."""
    return (
        name == name.strip()
        and name.isprintable()
        and not name.startswith(".")
        and "/" not in name
        and "\\" not in name
        and 0 < len(name.encode()) <= _LONGEST_NAME
    )
