"""Legacy data sets become folders: every byte arrives, all that is refused is counted, nothing is half done."""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sphereface.data import intake as intake_module
from sphereface.data.importing import Imported, import_dataset
from sphereface.data.intake import MOST_LISTED, REFUSALS, Intake, fault_of, picture_suffix
from sphereface.data.manifest import read_manifest
from sphereface.errors import DataError, SpherefaceError
from sphereface.evaluation.protocols.pairs import read_pairs_csv
from sphereface.evaluation.units import locate_units
from sphereface.participants import pairs_among
from tests.unit.data.legacy import container, image_record, insightface, picture, python2, record

PEOPLE = [[picture(10 * person + shot) for shot in range(person + 2)] for person in range(4)]


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def pictures_of(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in tree(folder).items() if name.endswith(".jpg")}


def written(folder: Path, name: str, data: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    return folder / name


@pytest.fixture
def ms1m(tmp_path: Path) -> Path:
    """Return a folder as InsightFace's data sets have it."""
    rec, idx = insightface(PEOPLE, header_first=False)
    written(tmp_path / "faces_emore", "train.rec", rec)
    written(tmp_path / "faces_emore", "train.idx", idx)
    written(tmp_path / "faces_emore", "property", b"4,112,112\n")
    return tmp_path / "faces_emore"


EXPECTED = {
    f"ms1m-{label:07d}/{number:08d}.jpg": shot
    for number, (label, shot) in enumerate(
        ((label, shot) for label, shots in enumerate(PEOPLE) for shot in shots), start=1
    )
}


@pytest.mark.parametrize("source", ["", "train.rec"])
def test_recordio_becomes_a_folder_of_folders(ms1m: Path, tmp_path: Path, source: str) -> None:
    imported = import_dataset(ms1m / source, tmp_path / "ms1m")
    found = tree(tmp_path / "ms1m")
    report = json.loads(found.pop("import.json"))
    assert found == EXPECTED
    assert report == imported.to_json()
    assert report["source"] == "train.rec"
    assert report["index"] == "train.idx"
    assert report["sha256"] == hashlib.sha256((ms1m / "train.rec").read_bytes()).hexdigest()
    assert (report["people"], report["pictures"], report["bookkeeping_records"]) == (4, 14, 5)
    assert (report["refused"], report["first_refused"], report["remarks"]) == ({}, [], [])
    assert read_manifest(tmp_path / "ms1m").identities == tuple(f"ms1m-{label:07d}" for label in range(4))


def test_without_an_index_the_file_is_walked(ms1m: Path, tmp_path: Path) -> None:
    (ms1m / "train.idx").unlink()
    imported = import_dataset(ms1m, tmp_path / "ms1m")
    assert imported.index is None
    assert sorted(pictures_of(tmp_path / "ms1m").values()) == sorted(EXPECTED.values())


def test_two_sets_do_not_share_names_unless_asked_to(ms1m: Path, tmp_path: Path) -> None:
    import_dataset(ms1m, tmp_path / "one")
    import_dataset(ms1m, tmp_path / "two")
    assert len(read_manifest(tmp_path / "one", tmp_path / "two").identities) == 8
    import_dataset(ms1m, tmp_path / "three", prefix="")
    assert sorted(path.name for path in (tmp_path / "three").iterdir() if path.is_dir())[0] == "0000000"


@pytest.mark.parametrize("prefix", ["../x", ".x", "a/b", " x", "\n", "x" * 300, "\ud800"])
def test_a_prefix_is_part_of_one_visible_name(ms1m: Path, tmp_path: Path, prefix: str) -> None:
    with pytest.raises(DataError, match="cannot begin the name of a folder; choose another with --prefix"):
        import_dataset(ms1m, tmp_path / "ms1m", prefix=prefix)
    assert not (tmp_path / "ms1m").exists()


def test_what_cannot_be_taken_is_counted_and_listed(tmp_path: Path) -> None:
    shot = picture(0)
    labels = [0.5, -1.0, float("nan"), float("inf")]
    contents = [
        *(image_record(1.0, shot), image_record(1.0, shot), image_record(1.0, b"no picture"), b"short"),
        *(image_record(1.0, b""), image_record(1.0, shot + bytes(50_000_000))),
        *(image_record(label, shot) for label in labels),
    ]
    rec, idx = container(contents, keys=[4, 4, *range(5, 13)])
    source = written(tmp_path, "x.rec", rec + record(image_record(1.0, shot)))
    written(tmp_path, "x.idx", idx)
    imported = import_dataset(source, tmp_path / "x")
    refused = {"repeated": 1, "no-image": 1, "header": 1, "empty": 1, "too-large": 1, "label": 4, "unlisted": 1}
    assert imported.refused == refused
    assert pictures_of(tmp_path / "x") == {"x-0000001/00000004.jpg": shot}
    assert len(imported.listed) == sum(refused.values())
    place = int(idx.splitlines()[2].split(b"\t")[1])
    assert imported.listed[1] == (f"record 5 at byte {place:,}", "no-image")
    assert imported.remarks[0].startswith("4 not taken: a label that is neither a whole number nor usable")
    assert imported.refused.keys() <= REFUSALS.keys()


def test_the_list_of_what_was_refused_does_not_grow_for_ever(tmp_path: Path) -> None:
    intake = Intake(tmp_path)
    for number in range(MOST_LISTED + 5):
        intake.store("a", str(number), b"", f"record {number}")
    assert (intake.refused["empty"], len(intake.listed)) == (MOST_LISTED + 5, MOST_LISTED)
    late = Imported("x", "", None, 0, 0, 0, {"empty": 1, "label": 1}, (("record 0", "empty"),))
    assert late.remarks[1].endswith("(the first: late in the file)")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
def test_the_extension_is_told_by_the_first_bytes(kind: str, tmp_path: Path) -> None:
    shot = picture(0, kind)
    suffix = {"JPEG": ".jpg", "TIFF": ".tif"}.get(kind, f".{kind.lower()}")
    assert (picture_suffix(shot), fault_of(shot)) == (suffix, "")
    assert Intake(tmp_path).store("a", "1", shot, "") == f"a/1{suffix}"
    assert (tmp_path / f"a/1{suffix}").read_bytes() == shot


def test_sound_files_are_no_pictures_and_fifty_megabytes_are_the_limit() -> None:
    assert fault_of(b"RIFF\0\0\0\0WAVEfmt ") == "no-image"
    assert fault_of(b"BM" + bytes(49_999_998)) == ""
    assert fault_of(b"BM" + bytes(49_999_999)) == "too-large"


def test_all_is_on_the_disk_before_it_appears(ms1m: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there: list[bool] = []
    monkeypatch.setattr(os, "sync", lambda: there.append((tmp_path / "ms1m").exists()))
    import_dataset(ms1m, tmp_path / "ms1m")
    assert there == [False]


def test_a_list_brings_names_or_numbers(tmp_path: Path) -> None:
    lines = {"ada/1.jpg": "Ada Lovelace", "ada/2.jpg": "Ada Lovelace", "x.jpg": "3", "y.jpg": "3.000000"}
    lines |= {"1.jpg": "..", "2.jpg": "a/b", "3.jpg": ".hidden", "4.jpg": "\u0007", "5.jpg": "", "6.jpg": "a\\b"}
    for number, path in enumerate(lines):
        written((tmp_path / "in" / path).parent, Path(path).name, picture(number))
    text = "".join(f"{number}\t{label}\t{path}\n" for number, (path, label) in enumerate(lines.items()))
    source = written(tmp_path / "in", "train.lst", f"{text}90\tB\tnone.jpg\n91\tB\t../x.jpg\n?".encode())
    imported = import_dataset(source, tmp_path / "out")
    assert pictures_of(tmp_path / "out") == {
        "Ada Lovelace/00000000.jpg": picture(0),
        "Ada Lovelace/00000001.jpg": picture(1),
        "out-0000003/00000002.jpg": picture(2),
        "out-0000003/00000003.jpg": picture(3),
    }
    assert imported.refused == {"label": 6, "missing": 1, "path": 1, "line": 1}


def evaluation_file(tmp_path: Path, pictures: list[bytes], same: list[bool], name: str = "lfw.bin") -> Path:
    return written(tmp_path, name, pickle.dumps((pictures, same), 4))


@pytest.mark.parametrize("dumps", [pickle.dumps, lambda value: python2(value, 2), lambda value: python2(value, 0)])
def test_an_evaluation_file_becomes_pictures_and_pairs(tmp_path: Path, dumps: Any) -> None:
    shots, same = [picture(n) for n in range(40)], [n % 3 != 0 for n in range(20)]
    imported = import_dataset(written(tmp_path, "lfw.bin", dumps((shots, same))), tmp_path / "lfw")
    named = read_pairs_csv(tmp_path / "lfw/pairs.csv")
    assert [pair.same for pair in named] == same
    assert [pair.fold for pair in named] == [10 * n // 20 for n in range(20)]
    for number, pair in enumerate(named):
        for image, shot in ((pair.image_a, shots[2 * number]), (pair.image_b, shots[2 * number + 1])):
            assert (tmp_path / "lfw/pictures" / image).read_bytes() == shot
    assert named[0].image_a == "lfw-000000/000000.jpg"
    assert named[1].image_b == "lfw-000002/000003.jpg"
    manifest = read_manifest(tmp_path / "lfw/pictures")
    assert (len(manifest), imported.pictures) == (40, 40)
    assert len(manifest.identities) == imported.people == 20 + 7
    protocol = pairs_among(tmp_path / "lfw/pairs.csv", manifest)
    assert len(protocol.pairs[0].first) == 20
    assert locate_units(protocol.units, manifest.names).missing == ()
    assert "names nobody" in imported.remarks[0]


def test_equal_pictures_and_genuine_pairs_make_people(tmp_path: Path) -> None:
    a, b, c, d, e = (picture(n) for n in range(5))
    pairs = [(a, b, True), (c, b, True), (a, d, False), (d, e, True)]
    shots, same = [shot for one, other, _ in pairs for shot in (one, other)], [truth for _, _, truth in pairs]
    imported = import_dataset(evaluation_file(tmp_path, shots, same), tmp_path / "x")
    assert pictures_of(tmp_path / "x/pictures") == {
        "x-000000/000000.jpg": a,
        "x-000000/000001.jpg": b,
        "x-000000/000002.jpg": c,
        "x-000005/000005.jpg": d,
        "x-000005/000007.jpg": e,
    }
    assert imported.to_json()["contradictory_pairs"] == []
    rows = list(csv.reader((tmp_path / "x/pairs.csv").read_text().splitlines()))
    assert rows[0] == ["image_a", "image_b", "same", "fold"]
    assert rows[2] == ["x-000000/000002.jpg", "x-000000/000001.jpg", "1", "2"]
    assert rows[3] == ["x-000000/000000.jpg", "x-000005/000005.jpg", "0", "5"]


def test_a_pair_that_contradicts_the_others_is_kept(tmp_path: Path) -> None:
    a, b, c = (picture(n) for n in range(3))
    imported = import_dataset(
        evaluation_file(tmp_path, [a, b, b, c, a, c, a, a], [True, True, False, False]), tmp_path / "x"
    )
    assert imported.to_json()["contradictory_pairs"] == [2, 3]
    assert "2 pairs are said to show two people" in imported.remarks[1]
    named = read_pairs_csv(tmp_path / "x/pairs.csv")  # which insists that the folders agree with what is said
    assert [pair.same for pair in named] == [True, True, False, False]
    contents = [(tmp_path / "x/pictures" / image).read_bytes() for image in (named[2].image_b, named[3].image_b)]
    assert contents == [c, a]


def test_a_small_file_cannot_fill_the_disk(tmp_path: Path) -> None:
    imported = import_dataset(evaluation_file(tmp_path, [picture(0)] * 2_000, [False] * 1_000), tmp_path / "x")
    assert imported.pictures == 2
    assert len(imported.to_json()["contradictory_pairs"]) == 1_000
    assert len({pair.image_b for pair in read_pairs_csv(tmp_path / "x/pairs.csv")}) == 1


def test_a_refused_picture_keeps_its_pair_and_unites_nobody(tmp_path: Path) -> None:
    a, b, c, d = (picture(n) for n in range(4))
    shots = [a, b"", b"", b, c, b"text", d, b""]
    imported = import_dataset(evaluation_file(tmp_path, shots, [True, True, False, False]), tmp_path / "x")
    assert imported.refused == {"empty": 3, "no-image": 1}
    assert imported.listed[0] == ("picture 1", "empty")
    manifest = read_manifest(tmp_path / "x/pictures")
    assert len(manifest.identities) == 4
    protocol = pairs_among(tmp_path / "x/pairs.csv", manifest)
    assert len(protocol.pairs[0].first) == 4
    assert len(locate_units(protocol.units, manifest.names).missing) == 4


def test_one_object_in_a_hundred_thousand_pairs_is_hashed_once(tmp_path: Path) -> None:
    shots = [picture(0) + bytes(1_000_000)] * 100_000
    imported = import_dataset(evaluation_file(tmp_path, shots, [True] * 50_000), tmp_path / "x")
    assert (imported.pictures, imported.people) == (1, 1)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (True, "no two lists"),
        ([], "no two lists"),
        (([], [], []), "no two lists"),
        (([], []), "0 pictures and 0 truth values"),
        (([b"a", b"b"], [True, False]), "2 pictures and 2 truth values"),
        (([b"a", True], [True]), "something else among them"),
        (([b"a", b"b"], [b"True"]), "something else among them"),
        ((b"ab", [True]), "0 pictures and 1 truth values"),
        (([b"a", b"b"], [True]), "gives no picture; 2 not taken: no picture of a known format"),
    ],
)
def test_a_pickle_of_another_form_is_refused(tmp_path: Path, value: Any, says: str) -> None:
    with pytest.raises(DataError, match=says):
        import_dataset(written(tmp_path, "x.bin", pickle.dumps(value, 4)), tmp_path / "x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.bin"]


def test_code_in_an_evaluation_file_is_refused(tmp_path: Path) -> None:
    source = written(tmp_path, "x.bin", b"cos\nsystem\n(S'touch canary'\ntR.")
    with pytest.raises(DataError, match=r"'x.bin' at byte 0 \(GLOBAL\) asks for code to be run"):
        import_dataset(source, tmp_path / "x")


def test_an_evaluation_file_has_a_limit(tmp_path: Path) -> None:
    source = written(tmp_path, "x.bin", b"")
    os.truncate(source, 2_000_000_001)
    with pytest.raises(DataError, match=r"has 2,000,000,001 bytes, more than the 2,000,000,000 allowed"):
        import_dataset(source, tmp_path / "x")


def test_damage_leaves_nothing_behind(ms1m: Path, tmp_path: Path) -> None:
    rec = (ms1m / "train.rec").read_bytes()
    (ms1m / "train.rec").write_bytes(rec[:-3])
    with pytest.raises(DataError, match="cut short"):
        import_dataset(ms1m, tmp_path / "new" / "ms1m")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="cut short"):
        import_dataset(ms1m, tmp_path / "empty")
    assert {path.name for path in tmp_path.rglob("*") if path.is_dir()} == {"faces_emore", "new", "empty"}


