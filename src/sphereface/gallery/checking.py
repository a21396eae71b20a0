"""Reading a gallery from end to end and saying everything that is wrong with it."""

from __future__ import annotations

import sqlite3
from itertools import islice

import numpy as np

from sphereface.gallery.results import GalleryCheck
from sphereface.gallery.snapshot import ROWS, row_problem
from sphereface.gallery.store import transaction

_MOST_PROBLEMS = 100
_UNIT_TOLERANCE = 1e-3


def check_rows(connection: sqlite3.Connection, dimension: int) -> GalleryCheck:
    """Check SQLite's structure, every checksum, length and norm, and that nobody is without templates."""
    problems: list[str] = []
    people = templates = 0
    try:
        with transaction(connection, "DEFERRED"):
            for (line,) in connection.execute(f"PRAGMA integrity_check({_MOST_PROBLEMS})"):
                if line != "ok":
                    problems.append(f"SQLite: {line}")
            for name, count in connection.execute(
                "SELECT p.name, count(t.seq) FROM person AS p LEFT JOIN template AS t ON t.person = p.id "
                "GROUP BY p.id"
            ):
                people += 1
                if not count:
                    problems.append(f"'{name}' has no templates")
            for row in connection.execute(ROWS, (0,)):
                templates += 1
                problem = row_problem(row, dimension) or _norm_problem(row[0], row[2])
                if problem:
                    problems.append(problem)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        problems.append(f"SQLite stopped reading: {error}")
    return GalleryCheck(people, templates, tuple(islice(problems, _MOST_PROBLEMS)))


def _norm_problem(seq: int, vector: bytes) -> str:
    norm = float(np.linalg.norm(np.frombuffer(vector, dtype="<f4")))
    return "" if abs(norm - 1.0) < _UNIT_TOLERANCE else f"template {seq} has length {norm:.3g} instead of 1"
