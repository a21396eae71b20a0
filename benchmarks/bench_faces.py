"""How fast photographs become aligned crops: `sphereface align` against what one writes by hand, and a peer.

    python benchmarks/bench_faces.py [--photographs originals phone] [--folder PATH] [--rounds 5] [--workers 2]
        [--peer-python PATH] [--out results.json]
    python benchmarks/bench_faces.py --stages [--photographs ...] [--folder PATH]
    python benchmarks/bench_faces.py --long 10000 [--photographs ...] [--folder PATH] [--workers 2]

Every side does the same work: each file is read, the largest face is found, aligned to 112x112 and written as PNG
to an empty folder. Ours is the function behind the command; starting its processes, hashes and manifest count. By
hand means cv2.imread, the same YuNet file, one similarity, cv2.warpAffine and cv2.imwrite in one process: at full
size or made smaller to 640 pixels, with one thread or with as many as OpenCV takes. Rounds are interleaved: in
each, every side does its share while the others wait; ratios are taken round by round. A share during which other
programs took more than 3 % of the machine is done again, at most 30 times.

`originals` are the 120 photographs (250 to 1024 pixels) among the faces for development in $SPHEREFACE_SHARED;
`phone` are drawn people in JPEG files of 4000x3000 pixels; --folder takes a folder of one's own. A few files stand
for many by links. mtcnn is asked through another Python, in which mtcnn, tensorflow and OpenCV are installed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from faces_measured import stages, watch
from PIL import Image

from sphereface.data.aligning import align_folder
from sphereface.data.folders import is_image_name
from sphereface.data.synthetic import SyntheticFaces, render
from sphereface.faces.yunet import YuNet

REPOSITORY = Path(__file__).resolve().parents[1]
SIDES = {
    "ours": "`sphereface align`",
    "hand": "by hand, one thread",
    "hand-threads": "by hand, OpenCV's threads",
    "hand-640": "by hand at 640 pixels, one thread",
    "mtcnn": "mtcnn, its threads",
}
# How many files a side gets in a round: where a file takes a tenth of a second and more, few are enough.
SHARES = {
    "originals": {"ours": 3600, "hand": 600, "hand-threads": 600, "hand-640": 600, "mtcnn": 24},
    "phone": {"ours": 400, "hand": 20, "hand-threads": 20, "hand-640": 100, "mtcnn": 4},
}
DRAWN = 40  # different phone-size photographs
DISTURBED, TRIES = 0.03, 30
CORES = len(os.sched_getaffinity(0))


class Process:
    """A side that lives in a process of its own."""

    def __init__(self, python: str, side: str, model: Path) -> None:
        words = [python, str(Path(__file__).with_name("faces_by_hand.py")), side, str(model)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answer()

    def answer(self) -> dict[str, Any]:
        """Wait for a line of JSON."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{' '.join(self.process.args[2:3])} ended with status {self.process.wait()}")
        return json.loads(line)

    def do(self, files: list[Path]) -> dict[str, Any]:
        """Have the files done and return seconds and faces."""
        assert self.process.stdin is not None
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps({"files": [str(file) for file in files], "folder": folder}), file=self.process.stdin)
            self.process.stdin.flush()
            return self.answer()


def ours(files: list[Path], workers: int) -> dict[str, Any]:
    """Do the files our way and return seconds and faces."""
    with tempfile.TemporaryDirectory() as folder:
        source = linked(files, len(files), Path(folder) / "photographs")
        began, busy = time.perf_counter(), busy_seconds()
        aligned = align_folder(source, Path(folder) / "crops", workers=workers)
        seconds = time.perf_counter() - began
        return {"seconds": seconds, "busy": busy_seconds() - busy, "faces": aligned.crops}


