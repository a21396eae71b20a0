"""Whatever is wrong with the file: one sentence, or exactly the right answer. Never a wrong name."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sphereface.errors import GalleryError
from sphereface.gallery import Candidate, Gallery, open_gallery, store

Draw = Callable[..., NDArray[np.float32]]
Reopen = Callable[..., Gallery]


def filled(gallery: Gallery, vectors: Draw, people: int = 12) -> list[list[Candidate]]:
    """Enrol some people, close the file, and return the right answers for everybody."""
    for index in range(people):
        gallery.enroll(f"person {index}", vectors(2, seed=index))
    answers = gallery.search(np.concatenate([vectors(1, seed=index) for index in range(people)]), k=2)
    gallery.close()
    return answers


def one_sentence(error: pytest.ExceptionInfo[GalleryError], path: Path) -> str:
    text = str(error.value)
    assert "\n" not in text
    assert str(path) in text
    return text


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "is an empty file"),
        (b"hello", "is not a gallery"),
        (b"\x89PNG\r\n" + bytes(5000), "is not a gallery"),
        (b"SQLite format 3\0", "cut off"),
        (b"SQLite format 3\0" + bytes(5000), "not a gallery of this program"),
    ],
)
def test_what_is_no_gallery(path: Path, reopen: Reopen, content: bytes, match: str) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(GalleryError, match=match) as error:
        reopen()
    one_sentence(error, path)
    assert path.read_bytes() == content


def test_a_foreign_database_is_left_alone(path: Path, reopen: Reopen) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE accounts (name TEXT)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(GalleryError, match="a database, but not a gallery"):
        reopen()
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_folder_is_no_gallery(path: Path, reopen: Reopen) -> None:
    path.mkdir(parents=True)
    with pytest.raises(GalleryError, match="cannot be read: is a directory"):
        reopen()


def test_a_missing_gallery_names_the_command_that_makes_one(path: Path, reopen: Reopen) -> None:
    with pytest.raises(GalleryError, match="'sphereface enroll NAME IMAGE' makes one") as error:
        reopen(create=False)
    one_sentence(error, path)
    assert not path.parent.exists()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(GalleryError, match="no gallery can be made"):
        open_gallery(tmp_path / "file" / "g.db", fingerprint="f", dimension=3)


@pytest.mark.parametrize("changes", [{"fingerprint": "0" * 64}, {"dimension": 33}])
def test_another_models_gallery(gallery: Gallery, path: Path, reopen: Reopen, changes: dict[str, object]) -> None:
    with pytest.raises(GalleryError, match=r"belongs to model ffffffffffff \(dimension 32\), not to") as error:
        reopen(**changes)
    one_sentence(error, path)


def edit(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("statement", "match"),
    [
        ("PRAGMA user_version = 2", "format version 2.*upgrade"),
        ("DROP TABLE template", "not a gallery of this program, for its tables are others"),
        ("DROP TABLE meta", "not a gallery of this program, for its tables are others"),
        ("DELETE FROM meta WHERE key = 'dimension'", "description is incomplete"),
        ("UPDATE meta SET value = 'x' WHERE key = 'dimension'", "does not make sense"),
        ("UPDATE template SET crc = crc + 1 WHERE seq = 3", "template 3 of 'person 1' is wrong"),
        ("UPDATE template SET person = 1 WHERE seq = 3", "template 3 of 'person 0' is wrong"),
        ("UPDATE person SET name = 'Eve' WHERE id = 2", "template 3 of 'Eve' is wrong"),
        ("UPDATE template SET vector = zeroblob(128) WHERE seq = 3", "template 3"),
        ("UPDATE template SET vector = zeroblob(12) WHERE seq = 3", "12 bytes instead of 128"),
        ("UPDATE template SET source = 'x' WHERE seq = 3", "template 3"),
        ("DELETE FROM person WHERE id = 2", "template 3 belongs to nobody"),
    ],
)
def test_edited_by_another_hand(
    gallery: Gallery, path: Path, vectors: Draw, reopen: Reopen, statement: str, match: str
) -> None:
    filled(gallery, vectors)
    edit(path, statement)
    with pytest.raises(GalleryError, match=match) as error:
        reopen().search(vectors(1))
    one_sentence(error, path)


def test_verify_lists_every_damaged_row(gallery: Gallery, path: Path, vectors: Draw, reopen: Reopen) -> None:
    filled(gallery, vectors)
    edit(
        path,
        "UPDATE template SET crc = 0 WHERE seq IN (3, 8)",
        "INSERT INTO person (name, created) VALUES ('nobody', '')",
    )
    check = reopen().check()
    assert not check.ok
    assert (check.people, check.templates) == (13, 24)
    assert len(check.problems) == 3
    assert "'nobody' has no templates" in check.problems


def test_a_damaged_person_can_be_forgotten_and_enrolled_again(
    gallery: Gallery, path: Path, vectors: Draw, reopen: Reopen
) -> None:
    answers = filled(gallery, vectors)
    edit(path, "UPDATE template SET crc = 0 WHERE seq = 3")
    mended = reopen()
    with pytest.raises(GalleryError, match="forget and enrol this person again"):
        mended.search(vectors(1))
    mended.forget("person 1")
    mended.enroll("person 1", vectors(2, seed=1))
    assert mended.search(vectors(1, seed=1))[0][0].name == answers[1][0].name
    assert mended.check().ok


def test_cut_off_anywhere(gallery: Gallery, path: Path, vectors: Draw, reopen: Reopen) -> None:
    answers = filled(gallery, vectors, people=100)
    good = path.read_bytes()
    probes = np.concatenate([vectors(1, seed=index) for index in range(100)])

    def use_everything() -> None:
        with reopen() as opened:
            assert opened.search(probes, k=2) == answers
            opened.enroll("new", vectors(1, seed=999))  # a lost page may be one that no search needs

    for length in [*range(1, 4096, 512), *range(4096, len(good), 4096), len(good) - 1]:
        path.write_bytes(good[:length])
        with pytest.raises(GalleryError) as error:
            use_everything()
        one_sentence(error, path)


def flip_bits(path: Path, copy: Path, probes: NDArray[np.float32], seed: int, rounds: int) -> tuple[int, int]:
    """Flip one bit per round; return how often that was refused, and how often harmless."""
    answers_from = open_gallery(path, fingerprint="f" * 64, dimension=32)
    answers = answers_from.search(probes, k=3)
    answers_from.close()
    good, rng = path.read_bytes(), random.Random(seed)
    refused = harmless = 0
    for _ in range(rounds):
        bad = bytearray(good)
        bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
        copy.write_bytes(bad)
        for suffix in ("-wal", "-shm"):
            Path(f"{copy}{suffix}").unlink(missing_ok=True)
        try:
            with open_gallery(copy, fingerprint="f" * 64, dimension=32, busy_seconds=0.1) as opened:
                assert opened.search(probes, k=3) == answers
                opened.check()
                harmless += 1
        except GalleryError:
            refused += 1
    return refused, harmless


def test_a_flipped_bit_is_refused_or_harmless(gallery: Gallery, path: Path, vectors: Draw) -> None:
    filled(gallery, vectors, people=60)
    probes = np.concatenate([vectors(1, seed=index) for index in range(10)])
    refused, harmless = flip_bits(path, path.with_name("copy.db"), probes, seed=1, rounds=150)
    assert refused > 10
    assert harmless > 10  # most of a small file is unused space


@pytest.mark.faults
def test_five_thousand_flipped_bits(gallery: Gallery, path: Path, vectors: Draw) -> None:
    filled(gallery, vectors, people=60)
    probes = np.concatenate([vectors(1, seed=index) for index in range(10)])
    assert sum(flip_bits(path, path.with_name("copy.db"), probes, seed=3, rounds=5000)) == 5000


def test_a_locked_gallery(gallery: Gallery, path: Path, vectors: Draw, reopen: Reopen) -> None:
    gallery.enroll("Ann", vectors(1))
    waiting = reopen()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for change in (lambda: waiting.enroll("Bob", vectors(1, 1)), lambda: waiting.forget("Ann")):
        with pytest.raises(GalleryError, match="is locked by another program") as error:
            change()
        one_sentence(error, path)
    assert waiting.search(vectors(1))[0][0].name == "Ann"  # a writer does not stop readers
    other.execute("ROLLBACK")
    other.close()
    assert waiting.enroll("Bob", vectors(1, 1)).people == 2


def test_a_read_only_gallery_can_be_searched(
    gallery: Gallery, path: Path, vectors: Draw, reopen: Reopen, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.enroll("Ann", vectors(1))
    connect = sqlite3.connect

    def read_only(database: str, **settings: object) -> sqlite3.Connection:
        return connect(database.replace("mode=rw", "mode=ro"), **settings)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(sqlite3, "connect", read_only)
    frozen = reopen()
    assert frozen.search(vectors(1))[0][0].name == "Ann"
    for change in (lambda: frozen.enroll("Bob", vectors(1, 1)), lambda: frozen.forget("Ann")):
        with pytest.raises(GalleryError, match="is read-only; make the file") as error:
            change()
        one_sentence(error, path)


def test_a_full_disk_stores_nothing_and_loses_nothing(gallery: Gallery, path: Path, vectors: Draw) -> None:
    """SQLite's own page limit stands in for the disk: the same error code from the same place."""
    gallery.enroll("Ann", vectors(1))
    pages = gallery._connection.execute("PRAGMA page_count").fetchone()[0]
    gallery._connection.execute(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(GalleryError, match="is full; nothing was changed") as error:
        gallery.enroll("Bob", vectors(500, 1))
    one_sentence(error, path)
    assert [person.name for person in gallery.people()] == ["Ann"]
    assert gallery.search(vectors(1))[0] == [Candidate("Ann", pytest.approx(1.0, abs=1e-6))]
    assert gallery.check().ok


def test_two_programs_that_make_the_same_file(path: Path, monkeypatch: pytest.MonkeyPatch, vectors: Draw) -> None:
    """The second finds, at the last moment, that the file is there now: it opens that one."""
    fill = store._fill

    def meanwhile(temporary: Path, meta: dict[str, str]) -> None:
        fill(temporary, meta)
        monkeypatch.setattr(store, "_fill", fill)
        with open_gallery(path, fingerprint="f" * 64, dimension=32) as first:
            first.enroll("Ann", vectors(1))

    monkeypatch.setattr(store, "_fill", meanwhile)
    with open_gallery(path, fingerprint="f" * 64, dimension=32) as second:
        assert [person.name for person in second.people()] == ["Ann"]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_making_a_file_that_fails_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "_fill", fail)
    with pytest.raises(GalleryError, match="no space left on device"):
        open_gallery(path, fingerprint="f" * 64, dimension=32)
    assert list(path.parent.iterdir()) == []


