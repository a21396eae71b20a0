"""Which library decodes fastest, at equal pixels: Pillow, OpenCV and simplejpeg, one thread, from bytes to RGB.

    python benchmarks/bench_decoders.py [--rounds 15]
    python benchmarks/bench_decoders.py --slowest

The photographs are made of noise whose strength falls with its fineness, as in real ones. The rounds are
interleaved, so all meet the same machine; what is measured is the processor time of the thread, and a ratio is
the median over rounds. simplejpeg is asked for only if it is installed.

With ``--slowest``: how slow the decoders get that cannot be stopped once they run, on a photograph, on noise and
on a single colour; the time limit of ``sphereface.faces.image`` is reckoned from these.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import io
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
from PIL import Image

from sphereface.faces.image import ImageLimits, read_picture

SIZES = ((112, 112), (250, 250), (1024, 768), (4000, 3000))
FORMATS = {
    "JPEG": {"quality": 90},
    "progressive JPEG": {"quality": 90, "progressive": True},
    "PNG": {"compress_level": 6},
    "WebP": {"quality": 85, "method": 2},
}
SLOWEST: tuple[tuple[str, dict[str, Any]], ...] = (
    ("WebP", {"quality": 80, "method": 1}),
    ("WebP", {"quality": 100, "method": 1}),
    ("WebP", {"lossless": True, "quality": 50, "method": 1}),
    ("HEIF", {"quality": 60, "tile_size": 512, "enc_params": {"preset": "ultrafast"}}),
    ("HEIF", {"quality": 85, "tile_size": 512, "enc_params": {"preset": "ultrafast"}}),
    *(("TIFF", {"compression": name}) for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "zstd")),
)
LEAST_SIDE = 640  # what a detector asks for
LIMITS = ImageLimits(max_seconds=60)
Decoder = Callable[[bytes], np.ndarray]


def photograph(width: int, height: int) -> Image.Image:
    """A picture with structure at every scale: each finer layer of noise is half as strong."""
    rng = np.random.default_rng(0)
    total, side, strength = np.full((height, width, 3), 120, np.float32), 4, 60.0
    while side < max(width, height):
        size = (max(2, side * width // max(width, height)), max(2, side * height // max(width, height)))
        for channel in range(3):
            layer = Image.fromarray(rng.standard_normal(size[::-1]).astype(np.float32))
            total[:, :, channel] += strength * np.asarray(layer.resize((width, height), Image.Resampling.BICUBIC))
        side, strength = side * 2, strength / 2
    return Image.fromarray((total + rng.standard_normal(total.shape) * 2).clip(0, 255).astype(np.uint8))


def encoded(image: Image.Image, name: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, name.split()[-1], **FORMATS[name])
    return buffer.getvalue()


def with_pillow(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        return np.array(image.convert("RGB"))


def with_opencv(content: bytes, flags: int = cv2.IMREAD_COLOR_RGB) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(content, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)


def decoders(name: str) -> dict[str, Decoder]:
    """Return what can decode a format, Pillow first: all others are compared with it."""
    found: dict[str, Decoder] = {
        "Pillow": with_pillow,
        "ours": lambda content: read_picture(content, LIMITS).pixels,
        "OpenCV": with_opencv,
    }
    if "JPEG" in name:
        try:
            import simplejpeg
        except ImportError:
            return found
        found["simplejpeg"] = simplejpeg.decode_jpeg
    return found


def scaled_decoders() -> dict[str, Decoder]:
    return {
        "Pillow, whole": with_pillow,
        f"ours, at least {LEAST_SIDE}": lambda content: (
            read_picture(content, LIMITS, least_side=LEAST_SIDE).pixels
        ),
        "OpenCV, a quarter": lambda content: with_opencv(content, cv2.IMREAD_REDUCED_COLOR_4),
    }


def compare(title: str, content: bytes, ways: dict[str, Decoder], rounds: int) -> None:
    reference = next(iter(ways.values()))(content).astype(int)
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, decode in ways.items():
            began = time.thread_time()
            pixels = decode(content)
            if turn:  # the first round warms up
                times[name].append(time.thread_time() - began)
            del pixels
    first = next(iter(times.values()))
    for name, decode in ways.items():
        pixels = decode(content)
        shape = f"{pixels.shape[1]}x{pixels.shape[0]}"
        furthest = str(np.abs(pixels - reference).max()) if pixels.shape == reference.shape else ""
        ratio = statistics.median(one / other for one, other in zip(first, times[name], strict=True))
        low, middle = min(times[name]) * 1e3, statistics.median(times[name]) * 1e3
        print(f"| {title} | {name} | {shape} | {low:.2f} | {middle:.2f} | {ratio:.2f} | {furthest} |", flush=True)


def slowest(rounds: int) -> None:
    import pillow_heif

    pillow_heif.register_heif_opener(decode_threads=1)
    contents = {
        "photograph": photograph(4000, 3000),
        "noise": Image.fromarray(np.random.default_rng(0).integers(0, 256, (3000, 4000, 3), np.uint8)),
        "one colour": Image.new("RGB", (4000, 3000), (30, 90, 9)),
    }
    print("| format | content | MB | s | million pixels a second | MB a second |\n|---|---|---|---|---|---|")
    for kind, options in SLOWEST:
        for name, image in contents.items():
            buffer = io.BytesIO()
            image.save(buffer, kind, **options)
            times = []
            for _ in range(rounds):
                began = time.process_time()
                with Image.open(buffer) as opened:
                    opened.load()
                times.append(time.process_time() - began)
            label = f"{kind} {' '.join(str(value) for value in options.values() if not isinstance(value, dict))}"
            size, least = len(buffer.getvalue()) / 1e6, min(times)
            print(
                f"| {label} | {name} | {size:.1f} | {least:.3f} | {12 / least:.0f} | {size / least:.0f} |",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--slowest", action="store_true")
    arguments = parser.parse_args()
    rounds: int = arguments.rounds
    if arguments.slowest:
        slowest(min(rounds, 3))
        return
    cv2.setNumThreads(1)
    versions = [(name, importlib.metadata.version(name)) for name in ("pillow", "opencv-python-headless")]
    print(", ".join(f"{name} {version}" for name, version in versions), "\n")
    print("| format | decoder | result | ms, least | ms, median | times as fast as Pillow | furthest value |")
    print("|---|---|---|---|---|---|---|")
    for size in SIZES:
        image = photograph(*size)
        for name in FORMATS:
            content = encoded(image, name)
            compare(f"{name} {size[0]}x{size[1]}, {len(content) // 1000} kB", content, decoders(name), rounds)
            if "JPEG" in name and max(size) >= 4 * LEAST_SIDE:
                compare(f"{name} {size[0]}x{size[1]}, scaled", content, scaled_decoders(), rounds)


if __name__ == "__main__":
    main()
