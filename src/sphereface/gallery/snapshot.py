"""The gallery as memory holds it, brought up to date with the file at little cost.

SQLite's ``data_version`` says whether another connection has committed since we looked. New templates are
those with a larger ``seq``; deletions are announced by the counter ``forgotten``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from sphereface.gallery.border import is_name, shown
from sphereface.gallery.matrix import Matrix, rows_from
from sphereface.gallery.store import checksum, damaged, read_meta, transaction

_ROWS_AT_ONCE = 8192
_OUTDATED = -1
_UNIT_TOLERANCE = 1e-3

PEOPLE = (
    "SELECT p.id, p.name, p.created, count(t.seq) FROM person AS p "
    "LEFT JOIN template AS t ON t.person = p.id GROUP BY p.id ORDER BY p.id"
)

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
        GalleryError: If a template or a person is damaged: a search that left it out would be wrong without
            saying so.
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
            names: dict[int, str] = {}
        else:
            names = dict(old.names)
        if problem := number_problem(connection):
            raise damaged(path, problem)
        newest = max(names, default=0)
        added = connection.execute("SELECT id, name, created FROM person WHERE id > ? ORDER BY id", (newest,))
        for identity, name, created in in_order(added, path):
            if problem := person_problem(identity, name, created):
                raise damaged(path, problem)
            names[identity] = name
        rows = in_order(connection.execute(ROWS, (matrix.last_sequence,)), path)
        while chunk := list(islice(rows, _ROWS_AT_ONCE)):
            for row in chunk:
                if problem := row_problem(row, dimension):
                    raise damaged(path, problem)
            matrix = matrix.with_rows(*rows_from((row[:3] for row in chunk), dimension))
        if alone := names.keys() ^ set(matrix.owners.tolist()):
            raise damaged(path, f"person {min(alone)} has no templates, or no name; forget this person")
    return replace(old, matrix=matrix, names=names, version=version, forgotten=forgotten)


def in_order(rows: Iterable[tuple[Any, ...]], path: Path) -> Iterator[tuple[Any, ...]]:
    """Pass rows on as long as their first number rises; pages that lead to each other go round for ever.

    Raises:
        GalleryError: At the first row that came before.
    """
    last = None
    for row in rows:
        if last is not None and row[0] <= last:
            raise damaged(path, f"number {row[0]} comes after number {last}")
        last = row[0]
        yield row


def number_problem(connection: sqlite3.Connection) -> str:
    """Say whether a number is below 1, where a search would not look; empty if none is."""
    people, templates = connection.execute(
        "SELECT (SELECT min(id) FROM person), (SELECT min(seq) FROM template)"
    ).fetchone()
    if people is not None and people < 1:
        return f"person {people} has a number below 1"
    return f"template {templates} has a number below 1" if templates is not None and templates < 1 else ""


def person_problem(identity: int, name: object, created: object) -> str:
    """Say what is wrong with a person's row; empty if the program could have written it."""
    if not is_name(name):
        return f"the name of person {identity} is {shown(name)}, and nobody can be enrolled so"
    if not isinstance(created, str) or not created.isprintable():
        return f"the time of enrolment of person {identity} is not a time"
    return ""


def row_problem(row: tuple[Any, ...], dimension: int) -> str:
    """Say what is wrong with one row of :data:`ROWS`; empty if its checksum and its length are right.

    SQLite's own checks see damaged structure; a flipped bit inside a vector is seen only here.
    """
    seq, person, vector, crc, identity, source, created, name = row
    if name is None:
        return f"template {seq} belongs to nobody"
    kinds = (int, bytes, int, bytes, str, str, str)
    if not all(map(isinstance, (person, vector, crc, identity, source, created, name), kinds)):
        return f"template {seq} is not made of what a template is made of"
    if len(vector) != 4 * dimension:
        return f"template {seq} of {shown(name)} has {len(vector)} bytes instead of {4 * dimension}"
    if checksum(identity, name, source, created, vector) != crc:
        return f"the checksum of template {seq} of {shown(name)} is wrong; forget and enrol this person again"
    with np.errstate(all="ignore"):  # what overflows is not of length 1 either
        length = float(np.linalg.norm(np.frombuffer(vector, dtype="<f4")))
    if not abs(length - 1.0) < _UNIT_TOLERANCE:  # so that NaN is a problem
        return f"template {seq} has length {length:.5g} instead of 1"
    return ""