def test_a_copied_gallery_is_a_gallery(gallery: Gallery, path: Path, vectors: Draw, reopen: Reopen) -> None:
    answers = filled(gallery, vectors)
    shutil.copy(path, path.with_name("copy.db"))
    path.unlink()
    path.with_name("copy.db").rename(path)
    probes = np.concatenate([vectors(1, seed=index) for index in range(12)])
    assert reopen(create=False).search(probes, k=2) == answers


def test_the_settings_that_durability_and_erasure_rest_on(gallery: Gallery) -> None:
    def setting(name: str) -> object:
        return gallery._connection.execute(f"PRAGMA {name}").fetchone()[0]

    assert setting("journal_mode") == "wal"
    assert setting("synchronous") == 2  # FULL: fsync at every commit
    assert setting("secure_delete") == 1
    assert setting("foreign_keys") == 1
    assert setting("busy_timeout") == 30_000
    assert setting("application_id") == store.APPLICATION_ID
    assert setting("user_version") == store.FORMAT_VERSION


def test_no_byte_moves_between_the_fields_of_a_checksum() -> None:
    assert store.checksum(b"i", "ab", "c", "t", b"v") != store.checksum(b"i", "a", "bc", "t", b"v")
    assert store.checksum(b"i", "ab", "c", "t", b"v") != store.checksum(b"i", "abc", "", "t", b"v")
