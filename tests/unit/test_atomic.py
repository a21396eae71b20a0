"""A write is all or nothing, and leaves no litter."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from sphereface import atomic


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_makes_missing_folders_and_leaves_only_the_file(tmp_path: Path) -> None:
    target = tmp_path / "ä b" / "c" / "file.bin"
    atomic.write_bytes(target, b"one")
    atomic.write_bytes(target, b"two")
    assert target.read_bytes() == b"two"
    assert names(target.parent) == ["file.bin"]


def test_text_keeps_letters_and_line_ends(tmp_path: Path) -> None:
    atomic.write_text(tmp_path / "t", "Zoë\n\r\n")
    assert (tmp_path / "t").read_bytes() == "Zoë\n\r\n".encode()


def test_json_keeps_order_and_letters(tmp_path: Path) -> None:
    atomic.write_json(tmp_path / "j", {"b": "é", "a": [1, 2.5, None]})
    text = (tmp_path / "j").read_text(encoding="utf-8")
    assert text.index('"b"') < text.index('"a"')
    assert "é" in text
    assert json.loads(text) == {"b": "é", "a": [1, 2.5, None]}


@pytest.mark.parametrize(("value", "error"), [({"x": math.nan}, ValueError), ({"x": object()}, TypeError)])
def test_json_that_cannot_be_written_leaves_the_old_file(
    tmp_path: Path, value: object, error: type[Exception]
) -> None:
    atomic.write_json(tmp_path / "j", {"old": True})
    with pytest.raises(error):
        atomic.write_json(tmp_path / "j", value)
    assert json.loads((tmp_path / "j").read_text()) == {"old": True}
    assert names(tmp_path) == ["j"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failing_disk_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    target = tmp_path / "file"
    atomic.write_bytes(target, b"old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        if call == "fsync":
            patch.setattr(os, "fsync", fail)
        else:
            patch.setattr(Path, "replace", fail)
        with pytest.raises(OSError, match="No space"):
            atomic.write_bytes(target, b"new")
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_the_data_is_fsynced_before_the_rename_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def spy_fsync(descriptor: int) -> None:
        calls.append("folder" if Path(f"/proc/self/fd/{descriptor}").resolve() == tmp_path else "file")
        fsync(descriptor)

    def spy_replace(self: Path, target: Path) -> Path:
        calls.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(Path, "replace", spy_replace)
    atomic.write_bytes(tmp_path / "x", b"1")
    assert calls == ["file", "rename", "folder"]


def test_new_files_get_the_usual_permissions(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        atomic.write_bytes(tmp_path / "x", b"1")
    finally:
        os.umask(old)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o644


WRITER = """
import sys
from pathlib import Path
from sphereface.atomic import write_bytes

root = Path(sys.argv[1])
for number in range(10**9):
    write_bytes(root / "file", bytes([number % 256]) * 100_000)
    print("ok", flush=True)
"""


def test_a_killed_writer_leaves_whole_files(tmp_path: Path) -> None:
    for round_number in range(4):
        child = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(WRITER), str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ok\n"
        time.sleep(0.003 * (round_number + 1))
        child.send_signal(signal.SIGKILL)
        child.communicate()
        content = (tmp_path / "file").read_bytes()
        assert len(content) == 100_000
        assert len(set(content)) == 1


def test_a_folder_is_no_place_for_a_file(tmp_path: Path) -> None:
    for target in (tmp_path, Path(), Path("/")):
        with pytest.raises(IsADirectoryError):
            atomic.write_bytes(target, b"one")
    assert names(tmp_path) == []


def test_what_is_held_is_held_by_one(tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")

    def count() -> None:
        for _ in range(20):
            with atomic.held(tmp_path):
                value = int(counter.read_text())
                time.sleep(0.0005)
                atomic.write_text(counter, str(value + 1))

    threads = [threading.Thread(target=count) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.read_text() == "60"


def test_who_does_not_wait_is_told_that_it_is_held(tmp_path: Path) -> None:
    busy = BlockingIOError("held")
    with atomic.held(tmp_path), pytest.raises(BlockingIOError) as told, atomic.held(tmp_path, busy=busy):
        raise AssertionError("held twice")
    assert told.value is busy
    with atomic.held(tmp_path, busy=busy):
        pass
