"""A file made by somebody else: what the program did not write is refused, found and never printed as it is."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError, GalleryError
from sphereface.gallery import Gallery, open_any_gallery, open_gallery, store

Draw = Callable[..., NDArray[np.float32]]
Reopen = Callable[..., Gallery]

# As files of format version 1 hold it: a change of the program's own statements must not shut them out.
FORMAT_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE person (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, created TEXT NOT NULL
) STRICT;
CREATE TABLE template (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    person INTEGER NOT NULL REFERENCES person (id),
    source TEXT NOT NULL,
    created TEXT NOT NULL,
    crc INTEGER NOT NULL,
    vector BLOB NOT NULL
) STRICT;
CREATE INDEX template_person ON template (person);
CREATE UNIQUE INDEX template_source ON template (source);
"""


def script(path: Path, statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(statements)


def refused(path: Path, use: Callable[[Gallery], object]) -> str:
    """Return the sentence by which a file is refused: one line that names the file and that may be printed."""
    with pytest.raises(GalleryError) as error, open_any_gallery(path, busy_seconds=0.1) as gallery:
        use(gallery)
    text = str(error.value)
    assert text.isprintable()
    assert str(path) in text
    return text


def people(gallery: Gallery) -> object:
    return gallery.people()


@pytest.mark.parametrize(
    "statements",
    [
        "CREATE TABLE copy (vector BLOB); CREATE TRIGGER keep AFTER DELETE ON template "
        "BEGIN INSERT INTO copy VALUES (old.vector); END",
        "CREATE TRIGGER sqlite_keep AFTER DELETE ON template BEGIN SELECT 1; END",
        "CREATE VIEW extra AS SELECT * FROM person",
        "CREATE INDEX extra ON template (created)",
        "ALTER TABLE person ADD COLUMN extra TEXT",
        "ALTER TABLE person RENAME TO people; CREATE VIEW person AS WITH RECURSIVE n (id) AS "
        "(SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id, printf('%99999d', id) AS name, '' AS created FROM n",
    ],
    ids=["trigger", "trigger with SQLite's name", "view", "index", "column", "endless people"],
)
def test_tables_that_the_program_did_not_make(
    gallery: Gallery, path: Path, vectors: Draw, statements: str
) -> None:
    gallery.enroll("Ann", vectors(1))
    gallery.close()
    if "TRIGGER sqlite_keep" in statements:  # SQLite refuses the name in a statement, and not in a file
        sql = statements.replace("'", "''")
        statements = (
            "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) "
            f"VALUES ('trigger', 'sqlite_keep', 'template', 0, '{sql}')"
        )
    script(path, statements)
    assert "not a gallery of this program, for its tables are others" in refused(path, people)


def test_a_gallery_of_format_version_1_and_one_with_statistics_open(path: Path, reopen: Reopen) -> None:
    path.parent.mkdir()
    script(
        path,
        f"PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; BEGIN; {FORMAT_1} "
        f"PRAGMA application_id = {0x53464731}; PRAGMA user_version = 1; COMMIT;"
        f"INSERT INTO meta VALUES ('gallery_id', 'x'), ('created', ''), ('fingerprint', '{'f' * 64}'), "
        "('dimension', '32'), ('forgotten', '0'), ('contract', '');",
    )
    opened = reopen(create=False)
    opened.enroll("Ann", np.eye(32)[0])
    assert opened.search(np.eye(32)[0])[0][0].name == "Ann"
    opened.close()
    script(path, "ANALYZE")
    assert reopen(create=False).check().ok


def test_the_widest_embedding_fits_and_a_longer_row_does_not(tmp_path: Path) -> None:
    path, widest = tmp_path / "wide.db", store.MOST_DIMENSIONS
    with open_gallery(path, fingerprint="f", dimension=widest) as wide:
        wide.enroll("n" * 200, np.ones(widest))
        assert wide.search(np.ones(widest))[0][0].score == pytest.approx(1.0, abs=1e-5)
        assert wide.check().ok
    with pytest.raises(ConfigurationError, match="from 1 to 999999"):
        open_gallery(tmp_path / "wider.db", fingerprint="f", dimension=widest + 1)
    script(path, "UPDATE person SET name = printf('%5000000d', 1)")
    assert "too big" in refused(path, people)


def sign(path: Path, **changes: Any) -> None:
    """Change template 3 and its person, and compute the checksum anew, as somebody who knows how would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        read = (
            "SELECT t.id, p.name, t.source, t.created, t.vector FROM template t JOIN person p ON p.id = t.person"
        )
        template, name, source, created, vector = connection.execute(f"{read} WHERE seq = 3").fetchone()
        name, vector = changes.get("name", name), changes.get("vector", vector)
        crc = store.checksum(template, name, source, created, vector)
        person, number = changes.get("person", 3), changes.get("seq", 3)
        connection.execute("UPDATE person SET name = ?, id = ? WHERE id = 3", (name, person))
        connection.execute(
            "UPDATE template SET crc = ?, vector = ?, person = ?, seq = ? WHERE seq = 3",
            (crc, vector, person, number),
        )


def row(*values: float) -> bytes:
    return np.resize(np.array(values, "<f4"), 32).tobytes()


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"vector": row(0.0)}, "template 3 has length 0 instead of 1"),
        ({"vector": row(float("nan"))}, "template 3 has length nan instead of 1"),
        ({"vector": row(float("inf"), 0.0)}, "instead of 1"),
        ({"vector": row(3e38)}, "template 3 has length inf instead of 1"),
        ({"vector": row(1.002 / 32**0.5)}, "template 3 has length 1.002 instead of 1"),
        ({"seq": -7}, "template -7 has a number below 1"),
        ({"seq": 0}, "template 0 has a number below 1"),
        ({"seq": -(2**63)}, f"template {-(2**63)} has a number below 1"),
        ({"person": -5}, "person -5 has a number below 1"),
        ({"person": 0}, "person 0 has a number below 1"),
        ({"name": "Eve\x1b[31m"}, r"the name of person 3 is 'Eve\x1b[31m', and nobody can be enrolled so"),
        ({"name": "Eve\nBob"}, r"the name of person 3 is 'Eve\nBob'"),
        ({"name": " Eve"}, "the name of person 3 is ' Eve'"),
        ({"name": "Zoe\u0308"}, "the name of person 3 is"),
        ({"name": "x" * 100_000}, "the name of person 3 is"),
        ({"name": ""}, "the name of person 3 is ''"),
    ],
)
def test_rows_that_no_enrolment_writes(
    gallery: Gallery, path: Path, vectors: Draw, changes: dict[str, Any], match: str
) -> None:
    for index in range(5):
        gallery.enroll(f"person {index}", vectors(1, seed=index))
    gallery.close()
    sign(path, **changes)
    text = refused(path, lambda opened: opened.search(vectors(1)))
    assert match in text
    assert "is damaged" in text
    assert len(text) < 1000
    with open_any_gallery(path) as opened:
        problems = opened.check().problems
    assert any(match in problem for problem in problems)
    assert all(problem.isprintable() for problem in problems)


def test_a_name_that_no_enrolment_writes_is_never_printed_as_it_is(
    gallery: Gallery, path: Path, vectors: Draw
) -> None:
    for index in range(3):
        gallery.enroll(f"person {index}", vectors(1, seed=index))
    gallery.close()
    sign(path, name="person x\x1b[31m")
    refused(path, people)
    with open_any_gallery(path) as opened:
        with pytest.raises(GalleryError, match="nobody called") as nearest:
            opened.forget("person x[31m")
        with pytest.raises(GalleryError, match=r"is already enrolled for 'person x.x1b.31m'") as owner:
            opened.enroll("Ann", vectors(1, seed=2))
    assert str(nearest.value).isprintable()
    assert str(owner.value).isprintable()
    script(path, "UPDATE template SET vector = x'00' WHERE seq = 3")
    refused(path, lambda opened: opened.search(vectors(1)))
    script(path, "UPDATE person SET name = CAST(x'1b5b33316dff' AS TEXT) WHERE id = 3")
    refused(path, people)


def test_a_person_without_templates_is_not_left_out_of_a_search(
    gallery: Gallery, path: Path, vectors: Draw
) -> None:
    gallery.enroll("Ann", vectors(1))
    gallery.enroll("Bob", vectors(1, seed=1))
    script(path, "DELETE FROM template WHERE person = 2")
    assert "person 2 has no templates" in refused(path, lambda opened: opened.search(vectors(1)))
    gallery.forget("Bob")
    assert gallery.search(vectors(1))[0][0].name == "Ann"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("dimension", "9" * 5000),
        ("dimension", "1000000"),
        ("dimension", "0"),
        ("dimension", "032"),
        ("dimension", "٣٢"),
        ("dimension", "32\n"),
        ("forgotten", "9" * 5000),
        ("forgotten", "-1"),
        ("fingerprint", ""),
        ("fingerprint", "f\x1b[31m"),
        ("created", "now\nand then"),
    ],
)
def test_a_description_that_does_not_make_sense(gallery: Gallery, path: Path, key: str, value: str) -> None:
    gallery.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE meta SET value = ? WHERE key = ?", (value, key))
    assert "is damaged (its description does not make sense)" in refused(path, people)


def test_pages_that_lead_to_each_other_end(gallery: Gallery, path: Path, vectors: Draw) -> None:
    """A page that is given twice as the child of another one makes two people of one, or thousands."""
    gallery._connection.execute("BEGIN")
    for index in range(1500):
        gallery._connection.execute("INSERT INTO person (name, created) VALUES (?, '')", (f"{index:0150d}",))
    gallery._connection.execute("COMMIT")
    gallery._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (root,) = gallery._connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'person'").fetchone()
    size = gallery._connection.execute("PRAGMA page_size").fetchone()[0]
    gallery.close()
    content = bytearray(path.read_bytes())
    page = (root - 1) * size
    assert content[page] == 5, "the root of a table of several pages"
    cells = [int.from_bytes(content[page + 12 + 2 * n :][:2], "big") for n in range(2)]
    content[page + cells[1] : page + cells[1] + 4] = content[page + cells[0] : page + cells[0] + 4]
    path.write_bytes(content)
    assert "comes after number" in refused(path, people)


FULL_DISK = """
import resource, sys
import numpy as np
from sphereface.errors import GalleryError
from sphereface.gallery import open_gallery

with open_gallery(sys.argv[1], fingerprint="f", dimension=32) as gallery:
    gallery.enroll("Ann", np.eye(32)[0])
    gallery._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))  # no file may grow beyond a page of its log
    for change in (lambda: gallery.enroll("Bob", np.eye(32)[1:20]), lambda: gallery.forget("Ann")):
        try:
            change()
        except GalleryError as error:
            print(error)
    print([person.name for person in gallery.people()])