def test_a_full_disk_and_an_interrupt_leave_nothing_behind(
    ms1m: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = intake_module._write_new, iter(range(99))

    def fails(path: Path, content: bytes) -> None:
        if next(calls) == 9:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, content)

    monkeypatch.setattr(intake_module, "_write_new", fails)
    with pytest.raises(DataError, match=r"cannot import '.*train.rec': no space left on device"):
        import_dataset(ms1m, tmp_path / "ms1m")
    monkeypatch.setattr(intake_module, "_write_new", real)

    class Impatient:
        def say(self, text: str) -> None:
            pass

        @contextmanager
        def task(self, title: str, total: int, unit: str = "images") -> Iterator[Impatient]:
            yield self

        def advance(self, count: int = 1, note: str = "") -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_dataset(ms1m, tmp_path / "ms1m", progress=Impatient())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["faces_emore"]


def test_progress_ends_at_the_end(ms1m: Path, tmp_path: Path) -> None:
    class Counting:
        def __init__(self) -> None:
            self.total = self.done = 0

        def say(self, text: str) -> None:
            pass

        @contextmanager
        def task(self, title: str, total: int, unit: str = "images") -> Iterator[Counting]:
            self.total += total
            yield self

        def advance(self, count: int = 1, note: str = "") -> None:
            self.done += count

    counting = Counting()
    import_dataset(ms1m, tmp_path / "ms1m", progress=counting)
    assert counting.done == counting.total > 0


