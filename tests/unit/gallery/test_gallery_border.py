"""Nothing wrong gets in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sphereface.errors import GalleryError
from sphereface.gallery import Gallery, clean_name, default_gallery_path

Draw = Callable[..., NDArray[np.float32]]


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("\u2003", "empty"),
        ("a\nb", r"U\+000A at position 2"),
        ("Bob\n", r"U\+000A at position 4"),
        ("\x00", r"U\+0000"),
        ("a\u2028b", r"U\+2028"),
        ("a\ud800b", r"U\+D800"),
        ("a\u202eb", r"U\+202E"),
        ("x" * 201, "at most 200"),
    ],
)
def test_names_that_are_refused(gallery: Gallery, vectors: Draw, name: str, match: str) -> None:
    with pytest.raises(GalleryError, match=match) as error:
        gallery.enroll(name, vectors(1))
    assert str(error.value).isprintable()
    assert gallery.people() == []


@pytest.mark.parametrize(
    "name", ["Zoë", "李小龙", "Анна Каренина", "O'Brien; DROP TABLE person", "علی\u200cرضا", "a" * 200]
)
def test_names_that_are_welcome(gallery: Gallery, vectors: Draw, name: str) -> None:
    gallery.enroll(name, vectors(1))
    assert gallery.search(vectors(1))[0][0].name == name
    assert gallery.forget(name) == 1


@given(st.text(max_size=30))
def test_a_clean_name_stays_as_it_is(name: str) -> None:
    try:
        cleaned = clean_name(name)
    except GalleryError:
        return
    assert clean_name(cleaned) == cleaned
    assert cleaned


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        ([[NAN] * 32], "1 of 1 holds NaN"),
        ([[1.0] * 32, [INF] * 32], "2 of 2 holds NaN or infinity"),
        ([[0.0] * 32], "is zero"),
        ([[1.0] * 31], "32 numbers.*shape \\(1, 31\\)"),
        ([1.0] * 33, "32 numbers"),
        (np.zeros((0, 32)), "32 numbers"),
        (np.zeros((1, 1, 32)), "32 numbers"),
        ([["a"] * 32], "not numbers"),
        ([None], "1 of 1 is None: the picture was not embedded"),
        ([np.ones(32), None], "2 of 2 is None"),
        ([[1.0] * 32, [1.0]], "not numbers"),
        (5.0, "32 numbers"),
    ],
)
def test_vectors_that_are_refused(gallery: Gallery, rows: object, match: str) -> None:
    for call in (lambda: gallery.enroll("Bob", rows), lambda: gallery.search(rows)):  # type: ignore[arg-type]
        with pytest.raises(GalleryError, match=match):
            call()
    assert gallery.people() == []


@pytest.mark.parametrize(
    ("sources", "match"),
    [(["a"], "64 hex"), (["g" * 64], "64 hex"), ([], "1 embeddings need"), ("a" * 64, "need as many")],
)
def test_hashes_that_are_refused(gallery: Gallery, vectors: Draw, sources: object, match: str) -> None:
    with pytest.raises(GalleryError, match=match):
        gallery.enroll("Bob", vectors(1), sources)  # type: ignore[arg-type]
    assert gallery.people() == []


def test_a_hash_is_the_same_in_capitals(gallery: Gallery, vectors: Draw) -> None:
    gallery.enroll("Bob", vectors(1), ["A" * 64])
    assert gallery.enroll("Bob", vectors(1), ["a" * 64]).duplicates == 1


def test_the_default_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SPHEREFACE_GALLERY", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert default_gallery_path() == tmp_path / ".local/share/sphereface/gallery.db"
    monkeypatch.setenv("XDG_DATA_HOME", "relative/is/ignored")
    assert default_gallery_path() == tmp_path / ".local/share/sphereface/gallery.db"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert default_gallery_path() == tmp_path / "data/sphereface/gallery.db"
    monkeypatch.setenv("SPHEREFACE_GALLERY", "~/faces.db")
    assert default_gallery_path() == tmp_path / "faces.db"
    assert list(tmp_path.iterdir()) == []