"""


def test_a_disk_that_takes_no_more(tmp_path: Path) -> None:
    path = tmp_path / "g.db"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=False
    )
    first, second, people = done.stdout.splitlines()
    assert f"the disk of the gallery '{path}' is full or failing (disk I/O error); make room on it" in first
    assert "is full or failing (disk I/O error); make room on it" in second
    assert people == "['Ann']"


class Failing:
    """A connection that stops, with an error of the disk, at the statements that begin in a certain way."""

    def __init__(self, connection: sqlite3.Connection, beginning: str) -> None:
        self._connection, self._beginning = connection, beginning

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        if statement.startswith(self._beginning):
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_WRITE
            raise error
        return self._connection.execute(statement, *values)


def test_a_log_that_cannot_be_emptied_is_told_with_what_was_done(gallery: Gallery, vectors: Draw) -> None:
    gallery.enroll("Ann", vectors(1))
    sound = gallery._connection
    gallery._open_connection = Failing(sound, "PRAGMA wal_checkpoint")  # type: ignore[assignment]
    with pytest.raises(GalleryError, match=r"'Ann' is forgotten, but the disk .* make room, then run"):
        gallery.forget("Ann")
    assert gallery.people() == []
    gallery._open_connection = Failing(sound, "PRAGMA integrity_check")  # type: ignore[assignment]
    with pytest.raises(GalleryError, match=r"is full or failing \(disk I/O error\); make room"):
        gallery.check()
    gallery._open_connection = sound
