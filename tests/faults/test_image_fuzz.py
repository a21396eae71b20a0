"""The decoder against 100,000 damaged pictures: pixels or one typed outcome each, in time, in bounds, no crash.

A child decodes, the parent watches: a child that dies or does not answer is a failure of the picture it was at,
and the next one goes on behind it. A picture is a function of its number, so a failure can be had again:
``Pictures(folder).content(number)``. Figures of the whole run: docs/results/robustness.md.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import select
import signal
import struct
import subprocess
import sys
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.unit.faces.hostile_pictures import LARGE, QUICK
from tests.unit.faces.pictures import encoded, every_format, gradient, pixels_or_outcome

REPOSITORY = Path(__file__).resolve().parents[2]
COUNT = int(os.environ.get("SPHEREFACE_FUZZ_PICTURES", "100000"))
SECONDS = 2.0  # of processor time, for one picture
SLACK = 0.1  # seconds between two looks at the clock
PATIENCE = 30.0  # seconds until a silent child counts as one that hangs; other programs run beside it
MEMORY = 1_000_000_000  # bytes, at most resident at any time
ADDRESSES = 4 << 30  # bytes of address space, so that a failure harms nobody else

CUT = 20  # pictures that are cut short at every 64th byte
NUMBERS = (0, 1, 2, 0x7F, 0xFF, 0x100, 0x7FFF, 0xFFFF, 30_000, 65_500, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)


class Pictures:
    """The damaged pictures, by number: first every cut of some seeds, then changes without end."""

    def __init__(self, folder: Path) -> None:
        self.seeds = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
        self.names = list(self.seeds)
        some = self.names[:: len(self.names) // CUT][:CUT]
        self.cuts = [(name, length) for name in some for length in range(0, len(self.seeds[name]), 64)]

    def content(self, number: int) -> bytes:
        if number < len(self.cuts):
            name, length = self.cuts[number]
            return self.seeds[name][:length]
        rng = random.Random(number)
        name = rng.choice(self.names)
        content = self.seeds[name]
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            content = bytes(self.changed(rng, name, bytearray(content)))
        return with_right_sums(content) if name.startswith("png") and rng.random() < 0.7 else content

    def changed(self, rng: random.Random, name: str, content: bytearray) -> bytearray:
        at, how = rng.randrange(len(content) + 1), rng.randrange(7)
        if how == 0:  # bits flipped
            for _ in range(rng.choice((1, 1, 2, 4, 16))):
                bit = rng.randrange(len(content) * 8 or 1)
                content[bit // 8 : bit // 8 + 1] = bytes(byte ^ 1 << bit % 8 for byte in content[bit // 8 :][:1])
        elif how == 1:  # a run of bytes overwritten
            size = rng.choice((1, 2, 4, 16, 64, 256))
            content[at : at + size] = rng.randbytes(size) if rng.random() < 0.7 else rng.randbytes(1) * size
        elif how == 2:  # the end cut off
            del content[at:]
        elif how in (3, 4):  # a number in the header, or anywhere, says something else
            at = rng.randrange(min(len(content) + 1, 600)) if rng.random() < 0.8 else at
            kind = rng.choice(("<H", ">H", "<I", ">I", "B"))
            value = rng.choice(NUMBERS) & (1 << 8 * struct.calcsize(kind)) - 1
            content[at : at + struct.calcsize(kind)] = struct.pack(kind, value)
        elif how == 5:  # the head of one and the tail of another
            same = [other for other in self.names if other.split()[0] == name.split()[0]]
            other = self.seeds[rng.choice(same if rng.random() < 0.7 else self.names)]
            content[at:] = other[at if rng.random() < 0.5 else rng.randrange(len(other)) :]
        else:  # a piece twice, many times, or not at all
            size = rng.choice((1, 4, 12, 60, 400))
            content[at : at + size] = content[at : at + size] * rng.choice((0, 2, 2, 50))
        return content


def with_right_sums(content: bytes) -> bytes:
    """Correct the checksums of a PNG, so that the damage reaches those who read behind them."""
    result, at = bytearray(content), 8
    while at + 12 <= len(result):
        (size,) = struct.unpack_from(">I", result, at)
        if at + 12 + size > len(result):
            break
        struct.pack_into(">I", result, at + 8 + size, zlib.crc32(result[at + 4 : at + 8 + size]))
        at += 12 + size
    return bytes(result)


# --- the child ----------------------------------------------------------------------------------------------


def serve(folder: str) -> None:
    """Answer every line of the standard input with what became of that picture.

    A line is ``["number", number]``, or ``["path", path in hexadecimal]``.
    """
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    warnings.simplefilter("ignore")
    pictures = Pictures(Path(folder))
    for line in sys.stdin:
        kind, which = json.loads(line)
        source = pictures.content(which) if kind == "number" else os.fsdecode(bytes.fromhex(which))
        wall, processor = time.perf_counter(), time.process_time()
        try:
            result = pixels_or_outcome(source)
            outcome = result if isinstance(result, str) else problem(result) or "pixels"
        except BaseException as error:
            outcome = f"raised {error!r}"
        processor, wall = time.process_time() - processor, time.perf_counter() - wall
        print(json.dumps([outcome, processor, wall, peak_memory()]), flush=True)


def peak_memory() -> int:
    """Return the most bytes that were resident since this program began; ru_maxrss would count the parent's."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def problem(pixels: Any) -> str:
    good = pixels.dtype == "uint8" and pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.size
    return "" if good and pixels.flags.c_contiguous and pixels.flags.owndata else "raised an odd array"


