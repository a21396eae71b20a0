"""Batches for training: decoded ahead by a few threads, kept in memory, in an order that can be resumed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sphereface.data import augmentation as change
from sphereface.data.augmentation import DRAWS, Augmentation
from sphereface.data.degradation import DEGRADATION_DRAWS
from sphereface.data.degradation import degrade as degraded
from sphereface.data.manifest import Manifest
from sphereface.data.sampling import check_seed, sample_draws, sample_order
from sphereface.errors import ConfigurationError, DataError, ImageError
from sphereface.faces.contract import InputContract
from sphereface.faces.image import read_image

_NO_AUGMENTATION = Augmentation()
_AHEAD = 2  # batches prepared beyond those the threads work on


@dataclass(frozen=True, eq=False)
class Batch:
    """One step's pictures.

    Attributes:
        images: Shape (N, H, W, 3), uint8, RGB, of the contract's size; owned by the caller.
        labels: Shape (N,), int64, into the manifest's identities.
        indices: Shape (N,), int64: which of the manifest's files these are.
        levels: Shape (N,), float32: how strongly each was degraded on purpose, 0 for as it is.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    indices: NDArray[np.int64]
    levels: NDArray[np.float32]


def batches(
    manifest: Manifest,
    *,
    batch_size: int,
    seed: int,
    stop_step: int,
    contract: InputContract,
    start_step: int = 0,
    mirror: bool = True,
    augmentation: Augmentation = _NO_AUGMENTATION,
    degrade: float = 0.0,
    workers: int = 2,
    cache_bytes: int = 2 << 30,
) -> Iterator[Batch]:
    """Yield the batches of steps ``start_step`` to ``stop_step - 1``, each full, across epoch borders.

    What a step yields depends on the manifest, ``seed``, ``batch_size``, the contract and the augmentation
    alone: neither on where the run was taken up, nor on ``workers`` or ``cache_bytes``.

    Args:
        manifest: Aligned crops of the contract's size (112x112 is cut to 112x96 where the contract says so).
        batch_size: Pictures in a batch, N.
        seed: Decides the order and the draws, 0 to 2**64 - 1.
        stop_step: One after the last step.
        contract: The network's input size.
        start_step: First step.
        mirror: Mirror each picture with probability one half.
        augmentation: Further changes; none by default.
        degrade: Share of the pictures that are degraded at a known level (``data/degradation.py``).
        workers: Threads that decode; 0 decodes in the caller's own thread.
        cache_bytes: Memory for decoded crops; files beyond it are decoded again in every epoch.

    Raises:
        ConfigurationError: At once, if a number is out of range.
        DataError: When the batch is due, if a file cannot be decoded or is not of the contract's size.
    """
    if batch_size < 1 or workers < 0 or cache_bytes < 0:
        raise ConfigurationError(
            "batch_size must be at least 1 and workers and cache_bytes at least 0, "
            f"not {batch_size}, {workers} and {cache_bytes}"
        )
    if not 0 <= start_step <= stop_step:
        raise ConfigurationError(f"cannot go from step {start_step} to step {stop_step}; count upwards from 0")
    if len(manifest) == 0:
        raise DataError("there are no images to train on; the manifest is empty")
    check_seed(seed)
    crops = _Crops(manifest, contract, cache_bytes)
    source = _Source(manifest, batch_size, seed, mirror, augmentation, degrade, crops)
    steps = range(start_step, stop_step)
    return map(source.batch, steps) if workers == 0 else _ahead(source, steps, workers)


@dataclass(frozen=True, eq=False)
class _Source:
    manifest: Manifest
    batch_size: int
    seed: int
    mirror: bool
    augmentation: Augmentation
    degrade: float
    crops: _Crops

    def batch(self, step: int) -> Batch:
        start, stop = step * self.batch_size, (step + 1) * self.batch_size
        indices = sample_order(len(self.manifest), self.seed, start, stop)
        draws = sample_draws(self.seed, start, stop, DRAWS)
        images = self.crops.take(indices)
        if self.mirror:
            images = change.mirror(images, draws[:, 0])
        images = change.augment(images, draws, self.augmentation)
        levels = np.zeros(len(indices), dtype=np.float32)
        if self.degrade:
            draws = sample_draws(self.seed, start, stop, DEGRADATION_DRAWS, stream=1)
            images, levels = degraded(images, draws, self.degrade)
        return Batch(images, self.manifest.labels[indices], indices, levels)


class _Crops:
    """Decoded crops by index; those that fit are kept.

    Two threads may decode the same file at the same time: they write the same bytes, and ``kept`` is set
    afterwards, so no lock is needed.
    """

    def __init__(self, manifest: Manifest, contract: InputContract, cache_bytes: int) -> None:
        self.paths = manifest.paths
        self.contract = contract
        self.shape = (contract.height, contract.width, 3)
        room = min(len(manifest), cache_bytes // int(np.prod(self.shape)))
        self.cache = np.empty((room, *self.shape), dtype=np.uint8)  # touched, and so paid for, as it fills
        self.kept = np.zeros(len(manifest), dtype=bool)

    def take(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the crops of these files, shape (N, H, W, 3), as a new array."""
        images = np.empty((len(indices), *self.shape), dtype=np.uint8)
        for place, index in enumerate(indices.tolist()):
            if self.kept[index]:
                images[place] = self.cache[index]
                continue
            images[place] = read_crop(self.paths[index], self.contract)
            if index < len(self.cache):
                self.cache[index] = images[place]
                self.kept[index] = True
        return images


def read_crop(path: Path, contract: InputContract) -> NDArray[np.uint8]:
    """Decode one aligned crop to the contract's size, shape (height, width, 3), uint8, RGB.

    Raises:
        DataError: If the file cannot be decoded or has another size; the message names it.
    """
    try:
        pixels = read_image(path)
    except ImageError as error:
        raise DataError(
            f"cannot train on an image: {error}; find all such files with: "
            f"sphereface dataset check '{path.parent.parent}'"
        ) from error
    try:
        return contract.crop(pixels[np.newaxis]).reshape(contract.height, contract.width, 3)
    except DataError as error:
        height, width = pixels.shape[:2]
        raise DataError(
            f"'{path}' is {height}x{width} (height by width), but this takes aligned {contract.size} crops; "
            f"find all such files with: sphereface dataset check '{path.parent.parent}'"
        ) from error


def _ahead(source: _Source, steps: range, workers: int) -> Iterator[Batch]:
    """Yield batches in order while threads prepare the next few; stopping early leaves no thread behind."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="crops")
    pending: deque[Future[Batch]] = deque()
    upcoming = iter(steps)
    try:
        for step in upcoming:
            pending.append(pool.submit(source.batch, step))
            if len(pending) >= workers + _AHEAD:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
