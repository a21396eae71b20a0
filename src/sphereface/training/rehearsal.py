"""A few real steps on noise, with as many classes as the run will have: the time and the memory of a step."""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from sphereface.errors import ConfigurationError
from sphereface.training.loop import build_networks, build_regularizers, to_network
from sphereface.training.memory import Memory, available_memory, linux_bytes
from sphereface.training.optimiser import build_optimiser
from sphereface.training.recipe import Recipe
from sphereface.training.step import take_step


@dataclass(frozen=True)
class Rehearsal:
    """What a few steps took.

    Attributes:
        steps: How many there were.
        seconds: Of a step: the median without the first, which also sets things up; of one step, that one.
        first_seconds: Of the first step.
        peak: Most bytes held beyond those held before: on a CPU by the process, on a CUDA device by tensors.
    """

    steps: int
    seconds: float
    first_seconds: float
    peak: int

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)


def rehearse(
    recipe: Recipe,
    people: int,
    steps: int,
    needs: Callable[[int], Memory],
    device: torch.device,
    precision: torch.dtype,
) -> Rehearsal:
    """Take the loop's step ``steps`` times, on random pictures with random labels.

    The learning rate is 0, which costs the same and keeps noise from driving the weights to where a loss is not
    finite. Reading and decoding pictures is not part of it, for the loop does that in other threads meanwhile.

    Args:
        recipe: Every setting.
        people: Number of classes.
        steps: How many, at least 1.
        needs: Gives the memory of a run with so many pictures a step.
        device: Where.
        precision: Format of the products.

    Raises:
        ConfigurationError: If a step would not fit into memory; nothing has been allocated then.
        NonFiniteLossError: If the loss of a step is not finite.
    """
    require_room(needs, available_memory(device), recipe.training.batch_size)
    if recipe.training.threads is not None:
        torch.set_num_threads(recipe.training.threads)
    before = _held(device)
    torch.manual_seed(recipe.training.seed)
    backbone, head = build_networks(recipe, people, device)
    regularizers = build_regularizers(recipe, people, device)
    optimiser = build_optimiser(recipe, backbone, head, regularizers)
    for group in optimiser.param_groups:
        group["lr"] = 0.0
    count = recipe.training.batch_size
    seconds = []
    for step in range(steps):
        pictures = torch.randint(256, (count, recipe.input.height, recipe.input.width, 3), dtype=torch.uint8)
        drawn = torch.randint(people, (count,))
        _wait(device)
        began = time.perf_counter()
        head.advance(step / recipe.training.steps if step < recipe.training.steps else 1.0)
        images, labels = to_network(pictures, recipe, device), drawn.to(device)
        take_step(
            step,
            backbone,
            head,
            regularizers,
            optimiser,
            images,
            labels,
            torch.zeros(count, device=device),
            precision=precision,
            clip_norm=recipe.optimiser.clip_norm,
        )
        _wait(device)
        seconds.append(time.perf_counter() - began)
    # Linux counts pages core by core and adds them up roughly: where nothing was needed the most may lie below.
    peak = max(_most(device) - before, 0)
    return Rehearsal(steps, statistics.median(seconds[1:] or seconds), seconds[0], peak)


def require_room(needs: Callable[[int], Memory], available: int, batch_size: int) -> None:
    """Insist on enough memory for a step.

    Args:
        needs: Gives the memory of a run with so many pictures a step.
        available: Bytes.
        batch_size: Pictures a step that are wanted.

    Raises:
        ConfigurationError: If there is not; the message says how large a batch may be.
    """
    memory = needs(batch_size)
    if memory.step <= available:
        return
    told = (
        f"a step needs about {memory.step / 1e9:.1f} GB, and {available / 1e9:.1f} GB are free, so nothing was "
        "allocated"
    )
    fits, most = 1, batch_size  # a batch of one is never asked about: training refuses it
    while most - fits > 1:
        middle = (fits + most) // 2
        fits, most = (middle, most) if needs(middle).step <= available else (fits, middle)
    if fits > 1:
        raise ConfigurationError(
            f"{told}; activations of {batch_size} pictures are {memory.activations / 1e9:.1f} GB of it: lower "
            f"training.batch_size to {fits} or less (--set training.batch_size={fits}), or plan without --steps"
        )
    raise ConfigurationError(
        f"{told}; weights, gradients and velocities are {memory.kept / 1e9:.1f} GB of it, which no smaller "
        "training.batch_size lowers: take a machine with more memory, or plan without --steps"
    )


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _held(device: torch.device) -> int:
    """Return the bytes held now, and start looking for the most anew."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return int(torch.cuda.memory_allocated(device))
    with suppress(OSError):  # only Linux has it
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # sets VmHWM to VmRSS
    return _most(device)


def _most(device: torch.device) -> int:
    """Return the most bytes held since ``_held``.

    Where Linux does not say, it is the most that the process ever held, so that its growth may be too low. That
    figure (``ru_maxrss``) is no good on Linux: a process inherits it from the one that started it.
    """
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    told = linux_bytes(Path("/proc/self/status"), "VmHWM")
    if told is not None:
        return told
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024  # elsewhere it is in kilobytes
