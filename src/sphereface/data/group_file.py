"""Whose error rates are to be compared: a CSV that gives each person a group."""

from __future__ import annotations

import csv
from pathlib import Path

from sphereface.data.folders import nfc
from sphereface.errors import DataError, reason_of

_COLUMNS = ["person", "group"]
_LARGEST_FILE = 256 << 20


def read_groups(path: Path) -> dict[str, str]:
    """Read a CSV with the columns ``person`` and ``group``; the program never guesses a group itself.

    Raises:
        DataError: If it cannot be read, has other columns, or puts a person into two groups; the message gives the
            line.
    """
    groups: dict[str, str] = {}
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise DataError(f"'{path}' is larger than any list of people; check the path")
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, strict=True)
            if [name.strip() for name in next(lines, [])] != _COLUMNS:
                raise DataError(f"the first line of '{path}' must read person,group")
            for row in lines:
                if not row:
                    continue
                if len(row) != len(_COLUMNS):
                    raise DataError(f"line {lines.line_num} of '{path}' has {len(row)} columns, not person,group")
                person, group = nfc(row[0].strip()), row[1].strip()
                if groups.setdefault(person, group) != group:
                    raise DataError(f"line {lines.line_num} of '{path}' puts '{person}' into a second group")
    except OSError as error:
        raise DataError(f"cannot read the groups '{path}': {reason_of(error)}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"'{path}' is not a CSV file in UTF-8 ({error})") from error
    if not groups:
        raise DataError(f"'{path}' names nobody")
    return groups
