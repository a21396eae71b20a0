"""A list of people to leave out: one a line, by name or by the hash of a name, so that it can be shown around."""

from __future__ import annotations

import re
from pathlib import Path

from sphereface.data.manifest import Manifest, name_digest
from sphereface.errors import DataError, reason_of

_LARGEST_FILE = 64 * 2**20
_HASHED = re.compile(r"sha256:[0-9a-f]{64}")


def name_hash(name: str) -> str:
    """Return how a name stands in a list that shows none: equal for all spellings that compare equal.

    >>> name_hash("Ada_Lovelace") == name_hash("ada lovelace")
    True
    """
    return f"sha256:{name_digest(name).hex()}"


def read_exclusions(path: Path) -> frozenset[str]:
    """Read a list: a name or ``sha256:...`` a line; blank lines and lines that begin with ``#`` are passed over.

    Returns:
        The hashes of all of them (:func:`name_hash`).

    Raises:
        DataError: If the file cannot be read, or a hash is cut off.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise DataError(f"'{path}' is larger than any list of people; name a text file")
        lines = path.read_text(encoding="utf-8-sig").splitlines()  # Windows puts a mark in front
    except (OSError, UnicodeDecodeError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else "it is not UTF-8 text"
        raise DataError(f"cannot read the list of people to leave out, '{path}': {reason}") from error
    found = set()
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line.startswith("#"):
            continue
        if line.startswith("sha256:") and not _HASHED.fullmatch(line):
            raise DataError(
                f"line {number} of '{path}' is no SHA-256 of 64 small hexadecimal digits; write it again"
            )
        found.add(line if line.startswith("sha256:") else name_hash(line))
    return frozenset(found)


def leave_out(people: Manifest, excluded: frozenset[str]) -> tuple[Manifest, tuple[str, ...]]:
    """Leave people out by the hashes of their names; return the others and who was left out.

    Raises:
        DataError: If nobody is left, or a list that names somebody matches nobody: it belongs to other people.
    """
    gone = tuple(name for name in people.identities if name_hash(name) in excluded)
    if excluded and not gone:
        raise DataError(
            f"none of the {len(excluded)} people on the list to leave out is in the training folders; "
            "check the list's spelling and the folders"
        )
    if len(gone) == len(people.identities):
        raise DataError("the list of people to leave out holds everybody; name other training folders")
    return (people.without(gone) if gone else people), gone