# --- the parent ---------------------------------------------------------------------------------------------


@dataclass
class Tally:
    """What became of all pictures of a run."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    peak: int = 0

    def add(self, case: str, answer: tuple[str, float, float, int]) -> None:
        outcome, processor, _, peak = answer
        self.outcomes[outcome] += 1
        self.slowest = max(self.slowest, (processor, case))
        self.peak = max(self.peak, peak)
        if outcome not in ("pixels", "undecodable", "too-large", "missing", "refused"):
            self.failures.append(f"{case}: {outcome}")
        elif processor > SECONDS + SLACK:
            self.failures.append(f"{case}: {outcome} after {processor:.2f} s")
        elif peak > MEMORY:
            self.failures.append(f"{case}: {outcome} with {peak / 1e6:.0f} MB")

    def __str__(self) -> str:
        tried, bound = self.outcomes.total(), 3 / self.outcomes.total()
        counted = ", ".join(f"{count:,} {outcome}" for outcome, count in self.outcomes.most_common())
        return (
            f"{tried:,} tried, {len(self.failures)} failed (none: at most {bound:.1e} of all); {counted}; "
            f"slowest {self.slowest[0]:.2f} s ({self.slowest[1]}); peak {self.peak / 1e6:.0f} MB"
        )


class Child:
    """A process that decodes, watched; a new one takes the place of one that died."""

    def __init__(self, folder: Path) -> None:
        self.command = f"from tests.faults.test_image_fuzz import serve; serve({str(folder)!r})"
        self.process = self.started()

    def started(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        return subprocess.Popen(
            [sys.executable, "-c", self.command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # libtiff remarks there on every damage
            cwd=REPOSITORY,
            env=environment,
        )

    def ask(self, kind: str, which: str | int) -> tuple[str, float, float, int]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # it is dead already, which shows when it is read from
            self.process.stdin.write(json.dumps([kind, which]).encode() + b"\n")
            self.process.stdin.flush()
        answered = select.select([self.process.stdout], [], [], PATIENCE)[0]
        line = self.process.stdout.readline() if answered else b""
        if line:
            outcome, processor, wall, peak = json.loads(line)
            return outcome, processor, wall, peak
        reason = f"died of signal {-self.process.wait()}" if answered else f"silent for {PATIENCE:g} s"
        self.close()
        self.process = self.started()
        return reason, 0.0, 0.0, 0

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):
                assert pipe is not None
                pipe.close()


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seeds")
    for name, content in every_format().items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def child(seeds: Path) -> Iterator[Child]:
    child = Child(seeds)
    yield child
    child.close()


def tally(child: Child, numbers: range) -> Tally:
    result = Tally()
    for number in numbers:
        result.add(f"number {number}", child.ask("number", number))
    print(result)
    assert result.failures == []
    assert result.outcomes.total() == len(numbers)
    return result


def test_some_damaged_pictures(child: Child) -> None:
    result = tally(child, range(0, 100_000, 50))
    assert result.outcomes.keys() <= {"pixels", "undecodable", "too-large"}
    assert min(result.outcomes["pixels"], result.outcomes["undecodable"]) > 200, "damage that decides nothing"


@pytest.mark.faults
def test_all_damaged_pictures(child: Child) -> None:
    result = tally(child, range(COUNT))
    assert set(result.outcomes) == {"pixels", "undecodable", "too-large"}


@pytest.mark.faults
def test_hostile_pictures_of_full_size(seeds: Path, tmp_path: Path) -> None:
    """Each in a child of its own, so that the memory is its own as well."""
    result, path = Tally(), tmp_path / "picture"
    for name, make in {**QUICK, **LARGE}.items():
        path.write_bytes(make())
        child = Child(seeds)
        result.add(name, child.ask("path", os.fsencode(path).hex()))
        child.close()
    print(result)
    assert result.failures == []
    assert result.outcomes.total() == len(QUICK) + len(LARGE)
    # On a busy machine memory is slower, and one or the other of the largest takes more than its time.
    assert result.outcomes["pixels"] >= len(LARGE) - 3, "large but honest pictures are decoded"


def test_the_watch_sees_crashes_hangs_and_greed(seeds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A watch that never barks proves nothing: three children that misbehave on purpose."""
    child = Child(seeds)
    monkeypatch.setitem(globals(), "PATIENCE", 0.5)
    os.kill(child.process.pid, signal.SIGSTOP)
    assert child.ask("number", 0)[0] == "silent for 0.5 s"
    monkeypatch.setitem(globals(), "PATIENCE", 30.0)
    assert child.ask("number", 3)[0] in ("pixels", "undecodable"), "the next child goes on"
    os.kill(child.process.pid, signal.SIGSEGV)
    assert child.ask("number", 0)[0] == "died of signal 11"
    child.close()
    result = Tally()
    result.add("slow", ("pixels", 2.5, 2.5, 1))
    result.add("greedy", ("pixels", 0.1, 0.1, MEMORY + 1))
    result.add("wrong", ("raised ValueError()", 0.1, 0.1, 1))
    assert len(result.failures) == 3


