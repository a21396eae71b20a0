"""The gallery as memory holds it, brought up to date with the file at little cost.

SQLite's ``data_version`` says whether another connection has committed since we looked. New templates are
those with a larger ``seq``; deletions are announced by the counter ``forgotten``.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from sphereface.gallery.matrix import Matrix, rows_from
from sphereface.gallery.store import checksum, damaged, read_meta, transaction

_ROWS_AT_ONCE = 8192
_OUTDATED = -1

ROWS = (
    "SELECT t.seq, t.person, t.vector, t.crc, t.id, t.source, t.created, p.name "
    "FROM template AS t LEFT JOIN person AS p ON p.id = t.person WHERE t.seq > ? ORDER BY t.seq"
)


@dataclass(frozen=True)
class Snapshot:
    """One consistent state of the file.

    Attributes:
        matrix: All templates.
        names: Person id to name.
        version: ``data_version`` and this connection's own count of changes when it was read.
        forgotten: Deletions so far.
    """

    matrix: Matrix = field(default_factory=Matrix)
    names: dict[int, str] = field(default_factory=dict)
    version: tuple[int, int] = (_OUTDATED, _OUTDATED)
    forgotten: int = 0


EMPTY = Snapshot()


def refresh(old: Snapshot, connection: sqlite3.Connection, path: Path, dimension: int) -> Snapshot:
    """Return the file's present state, reading only what has changed since ``old``.

    Raises:
        GalleryError: If a template is damaged: a search that left it out would be wrong without saying so.
    """
    version = (connection.execute("PRAGMA data_version").fetchone()[0], connection.total_changes)
    if version == old.version:
        return old
    with transaction(connection, "DEFERRED"):
        forgotten = int(read_meta(connection, path)["forgotten"])
        matrix = old.matrix
        if forgotten != old.forgotten:
            alive = [seq for (seq,) in connection.execute("SELECT seq FROM template")]
            matrix = matrix.keeping(np.array(alive, dtype=np.int64))
            known: dict[int, str] = {}
        else:
            known = old.names
        newest = max(known, default=0)
        added = connection.execute("SELECT id, name FROM person WHERE id > ? ORDER BY id", (newest,))
        names = known | dict(added.fetchall())
        rows = connection.execute(ROWS, (matrix.last_sequence,))
        while chunk := rows.fetchmany(_ROWS_AT_ONCE):
            for row in chunk:
                problem = row_problem(row, dimension)
                if problem:
                    raise damaged(path, problem)
            matrix = matrix.with_rows(*rows_from((row[:3] for row in chunk), dimension))
    return replace(old, matrix=matrix, names=names, version=version, forgotten=forgotten)


def row_problem(row: tuple[Any, ...], dimension: int) -> str:
    """Say what is wrong with one row of :data:`ROWS`; empty if its checksum is right.

    SQLite's own checks see damaged structure; a flipped bit inside a vector is seen only here.
    """
    seq, person, vector, crc, identity, source, created, name = row
    if name is None:
        return f"template {seq} belongs to nobody"
    kinds = (int, bytes, int, bytes, str, str, str)
    if not all(map(isinstance, (person, vector, crc, identity, source, created, name), kinds)):
        return f"template {seq} is not made of what a template is made of"
    if len(vector) != 4 * dimension:
        return f"template {seq} of '{name}' has {len(vector)} bytes instead of {4 * dimension}"
    if checksum(identity, name, source, created, vector) != crc:
        return f"the checksum of template {seq} of '{name}' is wrong; forget and enrol this person again"
    return ""
