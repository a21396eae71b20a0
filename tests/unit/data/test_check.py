"""The dataset check: every fault planted is found, every file is accounted for, and nothing else is said."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sphereface.data.check import check_dataset
from sphereface.errors import DataError


def crop(number: int, height: int = 112, width: int = 112) -> Image.Image:
    noise = np.random.default_rng(number).integers(0, 256, (14, width // 8, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((width, height))


def write(path: Path, number: int, height: int = 112, width: int = 112) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    crop(number, height, width).save(path)
    return path


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    root = tmp_path / "clean"
    for person in range(3):
        for shot in range(2):
            write(root / f"Zoë {person}" / f"{shot}.png", 10 * person + shot, width=112 if person else 96)
    return root


def test_a_clean_folder_has_nothing_to_say(clean: Path) -> None:
    check = check_dataset(clean)
    assert check.ok
    assert check.problems == check.notes == ()
    assert (check.people, check.files, check.readable) == (3, 6, 6)


def test_every_unreadable_file_is_listed_with_its_reason(clean: Path) -> None:
    person = clean / "Zoë 1"
    whole = (person / "0.png").read_bytes()
    (person / "empty.jpg").write_bytes(b"")
    (person / "cut.png").write_bytes(whole[: len(whole) // 2])
    (person / "text.jpg").write_text("dear diary")
    (person / "broken.jpg").symlink_to("nowhere.jpg")
    os.mkfifo(person / "pipe.jpg")
    (person / "directory.jpg").mkdir()
    check = check_dataset(clean)
    assert {Path(file.file).name: file.outcome for file in check.unreadable} == {
        "empty.jpg": "undecodable",
        "cut.png": "undecodable",
        "text.jpg": "undecodable",
        "broken.jpg": "missing",
        "pipe.jpg": "refused",
    }
    assert check.deeper == ("Zoë 1/directory.jpg",)
    assert check.files == check.readable + len(check.unreadable) == 11
    assert len(check.problems) == 1
    assert check.problems[0].startswith("5 files cannot be read (1 missing, 1 refused, 3 undecodable)")
    assert all(Path(file.file).name in file.message for file in check.unreadable)


def test_files_that_will_not_be_used_are_noted_not_blamed(clean: Path) -> None:
    write(clean / "loose.png", 90)
    (clean / "read me.txt").write_text("hello")
    (clean / "Zoë 0" / "thumbs.db").write_bytes(b"x")
    (clean / ".hidden").mkdir()
    write(clean / "Zoë 0" / "old" / "1.png", 91)
    check = check_dataset(clean)
    assert check.ok
    assert check.loose == ("loose.png",)
    assert sorted(check.ignored) == ["Zoë 0/thumbs.db", "read me.txt"]
    assert check.deeper == ("Zoë 0/old",)
    assert len(check.notes) == 3


def test_duplicates_within_and_across_people_by_bytes_and_by_pixels(clean: Path) -> None:
    original = clean / "Zoë 0" / "0.png"
    (clean / "Zoë 0" / "copy.png").write_bytes(original.read_bytes())
    Image.open(clean / "Zoë 1" / "1.png").save(clean / "Zoë 2" / "same pixels.bmp")
    check = check_dataset(clean)
    (within,), (across,) = check.duplicates_within, check.duplicates_across
    assert (within.files, within.people, within.same) == (
        ("Zoë 0/0.png", "Zoë 0/copy.png"),
        ("Zoë 0",),
        "bytes",
    )
    assert (across.files, across.people, across.same) == (
        ("Zoë 1/1.png", "Zoë 2/same pixels.bmp"),
        ("Zoë 1", "Zoë 2"),
        "pixels",
    )
    assert any("1 file repeats another image of the same person" in text for text in check.problems)
    assert any("1 image lies in the folders of different people" in text for text in check.problems)


def test_near_duplicates_are_a_note_within_a_person_and_a_problem_across(clean: Path) -> None:
    original = Image.open(clean / "Zoë 1" / "0.png")
    original.save(clean / "Zoë 1" / "again.jpg", quality=60)
    original.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(clean / "Zoë 1" / "mirrored.png")
    check = check_dataset(clean)
    (group,) = check.near_duplicates
    assert group.files == ("Zoë 1/0.png", "Zoë 1/again.jpg", "Zoë 1/mirrored.png")
    assert (group.people, group.mirrored) == (("Zoë 1",), True)
    assert check.ok
    assert check.near_duplicates_within == (group,)
    assert check.notes[0].startswith("2 files nearly repeat another image of the same person (Zoë 1/0.png ~ ")

    Image.open(clean / "Zoë 2" / "0.png").resize((100, 100)).resize((112, 112)).save(clean / "Zoë 1" / "stray.png")
    check = check_dataset(clean)
    (across,) = check.near_duplicates_across
    assert (across.files, across.people) == (("Zoë 1/stray.png", "Zoë 2/0.png"), ("Zoë 1", "Zoë 2"))
    assert not across.mirrored
    assert len(check.near_duplicates_within) == 1
    (problem,) = check.problems
    assert problem.startswith(
        "1 image lies, changed a little, in the folders of different people (Zoë 1/stray.png ~ Zoë 2/0.png)"
    )


def test_the_same_pixels_are_told_once_and_not_as_nearly_the_same(clean: Path) -> None:
    original = clean / "Zoë 0" / "0.png"
    (clean / "Zoë 0" / "copy.png").write_bytes(original.read_bytes())
    check = check_dataset(clean)
    assert len(check.duplicates) == 1
    assert check.near_duplicates == ()
    Image.open(original).save(clean / "Zoë 0" / "nearly.jpg", quality=90)
    (group,) = check_dataset(clean).near_duplicates
    assert group.files == ("Zoë 0/0.png", "Zoë 0/nearly.jpg")


def test_near_duplicates_shared_with_another_dataset(clean: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    for number, quality in enumerate((40, 95)):
        (other / f"Other {number}").mkdir(parents=True)
        Image.open(clean / "Zoë 2" / "1.png").save(other / f"Other {number}" / "x.jpg", quality=quality)
    (other / "Other 0" / "same.png").write_bytes((clean / "Zoë 1" / "0.png").read_bytes())
    write(other / "Other 1" / "own.png", 900)
    check = check_dataset(clean, against=other)
    assert check.near_shared == (("Zoë 2/1.png", "Other 1/x.jpg"),)  # the one that is most alike
    assert check.shared_files == (("Zoë 1/0.png", "Other 0/same.png"),)
    assert check.near_duplicates == ()  # what the other set has twice is its own affair
    assert any(
        f"1 image is, changed a little, in '{other}' too (Zoë 2/1.png ~ Other 1/x.jpg)" in problem
        for problem in check.problems
    )
    body = check.to_json()
    assert body["near_shared"] == [["Zoë 2/1.png", "Other 1/x.jpg"]]
    assert json.loads(json.dumps(body)) == body


def test_transposed_pixels_are_no_duplicate(tmp_path: Path) -> None:
    # Equal bytes of pixels in another shape must not count as the same picture.
    for name, (height, width) in {"a": (112, 96), "b": (96, 112)}.items():
        (tmp_path / name).mkdir()
        Image.new("RGB", (width, height), (5, 5, 5)).save(tmp_path / name / "1.png")
    assert check_dataset(tmp_path).duplicates == ()


def test_people_with_one_with_none_and_with_similar_names(clean: Path) -> None:
    write(clean / "One_Only" / "1.png", 70)
    write(clean / "one only" / "1.png", 71)
    write(clean / "one only" / "2.png", 72)
    (clean / "Nobody").mkdir()
    (clean / "Broken").mkdir()
    (clean / "Broken" / "1.jpg").write_bytes(b"no")
    check = check_dataset(clean)
    assert check.people_with_one == ("One_Only",)
    assert check.people_without_readable == ("Broken", "Nobody")
    assert check.similar_names == (("One_Only", "one only"),)
    assert any("'Broken', 'Nobody'" in text for text in check.problems)
    assert any("two spellings" in text for text in check.problems)
    assert "1 person has one image only ('One_Only')" in check.notes[0]


def test_sizes_that_are_no_aligned_crops(clean: Path) -> None:
    write(clean / "Zoë 0" / "large.png", 80, height=160, width=120)
    write(clean / "Zoë 1" / "turned.png", 81, height=96, width=112)
    check = check_dataset(clean)
    assert check.unaligned_sizes == {"160x120": 1, "96x112": 1}
    assert check.unaligned_example == "Zoë 0/large.png"
    assert len(check.problems) == 1
    assert "2 images are no aligned 112x112 or 112x96 crop" in check.problems[0]


def test_people_and_pictures_shared_with_another_dataset(clean: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    write(other / "ZOË_1" / "9.png", 500)
    (other / "Someone").mkdir()
    (other / "Someone" / "x.png").write_bytes((clean / "Zoë 2" / "0.png").read_bytes())
    check = check_dataset(clean, against=other)
    assert check.overlaps == (("Zoë 1", "ZOË_1"),)
    assert check.shared_files == (("Zoë 2/0.png", "Someone/x.png"),)
    assert len(check.problems) == 2
    assert all(f"in '{other}' too" in text for text in check.problems)
    assert check_dataset(clean).ok


def test_json_says_the_same(clean: Path) -> None:
    (clean / "Zoë 1" / "text.jpg").write_text("dear diary")
    check = check_dataset(clean)
    body = check.to_json()
    assert json.loads(json.dumps(body)) == body
    assert body["ok"] is False
    assert body["problems"] == list(check.problems)
    assert body["unreadable"][0]["file"] == "Zoë 1/text.jpg"
    assert (body["people"], body["files"], body["readable"]) == (3, 7, 6)


def test_flat_empty_and_missing_folders(tmp_path: Path) -> None:
    write(tmp_path / "flat" / "1.png", 1)
    check = check_dataset(tmp_path / "flat")
    assert not check.ok
    assert "no folders of people" in check.problems[0]
    (tmp_path / "empty").mkdir()
    for folder in ("empty", "missing"):
        with pytest.raises(DataError):
            check_dataset(tmp_path / folder)
        with pytest.raises(DataError):
            check_dataset(tmp_path / "flat", against=tmp_path / folder)


def test_progress_hears_of_every_file(clean: Path) -> None:
    class Counting:
        def __init__(self) -> None:
            self.totals: list[int] = []
            self.done = 0

        def task(self, title: str, total: int, unit: str = "images") -> Counting:
            self.totals.append(total)
            return self

        def say(self, text: str) -> None:
            raise AssertionError("nothing to say")

        def __enter__(self) -> Counting:
            return self

        def __exit__(self, *exception: object) -> None:
            pass

        def advance(self, count: int = 1, note: str = "") -> None:
            self.done += count

    progress = Counting()
    check_dataset(clean, progress=progress)
    assert progress.totals == [6, 6]  # decoded, then compared
    assert progress.done == 12


def test_real_faces_forty_people_are_clean(shared_data: Path) -> None:
    check = check_dataset(shared_data / "ci" / "faces112")
    assert check.ok, check.problems
    assert (check.people, check.readable) == (40, 461)


def test_nothing_is_read_into_memory_beyond_the_limit(clean: Path) -> None:
    with (clean / "Zoë 1" / "huge.png").open("wb") as file:
        file.write(io.BytesIO().getvalue())
        file.truncate(1 << 40)
    (huge,) = check_dataset(clean).unreadable
    assert huge.outcome == "too-large"
