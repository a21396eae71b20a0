"""Reading a gallery from end to end and saying everything that is wrong with it."""

from __future__ import annotations

import sqlite3
from itertools import islice

from sphereface.gallery.border import shown
from sphereface.gallery.results import GalleryCheck
from sphereface.gallery.snapshot import PEOPLE, ROWS, number_problem, person_problem, row_problem
from sphereface.gallery.store import of_the_disk, printable, transaction

_MOST_PROBLEMS = 100
_BEFORE_ALL = -(2**63)  # smaller than every number but itself, which number_problem finds


def check_rows(connection: sqlite3.Connection, dimension: int) -> GalleryCheck:
    """Check SQLite's structure, every number, name, checksum and length, and that nobody is without templates.

    Raises:
        sqlite3.Error: If the disk stops the reading, which says nothing about the gallery.
    """
    problems: list[str] = []
    people = templates = 0
    try:
        with transaction(connection, "DEFERRED"):
            for (line,) in connection.execute(f"PRAGMA integrity_check({_MOST_PROBLEMS})"):
                if line != "ok":
                    problems.append(f"SQLite: {line}")
            if problem := number_problem(connection):
                problems.append(problem)
            for identity, name, created, count in connection.execute(PEOPLE):
                people += 1
                if problem := person_problem(identity, name, created):
                    problems.append(problem)
                if not count:
                    problems.append(f"{shown(name)} has no templates")
            for row in connection.execute(ROWS, (_BEFORE_ALL,)):
                templates += 1
                if problem := row_problem(row, dimension):
                    problems.append(problem)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        if of_the_disk(error):
            raise
        problems.append(f"SQLite stopped reading: {printable(error)}")
    return GalleryCheck(people, templates, tuple(islice(problems, _MOST_PROBLEMS)))
