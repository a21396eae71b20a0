"""The gallery: names for strangers, or *unknown*. SQLite keeps it, memory searches it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self
from uuid import uuid4

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sphereface.clock import now
from sphereface.errors import ConfigurationError, GalleryError, nearest
from sphereface.evaluation.operating_point import OperatingPoint
from sphereface.faces.contract import InputContract
from sphereface.gallery import store
from sphereface.gallery.border import check_sources, clean_name, is_name, new_name, require_model, shown, unit_rows
from sphereface.gallery.checking import check_rows
from sphereface.gallery.decision import check_point, decide
from sphereface.gallery.results import Candidate, Enrolment, GalleryCheck, GalleryInfo, Identification, Person
from sphereface.gallery.snapshot import EMPTY, PEOPLE, Snapshot, in_order, person_problem, refresh


class Gallery:
    """An open gallery; make one with :func:`open_gallery`, use it as a context manager.

    Several threads may share it, and several processes may have the same file open: each sees what the
    others enrol and forget, at its next search.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, fingerprint: str, dimension: int) -> None:
        self.path = path
        self.fingerprint = fingerprint
        self.dimension = dimension
        self._open_connection: sqlite3.Connection | None = connection
        self._lock = threading.RLock()  # sqlite connections are not shared between threads without one
        self._snapshot: Snapshot = EMPTY

    def enroll(self, name: str, embeddings: ArrayLike, sources: Sequence[str] | None = None) -> Enrolment:
        """Store templates of one person: all of them, on disk, when this returns, or none.

        Args:
            name: The person; made if new.
            embeddings: Shape (N, d) or (d,); brought to unit length.
            sources: SHA-256 of each picture (:func:`~sphereface.gallery.picture_hash`). A picture this
                person already has is counted, not stored again. Without hashes, those of the vectors count.

        Raises:
            GalleryError: If a name, vector or hash is refused, or a picture is already someone else's.
        """
        name = new_name(name)
        vectors = unit_rows(embeddings, self.dimension)
        hashes = check_sources(sources, vectors)
        created, added, duplicates = now(), [], 0
        with self._lock, store.translated(self.path), store.transaction(self._connection):
            person = self._person_id(name, created)
            for vector, source in zip(vectors, hashes, strict=True):
                owner = self._owner_of(source)
                if owner == name:
                    duplicates += 1
                    continue
                if owner is not None:
                    raise GalleryError(
                        f"a picture given for '{name}' is already enrolled for {shown(owner)}; nothing was "
                        f"stored: leave the picture out, or forget {shown(owner)} first (sphereface forget)"
                    )
                template, blob = uuid4(), vector.astype("<f4").tobytes()
                crc = store.checksum(template.bytes, name, source, created, blob)
                self._connection.execute(
                    "INSERT INTO template (id, person, source, created, crc, vector) VALUES (?, ?, ?, ?, ?, ?)",
                    (template.bytes, person, source, created, crc, blob),
                )
                added.append(str(template))
            total = self._count("SELECT count(*) FROM template WHERE person = ?", person)
            people = self._count("SELECT count(*) FROM person")
        return Enrolment(name, len(added), duplicates, tuple(added), total, people)

    def search(self, embeddings: ArrayLike, k: int = 5) -> list[list[Candidate]]:
        """Return for each embedding (N, d) the k most similar people, best first, without a decision.

        Raises:
            GalleryError: If an embedding is refused or a stored template is damaged.
        """
        if k < 1:
            raise ConfigurationError(f"k must be 1 or more, not {k}")
        queries = unit_rows(embeddings, self.dimension)
        return self._candidates(self._current(), queries, k)

    def identify(
        self,
        embeddings: ArrayLike,
        operating_point: OperatingPoint | None,
        k: int = 5,
        preprocessing: Mapping[str, str] = MappingProxyType({}),
    ) -> list[Identification]:
        """Name each embedding (N, d) or (d,), or call it unknown, at a measured operating point.

        Args:
            embeddings: Probes.
            operating_point: From the model's card or a file; there is no default threshold.
            k: How many candidates to report.
            preprocessing: How the pictures were read; the answer warns if the operating point says otherwise.

        Raises:
            GalleryError: If there is no operating point, if it was measured for another model or for
                verification, if an embedding is refused or a stored template is damaged.
        """
        point = check_point(operating_point, self.fingerprint)
        if k < 1:
            raise ConfigurationError(f"k must be 1 or more, not {k}")
        queries = unit_rows(embeddings, self.dimension)
        snapshot = self._current()
        people, templates = len(snapshot.names), len(snapshot.matrix)
        found = self._candidates(snapshot, queries, k)
        return [decide(candidates, point, people, templates, preprocessing) for candidates in found]

    def forget(self, name: str) -> int:
        """Erase a person: their bytes are gone from the gallery's files when this returns.

        Deleted rows are overwritten with zeros and the write-ahead log is emptied into the database and
        cut to nothing. What the disk itself or a copy of the file still holds is beyond this program.

        Returns:
            Number of templates erased.

        Raises:
            GalleryError: If nobody has that name, or another program's reading or the disk keeps the log from
                being emptied; the person is then forgotten, and the message says what remains.
        """
        name = clean_name(name)
        with self._lock, store.translated(self.path):
            with store.transaction(self._connection):
                row = self._connection.execute("SELECT id FROM person WHERE name = ?", (name,)).fetchone()
                if row is None:
                    names = self._connection.execute("SELECT name FROM person")
                    known = [person for (person,) in names if is_name(person)]
                    raise GalleryError(f"nobody called '{name}' is enrolled.{nearest(name, known)}")
                erased = self._connection.execute("DELETE FROM template WHERE person = ?", row).rowcount
                self._connection.execute("DELETE FROM person WHERE id = ?", row)
                self._connection.execute(
                    "UPDATE meta SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) WHERE key = 'forgotten'"
                )
            try:
                in_the_way = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            except sqlite3.Error as error:
                raise GalleryError(
                    f"'{name}' is forgotten, but the disk of '{self.path}' is full or failing ({error}), so the "
                    "erased bytes are still in its files; make room, then run 'sphereface people' to remove them"
                ) from error
            if in_the_way:
                raise GalleryError(
                    f"'{name}' is forgotten, but another program is reading the gallery, so the erased bytes "
                    f"stay in '{self.path}-wal' until the last program closes it; close them all"
                )
        return int(erased)

    def people(self) -> list[Person]:
        """Return everybody enrolled, in the order of their names.

        Raises:
            GalleryError: If a name or another entry of a person is not one that this program wrote.
        """
        people = []
        with self._lock, store.translated(self.path), store.transaction(self._connection, "DEFERRED"):
            for identity, name, created, count in in_order(self._connection.execute(PEOPLE), self.path):
                if problem := person_problem(identity, name, created):
                    raise store.damaged(self.path, problem)
                people.append(Person(name, count, created))
        return sorted(people, key=lambda person: (person.name.casefold(), person.name))

    def pictures(self) -> dict[str, set[str]]:
        """Return the SHA-256 of everybody's enrolled pictures."""
        query = "SELECT name, source FROM template JOIN person ON person.id = template.person"
        found: dict[str, set[str]] = {}
        with self._lock, store.translated(self.path):
            for name, source in self._connection.execute(query):
                found.setdefault(name, set()).add(source)
        return found

    def info(self) -> GalleryInfo:
        """Return what this gallery is and how much it holds."""
        with self._lock, store.translated(self.path):
            meta = store.read_meta(self._connection, self.path)
            people = self._count("SELECT count(*) FROM person")
            templates = self._count("SELECT count(*) FROM template")
        files = [Path(f"{self.path}{suffix}") for suffix in ("", "-wal", "-shm")]
        size = sum(file.stat().st_size for file in files if file.exists())
        return GalleryInfo(
            self.path, meta["gallery_id"], meta["created"], store.FORMAT_VERSION, self.fingerprint,
            self.dimension, people, templates, size,
        )  # fmt: skip

    def check(self) -> GalleryCheck:
        """Read every row and check it: SQLite's own structure, checksums, lengths, owners."""
        with self._lock, store.translated(self.path):
            return check_rows(self._connection, self.dimension)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        with self._lock:
            if self._open_connection is not None:
                self._open_connection.close()
            self._open_connection = None
            self._snapshot = EMPTY

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._open_connection is None:
            raise GalleryError(f"the gallery '{self.path}' has been closed; open it again")
        return self._open_connection

    def _current(self) -> Snapshot:
        """Bring the templates in memory up to date with the file, whoever changed it."""
        with self._lock, store.translated(self.path):
            self._snapshot = refresh(self._snapshot, self._connection, self.path, self.dimension)
            return self._snapshot

    @staticmethod
    def _candidates(snapshot: Snapshot, queries: NDArray[np.float32], k: int) -> list[list[Candidate]]:
        best = snapshot.matrix.best_people(queries, k)
        return [[Candidate(snapshot.names[person], score) for person, score in found] for found in best]

    def _person_id(self, name: str, created: str) -> int:
        self._connection.execute(
            "INSERT INTO person (name, created) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", (name, created)
        )
        return self._count("SELECT id FROM person WHERE name = ?", name)

    def _owner_of(self, source: str) -> str | None:
        row = self._connection.execute(
            "SELECT person.name FROM template JOIN person ON person.id = template.person WHERE source = ?",
            (source,),
        ).fetchone()
        return None if row is None else str(row[0])

    def _count(self, query: str, *values: object) -> int:
        return int(self._connection.execute(query, values).fetchone()[0])


