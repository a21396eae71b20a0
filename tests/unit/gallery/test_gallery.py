"""Enrol, search, forget: what the gallery promises of an undamaged file."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError, GalleryError
from sphereface.gallery import Gallery, open_any_gallery, open_gallery, picture_hash

Draw = Callable[..., NDArray[np.float32]]
Reopen = Callable[..., Gallery]


def hashes(count: int, start: int = 0) -> list[str]:
    return [f"{start + index:064x}" for index in range(count)]


def test_an_enrolment_says_what_it_stored(gallery: Gallery, vectors: Draw) -> None:
    first = gallery.enroll("Zoë Müller", vectors(3), hashes(3))
    assert (first.name, first.added, first.duplicates) == ("Zoë Müller", 3, 0)
    assert (first.person_templates, first.people) == (3, 1)
    assert len(set(first.template_ids)) == 3
    second = gallery.enroll("Bob", vectors(1, seed=1)[0], hashes(1, 10))
    assert (second.added, second.person_templates, second.people) == (1, 1, 2)
    assert [(person.name, person.templates) for person in gallery.people()] == [("Bob", 1), ("Zoë Müller", 3)]


def test_one_spelling_is_one_person(gallery: Gallery, vectors: Draw) -> None:
    gallery.enroll("Zoë", vectors(1), hashes(1))
    again = gallery.enroll("  Zoe\u0308 ", vectors(1, 1), hashes(1, 5))
    assert (again.name, again.people, again.person_templates) == ("Zoë", 1, 2)


def test_the_same_picture_is_counted_not_stored_twice(gallery: Gallery, vectors: Draw) -> None:
    gallery.enroll("Bob", vectors(2), hashes(2))
    again = gallery.enroll("Bob", vectors(3), hashes(3))
    assert (again.added, again.duplicates, again.person_templates) == (1, 2, 3)
    twice = gallery.enroll("Bob", vectors(2, 9), [*hashes(1, 7), *hashes(1, 7)])
    assert (twice.added, twice.duplicates, twice.person_templates) == (1, 1, 4)


def test_without_hashes_the_vectors_count(gallery: Gallery, vectors: Draw) -> None:
    assert gallery.enroll("Bob", vectors(2)).added == 2
    assert gallery.enroll("Bob", vectors(2)).duplicates == 2


def test_a_picture_of_someone_else_is_a_conflict_and_nothing_is_stored(gallery: Gallery, vectors: Draw) -> None:
    gallery.enroll("Ann", vectors(1), hashes(1, 2))
    with pytest.raises(GalleryError, match="'Bob' is already enrolled for 'Ann'; nothing was stored"):
        gallery.enroll("Bob", vectors(3, 1), hashes(3))
    assert [person.name for person in gallery.people()] == ["Ann"]
    assert gallery.info().templates == 1
    assert gallery.check().ok


@pytest.mark.parametrize("length", [1e-30, 0.5, 3.0, 1e30])
def test_the_score_is_the_cosine_whatever_the_lengths(gallery: Gallery, vectors: Draw, length: float) -> None:
    stored, probe = vectors(2)
    gallery.enroll("Bob", stored * np.float32(length), hashes(1))
    score = gallery.search(probe.astype(np.float64) * length)[0][0].score
    assert score == pytest.approx(float(stored @ probe), abs=1e-6)
    assert gallery.search(stored)[0][0].score == pytest.approx(1.0, abs=1e-6)
    assert gallery.search(-stored)[0][0].score == pytest.approx(-1.0, abs=1e-6)


def test_scores_never_leave_the_range_of_a_cosine(gallery: Gallery, vectors: Draw) -> None:
    rows = vectors(300)
    for index, row in enumerate(rows):
        gallery.enroll(f"person {index}", row)
    own = [found[0].score for found in gallery.search(rows)]
    assert max(own) <= 1.0
    assert min(own) >= 1.0 - 1e-6
    assert min(found[0].score for found in gallery.search(-rows, k=300)) >= -1.0


def test_a_person_scores_by_their_best_template(gallery: Gallery, vectors: Draw) -> None:
    a, b, c = vectors(3)
    gallery.enroll("two faces", [a, b], hashes(2))
    gallery.enroll("one face", c, hashes(1, 5))
    probe = (b + 0.1 * c) / np.linalg.norm(b + 0.1 * c)
    best = gallery.search(probe)[0]
    assert [candidate.name for candidate in best] == ["two faces", "one face"]
    assert best[0].score == pytest.approx(float(max(a @ probe, b @ probe)), abs=1e-6)


def test_k_bounds_the_candidates(gallery: Gallery, vectors: Draw) -> None:
    assert gallery.search(vectors(2)) == [[], []]
    for index, row in enumerate(vectors(5)):
        gallery.enroll(f"person {index}", row)
    assert [len(found) for found in gallery.search(vectors(2), k=3)] == [3, 3]
    assert [len(found) for found in gallery.search(vectors(2), k=50)] == [5, 5]
    with pytest.raises(ConfigurationError, match="k must be"):
        gallery.search(vectors(1), k=0)


def test_everything_is_there_after_reopening(gallery: Gallery, path: Path, vectors: Draw, reopen: Reopen) -> None:
    gallery.enroll("Bob", vectors(2), hashes(2))
    before, found = gallery.info(), gallery.search(vectors(2))
    gallery.close()
    after = reopen(create=False)
    assert after.search(vectors(2)) == found
    assert (after.info().gallery_id, after.info().templates) == (before.gallery_id, 2)
    assert after.check().ok
    assert after.info().path == path


def test_each_connection_sees_what_the_other_does(gallery: Gallery, vectors: Draw, reopen: Reopen) -> None:
    other = reopen()
    a, b, c = vectors(3)
    gallery.enroll("Ann", a)
    assert other.search(a)[0][0].name == "Ann"
    other.enroll("Bob", b)
    assert gallery.search(b)[0][0].name == "Bob"
    gallery.enroll("Ann", c)
    other.forget("Ann")
    assert [candidate.name for candidate in gallery.search(a)[0]] == ["Bob"]
    gallery.enroll("Ann", c)
    assert other.search(c)[0][0].name == "Ann"
    assert len(other.search(a)[0]) == 2


def test_another_process_sees_it_too(gallery: Gallery, path: Path, vectors: Draw) -> None:
    gallery.enroll("Ann", vectors(1))
    assert len(gallery.search(vectors(1))[0]) == 1
    code = (
        "import sys, numpy as np; from sphereface.gallery import open_gallery\n"
        "g = open_gallery(sys.argv[1], fingerprint='f' * 64, dimension=32)\n"
        "g.enroll('Bob', np.eye(32)[0]); print([p.name for p in g.people()])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "['Ann', 'Bob']", done.stderr
    assert gallery.search(np.eye(32)[0])[0][0].name == "Bob"


def test_ids_and_order_survive_forgetting(gallery: Gallery, vectors: Draw) -> None:
    rows = vectors(4)
    ids = [gallery.enroll("A", rows[0]).template_ids, gallery.enroll("B", rows[1]).template_ids]
    gallery.forget("B")
    ids.append(gallery.enroll("C", rows[1]).template_ids)
    assert len({one for template_ids in ids for one in template_ids}) == 3
    assert gallery.search(rows[1])[0][0].name == "C"


def test_forgetting_a_stranger_names_the_nearest(gallery: Gallery, vectors: Draw) -> None:
    gallery.enroll("Katharina", vectors(1))
    with pytest.raises(GalleryError, match=r"nobody called 'Katarina'.*Did you mean 'Katharina'\?"):
        gallery.forget("Katarina")


def raw_bytes(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(path.parent.iterdir()))


def test_no_byte_of_a_forgotten_vector_is_left(gallery: Gallery, path: Path, vectors: Draw) -> None:
    """Looked for in 16-byte pieces, in every file beside the gallery, among people who stay."""
    rng = np.random.default_rng(3)
    people = {f"<{index:03d}>": vectors(int(rng.integers(1, 6)), seed=index) for index in range(150)}
    for number, (name, rows) in enumerate(people.items()):
        gallery.enroll(name, rows, hashes(len(rows), 100 * number))
    gone = sorted(rng.choice(sorted(people), 60, replace=False).tolist())
    assert all(people[name][0].tobytes() in raw_bytes(path) for name in gone)
    for name in gone:
        assert gallery.forget(name) == len(people[name])
    left = raw_bytes(path)
    for name, rows in people.items():
        for row in rows:
            blob = row.tobytes()
            if name in gone:
                assert not [at for at in range(0, len(blob), 16) if blob[at : at + 16] in left], name
            else:
                assert blob in left
    for name in gone:
        assert name.encode() not in left
    assert sum(name.encode() in left for name in people) == 90
    assert gallery.check().ok
    assert gallery.info().people == 90


def test_a_reader_in_the_way_is_reported_and_forgetting_still_holds(
    gallery: Gallery, path: Path, vectors: Draw, reopen: Reopen
) -> None:
    gallery.enroll("Ann", vectors(1))
    gallery.close()
    writer, reader = reopen(), reopen()
    reader._connection.execute("BEGIN")
    reader._connection.execute("SELECT count(*) FROM template").fetchone()
    with pytest.raises(GalleryError, match="'Ann' is forgotten, but another program"):
        writer.forget("Ann")
    assert writer.people() == []
    reader._connection.execute("COMMIT")
    reader.close()
    writer.close()
    assert vectors(1).tobytes() not in raw_bytes(path)


def test_threads_share_a_gallery(gallery: Gallery, vectors: Draw) -> None:
    rows = vectors(40)
    wrong: list[str] = []

    def work(part: int) -> None:
        for index in range(part, 40, 4):
            gallery.enroll(f"person {index}", rows[index])
            if gallery.search(rows[index])[0][0].name != f"person {index}":
                wrong.append(f"person {index}")

    threads = [threading.Thread(target=work, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert gallery.info().people == 40


def test_a_closed_gallery_says_so(gallery: Gallery, vectors: Draw) -> None:
    gallery.close()
    gallery.close()
    with pytest.raises(GalleryError, match="has been closed"):
        gallery.search(vectors(1))


def test_the_file_is_for_its_owner_alone(gallery: Gallery, path: Path, vectors: Draw) -> None:
    gallery.enroll("Ann", vectors(1))
    assert [file.stat().st_mode & 0o077 for file in path.parent.iterdir()] == [0, 0, 0]


def test_needs_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import sphereface.gallery; assert 'numpy' not in sys.modules\n"
        "from sphereface.gallery import open_gallery\n"
        "open_gallery(sys.argv[1], fingerprint='f', dimension=3).close()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "g.db")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_picture_hash_is_the_files_sha256(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert picture_hash(tmp_path / "empty").startswith("e3b0c44298fc1c149afbf4c8996fb924")
    with pytest.raises(GalleryError, match="cannot be read: no such file"):
        picture_hash(tmp_path / "nowhere")


@pytest.mark.parametrize(("fingerprint", "dimension"), [("", 3), ("f", 0)])
def test_a_gallery_needs_a_model(tmp_path: Path, fingerprint: str, dimension: int) -> None:
    with pytest.raises(ConfigurationError, match="fingerprint"):
        open_gallery(tmp_path / "g.db", fingerprint=fingerprint, dimension=dimension)
    assert not (tmp_path / "g.db").exists()


@pytest.mark.parametrize("name", ["unknown", "Unknown", " UNKNOWN "])
def test_nobody_is_called_as_strangers_are(gallery: Gallery, vectors: Draw, name: str) -> None:
    with pytest.raises(GalleryError, match="what a gallery answers of strangers"):
        gallery.enroll(name, vectors(1))
    assert gallery.people() == []


def test_a_gallery_opens_without_its_model(gallery: Gallery, path: Path, vectors: Draw) -> None:
    gallery.enroll("Ada", vectors(2))
    with open_any_gallery(path) as book:
        assert [(person.name, person.templates) for person in book.people()] == [("Ada", 2)]
        assert book.forget("Ada") == 2
    assert gallery.people() == []
    with pytest.raises(GalleryError):
        open_any_gallery(path.with_name("none.db"))
    assert not path.with_name("none.db").exists()


@pytest.mark.parametrize("name", ["Ada\u200b", "\ufeffAda", "Ada\u200d", "A\u00adda"])
def test_nobody_is_enrolled_under_a_name_with_an_invisible_character(
    gallery: Gallery, vectors: Draw, name: str
) -> None:
    with pytest.raises(GalleryError, match="holds the invisible character U\\+"):
        gallery.enroll(name, vectors(1))


def test_every_kind_of_space_is_a_space_and_joiners_inside_a_word_are_letters(
    gallery: Gallery, vectors: Draw
) -> None:
    assert gallery.enroll("Ada\u00a0Lovelace", vectors(1)).name == "Ada Lovelace"
    assert gallery.enroll("Ada\u2009Lovelace", vectors(1, seed=1)).name == "Ada Lovelace"
    assert gallery.enroll("می\u200cخواهم", vectors(1, seed=2)).name == "می\u200cخواهم"
    assert len(gallery.people()) == 2


@pytest.mark.parametrize("dimension", [16.0, "16", True, 0, None])
def test_no_file_is_made_for_a_dimension_that_is_none(tmp_path: Path, dimension: Any) -> None:
    with pytest.raises(ConfigurationError, match="its dimension, a whole number from 1"):
        open_gallery(tmp_path / "new.db", fingerprint="f" * 64, dimension=dimension)
    assert not (tmp_path / "new.db").exists()
    with open_gallery(tmp_path / "new.db", fingerprint="f" * 64, dimension=np.int64(16)) as opened:
        assert opened.dimension == 16


def test_what_is_no_name_and_no_operating_point_is_told(gallery: Gallery, vectors: Draw) -> None:
    with pytest.raises(GalleryError, match="a name must be text, not NoneType"):
        gallery.enroll(None, vectors(1))  # type: ignore[arg-type]
    gallery.enroll("Ada", vectors(1))
    with pytest.raises(GalleryError, match=r"decided by an operating point, .* and not 0\.5"):
        gallery.identify(vectors(1), 0.5)  # type: ignore[arg-type]
