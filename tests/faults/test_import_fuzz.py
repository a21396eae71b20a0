"""Damaged and hostile legacy data sets: refused in a sentence, or read, and nothing else, a million times.

Children read mutated evaluation files, containers with their indexes, and lists, each case a function of its
number. A child that dies is a failure of the case it was at; the next one goes on behind it. The limits are the
operating system's: 1 GB of memory, and 2 s of processor time a case.
"""

from __future__ import annotations

import io
import json
import mmap
import os
import pickle
import random
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sphereface.data.importing import import_dataset
from sphereface.data.pickled_pairs import read_pickled_pairs
from sphereface.data.recordio import list_entries, record_entries
from sphereface.errors import SpherefaceError
from tests.unit.data import hostile_pickles
from tests.unit.data.legacy import MAGIC, container, image_record, insightface, picture, python2

REPOSITORY = Path(__file__).resolve().parents[2]
MEMORY = 1_000_000_000
SECONDS = 2.0
WHOLE = 200  # every so many cases go all the way to a folder
SHIFT = 100_000  # cases of one child

INTERESTING = [
    *(b"\0", b"\xff", b"\xff" * 4, b"\xff" * 8, b"\0\0\0\x80", struct.pack("<Q", 2**63), struct.pack("<i", -1)),
    *(MAGIC, struct.pack("<I", 1 << 29 | 4), struct.pack("<I", 3 << 29), b"\t", b"\n", b"..", b"/", b"9" * 30),
    *(b"(", b"]", b".", b"h\0", b"q\0", b"\x94", b"\x85", b"e", b"t", b"a", b"2", b"0", b"\x80\x05", b"\x95"),
]


class Fuzz:
    """The cases: every number gives the same bytes again."""

    def __init__(self, seed: int, folder: Path, canary: Path) -> None:
        self.seed, self.folder = seed, folder
        shots = [picture(number) for number in range(6)]
        pairs = (shots, [True, False, True])
        self.payloads = list(hostile_pickles.refused(str(canary)).values())
        self.payloads += [
            prefix + payload
            for prefix in (b"\x80\x04", b"]")
            for payload in hostile_pickles.running(str(canary)).values()
        ]
        self.hostile = [payload for payload in self.payloads if 0 < len(payload) < 500]
        self.pickles = [pickle.dumps(pairs, protocol) for protocol in (3, 4, 5)]
        self.pickles += [python2(pairs, protocol) for protocol in (0, 1, 2)]
        people = [shots[:2], shots[2:3], shots[3:]]
        self.records = [insightface(people, first) for first in (True, False)]
        self.contents = [image_record(label, shots[0] + MAGIC * 2) for label in (1.0, (1.0,), (1.0, 0.0))]
        for number, shot in enumerate(shots):
            (folder / f"{number}.jpg").write_bytes(shot)
        (folder.parent / "4.jpg").write_bytes(b"secret")
        self.list = b"0\t1.0\t0.jpg\n1\t2\t3\t1.jpg\n1\t2.jpg\t5\n3\tAda\t3.jpg\n4\t1\t../4.jpg\n"
        self.fragments = [*INTERESTING, *(payload[:-1] for payload in self.hostile)]

    def load(self, case: int) -> None:
        """Read case ``case``; a SpherefaceError is a proper answer, everything else is not."""
        if case < len(self.payloads):
            self.read_bin(self.payloads[case])
            raise AssertionError("a hostile pickle was read")
        rng = random.Random(f"{self.seed} {case}")
        kind = rng.choice(["bin"] * 5 + ["rec"] * 4 + ["lst"])
        if kind == "bin":
            seed = rng.choice(self.pickles if rng.random() < 0.8 else self.hostile)
            files = {"x.bin": self.mutated(rng, seed)}
        elif kind == "rec":
            rec, idx = rng.choice(self.records)
            if rng.random() < 0.5:
                rec, idx = container([self.mutated(rng, content) for content in self.contents])
            else:
                rec = self.mutated(rng, rec)
            files = {"x.rec": rec}
            if rng.random() < 0.5:
                files["x.idx"] = self.mutated(rng, idx) if rng.random() < 0.5 else idx
        else:
            files = {"x.lst": self.mutated(rng, self.list)}
        if case % WHOLE == 0:
            self.take_whole(files)
        elif kind == "bin":
            self.read_bin(files["x.bin"])
        elif kind == "rec":
            index = io.BytesIO(files["x.idx"]) if "x.idx" in files else None
            total = sum(len(entry.content) for entry in record_entries(io.BytesIO(files["x.rec"]), "x.rec", index))
            assert total <= len(files["x.rec"])
        else:
            for entry in list_entries(io.BytesIO(files["x.lst"]), "x.lst", self.folder):
                assert entry.content != b"secret"

    def read_bin(self, data: bytes) -> None:
        pictures, same = read_pickled_pairs(io.BytesIO(data), len(data), "x.bin")
        assert {type(shot) for shot in pictures} == {bytes}
        assert {type(truth) for truth in same} == {bool}
        assert len(pictures) == 2 * len(same)

    def take_whole(self, files: dict[str, bytes]) -> None:
        for name, data in files.items():
            (self.folder / name).write_bytes(data)
        try:
            import_dataset(self.folder / next(iter(files)), self.folder / "out")
        finally:
            for name in files:
                (self.folder / name).unlink()
            shutil.rmtree(self.folder / "out", ignore_errors=True)
        assert not list(self.folder.glob(".*"))

    def mutated(self, rng: random.Random, data: bytes) -> bytes:
        for _ in range(rng.choice((0, 1, 1, 1, 2, 4, 10))):
            at, to = sorted(rng.randrange(len(data) + 1) for _ in range(2))
            span = data[at:to][: rng.choice((1, 4, 30, 1000))]
            how = rng.randrange(7)
            if how == 0:  # another byte
                data = data[:at] + rng.randbytes(1) + data[at + 1 :]
            elif how == 1:  # bytes written over
                piece = rng.choice(self.fragments)
                data = data[:at] + piece + data[at + len(piece) :]
            elif how == 2:  # bytes put in
                data = data[:at] + rng.choice(self.fragments) + data[at:]
            elif how == 3:  # bytes taken out
                data = data[:at] + data[at + len(span) :]
            elif how == 4:  # bytes twice, or many times
                data = data[:at] + span * rng.choice((2, 2, 50)) + data[at + len(span) :]
            elif how == 5:  # cut short
                data = data[:at] if rng.random() < 0.3 else data
            else:  # a piece from elsewhere
                other = rng.choice((*self.pickles, *self.hostile, self.records[0][0], self.list))
                start = rng.randrange(len(other))
                data = data[:at] + other[start : start + rng.choice((4, 40, 400))] + data[at:]
        return data[:20_000]