def busy_seconds() -> float:
    """Return the seconds of one core that this process and those it has waited for have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def undisturbed(do: Callable[[list[Path]], dict[str, Any]], files: list[Path]) -> dict[str, Any]:
    """Have the files done while nothing else of size runs."""
    for _ in range(TRIES):
        before, began = machine_busy_seconds(), time.perf_counter()
        found = do(files)
        seconds = time.perf_counter() - began
        others = machine_busy_seconds() - before - found["busy"]
        if others <= DISTURBED * seconds * CORES:
            return found
        print(f"others took {others / seconds / CORES:.0%} of the machine: once more", file=sys.stderr)
        time.sleep(10.0)
    print("it never became quiet: the figures are disturbed", file=sys.stderr)
    return found


def machine_busy_seconds() -> float:
    """Return the seconds of one core that all programs together have used since the machine started."""
    user, nice, system, _idle, _waiting, *interrupts = Path("/proc/stat").read_text().split("\n")[0].split()[1:8]
    ticks = sum(map(int, (user, nice, system, *interrupts)))
    return ticks / os.sysconf("SC_CLK_TCK")


def linked(files: list[Path], count: int, folder: Path) -> Path:
    """Make a folder of as many links to the files, the first again after the last."""
    folder.mkdir()
    for number in range(count):
        file = files[number % len(files)]
        (folder / f"{number:06d}{file.suffix}").symlink_to(file)
    return folder


def photographs(name: str, folder: Path | None, scratch: Path) -> list[Path]:
    """Return the different files of a set of photographs."""
    if name == "phone":
        return drawn(scratch / "phone")
    if name == "originals":
        shared = os.environ.get("SPHEREFACE_SHARED", str(REPOSITORY.parent / "shared"))
        folder = Path(shared) / "data" / "unaligned"
    files = sorted(path for path in folder.iterdir() if is_image_name(path.name)) if folder.is_dir() else []
    if not files:
        raise SystemExit(f"there is no photograph in '{folder}'; leave out --photographs {name}")
    return files


def drawn(folder: Path) -> list[Path]:
    """Draw people in photographs of 4000x3000 pixels, with the noise and the file size of a phone's."""
    folder.mkdir()
    people, random = SyntheticFaces(11), np.random.default_rng(11)
    for person in range(DRAWN):
        identity, nuisance = people.identity_vector(person), people.nuisance_vector(person, 0)
        side = int(random.integers(600, 1400))
        face = Image.fromarray(render(identity, nuisance, side=448)).resize((side, side), Image.Resampling.BICUBIC)
        small = random.integers(60, 180, (12, 16, 3), dtype=np.uint8)
        whole = np.asarray(Image.fromarray(small).resize((4000, 3000), Image.Resampling.BICUBIC)).copy()
        top, left = int(random.integers(0, 3000 - side)), int(random.integers(0, 4000 - side))
        whole[top : top + side, left : left + side] = np.asarray(face)
        noise = random.normal(0.0, 4.0, (3000, 4000, 1))
        pixels = np.clip(whole + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{person:02d}.jpg", quality=92)
    return sorted(folder.iterdir())


def measure(name: str, files: list[Path], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure all sides on a set, interleaved."""
    model = YuNet().model
    names = [side for side in SIDES if side != "mtcnn" or options.peer_python]
    python = {"mtcnn": options.peer_python}
    processes = {side: Process(python.get(side, sys.executable), side, model) for side in names if side != "ours"}
    rates: dict[str, list[float]] = {side: [] for side in names}
    busy: dict[str, list[float]] = {side: [] for side in names}
    faces: dict[str, float] = {}
    shares = SHARES.get(name, SHARES["originals"])
    for number in range(options.rounds):
        for side in names:
            # Neighbours differ, so that a small share is like the whole.
            count = shares[side]
            share = [files[(number + place) % len(files)] for place in range(count)]
            do = processes[side].do if side in processes else partial(ours, workers=options.workers)
            found = undisturbed(do, share)
            rates[side].append(count / found["seconds"])
            busy[side].append(1000.0 * found["busy"] / count)
            faces[side] = found["faces"] / count
        print(f"{name}: round {number + 1} of {options.rounds}", file=sys.stderr)
    for process in processes.values():
        process.process.communicate()
    return [
        {
            "photographs": name,
            "side": side,
            "rates": rates[side],
            "milliseconds": busy[side],
            "faces": faces[side],
            "ours": rates["ours"],
        }
        for side in names
    ]


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows in Markdown."""
    lines = [
        "| | images/s | ours to it, median | least | ms of a core | faces found |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        ratios = [mine / its for mine, its in zip(row["ours"], row["rates"], strict=True)]
        shown = ("", "") if row["side"] == "ours" else (f"{statistics.median(ratios):.2f}", f"{min(ratios):.2f}")
        rate = f"{statistics.median(row['rates']):,.1f}"
        cells = (
            SIDES[row["side"]],
            rate,
            *shown,
            f"{statistics.median(row['milliseconds']):.1f}",
            f"{row['faces']:.0%}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def facts() -> str:
    """Return what the figures depend on, in a line."""
    versions = f"Python {platform.python_version()}, OpenCV {cv2.__version__}, Pillow {Image.__version__}"
    return f"{CORES} cores, {versions}"


def main() -> None:
    """Measure and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photographs", nargs="+", choices=["originals", "phone"], default=["originals", "phone"])
    parser.add_argument("--folder", type=Path, help="a folder of photographs of one's own")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--peer-python", metavar="PATH", help="a Python that has mtcnn, tensorflow and OpenCV")
    parser.add_argument("--stages", action="store_true", help="say where the time of one photograph goes")
    parser.add_argument(
        "--long", type=int, metavar="N", help="one run of ours over N files, looked at from outside"
    )
    parser.add_argument("--out", type=Path, metavar="JSON", help="where to write the numbers of all rounds")
    options = parser.parse_args()
    if options.rounds < 1 or options.workers < 1:
        parser.error("--rounds and --workers must be 1 or more")
    names = ["folder"] if options.folder else options.photographs
    print(f"{facts()}.\n")
    numbers: list[Any] = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            files = photographs(name, options.folder, Path(scratch))
            print(f"## {name}: {len(files)} files\n")
            if options.stages:
                found = stages(files)
                print("\n".join(f"| {what} | {value:.2f} |" for what, value in found.items()))
                numbers.append({"photographs": name, **found})
            elif options.long:
                source = linked(files, options.long, Path(scratch) / f"{name}-{options.long}")
                seen = watch(source, Path(scratch) / f"crops-{name}", options.workers)
                print(f"{options.long / seen.seconds:.1f} images/s, {seen.busy:.0%} of all cores busy")
                print("MB of the program and of its largest worker, from begin to end: ", end="")
                print(", ".join(f"{own:.0f} and {worker:.0f}" for own, worker in seen.memory))
                numbers.append({"photographs": name, "images": options.long, **asdict(seen)})
            else:
                rows = measure(name, files, options)
                print(table(rows))
                numbers += rows
            print(flush=True)
            if options.out is not None:
                options.out.write_text(json.dumps({"facts": facts(), "measured": numbers}, indent=1) + "\n")


if __name__ == "__main__":
    main()
