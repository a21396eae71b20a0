"""RecordIO and lists: what a writer after the specification writes is read, and damage is told by its place."""

from __future__ import annotations

import io
import os
import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphereface.data.recordio import Entry, list_entries, read_index, read_records, record_entries
from sphereface.errors import DataError
from tests.unit.data.legacy import MAGIC, container, image_record, insightface, picture, record

CONTENTS = st.lists(
    st.lists(st.sampled_from([MAGIC, b"a", b"bc", b"defg", MAGIC[:3], b"\0\0\0\0"]) | st.binary(max_size=9)).map(
        b"".join
    ),
    max_size=8,
)


def contents_of(data: bytes, largest: int = 1000) -> list[bytes | None]:
    return [found.content for found in read_records(io.BytesIO(data), "x.rec", largest)]


def entries_of(rec: bytes, idx: bytes | None = None, largest: int = 1000) -> list[Entry]:
    index = None if idx is None else io.BytesIO(idx)
    return list(record_entries(io.BytesIO(rec), "x.rec", index, largest))


@given(CONTENTS)
def test_what_is_written_is_read_with_the_magic_number_inside_too(contents: list[bytes]) -> None:
    rec, idx = container(contents)
    found = list(read_records(io.BytesIO(rec), "x.rec"))
    assert [each.content for each in found] == contents
    assert [each.start for each in found] == [at for _, at in read_index(io.BytesIO(idx), "x.idx")]
    assert [each.end for each in found] == [*(each.start for each in found[1:]), len(rec)][: len(found)]


def test_the_bytes_of_the_specification() -> None:
    """Written out by hand: a whole record of 5 bytes, and one of 8 whose second word is the magic number."""
    whole = bytes.fromhex("0a23d7ce 05000000 6865 6c6c 6f 000000")
    split = bytes.fromhex("0a23d7ce 04000020 61626364 0a23d7ce 00000060")
    assert contents_of(whole + split) == [b"hello", b"abcd" + MAGIC]
    assert record(b"hello") + record(b"abcd" + MAGIC) == whole + split


@given(CONTENTS, st.integers(0, 30))
def test_a_large_record_is_passed_over_and_the_next_one_read(contents: list[bytes], largest: int) -> None:
    rec, _ = container(contents)
    assert contents_of(rec, largest) == [each if len(each) <= largest else None for each in contents]


def test_a_file_cut_anywhere_is_refused_or_ends_with_a_whole_record() -> None:
    rec, idx = container([b"one", b"ab" * 2 + MAGIC + b"cd", b"", b"three"])
    starts = {int(line.split(b"\t")[1]) for line in idx.splitlines()}
    for end in range(len(rec)):
        if end in starts:
            contents_of(rec[:end])
        else:
            with pytest.raises(DataError, match=r"'x.rec' is cut short: it ends within the record at byte \d+"):
                contents_of(rec[:end])
        with pytest.raises(DataError, match=r"cut short|index"):
            entries_of(rec[:end], idx)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"not a container at all", "at byte 0 there is no record"),
        (record(b"one") + b"garbage!", "at byte 12 there is no record"),
        (MAGIC + struct.pack("<I", 2 << 29 | 0), r"at byte 0 the parts of a record do not fit \(flag 2\)"),
        (MAGIC + struct.pack("<I", 3 << 29 | 0), r"\(flag 3\)"),
        (MAGIC + struct.pack("<I", 7 << 29 | 0), r"\(flag 7\)"),
        (MAGIC + struct.pack("<I", 1 << 29 | 0) + record(b"x"), r"at byte 8 the parts .* \(flag 0\)"),
        (MAGIC + struct.pack("<I", 1 << 29 | 0), "cut short"),
        (MAGIC + struct.pack("<I", 0x1FFFFFFF), "cut short"),
    ],
)
def test_damage_is_told_by_its_place(data: bytes, says: str) -> None:
    with pytest.raises(DataError, match=says):
        contents_of(data)


