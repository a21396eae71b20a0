"""Several processes: the results of one, in order; deaths, mistakes and Ctrl-C; nobody left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from sphereface.errors import ConfigurationError, ImageError, ModelError, SpherefaceError
from sphereface.faces import parallel
from sphereface.faces.parallel import in_parallel, read_many
from sphereface.faces.reading import CropReader
from tests.drawn_photographs import write


def lost(item: object, how: str) -> str:
    return f"lost {item}: {how}"


def squared(item: int) -> int:
    return item * item


def deadly(item: int) -> object:
    if item in (7, 8, 40):
        os.kill(os.getpid(), signal.SIGKILL)
    if item == 23:
        os._exit(3)
    return item


def mistaken(item: int) -> int:
    if item == 30:
        raise ModelError("thirty")
    return item


def badly_mistaken(item: int) -> int:
    raise ImageError(f"number {item}", "undecodable")  # which cannot be unpickled


def not_to_be_pickled(item: int) -> object:
    return lambda: item


def surroundings(item: int) -> tuple[int, int]:
    time.sleep(0.002)
    return os.getpid(), cv2.getNumThreads()


def reversed_content(item: bytes) -> bytes:
    return item[::-1]


class Touch:
    """Leaves a file for every item it meets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, item: int) -> int:
        (self.folder / str(item)).touch()
        return item


class Unwilling:
    """Work that cannot begin in another process."""

    def __init__(self, how: str) -> None:
        self.how = how

    def __call__(self, item: int) -> int:
        return item

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return refuse, (self.how,)


def refuse(how: str) -> Unwilling:
    if how == "death":
        os._exit(9)
    raise ModelError("there is no face detector")


@pytest.mark.parametrize(("count", "workers"), [(0, 2), (1, 2), (200, 1), (5, 3), (200, 2)])
def test_results_are_those_of_one_process_in_order(count: int, workers: int) -> None:
    expected = [item * item for item in range(count)]
    assert list(in_parallel(squared, range(count), workers, lost=lost)) == expected


def test_one_worker_is_this_process_unless_nobody_asked_for_one() -> None:
    assert {pid for pid, _ in in_parallel(surroundings, range(4), 1, lost=lost)} == {os.getpid()}
    (other,) = {pid for pid, _ in in_parallel(surroundings, range(4), lost=lost)}
    assert other != os.getpid()


def test_each_process_keeps_to_one_thread_and_all_have_work() -> None:
    found = list(in_parallel(surroundings, range(100), 2, lost=lost))
    assert len({pid for pid, _ in found} - {os.getpid()}) == 2
    assert {threads for _, threads in found} == {1}


def test_a_death_costs_one_item() -> None:
    found = list(in_parallel(deadly, range(50), 2, lost=lost))
    ends = {7: "lost 7: killed", 8: "lost 8: killed", 40: "lost 40: killed", 23: "lost 23: exit status 3"}
    assert found == [ends.get(item, item) for item in range(50)]


def test_a_death_of_everything_ends_too() -> None:
    found = list(in_parallel(os._exit, [4, 5, 6], 2, lost=lost))
    assert found == ["lost 4: exit status 4", "lost 5: exit status 5", "lost 6: exit status 6"]


def test_a_mistake_stops_everything_and_says_where_it_was() -> None:
    with pytest.raises(ModelError, match="thirty") as caught:
        list(in_parallel(mistaken, range(100), 2, lost=lost))
    assert "in mistaken" in caught.value.__notes__[0]
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    ("work", "words"), [(badly_mistaken, "ImageError: number 0"), (not_to_be_pickled, "pickle")]
)
def test_what_does_not_fit_through_the_pipe_is_told(work: object, words: str) -> None:
    with pytest.raises(Exception, match=words):
        list(in_parallel(work, range(3), 2, lost=lost))  # type: ignore[arg-type]


def test_work_that_cannot_begin_says_why() -> None:
    with pytest.raises(ModelError, match="there is no face detector"):
        list(in_parallel(Unwilling("error"), range(9), 2, lost=lost))
    with pytest.raises(SpherefaceError, match=r"could not start \(exit status 9\)"):
        list(in_parallel(Unwilling("death"), range(9), 2, lost=lost))


def test_large_items_and_results_do_not_lock_each_other_out() -> None:
    items = [bytes([number]) * 1_000_000 + b"." for number in range(40)]
    found = in_parallel(reversed_content, items, 2, lost=lost)
    assert list(found) == [item[::-1] for item in items]


def test_nobody_runs_far_ahead_of_a_slow_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_AHEAD", 12)
    found = in_parallel(Touch(tmp_path), range(1000), 2, lost=lost)
    assert next(found) == 0
    time.sleep(0.5)
    assert len(list(tmp_path.iterdir())) <= 12
    found.close()  # type: ignore[attr-defined]
    assert multiprocessing.active_children() == []


def test_no_workers_are_none() -> None:
    with pytest.raises(ConfigurationError, match="workers must be 1 or more, not 0"):
        in_parallel(squared, [1], 0, lost=lost)


def test_readings_are_those_of_one_process(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{number}.png", np.full((112, 112, 3), number, np.uint8)) for number in range(10)]
    paths[3].write_bytes(b"damaged")
    paths[6].unlink()
    alone = list(read_many(CropReader(), paths, 1))
    together = list(read_many(CropReader(), paths, 2))
    assert [reading.outcome for reading in together].count("ok") == 8
    for one, two in zip(alone, together, strict=True):
        assert (one.outcome, one.message) == (two.outcome, two.message)
        assert [face.crop.tolist() for face in one.faces] == [face.crop.tolist() for face in two.faces]


# --- how it ends -------------------------------------------------------------------------------------------

SLOW = """
import sys, time
from sphereface.faces.parallel import in_parallel

if __name__ == "__main__":
    print("begun", flush=True)
    for result in in_parallel(time.sleep, [0.05] * 2000, 2, lost=None):
        print(result, flush=True)
"""


def hear_ctrl_c() -> None:
    """Undo what a shell does to a job in the background, which does not hear Ctrl-C, nor do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A program in the middle of its work, in a group of its own."""
    script = tmp_path / "slow.py"
    script.write_text(SLOW)
    program = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
        preexec_fn=hear_ctrl_c,
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "begun\n"
    yield program
    program.kill()
    program.communicate()


def group_of(program: subprocess.Popen[str]) -> list[int]:
    """The processes of a program that are still there."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == program.pid and fields[0] != "Z":
            found.append(int(folder.name))
    return found


def ends_within(seconds: float, program: subprocess.Popen[str]) -> bool:
    until = time.monotonic() + seconds
    while group_of(program) and time.monotonic() < until:
        time.sleep(0.05)
    return not group_of(program)


def test_a_killed_program_leaves_no_process_behind(slow: subprocess.Popen[str]) -> None:
    assert slow.stdout is not None
    slow.stdout.readline()
    assert len(group_of(slow)) >= 3
    slow.kill()
    slow.communicate()
    assert ends_within(5.0, slow)


@pytest.mark.parametrize("early", [True, False])
def test_ctrl_c_is_heard_once(slow: subprocess.Popen[str], early: bool) -> None:
    if not early:
        assert slow.stdout is not None
        slow.stdout.readline()
    os.killpg(slow.pid, signal.SIGINT)
    _, said = slow.communicate(timeout=10)
    assert said.count("Traceback") == 1
    assert said.count("KeyboardInterrupt") == 1
    assert ends_within(5.0, slow)
