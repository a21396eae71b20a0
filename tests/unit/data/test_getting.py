"""LFW laid out from what scikit-learn leaves on the disk; the network is a folder that was there before."""

from __future__ import annotations

import io
import sys
import tarfile
from pathlib import Path

import pytest
import sklearn.datasets
from PIL import Image

from sphereface.data.check import check_dataset
from sphereface.data.getting import Fetch, FetchedLfw, get_lfw
from sphereface.errors import DataError, MissingExtraError
from sphereface.evaluation.pair_list import kind_of_pair_list
from sphereface.evaluation.protocols import read_protocol
from sphereface.evaluation.units import locate_units

LISTS = {
    "pairs.txt": "1\t1\nAda_One\t1\t2\nAda_One\t1\tBen_Two\t1\n",
    "pairsDevTrain.txt": "1\nAda_One\t1\t2\nAda_One\t2\tBen_Two\t1\n",
    "pairsDevTest.txt": "1\nAda_One\t1\t2\nAda_One\t2\tBen_Two\t1\n",
}
PEOPLE = {"Ada_One": 2, "Ben_Two": 1}
COMPLETE = (2, 3)


def jpeg(number: int, side: int = 250) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((side, side), 20.0 + number).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


def lay_out(home: Path, pictures: str = "lfw_funneled") -> Path:
    """What scikit-learn leaves behind."""
    for person, count in PEOPLE.items():
        (home / pictures / person).mkdir(parents=True)
        for number in range(1, count + 1):
            (home / pictures / person / f"{person}_{number:04d}.jpg").write_bytes(jpeg(number))
    (home / pictures / "pairs_01.txt").write_text("a fold of its own")
    (home / "joblib").mkdir()
    for name, text in LISTS.items():
        (home / name).write_text(text)
    return home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return lay_out(tmp_path / "scikit_learn_data" / "lfw_home")


def fetch_from(home: Path) -> Fetch:
    return lambda original: home


def get(destination: Path, home: Path) -> FetchedLfw:
    return get_lfw(destination, fetch=fetch_from(home), complete=COMPLETE)


def test_people_and_lists_byte_for_byte(home: Path, tmp_path: Path) -> None:
    fetched = get(tmp_path / "lfw", home)
    assert (fetched.people, fetched.pictures, fetched.kept) == (*COMPLETE, home)
    assert fetched.lists == tuple(LISTS)
    there = {str(path.relative_to(tmp_path / "lfw")) for path in (tmp_path / "lfw").rglob("*") if path.is_file()}
    assert there == {
        "Ada_One/Ada_One_0001.jpg",
        "Ada_One/Ada_One_0002.jpg",
        "Ben_Two/Ben_Two_0001.jpg",
        *LISTS,
    }
    for name in there:
        source = home / name if name in LISTS else home / "lfw_funneled" / name
        assert (tmp_path / "lfw" / name).read_bytes() == source.read_bytes()


def test_the_lists_fit_the_pictures(home: Path, tmp_path: Path) -> None:
    folder = get(tmp_path / "lfw", home).folder
    assert check_dataset(folder).people == 2
    paths = sorted(folder.glob("*/*.jpg"))
    names = [path.as_posix() for path in paths]
    for name, kind in {"pairs.txt": "lfw-view2", "pairsDevTest.txt": "lfw-view1"}.items():
        assert kind_of_pair_list(folder / name) == kind
        units = read_protocol(kind, folder / name).units
        assert locate_units(units, names).missing == ()


def test_lists_of_people_are_taken_if_somebody_put_them_there(home: Path, tmp_path: Path) -> None:
    (home / "lfw_funneled" / "peopleDevTrain.txt").write_text("1\nAda_One\t2\n")
    assert get(tmp_path / "lfw", home).lists == (*LISTS, "peopleDevTrain.txt")