def open_any_gallery(path: Path | str, *, busy_seconds: float = 30.0) -> Gallery:
    """Open a gallery file of whatever model it is: to see who is enrolled, and to forget somebody.

    Args:
        path: The file.
        busy_seconds: How long to wait for another program's write.

    Raises:
        GalleryError: If the file is missing, damaged, foreign, of a newer format, locked, or not accessible.
    """
    return _open(Path(path).expanduser(), busy_seconds)


def open_gallery(
    path: Path | str,
    *,
    fingerprint: str,
    dimension: int,
    create: bool = True,
    contract: InputContract | None = None,
    busy_seconds: float = 30.0,
) -> Gallery:
    """Open a gallery file, or make it.

    Args:
        path: The file; ``-wal`` and ``-shm`` files lie beside it while it is open.
        fingerprint: Of the model whose embeddings it holds (``embedder.fingerprint``).
        dimension: Width of those embeddings (``embedder.dimension``).
        create: Make the file, and its folder, if there is none.
        contract: The model's input contract, kept in a new file for the record; the fingerprint covers it.
        busy_seconds: How long to wait for another program's write.

    Raises:
        GalleryError: If the file is missing (and not to be made), damaged, foreign, of a newer format, of
            another model, locked, or not accessible.
    """
    require_model(fingerprint, dimension)
    dimension = int(dimension)
    path = Path(path).expanduser()
    if create and not path.exists():
        record = "" if contract is None else contract.model_dump_json()
        store.create_file(path, fingerprint=fingerprint, dimension=dimension, contract=record)
    gallery = _open(path, busy_seconds)
    if (gallery.fingerprint, gallery.dimension) != (fingerprint, dimension):
        gallery.close()
        raise GalleryError(
            f"the gallery '{path}' belongs to model {gallery.fingerprint[:12]} (dimension "
            f"{gallery.dimension}), not to {fingerprint[:12]} (dimension {dimension}); "
            "name the model it was made with, or enrol again in a new file"
        )
    return gallery


def _open(path: Path, busy_seconds: float) -> Gallery:
    connection = store.connect(path, busy_seconds=busy_seconds)
    try:
        meta = store.read_meta(connection, path)
    except BaseException:
        connection.close()
        raise
    return Gallery(path, connection, meta["fingerprint"], int(meta["dimension"]))
