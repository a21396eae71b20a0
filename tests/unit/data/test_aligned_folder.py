"""The manifest of aligned crops: torn and damaged lines, one writer, one way of making crops."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sphereface.data.aligned_folder import AlignedFolder, Stamp, open_aligned, stamp_of
from sphereface.errors import DataError

HEAD = {"sphereface": "1", "settings": {"size": "112x112", "faces": "largest"}}


def line(name: str, outcome: str = "ok", crops: int = 1, size: int | None = 5) -> bytes:
    faces = [{"crop": f"{name}-{number}.png", "crop_bytes": 9} for number in range(crops)]
    record = {"file": name, "bytes": size, "modified_ns": size, "outcome": outcome, "faces": faces}
    return json.dumps(record).encode() + b"\n"


def filled(path: Path, *lines: bytes) -> Path:
    with open_aligned(path, HEAD) as folder:
        for each in lines:
            folder.append(each)
    return path / "manifest.jsonl"


def names_in(manifest: Path) -> list[str]:
    return [json.loads(each)["file"] for each in manifest.read_text().splitlines()[1:]]


def test_what_was_written_is_known_again(tmp_path: Path) -> None:
    manifest = filled(tmp_path / "new" / "crops", line("b"), line("ž/a", "no-face", crops=0, size=None))
    with open_aligned(manifest.parent, HEAD) as folder:
        known = folder.known()
    assert known["b"].stamp == Stamp(5, 5)
    assert known["b"].crops == (("b-0.png", 9),)
    assert (known["ž/a"].outcome, known["ž/a"].stamp, known["ž/a"].crops) == ("no-face", Stamp(None, None), ())
    content = manifest.read_bytes()
    assert content[known["b"].begin : known["b"].end] == line("b")


def test_a_torn_line_does_not_count_at_whatever_byte(tmp_path: Path) -> None:
    manifest = filled(tmp_path, line("a"), line("b"))
    whole = manifest.read_bytes()
    head = whole.index(b"\n") + 1
    for end in range(head, len(whole)):
        manifest.write_bytes(whole[:end])
        with open_aligned(tmp_path, HEAD) as folder:
            expected = [
                name for name, last in (("a", len(whole) - len(line("b"))), ("b", len(whole))) if last <= end
            ]
            assert list(folder.known()) == expected
            folder.append(line("c"))
            assert list(folder.known()) == [*expected, "c"]


@pytest.mark.parametrize(
    "damaged",
    [
        *(b"{\n", b"\0\0\0\n", b"[]\n", b'{"file": "x"}\n', b"\xff\n", b"[" * 100_000 + b"\n"),
        *(line(name) for name in ("../up", "/etc/passwd", "a/../../b")),
    ],
)
def test_a_damaged_line_is_an_unknown_photograph(tmp_path: Path, damaged: bytes) -> None:
    manifest = filled(tmp_path, line("a"), damaged, line("b"))
    with open_aligned(tmp_path, HEAD) as folder:
        assert list(folder.known()) == ["a", "b"]
        folder.finish(["a", "b"])
    assert names_in(manifest) == ["a", "b"]


def test_at_the_end_there_is_one_line_a_photograph_in_order(tmp_path: Path) -> None:
    manifest = filled(tmp_path, line("b", "no-face"), line("a"), line("gone"), line("b"))
    with open_aligned(tmp_path, HEAD) as folder:
        known = folder.finish(["a", "b"])
    assert manifest.read_bytes().partition(b"\n")[2] == line("a") + line("b")
    assert known["b"].outcome == "ok"
    before = stamp_of(manifest)
    with open_aligned(tmp_path, HEAD) as folder:
        folder.finish(["a", "b"])
    assert stamp_of(manifest) == before  # nothing to do


def test_one_program_at_a_time(tmp_path: Path) -> None:
    with (
        open_aligned(tmp_path, HEAD),
        pytest.raises(DataError, match="another program is writing crops to"),
        open_aligned(tmp_path, HEAD),
    ):
        pass
    with open_aligned(tmp_path, HEAD) as folder:
        assert isinstance(folder, AlignedFolder)


def test_other_settings_are_named(tmp_path: Path) -> None:
    filled(tmp_path)
    for other, words in (
        ({**HEAD, "settings": {"size": "112x96", "faces": "largest"}}, "with size = 112x112, not 112x96;"),
        ({**HEAD, "settings": {"size": "112x112"}}, "with faces = largest, not None;"),
        ({**HEAD, "method": 2}, "with method = None, not 2;"),
    ):
        with pytest.raises(DataError, match=words), open_aligned(tmp_path, other):
            pass
    with open_aligned(tmp_path, {**HEAD, "sphereface": "2"}):
        pass  # a newer version that makes the same crops goes on


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(DataError, match=r"holds other things \('holiday.jpg'\)"), open_aligned(theirs, HEAD):
        pass
    assert [path.name for path in theirs.iterdir()] == ["holiday.jpg"]
    for content in (b"", b"{}\n", b"[1]\n", b"\xff\n", b'{"format": "x"}\n'):
        (theirs / "manifest.jsonl").write_bytes(content)
        with pytest.raises(DataError, match="not written by 'sphereface align'"), open_aligned(theirs, HEAD):
            pass
    with pytest.raises(DataError, match="is a file"), open_aligned(theirs / "holiday.jpg", HEAD):
        pass


def test_what_was_being_written_is_cleared_away(tmp_path: Path) -> None:
    filled(tmp_path)
    (tmp_path / "Ada").mkdir()
    leftovers = [tmp_path / ".crop-7.tmp", tmp_path / "Ada" / ".crop-7.tmp", tmp_path / ".manifest.jsonl.ab.tmp"]
    kept = [tmp_path / "Ada" / "crop-7.tmp", tmp_path / "Ada" / ".hidden"]
    for path in leftovers + kept:
        path.touch()
    filled(tmp_path)
    assert [path.exists() for path in leftovers + kept] == [False] * 3 + [True] * 2