def test_an_index_numbers_the_records() -> None:
    rec, idx = container([image_record(7.0, picture(n)) for n in range(3)], keys=[5, 3, 9])
    assert [(entry.number, entry.label) for entry in entries_of(rec, idx)] == [(5, 7.0), (3, 7.0), (9, 7.0)]
    assert [entry.number for entry in entries_of(rec)] == [0, 1, 2]
    lines = idx.splitlines(keepends=True)
    listed = entries_of(rec, lines[0] + lines[2])
    assert [(entry.outcome, entry.number) for entry in listed] == [("picture", 5), ("unlisted", 0), ("picture", 9)]
    assert [entry.outcome for entry in entries_of(rec, b"")] == ["unlisted"] * 3


@pytest.mark.parametrize("change", ["shifted", "sorted", "beyond", "twice"])
def test_an_index_that_does_not_fit_is_refused_with_the_way_out(change: str) -> None:
    rec, idx = container([image_record(7.0, picture(n)) for n in range(3)], keys=[5, 3, 9])
    lines = idx.splitlines(keepends=True)
    changed = {
        "shifted": idx.replace(b"9\t", b"9\t1"),
        "sorted": b"".join(sorted(lines)),
        "beyond": idx + b"10\t999999\n",
        "twice": idx + lines[-1],
    }[change]
    with pytest.raises(DataError, match=r"'x.rec' and its index do not fit.*move it away"):
        entries_of(rec, changed)


@pytest.mark.parametrize("line", [b"1", b"1\t2\t3", b"a\t1", b"1\t-1", b"1 2", b"1\t" + b"9" * 19, b"\xff\t1"])
def test_an_index_with_a_strange_line_is_refused(line: bytes) -> None:
    with pytest.raises(DataError, match=r"line 2 of the index 'x.idx' is not 'number TAB byte'"):
        list(read_index(io.BytesIO(b"0\t0\n" + line + b"\n"), "x.idx"))


def test_labels_come_one_or_several_at_a_time() -> None:
    shot = picture(0)
    labels = [3.0, (4.0,), (5.0, 1.0), tuple(float(n) for n in range(40, 80))]
    rec, _ = container([image_record(label, shot) for label in labels])
    found = entries_of(rec)
    assert [entry.label for entry in found] == [3.0, 4.0, 5.0, 40.0]
    assert {entry.content for entry in found} == {shot}


def test_records_without_a_picture_say_why() -> None:
    giant = struct.pack("<IfQQ", 0xFFFFFFFF, 0.0, 0, 0) + b"x"
    contents = [b"", b"short", giant, image_record(1.0, b""), image_record((1.0,), b""), bytes(1001)]
    rec, _ = container(contents)
    assert [entry.outcome for entry in entries_of(rec)] == [
        *("empty", "header", "header", "empty", "empty", "too-large")
    ]
    assert entries_of(rec)[1].where == f"record 1 at byte {len(record(b''))}"


@pytest.mark.parametrize("header_first", [True, False])
@pytest.mark.parametrize("indexed", [True, False])
def test_insightfaces_header_and_identity_records_are_bookkeeping(header_first: bool, indexed: bool) -> None:
    people = [[picture(10 * person + shot) for shot in range(person + 1)] for person in range(3)]
    rec, idx = insightface(people, header_first)
    found = entries_of(rec, idx if indexed else None)
    assert [entry.label for entry in found if entry.outcome == "picture"] == [0, 1, 1, 2, 2, 2]
    assert [entry.content for entry in found if entry.outcome == "picture"] == [
        shot for shots in people for shot in shots
    ]
    assert sum(entry.outcome == "bookkeeping" for entry in found) == len(found) - 6 == 4
    if indexed:
        assert [entry.number for entry in found if entry.outcome == "picture"] == [1, 2, 3, 4, 5, 6]


def test_a_header_of_another_writer_and_rounded_ranges_are_bookkeeping_too() -> None:
    labels = [(7.0, 0.0), (float(2**24), float(2**24))]
    rec, _ = container([image_record(label, b"", number) for number, label in enumerate(labels)])
    assert [entry.outcome for entry in entries_of(rec)] == ["bookkeeping", "bookkeeping"]


