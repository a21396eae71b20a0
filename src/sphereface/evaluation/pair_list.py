"""A pair as a protocol file writes it, and which kind of list a file of pairs is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sphereface.errors import DataError, reason_of


@dataclass(frozen=True, slots=True)
class NamedPair:
    """One comparison as a protocol file writes it.

    Attributes:
        image_a: File of the first image, relative to the dataset's folder, with forward slashes.
        image_b: File of the second image.
        person_a: Who is in the first image.
        person_b: Who is in the second image.
        same: True for a genuine pair.
        fold: The protocol's own fold from 0 upwards, or None where it has none.
    """

    image_a: str
    image_b: str
    person_a: str
    person_b: str
    same: bool
    fold: int | None = None


def kind_of_pair_list(path: Path) -> str:
    """Return which protocol a list of pairs is of.

    ``.csv`` is one's own (``pairs``); one number in the first line is LFW View 1, two are View 2.

    Raises:
        DataError: If the file cannot be read.
    """
    if path.suffix.lower() == ".csv":
        return "pairs"
    try:
        with path.open(encoding="utf-8") as file:
            columns = len(file.readline(1000).split())
    except OSError as error:
        raise DataError(f"cannot read the pair list '{path}': {reason_of(error)}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"'{path}' is not a text file in UTF-8, so it cannot be a pair list") from error
    return "lfw-view2" if columns == 2 else "lfw-view1"
