"""One photograph in a worker process: its line, its crop, and the line of one that nothing survives."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from sphereface.data.crop_writing import CropWriter, Order
from sphereface.faces.parallel import in_parallel
from sphereface.faces.reading import AlignedFace, Reading
from tests.drawn_photographs import write


class Deadly:
    """A reader that gives every file a crop of its own, but for the one it dies of."""

    def read(self, source: Path | bytes) -> Reading:
        assert isinstance(source, Path)
        if source.stem == "deadly":
            os.abort()
        faces = tuple(AlignedFace(np.full((112, 112, 3), shade, np.uint8)) for shade in range(int(source.stem)))
        outcome = "ok" if faces else "missing"
        return Reading(outcome, faces, "" if faces else f"there is no file '{source}'", 10, 20, len(faces))


@pytest.fixture
def album(tmp_path: Path) -> Path:
    for name in ("1", "2", "deadly", "3"):
        write(tmp_path / "album" / f"{name}.png", np.zeros((9, 9, 3), np.uint8))
    return tmp_path / "album"


def test_a_photograph_that_kills_its_process_is_refused_and_the_others_are_done(
    album: Path, tmp_path: Path
) -> None:
    (tmp_path / "crops").mkdir()
    writer = CropWriter(Deadly(), album, tmp_path / "crops", numbered=True)
    orders = [Order(f"{name}.png", name) for name in ("1", "deadly", "2", "3")]
    lines = [json.loads(line) for line in in_parallel(writer, orders, 2, lost=writer.lost)]
    assert [line["file"] for line in lines] == [order.name for order in orders]
    assert [line["outcome"] for line in lines] == ["ok", "refused", "ok", "ok"]
    assert lines[1]["message"].startswith(
        "'deadly.png' cannot be read: the process that tried ended twice (aborted)"
    )
    assert lines[1]["faces"] == []
    assert lines[1]["bytes"] == (album / "deadly.png").stat().st_size
    assert sorted(path.name for path in (tmp_path / "crops").iterdir()) == [
        f"{name}-{number}.png" for name in (1, 2, 3) for number in range(name)
    ]


def test_a_file_that_is_gone_is_refused_by_its_name_alone(tmp_path: Path) -> None:
    line = json.loads(CropWriter(Deadly(), tmp_path, tmp_path, numbered=False)(Order("0.png", "0")))
    assert (line["outcome"], line["message"]) == ("refused", "there is no file '0.png'")
    assert (line["bytes"], line["modified_ns"], line["sha256"]) == (None, None, None)


def test_what_was_read_is_hashed_unless_it_is_too_large_to_be_read(album: Path, tmp_path: Path) -> None:
    with (album / "3.png").open("r+b") as file:
        file.truncate(60_000_000)  # without a byte on the disk
    writer = CropWriter(Deadly(), album, tmp_path, numbered=True)
    hashes = [json.loads(writer(Order(f"{name}.png", name)))["sha256"] for name in ("1", "3")]
    assert len(hashes[0]) == 64
    assert hashes[1] is None
