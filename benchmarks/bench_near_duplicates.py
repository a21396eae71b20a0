"""How many changed copies are found, how many are false alarms, and how long it takes, on folders of real faces.

    python benchmarks/bench_near_duplicates.py FOLDER... [--copies 3000]

All pictures of all folders are one set. For each change the changed copies of some of them are added and looked
for. Of the set itself the pairs of different people are counted; whether they are false alarms only eyes can say.
Beside them stands what the usual hashes find that compare bits: the threshold is the largest that raises at most
so many alarms in a million pairs of different people.
"""

from __future__ import annotations

import argparse
import io
import os
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from PIL import Image, ImageEnhance

from sphereface.data.folders import list_folder
from sphereface.data.near_duplicates import find_near_duplicates, thumbnail
from sphereface.faces.image import read_image

BICUBIC = Image.Resampling.BICUBIC
ALARMS = (0.1, 1.0, 10.0)  # in a million pairs


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


def scaled(image: Image.Image, factor: float) -> Image.Image:
    return image.resize((round(image.width * factor), round(image.height * factor)), BICUBIC)


def cut(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    """Cut off shares of the picture's sides."""
    width, height = image.size
    box = (round(left * width), round(top * height), round((1 - right) * width), round((1 - bottom) * height))
    return image.crop(box)


def bright(image: Image.Image, factor: float) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(factor)


def mirrored(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def moved(image: Image.Image, degrees: float, pixels: float) -> Image.Image:
    """Turn and shift, as if the landmarks had wavered; the rim is continued."""
    rim = 12
    wide = Image.fromarray(np.pad(np.asarray(image), ((rim, rim), (rim, rim), (0, 0)), mode="reflect"))
    turned = wide.rotate(degrees, BICUBIC, translate=(pixels, -pixels))
    return turned.crop((rim, rim, rim + image.width, rim + image.height))


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG 50": lambda image: jpeg(image, 50),
    "JPEG 70": lambda image: jpeg(image, 70),
    "JPEG 95": lambda image: jpeg(image, 95),
    "0.5 times as large": lambda image: scaled(image, 0.5),
    "0.75 times": lambda image: scaled(image, 0.75),
    "1.5 times": lambda image: scaled(image, 1.5),
    "2 times": lambda image: scaled(image, 2.0),
    "3 % off one side": lambda image: cut(image, 0.03, 0, 0, 0),
    "3 % off two sides": lambda image: cut(image, 0.03, 0.03, 0, 0),
    "3 % off all sides": lambda image: cut(image, 0.03, 0.03, 0.03, 0.03),
    "5 % off all sides": lambda image: cut(image, 0.05, 0.05, 0.05, 0.05),
    "20 % darker": lambda image: bright(image, 0.8),
    "20 % brighter, so in part white": lambda image: bright(image, 1.2),
    "in grey": lambda image: image.convert("L").convert("RGB"),
    "turned by 2 degrees, shifted by 1.5 pixels": lambda image: moved(image, 2.0, 1.5),
    "mirrored": mirrored,
    "half as large, 10 % brighter, JPEG 50": lambda image: jpeg(bright(scaled(image, 0.5), 1.1), 50),
    "mirrored, 3 % off two sides, JPEG 60": lambda image: jpeg(cut(mirrored(image), 0.03, 0.03, 0, 0), 60),
}


def difference_hash(image: Image.Image, side: int) -> np.ndarray:
    grey = np.asarray(image.convert("L").resize((side + 1, side), Image.Resampling.BOX), dtype=int)
    return (grey[:, 1:] > grey[:, :-1]).ravel()


def cosine_hash(image: Image.Image, side: int) -> np.ndarray:
    fine = 4 * side
    grey = np.asarray(image.convert("L").resize((fine, fine), Image.Resampling.BOX), dtype=float)
    basis = np.cos(np.pi * np.arange(side)[:, None] * (np.arange(fine) + 0.5) / fine)
    waves = (basis @ grey @ basis.T).ravel()
    return waves > np.median(waves[1:])


HASHES: dict[str, Callable[[Image.Image], np.ndarray]] = {
    "difference hash, 64 bits": lambda image: difference_hash(image, 8),
    "cosine hash, 64 bits": lambda image: cosine_hash(image, 8),
    "cosine hash, 256 bits": lambda image: cosine_hash(image, 16),
}


def read(folders: list[Path]) -> tuple[list[Image.Image], np.ndarray]:
    """Return all pictures and whose they are."""
    images, owners = [], []
    for folder in folders:
        for person, paths in list_folder(folder).people.items():
            images.extend(Image.fromarray(read_image(path)) for path in paths)
            owners.extend([f"{folder.name}/{person}"] * len(paths))
    return images, np.unique(owners, return_inverse=True)[1]


def ours(images: list[Image.Image], owners: np.ndarray, chosen: np.ndarray) -> dict[str, float]:
    """Print what is found in the set itself, and return the share of copies found by change."""
    small = [thumbnail(np.asarray(image)) for image in images]
    began = time.process_time()
    found = find_near_duplicates(small)
    seconds = time.process_time() - began
    strangers = sum(bool(owners[copy.first] != owners[copy.second]) for copy in found)
    counts = np.bincount(owners)
    pairs = (len(images) ** 2 - (counts**2).sum()) // 2
    print(f"{len(images):,} pictures, {seconds:.1f} s of one core: {len(found):,} pairs, of one person but for")
    print(f"{strangers} in {pairs / 1e6:,.0f} million pairs of different people\n")
    shares = {}
    for name, change in CHANGES.items():
        changed = [thumbnail(np.asarray(change(images[index]).convert("RGB"))) for index in chosen]
        pairs_found = {(copy.first, copy.second) for copy in find_near_duplicates([*small, *changed])}
        hits = sum((int(index), len(small) + place) in pairs_found for place, index in enumerate(chosen))
        shares[name] = hits / len(chosen)
    return shares


def theirs(
    kind: Callable[[Image.Image], np.ndarray], images: list[Image.Image], owners: np.ndarray, chosen: np.ndarray
) -> dict[float, dict[str, float]]:
    """Return the share of copies found by change, for each rate of alarms."""
    bits = np.stack([kind(image) for image in images]).astype(np.float32)
    histogram = np.zeros(bits.shape[1] + 1, dtype=np.int64)
    ones = bits.sum(axis=1)
    for start in range(0, len(bits), 512):
        rows = slice(start, start + 512)
        apart = ones[rows, None] + ones - 2.0 * bits[rows] @ bits.T
        strangers = owners[rows, None] != owners
        histogram += np.bincount(np.rint(apart[strangers]).astype(np.int64), minlength=len(histogram))
    alarms = np.cumsum(histogram) / histogram.sum() * 1e6
    apart = {
        name: np.array([(kind(change(images[index])) != (bits[index] > 0)).sum() for index in chosen])
        for name, change in CHANGES.items()
    }
    thresholds = {most: np.flatnonzero(alarms <= most).max(initial=-1) for most in ALARMS}
    return {
        most: {name: float((found <= threshold).mean()) for name, found in apart.items()}
        for most, threshold in thresholds.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--copies", type=int, default=3000)
    options = parser.parse_args()
    images, owners = read(options.folders)
    chosen = np.random.default_rng(0).choice(len(images), min(options.copies, len(images)), replace=False)
    columns = {"found": ours(images, owners, chosen)}
    for name, kind in HASHES.items():
        for most, shares in theirs(kind, images, owners, chosen).items():
            columns[f"{name}, {most:g} alarms"] = shares
    print(f"| of {len(chosen):,} copies | {' | '.join(columns)} |")
    print("|---" * (len(columns) + 1) + "|")
    for change in CHANGES:
        print(f"| {change} | " + " | ".join(f"{100 * shares[change]:.1f}" for shares in columns.values()) + " |")


if __name__ == "__main__":
    main()
