"""What bench_faces.py looks at beside the clock: where the time of a photograph goes; memory over a long run."""

from __future__ import annotations

import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2

from sphereface.data.crop_file import crop_file
from sphereface.data.crop_writing import CropWriter, Order
from sphereface.faces.alignment import align
from sphereface.faces.detection import choose
from sphereface.faces.image import read_picture
from sphereface.faces.ladder import yunet_ladder
from sphereface.faces.photograph import PhotographReader
from sphereface.faces.quality import quality_of
from sphereface.faces.reading import AlignedFace
from sphereface.faces.yunet import YuNet

MEGABYTE = 1e6


def stages(files: list[Path]) -> dict[str, float]:
    """Return milliseconds of one core for a photograph, by what they are spent on."""
    cv2.setNumThreads(1)
    ladder = yunet_ladder(YuNet())
    reader = PhotographReader(ladder)
    spent: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def on(what: str) -> Iterator[None]:
        began = time.process_time()
        yield
        spent[what] += time.process_time() - began

    reader.read(files[0])
    looks = 0
    with tempfile.TemporaryDirectory() as folder:
        writer = CropWriter(reader, files[0].parent, Path(folder), numbered=False)
        for file in files:
            with on("hash of the file"):
                hashlib.sha256(file.read_bytes()).hexdigest()
            with on("decode"):
                picture = read_picture(file, least_side=reader.least_side)
            with on("first look"):
                ladder.detector.detect(picture.pixels)
            with on("all looks"):
                climb = ladder.climb(picture.pixels)
            looks += climb.tries
            for found in choose(climb.detections, "largest", picture.pixels.shape[:2]).chosen:
                with on("align"):
                    crop = align(picture.pixels, found.landmarks)
                with on("quality"):
                    quality = quality_of(found, crop)
                with on("encode"):
                    content, _ = crop_file(AlignedFace(crop, found, quality), file.name)
                with on("write"):
                    (Path(folder) / "crop").write_bytes(content)
                    (Path(folder) / "crop").replace(Path(folder) / file.stem)
            with on("everything"):
                writer(Order(file.name, file.stem))
    spent["further looks"] = spent.pop("all looks") - spent["first look"]
    parts = ("hash of the file", "decode", "first look", "further looks", "align", "quality", "encode", "write")
    spent["the rest"] = spent["everything"] - sum(spent[part] for part in parts)
    found = {part: 1000.0 * spent[part] / len(files) for part in (*parts, "the rest", "everything")}
    return found | {"looks": looks / len(files)}


@dataclass
class Watched:
    """A long run.

    Attributes:
        seconds: It took.
        busy: Share of all cores that it used.
        memory: Megabytes of (the program, its largest worker) at moments evenly spread over the run.
    """

    seconds: float
    busy: float
    memory: list[tuple[float, float]] = field(default_factory=list)


def watch(source: Path, destination: Path, workers: int, moments: int = 8) -> Watched:
    """Run the command and look at it from outside, once a second."""
    words = [str(Path(sys.executable).with_name("sphereface")), "align", str(source), str(destination)]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen([*words, "--workers", str(workers)], stdout=subprocess.DEVNULL)
    seen: list[tuple[float, float]] = []
    while process.poll() is None:
        own, children = resident(process.pid), [resident(child) for child in children_of(process.pid)]
        seen.append((own / MEGABYTE, max(children, default=0.0) / MEGABYTE))
        time.sleep(1.0)
    if process.returncode:
        raise SystemExit(f"sphereface align ended with status {process.returncode}")
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    working = [pair for pair in seen if pair[1]]
    picked = [working[round(place * (len(working) - 1) / (moments - 1))] for place in range(moments)]
    return Watched(seconds, used / seconds / len(os.sched_getaffinity(0)), picked)


def resident(process: int) -> float:
    """Return the bytes a process holds, 0 if it has ended."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return float(pages * os.sysconf("SC_PAGE_SIZE"))


def children_of(process: int) -> list[int]:
    """Return the processes that a process has started."""
    try:
        text = Path(f"/proc/{process}/task/{process}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]
