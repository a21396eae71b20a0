"""Whom a model knows: by name, by picture, after the folder is gone, and never by accident."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from sphereface.data.learned import LEARNED_FILE, Learned, read_learned
from sphereface.data.manifest import read_manifest
from sphereface.errors import DataError


def tree(root: Path, **people: str) -> Path:
    """Write one file a letter: equal letters are equal pictures."""
    for person, letters in people.items():
        (root / person).mkdir(parents=True)
        for number, letter in enumerate(letters):
            (root / person / f"{number}.png").write_text(letter)
    return root


def test_nobody_is_known_to_a_model_that_learned_from_others(tmp_path: Path) -> None:
    learned = Learned.of(read_manifest(tree(tmp_path / "train", Ann="abc", Ben="de")))
    people = read_manifest(tree(tmp_path / "test", Cem="fg", Dan="h"))
    rest, left_out = learned.unseen(people)
    assert rest is people
    assert left_out == ()


def test_a_name_is_known_however_it_is_written(tmp_path: Path) -> None:
    learned = Learned.of(read_manifest(tree(tmp_path / "train", Ana_de_Armas="ab")))
    rest, left_out = learned.unseen(read_manifest(tree(tmp_path / "test", **{"ana De armas": "x", "Ben": "y"})))
    assert left_out == ("ana De armas",)
    assert rest.identities == ("Ben",)


def test_one_shared_picture_makes_the_whole_person_known(tmp_path: Path) -> None:
    learned = Learned.of(read_manifest(tree(tmp_path / "train", Ann="abc")))
    rest, left_out = learned.unseen(read_manifest(tree(tmp_path / "test", Anna="xyzc", Ben="q")))
    assert left_out == ("Anna",)
    assert rest.identities == ("Ben",)


def test_where_everybody_is_known_nobody_can_be_judged(tmp_path: Path) -> None:
    manifest = read_manifest(tree(tmp_path / "train", Ann="abc"))
    with pytest.raises(DataError, match=r"everybody in the strangers took part before.*bring other people"):
        Learned.of(manifest).unseen(manifest, "strangers")


def test_it_travels_with_the_model_and_outlives_the_folder(tmp_path: Path) -> None:
    train = tree(tmp_path / "train", Ann="abc", Ben="de")
    manifest = read_manifest(train)
    Learned.of(manifest).save(tmp_path)
    shutil.rmtree(train)
    read = read_learned(tmp_path)
    assert read is not None
    assert np.array_equal(read.people, Learned.of(manifest).people)
    assert np.array_equal(read.pictures, Learned.of(manifest).pictures)
    assert (tmp_path / LEARNED_FILE).stat().st_size < 8 * 7 + 256
    assert b"Ann" not in (tmp_path / LEARNED_FILE).read_bytes()


def test_a_folder_without_it_says_so_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    assert read_learned(tmp_path) is None
    Learned.of(read_manifest(tree(tmp_path / "train", Ann="abc"))).save(tmp_path)
    path = tmp_path / LEARNED_FILE
    whole = path.read_bytes()
    for damaged in (whole[:-1], whole[:20], b"", b"hello", whole.replace(b"U64", b"I64")):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=f"{LEARNED_FILE}' is damaged"):
            read_learned(tmp_path)
