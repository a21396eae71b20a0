"""Folders to people: who is found, what is refused, and splits that never move anybody."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphereface.data.folders import every_picture
from sphereface.data.manifest import Manifest, overlapping_names, read_manifest, read_pictures
from sphereface.errors import DataError
from sphereface.names import comparable_name


def write_tree(root: Path, tree: dict[str, list[str]]) -> Path:
    """Write files whose content is their own name; nothing here decodes them."""
    for person, names in tree.items():
        (root / person).mkdir(parents=True, exist_ok=True)
        for name in names:
            (root / person / name).write_bytes(f"{person}/{name}".encode())
    return root


def made(counts: dict[str, int]) -> Manifest:
    labels = np.repeat(np.arange(len(counts)), list(counts.values()))
    paths = tuple(Path(f"/x/{name}/{number}.png") for name, count in counts.items() for number in range(count))
    return Manifest(tuple(counts), paths, labels, tuple(f"{number:x}" for number in range(len(paths))))


def sentence(*folders: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_manifest(*folders)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_files_labels_and_hashes_in_a_fixed_order(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {"Ben": ["2.jpg", "1.PNG"], "Ann": ["x.jpeg", ".hidden.jpg", "notes.txt"], ".cache": ["1.jpg"]},
    )
    (tmp_path / "Ben" / "deeper").mkdir()
    (tmp_path / "Ben" / "folder.jpg").mkdir()
    (tmp_path / "read me.txt").write_text("hello")
    manifest = read_manifest(tmp_path)
    assert manifest.identities == ("Ann", "Ben")
    assert [str(path.relative_to(tmp_path)) for path in manifest.paths] == [
        "Ann/x.jpeg",
        "Ben/1.PNG",
        "Ben/2.jpg",
    ]
    assert all(path.is_absolute() for path in manifest.paths)
    assert manifest.labels.tolist() == [0, 1, 1]
    assert manifest.labels.dtype == np.int64
    assert manifest.images_per_identity().tolist() == [1, 2]
    assert manifest.hashes[0] == hashlib.sha256(b"Ann/x.jpeg").hexdigest()
    assert len(manifest) == 3
    assert "3 images of 2 people" in manifest.describe()


@pytest.mark.parametrize(
    "suffix", ["jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff", "heic", "HEIF", "Tiff"]
)
def test_every_promised_extension_counts(suffix: str, tmp_path: Path) -> None:
    assert len(read_manifest(write_tree(tmp_path, {"a": [f"1.{suffix}", "1.avif"]}))) == 1


def test_relative_folders_give_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(tmp_path / "data", {"a": ["1.jpg"]})
    monkeypatch.chdir(tmp_path)
    assert read_manifest(Path("data")).paths == (tmp_path.resolve() / "data/a/1.jpg",)


def test_equal_names_in_two_folders_are_one_person(tmp_path: Path) -> None:
    first = write_tree(tmp_path / "one", {"Ann": ["1.jpg"], "Ben": ["1.jpg"]})
    second = write_tree(tmp_path / "two", {"Cem": ["1.jpg"], "Ann": ["1.jpg", "2.jpg"]})
    manifest = read_manifest(first, second)
    assert manifest.identities == ("Ann", "Ben", "Cem")
    assert manifest.images_per_identity().tolist() == [3, 1, 1]
    assert manifest.data_hash == read_manifest(second, first).data_hash
    assert manifest.paths == read_manifest(second, first).paths


def test_letters_of_two_kinds_are_one_name(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "Zoë Müller 😀") for form in ("NFC", "NFD"))
    assert composed != decomposed
    write_tree(tmp_path, {composed: ["a b.jpg"], decomposed: ["ü.jpg"]})
    manifest = read_manifest(tmp_path)
    assert manifest.identities == (composed,)
    assert len(manifest) == 2
    assert all(path.is_file() for path in manifest.paths), "paths keep the form that is on the disk"
    assert len(manifest.only([decomposed])) == 2


def test_the_data_hash_ignores_the_place_and_sees_every_change(tmp_path: Path) -> None:
    tree = {"Ann": ["1.jpg", "2.jpg"], "Ben": ["1.jpg"]}
    write_tree(tmp_path / "here", tree)
    original = read_manifest(tmp_path / "here").data_hash
    shutil.copytree(tmp_path / "here", tmp_path / "there" / "else")
    elsewhere = tmp_path / "there" / "else"
    assert read_manifest(elsewhere).data_hash == original
    (elsewhere / "Ann" / "2.jpg").write_bytes(b"other")
    changed = read_manifest(elsewhere).data_hash
    (elsewhere / "Ann" / "2.jpg").rename(elsewhere / "Ben" / "2.jpg")
    moved = read_manifest(elsewhere).data_hash
    (elsewhere / "Ben").rename(elsewhere / "Bob")
    assert len({original, changed, moved, read_manifest(elsewhere).data_hash}) == 4


def test_links_to_files_and_folders_are_followed(tmp_path: Path) -> None:
    write_tree(tmp_path / "store", {"a": ["1.jpg"]})
    (tmp_path / "data" / "b").mkdir(parents=True)
    (tmp_path / "data" / "a").symlink_to(tmp_path / "store" / "a")
    (tmp_path / "data" / "b" / "2.jpg").symlink_to(tmp_path / "store" / "a" / "1.jpg")
    manifest = read_manifest(tmp_path / "data")
    assert manifest.identities == ("a", "b")
    assert manifest.hashes[0] == manifest.hashes[1]


def test_missing_empty_and_misarranged_folders_are_explained(tmp_path: Path) -> None:
    assert "there is no folder" in sentence(tmp_path / "no")
    (tmp_path / "empty").mkdir()
    assert "is empty; put one folder per person" in sentence(tmp_path / "empty")
    (tmp_path / "file").write_bytes(b"")
    assert "is a file" in sentence(tmp_path / "file")
    (tmp_path / "flat").mkdir()
    for number in range(3):
        (tmp_path / "flat" / f"{number}.jpg").write_bytes(b"x")
    assert "3 images but no folders of people; move each person's images" in sentence(tmp_path / "flat")
    nested = write_tree(tmp_path / "nested", {"train/Ann": ["1.jpg"], "test/Ben": ["1.jpg"]})
    assert f"perhaps '{nested.resolve() / 'test'}'" in sentence(nested)
    assert "no data folder was given" in sentence()
    blank = write_tree(tmp_path / "blank", {" ": ["1.jpg"], "Ann": ["1.jpg"]})
    assert "blank name" in sentence(blank)


def test_people_without_images_are_named_up_to_three(tmp_path: Path) -> None:
    write_tree(tmp_path, {"Ann": ["1.jpg"], "Ben": [], "Cem": ["notes.txt"], "Dan": [".1.jpg"], "Eva": []})
    message = sentence(tmp_path)
    assert "'Ben', 'Cem', 'Dan' and 1 more" in message
    assert "sphereface dataset check" in message
    assert "Ann" not in message


def test_what_cannot_be_hashed_is_named(tmp_path: Path) -> None:
    write_tree(tmp_path, {"Ann": ["1.jpg"]})
    (tmp_path / "Ann" / "broken.jpg").symlink_to("nowhere.jpg")
    assert "broken.jpg" in sentence(tmp_path)
    (tmp_path / "Ann" / "broken.jpg").unlink()
    (tmp_path / "Ann" / "loop.jpg").symlink_to("loop.jpg")
    assert "loop.jpg" in sentence(tmp_path)
    (tmp_path / "Ann" / "loop.jpg").unlink()
    os.mkfifo(tmp_path / "Ann" / "pipe.jpg")
    assert "pipe.jpg" in sentence(tmp_path)


def test_selections_make_contiguous_labels() -> None:
    manifest = made({"Ann": 2, "Ben": 3, "Cem": 1})
    kept = manifest.only(["Cem", "Ann"])
    assert kept.identities == ("Ann", "Cem")
    assert kept.labels.tolist() == [0, 0, 1]
    assert kept.paths == manifest.paths[:2] + manifest.paths[5:]
    assert kept.hashes == manifest.hashes[:2] + manifest.hashes[5:]
    assert manifest.without(["Ben", "Nobody"]).paths == kept.paths
    assert manifest.select([5, 0, 0]).labels.tolist() == [0, 1]
    assert manifest.select(manifest.labels == 1).identities == ("Ben",)


def test_selections_that_leave_nothing_or_name_nobody_are_refused() -> None:
    manifest = made({"Ann": 2, "Ben": 3})
    with pytest.raises(DataError, match="Did you mean 'Ben'"):
        manifest.only(["Benn"])
    with pytest.raises(DataError, match="leaves no images"):
        manifest.without(["Ann", "Ben"])
    with pytest.raises(DataError, match="from 1 upwards"):
        manifest.at_most(0)


def test_at_most_draws_by_hash_and_keeps_small_people_whole() -> None:
    manifest = made({"Ann": 2, "Ben": 30})
    few = manifest.at_most(5, seed=3)
    assert few.images_per_identity().tolist() == [2, 5]
    assert few.paths == manifest.at_most(5, seed=3).paths
    assert few.paths != manifest.at_most(5, seed=4).paths
    assert set(few.paths) < set(manifest.at_most(6, seed=3).paths), "one more adds, and takes nothing away"
    assert manifest.without(["Ann"]).at_most(5, seed=3).paths == few.without(["Ann"]).paths


@given(seed=st.integers(0, 2**63), fraction=st.floats(0.2, 0.8), extra=st.integers(1, 30))
def test_adding_people_moves_nobody(seed: int, fraction: float, extra: int) -> None:
    names = [f"p{number:03d}" for number in range(60)]
    before = made(dict.fromkeys(names, 1))
    after = made(dict.fromkeys(names + [f"q{number}" for number in range(extra)], 1))
    train, test = before.split(fraction, seed)
    larger_train, larger_test = after.split(fraction, seed)
    assert set(train.identities) <= set(larger_train.identities)
    assert set(test.identities) <= set(larger_test.identities)
    assert not set(train.identities) & set(test.identities)
    assert sorted(train.identities + test.identities) == names


def test_split_is_by_person_and_meets_the_fraction_on_average() -> None:
    manifest = made({f"p{number:04d}": 1 + number % 3 for number in range(2000)})
    train, test = manifest.split(0.25, seed=5)
    # Binomial with p = 1/4 and n = 2000: standard deviation 19.4; five of them either way.
    assert abs(len(test.identities) - 500) < 97
    assert sorted(train.paths + test.paths) == sorted(manifest.paths)
    assert manifest.split(0.25, seed=6)[1].identities != test.identities
    assert set(test.identities) < set(manifest.split(0.5, seed=5)[1].identities)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.5, float("nan")])
def test_split_refuses_a_fraction_outside(fraction: float) -> None:
    with pytest.raises(DataError, match="between 0 and 1"):
        made({"Ann": 1, "Ben": 1}).split(fraction, seed=0)


def test_split_refuses_an_empty_side() -> None:
    with pytest.raises(DataError, match="leaves one side empty"):
        made({"Ann": 4}).split(0.5, seed=0)


def test_names_are_compared_without_case_underscores_and_unicode_form() -> None:
    assert comparable_name("  Zoe\u0308_MÜLLER ") == comparable_name("zoë müller")
    assert comparable_name("Straße") == comparable_name("STRASSE")
    assert overlapping_names(["Bill_Gates", "Ann"], ["bill gates", "BILL_GATES", "Ben"]) == [
        ("Bill_Gates", "BILL_GATES"),
        ("Bill_Gates", "bill gates"),
    ]


def test_real_faces_pins_and_lfw_share_seven_people(shared_data: Path) -> None:
    pins = [path.name for path in (shared_data / "pins112").iterdir() if path.is_dir()]
    lfw = [path.name for path in (shared_data / "lfw112").iterdir() if path.is_dir()]
    assert len(overlapping_names(pins, lfw)) == 7


def test_real_faces_forty_people_are_read(shared_data: Path) -> None:
    manifest = read_manifest(shared_data / "ci" / "faces112")
    assert len(manifest.identities) == 40
    assert len(manifest) == 461
    assert manifest.images_per_identity().min() >= 2


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse such names themselves")
def test_a_name_that_is_not_utf8_is_told_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9")).mkdir()
    assert "is not UTF-8 ('caf\\udce9')" in sentence(tmp_path)


def test_pictures_of_a_protocol_at_any_depth(tmp_path: Path) -> None:
    for name in ("ada/0/1.jpg", "ada/0/2.jpg", "ada/1/1.jpg", "bo/0/1.png", "loose.jpg", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    found = read_pictures(tmp_path)
    assert len(found) == 5
    assert "ada/0/2.jpg" in " ".join(found.names)
    assert len(set(found.names)) == 5
    assert found.people[found.names.index(next(n for n in found.names if n.endswith("bo/0/1.png")))] == "0"
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no picture below"):
        read_pictures(tmp_path / "empty")
    with pytest.raises(DataError, match="there is no folder"):
        read_pictures(tmp_path / "gone")


def test_names_keep_the_person_even_of_a_single_one(tmp_path: Path) -> None:
    (tmp_path / "ada").mkdir()
    for number in (1, 2):
        (tmp_path / "ada" / f"{number}.jpg").write_bytes(bytes([number]))
    assert read_manifest(tmp_path).names == ("ada/1.jpg", "ada/2.jpg")


def test_links_that_lead_back_end_and_links_elsewhere_are_followed(tmp_path: Path) -> None:
    elsewhere = write_tree(tmp_path / "elsewhere", {"Cem": ["1.jpg"]})
    root = write_tree(tmp_path / "root", {"Ann": ["1.jpg"], "Ben": ["1.jpg"]})
    for number in range(3):
        (root / f"l{number}").symlink_to(".")
    (root / "Ann" / "up").symlink_to("../..", target_is_directory=True)
    for name in ("one", "two"):
        (root / name).symlink_to(elsewhere)
    (elsewhere / "Cem" / "ben").symlink_to(root / "Ben")
    (root / "Ben" / "cem").symlink_to(elsewhere / "Cem")
    found = [str(path.relative_to(root)) for path in every_picture(root)]
    assert len(found) == len(set(found))
    assert {"Ann/1.jpg", "Ben/1.jpg", "Ben/cem/1.jpg", "one/Cem/1.jpg", "one/Cem/ben/1.jpg", "two/Cem/1.jpg"} <= {
        *found
    }
    assert not any(path.startswith("l") or path.startswith("Ben/cem/ben") for path in found)
    assert len(found) < 30
