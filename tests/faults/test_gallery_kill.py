"""Killed at any moment, a gallery keeps every enrolment it has acknowledged, and nothing half-way."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from sphereface.gallery import open_gallery

DIMENSION = 64
FINGERPRINT = "f" * 64

# Every third person is forgotten again. A line is printed only after the call has returned.
CHILD = """
import sys
import numpy as np
from sphereface.gallery import open_gallery

path, first = sys.argv[1], int(sys.argv[2])
with open_gallery(path, fingerprint="f" * 64, dimension=64) as gallery:
    print("open", flush=True)
    for number in range(first, 10**9):
        rows = np.random.default_rng(number).standard_normal((3, 64))
        for template in gallery.enroll(f"person {number}", rows).template_ids:
            print("enrolled", number, template, flush=True)
        if number % 3 == 0:
            print("forgetting", number, flush=True)
            gallery.forget(f"person {number}")
            print("forgotten", number, flush=True)
"""


def vectors(number: int) -> np.ndarray:
    return np.random.default_rng(number).standard_normal((3, DIMENSION))


def killed_child(path: Path, first: int, delay: float) -> list[list[str]]:
    """Run the child, SIGKILL it ``delay`` seconds after it has opened the gallery, return its lines."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), str(first)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "open\n"
    killer = threading.Timer(delay, child.send_signal, [signal.SIGKILL])
    killer.start()
    lines = child.stdout.readlines()
    killer.join()
    assert child.wait() == -signal.SIGKILL
    child.stdout.close()
    return [line.split() for line in lines if line.endswith("\n")]


def kill_rounds(path: Path, rounds: int, seed: int) -> int:
    """Kill again and again on one file; return how many enrolments had been acknowledged."""
    rng = random.Random(seed)
    alive: set[int] = set()
    gone: set[int] = set()
    unsure: set[int] = set()  # the last person of each child: neither acknowledged nor refused
    templates: set[str] = set()
    acknowledged, first = 0, 0
    for _ in range(rounds):
        lines = killed_child(path, first, rng.uniform(0.0, 0.25))
        enrolled = [(int(line[1]), line[2]) for line in lines if line[0] == "enrolled"]
        forgetting = {int(line[1]) for line in lines if line[0] == "forgetting"}
        forgotten = {int(line[1]) for line in lines if line[0] == "forgotten"}
        last = max((number for number, _ in enrolled), default=first - 1)
        alive |= {number for number, _ in enrolled} - forgetting
        gone |= forgotten
        unsure |= {last + 1} | (forgetting - forgotten)
        templates_now = {template for _, template in enrolled}
        assert not templates & templates_now, "an id was used twice"
        templates |= templates_now
        acknowledged += len({number for number, _ in enrolled})
        first = last + 2

        began = time.monotonic()
        with open_gallery(path, fingerprint=FINGERPRINT, dimension=DIMENSION, create=False) as gallery:
            present = {int(person.name.split()[1]): person.templates for person in gallery.people()}
            check = gallery.check()
            sample = rng.sample(sorted(alive), min(20, len(alive)))
            found = [gallery.search(vectors(number)[1])[0][0] for number in sample]
        assert check.problems == ()
        assert alive <= present.keys(), "an acknowledged enrolment was lost"
        assert not gone & present.keys(), "a forgotten person came back"
        assert present.keys() <= alive | unsure, "somebody appeared who was never enrolled"
        assert set(present.values()) <= {3}, "an enrolment is there half-way"
        for number, candidate in zip(sample, found, strict=True):
            assert candidate.name == f"person {number}"
            assert candidate.score > 0.9999
        assert time.monotonic() - began < 10
        for number in unsure & present.keys():  # settled now: what is there has to stay
            alive.add(number)
        unsure -= alive
    files = b"".join(file.read_bytes() for file in path.parent.iterdir())
    for number in gone:
        for row in vectors(number):
            blob = (row / np.linalg.norm(row)).astype("<f4").tobytes()
            assert not any(blob[at : at + 32] in files for at in range(0, len(blob), 32))
    return acknowledged


def test_acknowledged_enrolments_survive_a_kill(tmp_path: Path) -> None:
    assert kill_rounds(tmp_path / "g.db", rounds=4, seed=1) > 0


@pytest.mark.faults
def test_acknowledged_enrolments_survive_two_hundred_kills(tmp_path: Path) -> None:
    assert kill_rounds(tmp_path / "g.db", rounds=200, seed=2) > 100  # a busy machine acknowledges fewer


def test_a_kill_while_the_file_is_made_leaves_no_half_gallery(tmp_path: Path) -> None:
    """The file appears complete or not at all, so the next program can always open or make it."""
    code = (
        "import sys; from sphereface.gallery import open_gallery\n"
        "print('ready', flush=True)\n"
        "for number in range(10**6): "
        "open_gallery(f'{sys.argv[1]}/{number}.db', fingerprint='f' * 64, dimension=64).close()"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.3)
    child.kill()
    child.communicate()
    made = [file for file in tmp_path.iterdir() if file.suffix == ".db"]
    assert made
    for file in made:
        with open_gallery(file, fingerprint=FINGERPRINT, dimension=DIMENSION, create=False) as gallery:
            assert gallery.check().ok