class Endless:
    """A container of a gigabyte that exists one record at a time."""

    def __init__(self, records: int, size: int) -> None:
        self.left, self.buffer = records, io.BytesIO()
        self.one = record(image_record(1.0, b"\xff\xd8\xff" + bytes(size)))

    def read(self, size: int, /) -> bytes:
        data = self.buffer.read(size)
        if not data and self.left:
            self.left -= 1
            self.buffer = io.BytesIO(self.one)
            data = self.buffer.read(size)
        return data

    def readline(self, size: int, /) -> bytes:
        raise AssertionError


def test_memory_stays_flat_however_long_the_file() -> None:
    tracemalloc.start()
    seen = sum(entry.outcome == "picture" for entry in record_entries(Endless(1000, 1_000_000), "x.rec"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seen == 1000
    assert peak < 8_000_000


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "list"
    (folder / "a b").mkdir(parents=True)
    for number, name in enumerate(["one.jpg", "a b/two.jpg", "žluťoučký.jpg"]):
        (folder / name).write_bytes(picture(number))
    return folder


def listed(folder: Path, text: bytes, largest: int = 100_000) -> list[tuple[str, int, float | str]]:
    found = list_entries(io.BytesIO(text), "x.lst", folder, largest)
    return [(entry.outcome, entry.number, entry.label) for entry in found]


def test_the_two_kinds_of_list_are_told_apart(pictures: Path) -> None:
    standard = "7\t3.000000\tone.jpg\n\n9\t4\ta b/two.jpg\r\n2\t5\t8\t9\tžluťoučký.jpg".encode()
    assert listed(pictures, standard) == [("picture", 7, 3.0), ("picture", 9, 4.0), ("picture", 2, 5.0)]
    aligned = b"\xef\xbb\xbf1\tone.jpg\t3\n1\ta b/two.jpg\t4\t0\t0\t112\t112\n"
    assert listed(pictures, aligned) == [("picture", 1, 3.0), ("picture", 2, 4.0)]
    named = b"0\tAda Lovelace\tone.jpg\n"
    assert listed(pictures, named) == [("picture", 0, "Ada Lovelace")]
    assert [entry.content for entry in list_entries(io.BytesIO(named), "x.lst", pictures)] == [picture(0)]


def test_paths_stay_inside_and_files_are_regular(pictures: Path) -> None:
    outside = pictures.parent / "secret.jpg"
    outside.write_bytes(picture(9))
    os.mkfifo(pictures / "pipe.jpg")
    (pictures / "link.jpg").symlink_to(outside)
    (pictures / "loop.jpg").symlink_to("loop.jpg")
    outcomes = {
        "../secret.jpg": "path",
        "a b/../../secret.jpg": "path",
        str(outside): "path",
        "one.jpg\0": "path",
        "none.jpg": "missing",
        "one.jpg/none.jpg": "missing",
        "a b": "unreadable",
        "pipe.jpg": "unreadable",
        "loop.jpg": "unreadable",
        "x" * 300: "unreadable",
        "link.jpg": "picture",
        "./one.jpg": "picture",
    }
    text = "".join(f"0\t1\t{path}\n" for path in outcomes).encode()
    assert [outcome for outcome, _, _ in listed(pictures, text)] == list(outcomes.values())
    assert listed(pictures, b"0\t1\tone.jpg\n", largest=10) == [("too-large", 0, 1.0)]


@pytest.mark.parametrize(
    "line", [b"one.jpg", b"0\tone.jpg", b"x\t1\tone.jpg", b"\xff\t1\tone.jpg", b"-1\t1\tone.jpg"]
)
def test_a_strange_line_is_listed(pictures: Path, line: bytes) -> None:
    found = list(list_entries(io.BytesIO(b"0\t1\tone.jpg\n" + line), "x.lst", pictures))
    assert [(entry.outcome, entry.where) for entry in found] == [("picture", "line 1"), ("line", "line 2")]


def test_a_list_that_is_no_text_is_refused(pictures: Path) -> None:
    with pytest.raises(DataError, match=r"'x.lst' is no text: line 1 has no end"):
        listed(pictures, bytes(1 << 17))
