"""The gallery's file: SQLite as the only truth, opened with the settings that make its promises hold.

``synchronous=FULL`` with write-ahead logging: a committed enrolment has been fsynced before the call returns.
``secure_delete=ON``: what is deleted is overwritten with zeros. Every failure of SQLite becomes one sentence.
"""

from __future__ import annotations

import os
import re
import secrets
import sqlite3
import struct
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from uuid import uuid4

from sphereface.atomic import sync_folder
from sphereface.clock import now
from sphereface.errors import GalleryError, reason_of

APPLICATION_ID = 0x53464731  # "SFG1", at byte 68 of the file
FORMAT_VERSION = 1

_MAGIC = b"SQLite format 3\0"
_PAGE_SIZE = 16384  # 2 KB vectors would waste half of SQLite's usual 4 KB page

# Ids are never used again (AUTOINCREMENT). `seq` is the order of arrival; `forgotten` in `meta` counts
# deletions: together they tell a reader what changed since it looked last. The file keeps these statements as they
# are written, white space included, and is opened only if it holds them and nothing else: leave them as they are.
_SCHEMA = """
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

# What SQLite's own ANALYZE adds if somebody runs it; it changes how fast a search is, and nothing else.
_STATISTICS = (
    ("table", "sqlite_stat1", "sqlite_stat1", "CREATE TABLE sqlite_stat1(tbl,idx,stat)"),
    ("table", "sqlite_stat4", "sqlite_stat4", "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"),
)

MOST_DIMENSIONS = 999_999
_LONGEST_ROW = 4 * MOST_DIMENSIONS + 65_536  # a vector in float32, and room for everything that stands beside it
_META = ("gallery_id", "created", "fingerprint", "dimension", "forgotten")

_DAMAGED = "restore it from a copy, or delete it and enrol again"


def create_file(path: Path, *, fingerprint: str, dimension: int, contract: str = "") -> None:
    """Put an empty gallery at ``path`` in one step; a gallery that appears there meanwhile is kept.

    The file is readable by its owner alone: embeddings are biometric data.

    Raises:
        GalleryError: If the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        meta = {
            "gallery_id": str(uuid4()),
            "created": now(),
            "fingerprint": fingerprint,
            "dimension": str(dimension),
            "contract": contract,
            "forgotten": "0",
        }
        with translated(path):
            _fill(temporary, meta)
        put_in_place(temporary, path)
    except OSError as error:
        reason = reason_of(error)
        raise GalleryError(f"no gallery can be made at '{path}': {reason}; choose another place") from error
    finally:
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                Path(f"{temporary}{suffix}").unlink(missing_ok=True)


def put_in_place(finished: Path, path: Path) -> bool:
    """Name a finished, closed gallery file ``path`` if no file is called so; return whether it was.

    Both names lie on one disk, and afterwards both are names of the file.

    Raises:
        GalleryError: If the log of a vanished gallery lies there: SQLite would write it into this one.
        OSError: If the folder cannot be written.
    """
    log = Path(f"{path}-wal")
    if log.exists() and not path.exists():  # in this order: whoever makes a gallery names it before it has a log
        raise GalleryError(
            f"no gallery can be made at '{path}', for '{log}' belongs to one that is no longer there; "
            "bring that gallery back, or delete its log"
        )
    try:
        os.link(finished, path)
    except FileExistsError:
        return False
    sync_folder(path.parent)
    return True


def _fill(path: Path, meta: dict[str, str]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {_PAGE_SIZE}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(
            f"BEGIN; {_SCHEMA} PRAGMA application_id = {APPLICATION_ID};"
            f"PRAGMA user_version = {FORMAT_VERSION}; COMMIT;"
        )
        connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def connect(path: Path, *, busy_seconds: float) -> sqlite3.Connection:
    """Open an existing gallery file whose first bytes and whose tables have been found to be a gallery's.

    Raises:
        GalleryError: If it is missing, foreign, damaged, of a newer format, locked or not accessible.
    """
    _check_first_bytes(path)
    with translated(path):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=busy_seconds,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_ROW)
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA temp_store = MEMORY")
            _check_schema(connection, path)
            mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
            if mode != "wal":
                connection.execute("PRAGMA journal_mode = WAL")
        except BaseException:
            connection.close()
            raise
    return connection