def test_a_killed_import_leaves_no_data_set_and_says_so(ms1m: Path, tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "import sphereface.data.importing as importing\n"
        "importing.write_json = lambda *a: os.kill(os.getpid(), signal.SIGKILL)\n"
        "importing.import_dataset(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(ms1m), str(tmp_path / "ms1m")], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "ms1m").exists()
    with pytest.raises(DataError, match=r"ms1m.unfinished' is there: .* if none is running, delete that folder"):
        import_dataset(ms1m, tmp_path / "ms1m")


def test_the_destination_is_new_or_empty(ms1m: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    assert import_dataset(ms1m, tmp_path / "empty").pictures == 14
    with pytest.raises(DataError, match="is there already and not empty; name a new folder"):
        import_dataset(ms1m, tmp_path / "empty")
    with pytest.raises(DataError, match="is there already and not empty"):
        import_dataset(ms1m, written(tmp_path, "file", b""))
    with pytest.raises(DataError, match="cannot import"):
        import_dataset(ms1m, tmp_path / "file" / "inside")
    monkeypatch.setattr(Path, "is_mount", lambda path: True)
    with pytest.raises(DataError, match="is a whole file system; name a new folder in it"):
        import_dataset(ms1m, tmp_path / "mounted")


def test_what_is_no_source(ms1m: Path, tmp_path: Path) -> None:
    cases = {
        tmp_path / "none.rec": "there is no file '.*none.rec'; check the path",
        tmp_path: "there is no file '.*train.rec'",
        ms1m / "property": r"is none of .rec, .lst, .bin; name such a file, or a folder with train.rec",
        written(tmp_path, "empty.rec", b""): "gives no picture; it is empty",
        written(tmp_path, "empty.lst", b"\n"): "gives no picture; it is empty",
    }
    os.mkfifo(tmp_path / "pipe.bin")
    cases[tmp_path / "pipe.bin"] = "is no regular file"
    (tmp_path / "folder.idx").mkdir()
    cases[written(tmp_path, "folder.rec", b"")] = "is no regular file"
    for source, says in cases.items():
        with pytest.raises(SpherefaceError, match=says):
            import_dataset(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_upper_case_extension_will_do(ms1m: Path, tmp_path: Path) -> None:
    (ms1m / "train.rec").rename(ms1m / "TRAIN.REC")
    assert import_dataset(ms1m / "TRAIN.REC", tmp_path / "ms1m").pictures == 14
