"""A folder of photographs to a folder of crops: every photograph has one line, and nothing is done twice."""

from __future__ import annotations

import json
import os
import struct
import zlib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sphereface.data import aligning
from sphereface.data.aligning import AlignSettings
from sphereface.data.aligning_result import Aligned
from sphereface.data.check import check_dataset
from sphereface.data.manifest import read_manifest
from sphereface.errors import ConfigurationError, DataError
from sphereface.faces.photograph import PhotographReader
from sphereface.faces.quality import Quality, QualityLimits
from sphereface.faces.yunet import MODELS_VARIABLE
from tests.drawn_photographs import nobody, portrait, two_people, write

SETTINGS = AlignSettings()


@pytest.fixture(autouse=True)
def models(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODELS_VARIABLE, str(shared_data.parent / "models"))


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Two people, three photographs of them that give a crop and one that does not."""
    folder = tmp_path / "album"
    write(folder / "Ada" / "1.jpg", portrait(0))
    write(folder / "Ada" / "2.png", portrait(0, 1))
    write(folder / "Žofia Nováková" / "1.jpg", portrait(7))
    write(folder / "Žofia Nováková" / "2.jpg", nobody())
    return folder


def align_folder(album: Path, crops: Path, settings: AlignSettings = SETTINGS, workers: int = 1) -> Aligned:
    return aligning.align_folder(album, crops, settings, workers=workers)


def lines_of(crops: Path) -> dict[str, dict[str, Any]]:
    records = [json.loads(line) for line in (crops / "manifest.jsonl").read_text().splitlines()[1:]]
    found = {record["file"]: record for record in records}
    assert len(found) == len(records)
    return found


def content_of(crops: Path) -> dict[str, bytes]:
    return {str(path.relative_to(crops)): path.read_bytes() for path in sorted(crops.rglob("*")) if path.is_file()}


def huge_png() -> bytes:
    """A PNG whose head claims 30,000 x 30,000 pixels."""
    chunks = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0), b"IDAT" + zlib.compress(bytes(99))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )


# --- what comes out ----------------------------------------------------------------------------------------


def test_crops_lie_where_the_photographs_lay(album: Path, tmp_path: Path) -> None:
    crops = tmp_path / "crops"
    aligned = align_folder(album, crops)
    assert sorted(content_of(crops)) == ["Ada/1.png", "Ada/2.png", "manifest.jsonl", "Žofia Nováková/1.png"]
    assert (aligned.images, aligned.crops, aligned.done) == (4, 3, 4)
    assert aligned.outcomes == {"ok": 3, "no-face": 1}
    assert aligned.without_crop == {"no-face": ("Žofia Nováková/2.jpg",)}
    assert not aligned.ok
    checked = check_dataset(crops)
    assert checked.ok
    assert checked.ignored == ()
    assert (checked.people, checked.readable) == (2, 3)
    assert read_manifest(crops).images_per_identity().tolist() == [2, 1]  # what training reads


def test_a_line_holds_what_the_reader_said(album: Path, tmp_path: Path) -> None:
    import hashlib

    crops = tmp_path / "crops"
    align_folder(album, crops)
    head = json.loads((crops / "manifest.jsonl").read_text().splitlines()[0])
    assert head["settings"]["size"] == "112x112"
    assert head["detector"]["name"] == "yunet"
    record = lines_of(crops)["Ada/1.jpg"]
    content = (album / "Ada" / "1.jpg").read_bytes()
    from sphereface.faces.detectors import detector

    reading = PhotographReader(detector("yunet")).read(content)
    (face,) = record.pop("faces")
    found = reading.faces[0].detection
    assert found is not None
    assert record == {
        "file": "Ada/1.jpg",
        "bytes": len(content),
        "modified_ns": (album / "Ada" / "1.jpg").stat().st_mtime_ns,
        "sha256": hashlib.sha256(content).hexdigest(),
        "outcome": "ok",
        "message": "",
        "width": 448,
        "height": 448,
        "found": 1,
        "rung": reading.rung,
    }
    assert face["box"] == pytest.approx([found.x, found.y, found.width, found.height], abs=0.01)
    assert face["score"] == pytest.approx(found.score, abs=1e-4)
    np.testing.assert_allclose(face["landmarks"], found.landmarks, atol=0.01)
    assert set(face["quality"]) == {measured.name for measured in fields(Quality)}
    crop = (crops / face["crop"]).read_bytes()
    assert (face["crop"], face["crop_bytes"]) == ("Ada/1.png", len(crop))
    assert face["crop_sha256"] == hashlib.sha256(crop).hexdigest()
    np.testing.assert_array_equal(np.asarray(Image.open(crops / face["crop"])), reading.faces[0].crop)


@pytest.mark.parametrize("size", ["112x112", "112x96"])
def test_crops_have_the_size_wanted(album: Path, tmp_path: Path, size: Any) -> None:
    align_folder(album, tmp_path / "crops", replace(SETTINGS, size=size))
    with Image.open(tmp_path / "crops" / "Ada" / "1.png") as crop:
        assert f"{crop.height}x{crop.width}" == size


def test_every_outcome_is_reached_and_counted(tmp_path: Path) -> None:
    album, crops = tmp_path / "album", tmp_path / "crops"
    write(album / "ok.jpg", portrait(0))
    write(album / "no-face.png", nobody())
    write(album / "several-faces.png", two_people())
    write(album / "too-small.png", portrait(0, side=56)[14:98, 14:98])
    write(album / "low-quality.png", (portrait(7) // 8).astype(np.uint8))
    (album / "undecodable.jpg").write_bytes((album / "ok.jpg").read_bytes()[:2000])
    (album / "too-large.png").write_bytes(huge_png())
    os.mkfifo(album / "refused.png")
    (album / "refused too.jpg").symlink_to(album / "nowhere.jpg")
    settings = AlignSettings(faces="error", most_enlarged=1.5, quality=QualityLimits(least_brightness=0.15))
    aligned = align_folder(album, crops, settings)
    found = {name: record["outcome"] for name, record in lines_of(crops).items()}
    assert found == {name: Path(name).stem.removesuffix(" too") for name in found}
    assert found.keys() == {path.name for path in album.iterdir()}
    assert aligned.images == len(found) == sum(aligned.outcomes.values()) == 9
    assert aligned.outcomes["refused"] == 2
    for name, record in lines_of(crops).items():
        assert (record["message"] == "") == (record["outcome"] == "ok")
        assert str(album) not in record["message"]
        assert (f"'{name}'" in record["message"]) == (found[name] in ("undecodable", "too-large", "refused"))
        assert (record["sha256"] is None) == (found[name] == "refused")
    assert [path.name for path in crops.glob("*.png")] == ["ok.png"]


def test_all_faces_get_a_crop_each(tmp_path: Path) -> None:
    album, crops = tmp_path / "album", tmp_path / "crops"
    write(album / "both.png", two_people())
    write(album / "one.png", portrait(3))
    aligned = align_folder(album, crops, AlignSettings(faces="all"))
    assert sorted(path.name for path in crops.glob("*.png")) == ["both-0.png", "both-1.png", "one-0.png"]
    assert (aligned.images, aligned.crops) == (2, 3)


def test_photographs_that_differ_in_their_suffix_do_not_overwrite_each_other(tmp_path: Path) -> None:
    album, crops = tmp_path / "album", tmp_path / "crops"
    write(album / "a.jpg", portrait(0))
    assert align_folder(album, crops).crops == 1
    write(album / "a.png", portrait(7))
    aligned = align_folder(album, crops)
    assert (aligned.crops, aligned.done) == (2, 2)  # the first one's crop has another name now
    assert sorted(path.name for path in crops.glob("*.png")) == ["a.jpg.png", "a.png.png"]


def test_several_processes_give_what_one_gives(album: Path, tmp_path: Path) -> None:
    for number in range(12):
        write(album / "Many" / f"{number:02d}.jpg", portrait(number % 5, 2 + number))
    align_folder(album, tmp_path / "one", workers=1)
    align_folder(album, tmp_path / "two", workers=2)
    assert content_of(tmp_path / "one") == content_of(tmp_path / "two")


def test_what_is_not_looked_at_is_told(album: Path, tmp_path: Path) -> None:
    write(album / "Ada" / "2019" / "3.jpg", portrait(0, 3))
    write(album / "Nobody" / "1.png", nobody())
    (album / "Ada" / "notes.txt").write_text("hello")
    notes = " ".join(align_folder(album, tmp_path / "crops").notes)
    assert "1 person has no crop ('Nobody')" in notes
    assert "1 folder lies inside a person's folder ('Ada/2019'): not looked into" in notes
    assert "1 file is no picture by name ('Ada/notes.txt')" in notes


# --- again -------------------------------------------------------------------------------------------------


def again(album: Path, crops: Path, settings: AlignSettings = SETTINGS) -> Aligned:
    """Align once more, and see that what is there is what a fresh run gives."""
    aligned = align_folder(album, crops, settings)
    fresh = crops.with_name(f"fresh-{aligned.done}-{aligned.images}")
    align_folder(album, fresh, settings)
    assert content_of(crops) == content_of(fresh)
    return aligned


def test_nothing_is_done_twice(album: Path, tmp_path: Path) -> None:
    crops = tmp_path / "crops"
    first = align_folder(album, crops)
    times = {path: path.stat().st_mtime_ns for path in crops.rglob("*")}
    second = align_folder(album, crops)
    assert second == replace(first, done=0)
    assert {path: path.stat().st_mtime_ns for path in crops.rglob("*")} == times


def test_what_has_changed_is_done_again(album: Path, tmp_path: Path) -> None:
    crops = tmp_path / "crops"
    align_folder(album, crops)
    write(album / "Ada" / "1.jpg", nobody())
    write(album / "Žofia Nováková" / "2.jpg", portrait(7, 2))
    aligned = again(album, crops)
    assert aligned.done == 2
    assert not (crops / "Ada" / "1.png").exists()


def test_a_lost_or_cut_crop_is_made_again(album: Path, tmp_path: Path) -> None:
    crops = tmp_path / "crops"
    align_folder(album, crops)
    (crops / "Ada" / "1.png").unlink()
    (crops / "Ada" / "2.png").write_bytes(b"")  # what a power cut may leave
    assert again(album, crops).done == 2


def test_a_lost_manifest_line_is_made_again(album: Path, tmp_path: Path) -> None:
    crops = tmp_path / "crops"
    align_folder(album, crops)
    lines = (crops / "manifest.jsonl").read_bytes().splitlines(keepends=True)
    (crops / "manifest.jsonl").write_bytes(b"".join([*lines[:2], *lines[3:]]))
    assert again(album, crops).done == 1


def test_new_photographs_find_their_place(album: Path, tmp_path: Path) -> None:
    crops = tmp_path / "crops"
    align_folder(album, crops)
    write(album / "Ada" / "0.jpg", portrait(0, 4))
    write(album / "Berta" / "1.jpg", portrait(9))
    assert again(album, crops).done == 2


def test_what_could_not_be_read_is_tried_again(tmp_path: Path) -> None:
    album, crops = tmp_path / "album", tmp_path / "crops"
    write(album / "a.jpg", portrait(0))
    (album / "b.jpg").symlink_to(album / "later")
    assert align_folder(album, crops).outcomes == {"ok": 1, "refused": 1}
    os.link(album / "a.jpg", album / "later")
    assert align_folder(album, crops).outcomes == {"ok": 2}


def test_photographs_that_are_gone_are_told_until_their_crops_are_gone(album: Path, tmp_path: Path) -> None:
    crops = tmp_path / "crops"
    align_folder(album, crops)
    (album / "Ada" / "1.jpg").unlink()
    (album / "Žofia Nováková" / "2.jpg").unlink()
    aligned = align_folder(album, crops)
    assert aligned.vanished == ("Ada/1.jpg",)
    assert any("1 photograph is gone ('Ada/1.jpg')" in note for note in aligned.notes)
    assert aligned.outcomes == {"ok": 2}
    assert set(lines_of(crops)) == {"Ada/1.jpg", "Ada/2.png", "Žofia Nováková/1.jpg"}
    write(album / "Ada" / "1.png", portrait(3))  # must not overwrite the crop that is still there
    before = (crops / "Ada" / "1.png").read_bytes()
    assert align_folder(album, crops).done == 1
    assert (crops / "Ada" / "1.png").read_bytes() == before
    (crops / "Ada" / "1.png").unlink()
    assert again(album, crops).vanished == ()


# --- what is refused ---------------------------------------------------------------------------------------


def test_other_settings_do_not_mix(album: Path, tmp_path: Path) -> None:
    align_folder(album, tmp_path / "crops")
    for change, words in (
        (replace(SETTINGS, faces="all"), "faces = largest, not all"),
        (replace(SETTINGS, quality=QualityLimits(most_yaw=30.0)), "most_yaw = None, not 30.0"),
        (replace(SETTINGS, most_enlarged=3.0), r"most_enlarged = 2\.0, not 3\.0"),
    ):
        with pytest.raises(DataError, match=words):
            align_folder(album, tmp_path / "crops", change)


def test_the_two_folders_lie_apart(album: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds the photographs; name another folder"):
        align_folder(album, album)
    (tmp_path / "link").symlink_to(album)
    for inside in (album / "crops", album / "Ada", tmp_path / "link" / "crops", album / "x" / ".." / "crops"):
        with pytest.raises(DataError, match="lies in the folder of the photographs"):
            align_folder(album, inside)
    with pytest.raises(DataError, match=r"holds other things \('album'\)"):
        align_folder(album, tmp_path)
    assert sorted(path.name for path in album.iterdir()) == ["Ada", "Žofia Nováková"]


@pytest.mark.parametrize("kind", ["missing", "file", "empty", "no pictures", "name"])
def test_a_folder_without_photographs_is_told(tmp_path: Path, kind: str) -> None:
    album = tmp_path / "album"
    words = {
        "missing": "there is no folder",
        "file": "is a file",
        "empty": "is empty",
        "no pictures": "there is no picture in",
        "name": "is not UTF-8",
    }[kind]
    if kind == "file":
        album.touch()
    elif kind != "missing":
        album.mkdir()
    if kind == "no pictures":
        (album / "Ada").mkdir()
        (album / "Ada" / "notes.txt").touch()
    if kind == "name":
        (album / os.fsdecode(b"\xff.jpg")).touch()
    with pytest.raises(DataError, match=words):
        align_folder(album, tmp_path / "crops")
    assert not (tmp_path / "crops").exists()


def test_settings_out_of_range_are_told_before_anything_is_made(album: Path, tmp_path: Path) -> None:
    for change, words in (
        ({"most_enlarged": 0.0}, "most_enlarged must be above 0"),
        ({"faces": "lagrest"}, "Did you mean 'largest'"),
        ({"size": "96x112"}, "must be 112x112 or 112x96"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            align_folder(album, tmp_path / "crops", AlignSettings(**change))  # type: ignore[arg-type]
    assert not (tmp_path / "crops").exists()


# --- real photographs --------------------------------------------------------------------------------------


def test_real_photographs_give_a_crop_each(shared_data: Path, tmp_path: Path) -> None:
    aligned = align_folder(shared_data / "unaligned", tmp_path / "crops", workers=2)
    assert aligned.outcomes == {"ok": 120}
    assert check_dataset(tmp_path / "crops").loose != ()  # nobody's folder, so nobody's crops