def read_meta(connection: sqlite3.Connection, path: Path) -> dict[str, str]:
    """Return what the table ``meta`` says of the gallery, complete.

    Raises:
        GalleryError: If keys are missing or senseless: then something other than this program wrote the file.
    """
    meta: dict[str, str] = {}
    with translated(path):
        for key in _META:
            meta.update(connection.execute("SELECT key, value FROM meta WHERE key = ?", (key,)))
    if len(meta) != len(_META) or not all(isinstance(value, str) for value in meta.values()):
        raise damaged(path, "its description is incomplete")
    dimension, forgotten = re.compile("[1-9][0-9]{0,5}"), re.compile("[0-9]{1,18}")
    numbers = dimension.fullmatch(meta["dimension"]) and forgotten.fullmatch(meta["forgotten"])
    if not numbers or not meta["fingerprint"] or not all(map(str.isprintable, meta.values())):
        raise damaged(path, "its description does not make sense")
    return meta


@contextmanager
def transaction(connection: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    """All or nothing: commit at the end, roll back on any exception, a failing commit included."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into a :class:`GalleryError` that says what to do."""
    try:
        yield
    except UnicodeDecodeError as error:  # SQLite's message quotes a damaged schema, byte by byte
        raise damaged(path, "its text is not UTF-8") from error
    except sqlite3.Error as error:
        raise _sentence(path, error) from error


def _sentence(path: Path, error: sqlite3.Error) -> GalleryError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary result code
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return GalleryError(f"the gallery '{path}' is locked by another program; try again when it is done")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return GalleryError(f"the gallery '{path}' is read-only; make the file and its folder writable")
    if code == sqlite3.SQLITE_CANTOPEN:
        return GalleryError(
            f"the gallery '{path}' cannot be opened; make sure that the file and its folder are writable"
        )
    if code == sqlite3.SQLITE_FULL:
        return GalleryError(f"the disk of the gallery '{path}' is full; nothing was changed, make room first")
    if code == sqlite3.SQLITE_IOERR:  # a full disk, too, where SQLite cannot make its log or its lock
        return GalleryError(
            f"the disk of the gallery '{path}' is full or failing ({error}); make room on it, "
            "and check the disk if there is room"
        )
    return damaged(path, printable(error))


def of_the_disk(error: Exception) -> bool:
    """Say whether SQLite stopped because of the disk, which says nothing about what the file holds."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


def printable(error: Exception) -> str:
    """Return what an error says without control characters: SQLite quotes whatever the file holds."""
    text = str(error)[:300]
    return text if text.isprintable() else ascii(text)[1:-1]


def damaged(path: Path, what: str) -> GalleryError:
    """Return the error for a file that is not what was written."""
    return GalleryError(f"the gallery '{path}' is damaged ({what}); {_DAMAGED}")


def _check_first_bytes(path: Path) -> None:
    """Look at the header (https://www.sqlite.org/fileformat.html, section 1.3) before SQLite does."""
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except FileNotFoundError as error:
        raise GalleryError(f"there is no gallery '{path}'; 'sphereface enroll NAME IMAGE' makes one") from error
    except OSError as error:
        reason = reason_of(error)
        raise GalleryError(f"the gallery '{path}' cannot be read: {reason}") from error
    if not header:
        raise GalleryError(f"the gallery '{path}' is an empty file; delete it, or restore it from a copy")
    if not header.startswith(_MAGIC):
        raise GalleryError(f"'{path}' is not a gallery, or its beginning is damaged; {_DAMAGED}")
    if len(header) < 100:
        raise damaged(path, "it is cut off")
    application, version = struct.unpack(">I", header[68:72])[0], struct.unpack(">I", header[60:64])[0]
    if application != APPLICATION_ID:
        raise GalleryError(f"'{path}' is a database, but not a gallery of this program; name another file")
    if version > FORMAT_VERSION:
        raise GalleryError(
            f"the gallery '{path}' has format version {version}, but this program reads up to "
            f"{FORMAT_VERSION}; upgrade sphereface"
        )


@cache
def _own_schema() -> list[tuple[str | None, ...]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(_SCHEMA)
        return _schema_of(connection)


def _schema_of(connection: sqlite3.Connection) -> list[tuple[str | None, ...]]:
    # SQLite's own entries are looked at, too: a file made by hand can call anything 'sqlite_something'.
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name")
    return [row for row in rows if row not in _STATISTICS]


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a view or a trigger that somebody put in: it would act whenever the gallery is used."""
    if _schema_of(connection) != _own_schema():
        raise GalleryError(
            f"'{path}' is a database, but not a gallery of this program, for its tables are others; "
            "restore it from a copy, or name another file"
        )


def checksum(template_id: bytes, name: str, source: str, created: str, vector: bytes) -> int:
    """CRC-32 over everything a template's row says, its person's name included.

    Lengths go in as well, so that no byte can move from one field to the next unnoticed.
    """
    parts = (template_id, name.encode(), source.encode(), created.encode(), vector)
    return zlib.crc32(b"".join((struct.pack("<5Q", *map(len, parts)), *parts)))
