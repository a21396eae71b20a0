"""The training loop, readable from top to bottom."""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from sphereface.atomic import clear_unfinished, held, write_text
from sphereface.backbones import build_backbone
from sphereface.data.augmentation import Augmentation as ImageAugmentation
from sphereface.data.loader import batches
from sphereface.data.manifest import Manifest
from sphereface.device import choose_device, choose_precision
from sphereface.errors import DataError, ModelError
from sphereface.heads import Head, build_head, build_regularizer
from sphereface.progress import SILENT, Progress
from sphereface.training.identity import differences, fingerprint
from sphereface.training.journal import Journal
from sphereface.training.optimiser import build_optimiser
from sphereface.training.recipe import Recipe
from sphereface.training.schedules import learning_rate
from sphereface.training.snapshot import RunState, load_latest_snapshot, save_snapshot
from sphereface.training.start import load_start
from sphereface.training.step import Step, take_step
from sphereface.training.symptoms import Watch


@dataclass(frozen=True)
class Trained:
    """A finished run.

    Attributes:
        backbone: The network, on its device, in training mode as it was left.
        steps: Steps of the whole run.
        resumed_at: Step at which this process took over; 0 for a run in one go.
        seconds: Wall time of this process's part.
        device: Where it ran.
        precision: Format of the products, ``bfloat16`` or ``float32``.
        start: Fingerprint of the model whose weights it started from; empty for random ones.
    """

    backbone: nn.Module
    steps: int
    resumed_at: int
    seconds: float
    device: str
    precision: str
    start: str = ""


def train(recipe: Recipe, people: Manifest, folder: Path, progress: Progress = SILENT) -> Trained:
    """Train a backbone on ``people``, or go on where a killed run stopped.

    The run folder gets ``journal.jsonl`` and ``checkpoints/``. On one machine and number of threads, a
    run that was killed and resumed ends with the same weights, bit for bit, as one that was not (CPU).

    Args:
        recipe: Every setting.
        people: Who to learn from; the number of classes is the number of people.
        folder: The run folder, made if missing.
        progress: Who listens.

    Raises:
        ConfigurationError: If a setting does not fit.
        DataError: If there are fewer than two people or an image cannot be read.
        NonFiniteLossError: If the loss is not finite.
        ModelError: If the folder holds another run or a damaged snapshot, or another process trains in it.
    """
    if len(people.identities) < 2:
        raise DataError("training needs at least two people; add folders, one a person")
    with alone_in(folder / "checkpoints"):
        clear_unfinished(folder / "checkpoints")
        return _train(recipe, people, folder, progress)


def _train(recipe: Recipe, people: Manifest, folder: Path, progress: Progress) -> Trained:
    settings, steps = recipe.training, recipe.training.steps
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    device = choose_device(settings.device, "training.device")
    precision = choose_precision(settings.precision, device)

    torch.manual_seed(settings.seed)
    backbone, head = build_networks(recipe, len(people.identities), device)
    began_from = load_start(recipe, backbone)
    # After the head, so that a regularizer does not change the weights that backbone and head start from.
    regularizers = build_regularizers(recipe, len(people.identities), device)
    optimiser = build_optimiser(recipe, backbone, head, regularizers)
    state = RunState({"backbone": backbone, "head": head, "regularizers": regularizers}, optimiser)
    recipe_hash = fingerprint(recipe, people, precision, began_from)
    other = differences(recipe, folder / "recipe.json")
    start = load_latest_snapshot(folder / "checkpoints", state, recipe_hash, other)
    write_text(folder / "recipe.json", recipe.model_dump_json(indent=2) + "\n")
    if start:
        progress.say(f"going on at step {start} of {steps}")

    stream = batches(
        people,
        batch_size=settings.batch_size,
        seed=settings.seed,
        start_step=start,
        stop_step=steps,
        contract=recipe.input,
        mirror=recipe.augmentation.mirror,
        augmentation=ImageAugmentation(**recipe.augmentation.model_dump(exclude={"mirror", "degrade"})),
        degrade=recipe.augmentation.degrade,
        workers=decoders(recipe, device),
    )
    events = folder / "tensorboard" if settings.tensorboard else None
    watch = Watch()
    began = mark = time.perf_counter()
    marked_step = start
    with (
        Journal(folder / "journal.jsonl", start, events) as journal,
        progress.task("training", (steps - start) * settings.batch_size) as task,
    ):
        for step, batch in enumerate(stream, start):
            rate = learning_rate(recipe.optimiser, step / steps)
            for group in optimiser.param_groups:
                group["lr"] = rate
            head.advance(step / steps)
            # What a network draws, such as dropout, is a function of seed and step, as the order of images is.
            torch.manual_seed(seed_of(settings.seed, step))

            taken = take_step(
                step,
                backbone,
                head,
                regularizers,
                optimiser,
                to_network(batch.images, recipe, device),
                torch.from_numpy(batch.labels).to(device),
                torch.from_numpy(batch.levels).to(device),
                precision=precision,
                clip_norm=recipe.optimiser.clip_norm,
            )

            done = step + 1
            task.advance(settings.batch_size, f"loss {taken.loss:.2f}")
            if done % settings.journal_every == 0 or done == steps:
                now = time.perf_counter()
                speed = (done - marked_step) * settings.batch_size / (now - mark)
                mark, marked_step = now, done
                row = journal_row(done, settings.batch_size, taken, rate, head, speed)
                for number, (term, value) in enumerate(zip(recipe.regularizers, taken.terms, strict=True), 1):
                    name = f"{term.name} {number}" if term.name in row else term.name
                    row[name] = round(float(value.detach()), 6)
                remark = watch(taken.result, head)
                if remark:
                    progress.warn(f"step {done}: {remark}")
                    row["remark"] = remark
                journal.write(row)
            if done % settings.checkpoint_every == 0 or done == steps:
                save_snapshot(folder / "checkpoints", state, done, recipe_hash)

    seconds = time.perf_counter() - began
    origin = "" if began_from is None else began_from.fingerprint
    return Trained(backbone, steps, start, seconds, str(device), str(precision).removeprefix("torch."), origin)


