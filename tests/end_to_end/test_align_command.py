"""``sphereface align`` as a stranger uses it: what it prints, how it ends, and what is left after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.drawn_photographs import nobody, portrait, two_people, write


@pytest.fixture
def models(shared_data: Path) -> dict[str, str]:
    return {"SPHEREFACE_MODELS": str(shared_data.parent / "models")}


@pytest.fixture
def album(tmp_path: Path) -> Path:
    folder = tmp_path / "album"
    for number in range(9):
        write(folder / f"Person {number % 3}" / f"{number}.jpg", portrait(number % 3, number))
    write(folder / "Person 0" / "both.png", two_people())
    write(folder / "Person 1" / "nobody.png", nobody())
    return folder


def content_of(crops: Path) -> dict[str, bytes]:
    return {str(path.relative_to(crops)): path.read_bytes() for path in sorted(crops.rglob("*")) if path.is_file()}


def test_photographs_become_a_data_set(sphereface: Any, album: Path, models: dict[str, str]) -> None:
    done = sphereface("align", album, "crops", **models)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "ok       10",
        "no-face   1  'Person 1/nobody.png'",
        "all      11",
        "10 crops in crops; manifest.jsonl there has a line on every photograph",
    ]
    assert done.stderr == ""
    done = sphereface("dataset", "check", "crops")
    assert done.stdout.splitlines()[-1] == "ready to train on"
    assert "manifest.jsonl" not in done.stdout
    done = sphereface("align", album, "crops", **models)
    assert "all      11  11 of them known from before" in done.stdout


def test_strict_and_json(sphereface: Any, album: Path, models: dict[str, str]) -> None:
    done = sphereface("align", album, "crops", "--faces", "error", "--strict", "--json", **models)
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["outcomes"] == {"ok": 9, "no-face": 1, "several-faces": 1}
    assert (found["ok"], found["images"], found["crops"], found["done"]) == (False, 11, 9, 11)
    assert found["without_crop"]["several-faces"] == ["Person 0/both.png"]
    for name in ("Person 0/both.png", "Person 1/nobody.png"):
        (album / name).unlink()
    assert sphereface("align", album, "crops", "--faces", "error", "--strict", **models).returncode == 0


def test_limits_reach_the_reader(sphereface: Any, album: Path, models: dict[str, str], tmp_path: Path) -> None:
    crops = tmp_path / "crops"
    done = sphereface("align", album, crops, "--limit", "most-yaw=0", "--json", **models)
    assert json.loads(done.stdout)["outcomes"] == {"no-face": 1, "low-quality": 10}
    head = json.loads((crops / "manifest.jsonl").read_text().splitlines()[0])
    assert head["settings"]["most_yaw"] == 0.0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere", "crops"), "there is no folder 'nowhere'"),
        (("{album}", "{album}/crops"), "lies in the folder of the photographs"),
        (("{album}", "crops", "--limit", "least-sharpness=-1"), "least-sharpness must be 0 or more"),
    ],
)
def test_a_mistake_is_one_sentence(
    sphereface: Any, album: Path, models: dict[str, str], words: tuple[str, ...], said: str
) -> None:
    done = sphereface("align", *(word.format(album=album) for word in words), **models)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_missing_model_is_told_with_the_way_out(sphereface: Any, album: Path) -> None:
    done = sphereface("align", album, "crops")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "SPHEREFACE_MODELS" in done.stderr


# --- stopped in the middle ---------------------------------------------------------------------------------


def hear_ctrl_c() -> None:
    """Undo what a shell does to a job in the background, which does not hear Ctrl-C, nor do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def begun(album: Path, crops: Path, models: dict[str, str], lines: int) -> subprocess.Popen[bytes]:
    """Start the command and return when its manifest has some lines."""
    program = subprocess.Popen(
        [str(Path(sys.executable).with_name("sphereface")), "align", str(album), str(crops), "--workers", "2"],
        env={**os.environ, **models},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=0,
        preexec_fn=hear_ctrl_c,
    )
    manifest = crops / "manifest.jsonl"
    until = time.monotonic() + 60
    while not manifest.exists() or manifest.read_bytes().count(b"\n") <= lines:
        assert program.poll() is None, program.communicate()
        assert time.monotonic() < until
        time.sleep(0.002)
    return program


@pytest.fixture
def long_album(tmp_path: Path) -> Path:
    """Photographs enough to be stopped in the middle: 160, small ones, of 20 and links to them."""
    folder = tmp_path / "long"
    for number in range(20):
        picture = portrait(number % 8, number, side=112)
        first = write(folder / f"Person {number % 4}" / f"{number:02d}-0.jpg", picture)
        for copy in range(1, 8):
            os.link(first, first.with_name(f"{number:02d}-{copy}.jpg"))
    return folder


@pytest.mark.parametrize("lines", [[0], [3, 40, 90]], ids=["at once", "three times"])
def test_after_a_kill_the_same_command_goes_on(
    sphereface: Any, long_album: Path, tmp_path: Path, models: dict[str, str], lines: list[int]
) -> None:
    crops = tmp_path / "crops"
    for count in lines:
        program = begun(long_album, crops, models, count)
        os.killpg(program.pid, signal.SIGKILL)
        program.communicate()
    done = sphereface("align", long_album, crops, "--workers", "2", "--json", **models)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["images"], found["crops"]) == (160, 160)
    assert found["done"] <= 160 - lines[-1] + 1
    sphereface("align", long_album, tmp_path / "whole", "--workers", "1", **models)
    assert content_of(crops) == content_of(tmp_path / "whole")


def test_ctrl_c_ends_it_and_two_at_once_are_one_too_many(
    sphereface: Any, long_album: Path, tmp_path: Path, models: dict[str, str]
) -> None:
    crops = tmp_path / "crops"
    program = begun(long_album, crops, models, 1)
    done = sphereface("align", long_album, crops, **models)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: another program is writing crops to '{crops}'")
    os.killpg(program.pid, signal.SIGINT)
    _, said = program.communicate(timeout=30)
    assert program.returncode == 130
    assert b"Traceback" not in said
