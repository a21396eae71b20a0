"""A folder appears whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from sphereface.data.new_folder import appearing
from sphereface.errors import DataError


def test_it_appears_at_the_end(tmp_path: Path) -> None:
    destination = tmp_path / "a" / "b"
    with appearing(destination) as folder:
        (folder / "file").write_text("x")
        assert not destination.exists()
    assert (destination / "file").read_text() == "x"
    assert [path.name for path in destination.parent.iterdir()] == ["b"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with appearing(tmp_path / "b") as folder:
        (folder / "file").write_text("x")
    assert (tmp_path / "b" / "file").exists()


@pytest.mark.parametrize("error", [OSError(28, "full"), KeyboardInterrupt()])
def test_nothing_stays_after_a_failure(tmp_path: Path, error: BaseException) -> None:
    def fill() -> None:
        with appearing(tmp_path / "b") as folder:
            (folder / "file").write_text("x")
            raise error

    with pytest.raises(type(error)):
        fill()
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    for name in ("full", "full/file"):
        with pytest.raises(DataError, match="is there already and not empty"), appearing(tmp_path / name):
            raise AssertionError("the block must not begin")
    assert (tmp_path / "full" / "file").read_text() == "x"


def test_two_at_once(tmp_path: Path) -> None:
    with (
        appearing(tmp_path / "b") as folder,
        pytest.raises(DataError, match="another program fills it, or was killed"),
        appearing(tmp_path / "b"),
    ):
        raise AssertionError("the block must not begin")
    assert folder.with_name("b").is_dir()