def test_the_original_pictures(tmp_path: Path) -> None:
    asked = []

    def fetch(original: bool) -> Path:
        asked.append(original)
        return lay_out(tmp_path / "home", "lfw")

    get_lfw(tmp_path / "lfw", original=True, fetch=fetch, complete=COMPLETE)
    assert asked == [True]
    assert (tmp_path / "lfw" / "Ben_Two" / "Ben_Two_0001.jpg").is_file()


def test_an_unpacking_that_was_interrupted(home: Path, tmp_path: Path) -> None:
    (home / "lfw_funneled" / "Ben_Two" / "Ben_Two_0001.jpg").unlink()
    with pytest.raises(DataError, match=r"2 pictures of 2 people, not the 3 of 2 .*remove that folder"):
        get(tmp_path / "lfw", home)
    assert not (tmp_path / "lfw").exists()


def test_a_list_that_is_missing(home: Path, tmp_path: Path) -> None:
    (home / "pairs.txt").unlink()
    with pytest.raises(DataError, match=r"has no pairs\.txt"):
        get(tmp_path / "lfw", home)


def test_a_destination_in_use_is_seen_before_anything_is_fetched(tmp_path: Path) -> None:
    def fetch(original: bool) -> Path:
        raise AssertionError("nothing must be fetched")

    (tmp_path / "file").write_text("x")
    for destination in (tmp_path, tmp_path / "file"):
        with pytest.raises(DataError, match="is there already and not empty"):
            get_lfw(destination, fetch=fetch)


def test_a_destination_that_cannot_be_written(home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match=r"LFW cannot be written: (file exists|not a directory)"):
        get(tmp_path / "file" / "lfw", home)


# --- scikit-learn itself, without a network ----------------------------------------------------------------


def test_without_scikit_learn_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'sphereface\[lfw\]'"):
        get_lfw(tmp_path / "lfw")


def test_without_a_network_it_is_told_what_to_put_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**settings: object) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    monkeypatch.setattr(sklearn.datasets, "fetch_lfw_people", fail)
    with pytest.raises(DataError) as caught:
        get_lfw(tmp_path / "lfw")
    said = str(caught.value)
    assert said.startswith(
        "scikit-learn could not get LFW (Connection refused); try again with a network, or put "
    )
    assert "lfw-funneled.tgz and pairs.txt, pairsDevTrain.txt, pairsDevTest.txt" in said
    assert said.endswith(f"into '{tmp_path / 'lfw_home'}'")


def archived(home: Path) -> Path:
    """What a person without a network puts there: the archive, with one person of 500 pictures, and the lists."""
    home.mkdir(parents=True)
    small = jpeg(0)
    with tarfile.open(home / "lfw-funneled.tgz", "w:gz", compresslevel=1) as archive:
        for number in range(1, 501):
            entry = tarfile.TarInfo(f"lfw_funneled/Ada_One/Ada_One_{number:04d}.jpg")
            entry.size = len(small)
            archive.addfile(entry, io.BytesIO(small))
    for name, text in LISTS.items():
        (home / name).write_text(text)
    return home


def test_scikit_learn_unpacks_an_archive_that_was_put_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "data"))
    home = archived(tmp_path / "data" / "lfw_home")
    fetched = get_lfw(tmp_path / "lfw", complete=(1, 500))
    assert (fetched.people, fetched.pictures, fetched.kept) == (1, 500, home)
    assert not (home / "lfw-funneled.tgz").exists()
    with pytest.raises(DataError, match="500 pictures of 1 people, not the 13,233 of 5,749"):
        get_lfw(tmp_path / "whole")


def test_an_archive_that_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "data"))
    archive = archived(tmp_path / "data" / "lfw_home") / "lfw-funneled.tgz"
    for content in (archive.read_bytes()[:5000], b"<html>log in</html>"):
        archive.write_bytes(content)
        with pytest.raises(DataError, match=r"(damaged|could not get LFW|holds)"):
            get_lfw(tmp_path / "lfw")
    assert not (tmp_path / "lfw").exists()
