"""Photographs to aligned crops as one writes it by hand, and with mtcnn: a process that bench_faces.py asks.

It imports nothing of ours, for mtcnn lives in a Python of its own. A line of JSON on standard input names the
files and the folder to write to; one on standard output says how long it took and how many faces were found.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

# Deng et al. 2019: right eye, left eye, nose, right and left corner of the mouth in a crop of 112x112.
TEMPLATE = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)]
)
Finder = Callable[[Any], Any]  # BGR picture -> points (5, 2) of the largest face, or None


def by_hand(model: str, longest: int | None) -> Finder:
    """Return a finder that asks YuNet at full size, or at a longest side."""
    network = cv2.FaceDetectorYN.create(model, "", (320, 320), 0.6, 0.3)

    def find(picture: Any) -> Any:
        scale = 1.0 if longest is None else min(1.0, longest / max(picture.shape[:2]))
        small = picture if scale == 1.0 else cv2.resize(picture, None, fx=scale, fy=scale)
        network.setInputSize((small.shape[1], small.shape[0]))
        rows = network.detect(small)[1]
        if rows is None:
            return None
        largest = max(rows, key=lambda row: row[2] * row[3])
        return largest[4:14].reshape(5, 2) / scale

    return find


def with_mtcnn() -> Finder:
    """Return a finder that asks mtcnn with its defaults."""
    from mtcnn import MTCNN

    detector = MTCNN()

    def find(picture: Any) -> Any:
        faces = detector.detect_faces(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
        if not faces:
            return None
        points = max(faces, key=lambda face: face["box"][2] * face["box"][3])["keypoints"]
        eyes = sorted([points["left_eye"], points["right_eye"]])
        mouth = sorted([points["mouth_left"], points["mouth_right"]])
        return np.array([*eyes, points["nose"], *mouth], dtype=np.float64)

    return find


def similarity(points: Any) -> Any:
    """Return the matrix (2, 3) that brings five points closest to the template."""
    source, target = points @ (1, 1j), TEMPLATE @ (1, 1j)
    spokes = source - source.mean()
    turn = np.vdot(spokes, target - target.mean()) / np.vdot(spokes, spokes)
    shift = target.mean() - turn * source.mean()
    return np.array([(turn.real, -turn.imag, shift.real), (turn.imag, turn.real, shift.imag)])


def do(find: Finder, files: list[str], folder: str) -> int:
    """Align the largest face of every file and return how many there were."""
    count = 0
    for file in files:
        picture = cv2.imread(file)
        points = None if picture is None else find(picture)
        if points is not None:
            crop = cv2.warpAffine(picture, similarity(points), (112, 112))
            cv2.imwrite(str(Path(folder) / f"{Path(file).stem}.png"), crop)
            count += 1
    return count


def main() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a library prints goes to stderr: stdout is for answers
    side, model = sys.argv[1:]
    if side in ("hand", "hand-640"):
        cv2.setNumThreads(1)
    find = with_mtcnn() if side == "mtcnn" else by_hand(model, 640 if side == "hand-640" else None)
    find(np.zeros((100, 100, 3), np.uint8))  # what is loaded at the first call is loaded now
    print("{}", file=answers)
    for line in sys.stdin:
        question = json.loads(line)
        began, busy = time.perf_counter(), time.process_time()
        faces = do(find, question["files"], question["folder"])
        said = {"seconds": time.perf_counter() - began, "busy": time.process_time() - busy, "faces": faces}
        print(json.dumps(said), file=answers)


if __name__ == "__main__":
    main()