# Faults planted by a test, to see that each is noticed.
PLANTED: dict[str, Callable[[Path], Any]] = {
    "crash": lambda canary: os.abort(),
    "hang": lambda canary: [None for _ in iter(int, 1)],
    "memory": lambda canary: bytes(MEMORY),
    "another error": lambda canary: {}["x"],
    "code": lambda canary: canary.touch(),
}


def child() -> None:
    """Read the cases of one shift; say which is under way in a file that outlives this process."""
    order = json.loads(sys.argv[1])
    folder, canary = Path(order["folder"]), Path(order["canary"])
    fuzz = Fuzz(order["seed"], folder, canary)
    os.sync = lambda: None  # the disk of everybody else on this machine is not tested here
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hostile_pickles.register_extensions()
    read, slowest = 0, 0.0
    with Path(order["journal"]).open("r+b") as file, mmap.mmap(file.fileno(), 8) as journal:
        for case in range(order["first"], order["last"]):
            journal[:] = case.to_bytes(8, "little")
            signal.setitimer(signal.ITIMER_PROF, SECONDS)  # whose signal ends this process
            began = time.process_time()
            try:
                if case == order["planted_at"]:
                    PLANTED[order["planted"]](canary)
                fuzz.load(case)
                read += 1
            except SpherefaceError:
                pass
            slowest = max(slowest, time.process_time() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(json.dumps({"read": read, "slowest": slowest, "peak": peak}))


@dataclass
class Run:
    """What came of a run: how many cases were tried and read, the extremes, and every failure."""

    tried: int = 0
    read: int = 0
    slowest: float = 0.0
    peak: float = 0.0
    failures: list[str] = field(default_factory=list)


def fuzz(folder: Path, cases: range, seed: int, planted: str = "", planted_at: int = -1) -> Run:
    run, first = Run(), cases.start
    journal, canary = folder / "journal", folder / "canary"
    journal.write_bytes(bytes(8))
    while first < cases.stop and len(run.failures) < 20:
        inside = folder / f"child-{first}" / "sets"
        inside.mkdir(parents=True)
        last = min(cases.stop, first + SHIFT)
        order = {"seed": seed, "first": first, "last": last, "planted": planted, "planted_at": planted_at}
        paths = {"folder": str(inside), "canary": str(canary), "journal": str(journal)}
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                "from tests.faults.test_import_fuzz import child; child()",
                json.dumps(order | paths),
            ],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
            timeout=60 + SECONDS * (last - first),
        )
        if done.returncode == 0:
            found = json.loads(done.stdout)
            run.read += found["read"]
            run.slowest, run.peak = max(run.slowest, found["slowest"]), max(run.peak, found["peak"])
        else:
            last = int.from_bytes(journal.read_bytes(), "little") + 1
            run.failures.append(f"case {last - 1}: exit {done.returncode}: {done.stderr[-2000:]}")
        if canary.exists():
            canary.unlink()
            run.failures.append(f"code was run in one of the cases {first} to {last - 1}")
        run.tried += last - first
        first = last
        shutil.rmtree(inside.parent)
    return run


def require_clean(folder: Path, loads: int, seed: int) -> None:
    run = fuzz(folder, range(loads), seed)
    print(
        f"{run.tried:,} loads, {run.read:,} read, {len(run.failures)} failed; "
        f"slowest {run.slowest:.2f} s, largest child {run.peak:.0f} MB"
    )
    assert run.failures == []
    assert run.tried == loads
    assert run.read > loads / 100, "mutations that leave nothing readable test the first check only"


@pytest.mark.parametrize("fault", PLANTED)
def test_every_kind_of_fault_would_be_noticed(fault: str, tmp_path: Path) -> None:
    run = fuzz(tmp_path, range(1000, 1005), seed=0, planted=fault, planted_at=1002)
    assert len(run.failures) == 1
    assert run.tried == 5
    assert ("code was run" if fault == "code" else "case 1002: ") in run.failures[0]


def test_damaged_data_sets_are_refused(tmp_path: Path) -> None:
    require_clean(tmp_path, loads=6_000, seed=1)


@pytest.mark.faults
def test_a_million_damaged_data_sets_are_refused(tmp_path: Path) -> None:
    require_clean(tmp_path, loads=1_000_000, seed=2)