def seed_of(run: int, step: int) -> int:
    """Return the seed of torch's random numbers in one step: 64 bits of the run's seed and the step."""
    return int(np.random.SeedSequence([run, step]).generate_state(1, np.uint64)[0])


def alone_in(checkpoints: Path) -> AbstractContextManager[None]:
    """Let one process at a time train in a folder: two would write one journal and each other's snapshots.

    Raises:
        ModelError: On entering, if another process does.
    """
    try:
        str(checkpoints).encode("utf-8")
    except UnicodeEncodeError:
        raise DataError(f"the name of the folder {str(checkpoints)!r} is not UTF-8; choose another") from None
    checkpoints.mkdir(parents=True, exist_ok=True)
    advice = "wait until it has ended, or name another folder"
    return held(checkpoints, busy=ModelError(f"another process is training in '{checkpoints.parent}'; {advice}"))


def build_networks(recipe: Recipe, num_classes: int, device: torch.device) -> tuple[nn.Module, Head]:
    """Build backbone and head as the recipe says, on the device; the weights follow torch's seed."""
    backbone = build_backbone(recipe.backbone.name, **recipe.backbone_settings)
    precision = "float32" if choose_precision(recipe.training.precision, device) is torch.float32 else "auto"
    head = build_head(
        recipe.head.name,
        num_classes=num_classes,
        embedding_dim=recipe.embedding_dimension,
        **{"precision": precision, **recipe.head.settings},
    )
    # Channels last is how the images lie in memory anyway, and what CPU and tensor-core convolutions want.
    backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
    return backbone.to(device), head.to(device)


def build_regularizers(recipe: Recipe, num_classes: int, device: torch.device) -> nn.ModuleList:
    """Build the terms that the recipe adds to the loss."""
    return nn.ModuleList(
        build_regularizer(
            term.name,
            num_classes=num_classes,
            embedding_dim=recipe.embedding_dimension,
            weight=term.weight,
            **term.settings,
        )
        for term in recipe.regularizers
    ).to(device)


def decoders(recipe: Recipe, device: torch.device) -> int:
    """Return how many threads decode: a network on the processor needs the cores, on a CUDA device it does not."""
    if recipe.training.workers is not None:
        return recipe.training.workers
    return 2 if device.type == "cpu" else min(16, os.cpu_count() or 1)


def to_network(images: object, recipe: Recipe, device: torch.device) -> Tensor:
    """Turn a batch of uint8 RGB crops (N, H, W, 3) into the network's float input (N, 3, H, W)."""
    pixels = torch.as_tensor(images).to(device)
    if recipe.input.colour == "bgr":
        pixels = pixels.flip(-1)
    # A permuted view of (N, H, W, 3) is already channels-last: no copy.
    return ((pixels.float() - recipe.input.mean) / recipe.input.std).permute(0, 3, 1, 2)


def journal_row(
    step: int, batch_size: int, taken: Step, rate: float, head: Head, speed: float
) -> dict[str, float | int | str]:
    """Return one line of the journal.

    The angle is the batch's median to the own prototype in radians, the norm that of the gradient before
    it is clipped.
    """
    return {
        "step": step,
        "images": step * batch_size,
        "loss": round(taken.loss, 6),
        "angle": round(float(taken.result.target_angle.median()), 6),
        "learning_rate": rate,
        **head.schedule_state(),
        "gradient_norm": round(taken.norm, 4),
        "images_per_second": round(speed, 1),
    }