# --- files as a careless or hostile person leaves them ------------------------------------------------------


def test_nasty_files(child: Child, tmp_path: Path) -> None:
    picture = encoded(Image.fromarray(gradient()), "PNG")
    cases: dict[str, tuple[bytes | None, str]] = {
        "empty.jpg": (b"", "undecodable"),
        "one byte.jpg": (b"\xff", "undecodable"),
        "text.jpg": (b"not a picture\n" * 100, "undecodable"),
        "zeros.jpg": (bytes(1_000_000), "undecodable"),
        "1x1.gif": (encoded(Image.new("P", (1, 1)), "GIF"), "pixels"),
        "1x1.jpg": (encoded(Image.new("RGB", (1, 1)), "JPEG"), "pixels"),
        "65535x1.png": (encoded(Image.new("RGB", (65_535, 1)), "PNG"), "pixels"),
        "65500x1.jpg": (encoded(Image.new("RGB", (65_500, 1)), "JPEG"), "pixels"),
        "1x65535.bmp": (encoded(Image.new("RGB", (1, 65_535)), "BMP"), "pixels"),
        "another name.exe": (picture, "pixels"),
        "no suffix": (picture, "pixels"),
        "Zoë Müller 😀 ñ.png": (picture, "pixels"),
        "\u202egnp.exe": (picture, "pixels"),
        "new\nline.png": (picture, "pixels"),
        "; rm -rf $HOME `id`.png": (picture, "pixels"),
        "n" * 251 + ".png": (picture, "pixels"),
        "n" * 252 + ".png": (None, "refused"),
        "nowhere.png": (None, "missing"),
        **{f"{number}.png": (content, "pixels") for number, content in enumerate(every_format().values())},
    }
    for name, (content, _) in cases.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
    not_utf8 = os.fsencode(tmp_path) + b"/\xff\xfe.png"
    Path(os.fsdecode(not_utf8)).write_bytes(picture)
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "link.png").symlink_to("1x1.gif")
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "broken.png").symlink_to("nowhere.png")
    (tmp_path / "device.png").symlink_to("/dev/zero")
    with (tmp_path / "hole.png").open("wb") as file:
        file.truncate(1 << 40)
    expected = {os.fsencode(tmp_path / name): outcome for name, (_, outcome) in cases.items()}
    others = {"folder": "refused", "pipe": "refused", "link": "pixels", "loop": "refused", "broken": "missing"}
    others |= {"device": "refused", "hole": "too-large"}
    expected |= {os.fsencode(tmp_path / f"{name}.png"): outcome for name, outcome in others.items()}
    expected |= {not_utf8: "pixels", b"nul\0.png": "missing", b"/proc/self/mem": "undecodable", b"": "missing"}
    found = {path: child.ask("path", path.hex())[0] for path in expected}
    assert found == expected
