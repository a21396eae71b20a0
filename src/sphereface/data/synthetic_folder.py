"""Write drawn people as a folder of folders, quickly and never half a file.

The pictures are shared out to a few fresh Python processes: drawing holds the interpreter lock two thirds of
the time, so threads gain little, and plain processes need no ``if __name__ == "__main__"`` of the caller.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sphereface.errors import DataError, reason_of
from sphereface.progress import SILENT, Progress

DRAWING: Final = 1
"""Counts up whenever the same vectors give other pictures, so that two styles never share a folder."""

_LABEL: Final = ".synthetic.json"
_QUALITY: Final = 95
_SMALL: Final = 400  # below so many pictures, starting processes takes longer than drawing


def write_faces(
    folder: Path,
    people: range,
    images: int,
    *,
    seed: int = 0,
    progress: Progress = SILENT,
    workers: int = 2,
) -> None:
    """Write ``images`` JPEG files of each person to ``folder/person-00017/03.jpg``.

    Files that are there and whole are kept, so a broken-off run goes on where it stopped; the bytes do not
    depend on that, nor on ``workers``.

    Args:
        folder: Created if missing. It remembers the seed in a hidden file.
        people: Numbers of the people to draw.
        images: Pictures per person.
        seed: Which population.
        progress: Hears of every person done, in pictures.
        workers: Processes that draw at the same time; 1 draws in this one.

    Raises:
        DataError: If ``folder`` is a file, cannot be written, or holds people of another seed or from
            elsewhere.
    """
    if images < 1 or workers < 1:
        raise DataError(f"images and workers must be at least 1, not {images} and {workers}")
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _claim(folder, seed)
        with progress.task("Drawing faces", len(people) * images, "images") as task:
            if workers == 1 or len(people) * images < _SMALL:
                _draw(folder, people, images, seed, lambda: task.advance(images))
            else:
                _share_out(folder, people, images, seed, workers, lambda: task.advance(images))
    except OSError as error:
        raise DataError(f"cannot write drawn faces to {folder}: {reason_of(error)}") from error


def _claim(folder: Path, seed: int) -> None:
    """Make sure that this folder is for this population, and say so in it."""
    label, wanted = folder / _LABEL, {"seed": seed, "drawing": DRAWING}
    if label.exists():
        try:
            found = json.loads(label.read_text(encoding="utf-8"))
        except ValueError:
            found = None
        if found != wanted:
            raise DataError(
                f"{folder} already holds drawn faces of another kind ({label.name}: {found}, not {wanted}): "
                "choose another folder or delete this one"
            )
        return
    if any(folder.glob("person-*")):
        raise DataError(f"{folder} holds people that were not drawn here: choose another folder")
    _write(label, (json.dumps(wanted) + "\n").encode())


def _write(path: Path, content: bytes) -> None:
    # No fsync: a picture is cheap to draw again, and _whole finds one that a power cut left unfinished.
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_bytes(content)
    beside.replace(path)


def _whole(path: Path) -> bool:
    """Say whether a JPEG file is there from its first marker to its last."""
    try:
        with path.open("rb") as file:
            start = file.read(2)
            file.seek(-2, os.SEEK_END)
            return start == b"\xff\xd8" and file.read(2) == b"\xff\xd9"
    except OSError:
        return False


def _draw(folder: Path, people: range, images: int, seed: int, done: Callable[[], None]) -> None:
    import cv2

    from sphereface.data.synthetic import SyntheticFaces

    population = SyntheticFaces(seed)
    for person in people:
        home = folder / f"person-{person:05d}"
        home.mkdir(exist_ok=True)
        for shot in range(images):
            path = home / f"{shot:02d}.jpg"
            if not _whole(path):
                picture = population.image(person, shot)[..., ::-1]
                packed = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
                _write(path, packed.tobytes())
        done()


def _share_out(
    folder: Path, people: range, images: int, seed: int, workers: int, done: Callable[[], None]
) -> None:
    """Let every ``workers``-th person be drawn by one process; each writes a byte per person done."""
    command = [sys.executable, "-c", "from sphereface.data.synthetic_folder import _worker; _worker()"]
    source = str(Path(__file__).resolve().parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])}
    processes: list[subprocess.Popen[bytes]] = []
    lock = threading.Lock()

    def listen(process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        while process.stdout.read(1):
            with lock:
                done()

    try:
        for first in range(workers):
            share = people[first::workers]
            order = [str(folder), share.start, share.stop, share.step, images, seed]
            process = subprocess.Popen(  # noqa: S603  (this interpreter, this module)
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
            )
            processes.append(process)
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError), process.stdin as orders:  # a dead one is noticed below
                orders.write(json.dumps(order).encode())
        listeners = [threading.Thread(target=listen, args=(process,)) for process in processes]
        for listener in listeners:
            listener.start()
        for listener in listeners:
            listener.join()
        for process in processes:
            assert process.stderr is not None
            complaint = process.stderr.read().decode(errors="replace").strip().splitlines()
            if process.wait() != 0:
                reason = complaint[-1] if complaint else f"exit status {process.returncode}"
                raise DataError(f"a process drawing faces for {folder} stopped ({reason}); run it again to go on")
    finally:
        for process in processes:
            if process.poll() is None:
                process.terminate()
                process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


def _worker() -> None:
    """Draw the people that the order on standard input names."""
    import cv2

    cv2.setNumThreads(1)
    folder, start, stop, step, images, seed = json.loads(sys.stdin.read())

    def done() -> None:
        sys.stdout.buffer.write(b".")
        sys.stdout.buffer.flush()

    # A closed pipe means that the parent is gone: stop quietly.
    with contextlib.suppress(BrokenPipeError):
        _draw(Path(folder), range(start, stop, step), images, seed, done)
