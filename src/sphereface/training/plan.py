"""What a recipe will do, said without training: shapes, memory, schedule, and on request a few real steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch

from sphereface.device import choose_device, choose_precision
from sphereface.errors import ConfigurationError
from sphereface.heads import Head, MarginHead
from sphereface.sphere.scale import cosface_scale
from sphereface.training.loop import build_networks, build_regularizers
from sphereface.training.memory import Memory, plan_memory
from sphereface.training.network_check import check_networks
from sphereface.training.recipe import Optimiser, Recipe
from sphereface.training.rehearsal import Rehearsal, rehearse
from sphereface.training.schedules import learning_rate

_MOST = 10**9
_WANTED = 0.9  # the probability that an image on its prototype should be able to have
_QUARTERS = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Mark:
    """A step at which something is worth knowing.

    Attributes:
        step: Counted from 0.
        learning_rate: Of this step.
        head: What the head's schedules say at it: ``margin``, ``lambda``...
    """

    step: int
    learning_rate: float
    head: dict[str, float]


@dataclass(frozen=True)
class Plan:
    """A run before it is one.

    Attributes:
        title: The recipe's.
        people: Number C of people to learn from.
        pictures: Of them.
        device: Where it would run.
        precision: Format of the products.
        input: Shape of a batch, (N, 3, H, W).
        embedding: Shape of its embeddings, (N, d).
        prototypes: Shape of the prototypes, (C, d) or (C, K, d); None where the loss has none.
        backbone: Name of the backbone.
        backbone_parameters: Numbers it learns.
        head: Name of the loss.
        head_parameters: Numbers that loss and regularizers learn.
        memory: Estimate, in bytes.
        steps: Of the whole run.
        epochs: How often each picture is seen.
        warmup_end: First step at the full learning rate.
        settled: First step from which the head's schedules stay at their end; None where nothing is scheduled.
        marks: Learning rate and schedules at steps that matter.
        scale: Fixed scale s of the head; None where the norm is free or the loss sets it.
        smallest_scale: CosFace's lower bound on s for C classes and a probability of 0.9; None without ``scale``.
        remarks: What a person should know, in sentences.
        rehearsal: What a few real steps took; None if none were asked for.
    """

    title: str
    people: int
    pictures: int
    device: str
    precision: str
    input: tuple[int, ...]
    embedding: tuple[int, ...]
    prototypes: tuple[int, ...] | None
    backbone: str
    backbone_parameters: int
    head: str
    head_parameters: int
    memory: Memory
    steps: int
    epochs: float
    warmup_end: int
    settled: int | None
    marks: tuple[Mark, ...]
    scale: float | None
    smallest_scale: float | None
    remarks: tuple[str, ...]
    rehearsal: Rehearsal | None = None

    @property
    def run_seconds(self) -> float | None:
        """Seconds of all steps at the rehearsal's speed; None without one."""
        return None if self.rehearsal is None else self.rehearsal.seconds * self.steps

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object; memory in bytes, times in seconds."""
        return {
            **{name: getattr(self, name) for name in self.__dataclass_fields__},
            "memory": self.memory.to_json(),
            "marks": [asdict(mark) for mark in self.marks],
            "remarks": list(self.remarks),
            "rehearsal": None if self.rehearsal is None else self.rehearsal.to_json(),
            "run_seconds": self.run_seconds,
        }


def make_plan(recipe: Recipe, people: int, pictures: int, *, rehearsal_steps: int = 0) -> Plan:
    """Say what a recipe will do with so many people and pictures.

    Networks are built on torch's meta device, where tensors have shapes and no memory.

    Args:
        recipe: Every setting.
        people: Number C of people to learn from, 2 to 1,000,000,000.
        pictures: Of them, at least one each.
        rehearsal_steps: Steps to really do, on noise; 0 allocates nothing.

    Raises:
        ConfigurationError: If a setting or number does not fit, or the steps would not fit into memory.
        ModelError: If the model that the run starts from is not there or does not fit.
    """
    if not 2 <= people <= _MOST:
        raise ConfigurationError(f"training needs from 2 to {_MOST:,} people, not {people:,}")
    if not people <= pictures <= 10**6 * _MOST:
        raise ConfigurationError(
            f"{people:,} people have at least {people:,} pictures, not {pictures:,}; pictures are counted over "
            "all people"
        )
    check_networks(recipe)
    device = choose_device(recipe.training.device, "training.device")
    precision = choose_precision(recipe.training.precision, device)
    meta = torch.device("meta")
    with meta:
        backbone, head = build_networks(recipe, people, meta)
        regularizers = build_regularizers(recipe, people, meta)

    def needs(batch_size: int) -> Memory:
        changed = recipe.training.model_copy(update={"batch_size": batch_size})
        return plan_memory(
            recipe.model_copy(update={"training": changed}),
            backbone,
            head,
            regularizers,
            pictures=pictures,
            device=device,
            precision=precision,
        )

    count, steps = recipe.training.batch_size, recipe.training.steps
    scale = _fixed_scale(head)
    smallest = None if scale is None else cosface_scale(people, _WANTED)
    return Plan(
        title=recipe.title,
        people=people,
        pictures=pictures,
        device=str(device),
        precision=str(precision).removeprefix("torch."),
        input=(count, 3, recipe.input.height, recipe.input.width),
        embedding=(count, recipe.embedding_dimension),
        prototypes=tuple(head.prototypes.shape) if isinstance(head, MarginHead) else None,
        backbone=recipe.backbone.name,
        backbone_parameters=sum(parameter.numel() for parameter in backbone.parameters()),
        head=recipe.head.name,
        head_parameters=sum(part.numel() for each in (head, regularizers) for part in each.parameters()),
        memory=needs(count),
        steps=steps,
        epochs=steps * count / pictures,
        warmup_end=first_step(steps, recipe.optimiser.warmup.__le__),
        settled=_settled(head, steps),
        marks=marks(recipe.optimiser, head, steps),
        scale=scale,
        smallest_scale=smallest,
        remarks=tuple(_remarks(recipe, pictures, scale, smallest)),
        rehearsal=rehearse(recipe, people, rehearsal_steps, needs, device, precision) if rehearsal_steps else None,
    )


def marks(optimiser: Optimiser, head: Head, steps: int) -> tuple[Mark, ...]:
    """Return the start, the end, every quarter or every fall of the learning rate, and where schedules settle."""
    shares = [*(_QUARTERS if optimiser.schedule == "cosine" else optimiser.milestones), optimiser.warmup]
    chosen = {0, steps - 1, *(first_step(steps, share.__le__) for share in shares)}
    settled = _settled(head, steps)
    if settled is not None:
        chosen.add(settled)
    return tuple(
        Mark(step, learning_rate(optimiser, step / steps), scheduled(head, step / steps))
        for step in sorted(chosen)
        if step < steps
    )


def scheduled(head: Head, progress: float) -> dict[str, float]:
    """Return what a head's schedules say at this share of the run, without moving the head.

    The same numbers as ``schedule_state`` after ``advance(progress)``, but for what is learned or remembered.
    """
    if not isinstance(head, MarginHead):
        return {}
    values = zip(head.row.settings, head.schedule(progress), strict=True)
    state = {name: value for name, value in values if name in head.row.neutral or name == "margin"}
    if head.annealing is not None:
        state["lambda"] = head.annealing(progress)
    return state


def first_step(steps: int, reached: Callable[[float], bool]) -> int:
    """Return the first step at whose share of the run something is reached that then stays; ``steps`` if never.

    >>> first_step(28_000, lambda progress: progress >= 16 / 28)
    16000
    """
    low, high = 0, steps
    while low < high:
        middle = (low + high) // 2
        if reached(middle / steps):
            high = middle
        else:
            low = middle + 1
    return low


def _settled(head: Head, steps: int) -> int | None:
    end = scheduled(head, 1.0)
    if scheduled(head, 0.0) == end:
        return None
    return first_step(steps, lambda progress: scheduled(head, progress) == end)


def _fixed_scale(head: Head) -> float | None:
    """Return s where it bounds the logits of a softmax over unit prototypes."""
    if not isinstance(head, MarginHead) or head.kind != "hfn" or head.row.own_scale:
        return None
    return head.scale if head.row.link == "softmax" and head.row.unit_prototypes else None


def _remarks(recipe: Recipe, pictures: int, scale: float | None, smallest: float | None) -> list[str]:
    """Return what does not fit together although every setting is allowed."""
    said = []
    if scale is not None and smallest is not None and scale < smallest:
        said.append(
            f"the scale {scale:g} is below {smallest:.1f}: even an image on its own prototype cannot reach the "
            f"probability {_WANTED:g} among so many people (CosFace's bound, eq. 6)"
        )
    if recipe.training.images < pictures:
        said.append(
            f"training.images = {recipe.training.images:,} is less than one epoch: some pictures are never seen"
        )
    return said
