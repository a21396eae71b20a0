"""``sphereface plan RECIPE``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sphereface.cli.options import Json
from sphereface.cli.output import print_json
from sphereface.errors import ConfigurationError
from sphereface.progress import duration

if TYPE_CHECKING:
    from sphereface.training.plan import Plan


def command(
    recipe: Annotated[Path, typer.Argument(help="A TOML file such as recipes/own-folder.toml.")],
    people: Annotated[
        int | None, typer.Option("--people", min=2, help="People to learn from [default: counted in data.train].")
    ] = None,
    pictures: Annotated[
        int | None, typer.Option("--pictures", min=2, help="Pictures of them all; goes with --people.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Change a setting: key=value, such as training.seed=2.")
    ] = None,
    steps: Annotated[
        int, typer.Option("--steps", min=0, help="Really do so many steps, on noise, and measure them.")
    ] = 0,
    as_json: Json = False,
) -> None:
    """Say what a recipe will do, without training: shapes, memory, schedule, and on request the time it takes.

    Nothing is read but the names in the training folders and the model of backbone.start, and without
    --steps nothing large is allocated.
    """
    from sphereface.participants import count_learners
    from sphereface.training.plan import make_plan
    from sphereface.training.recipe import read_recipe

    whole = read_recipe(recipe, tuple(settings or ()))
    if (people is None) != (pictures is None):
        raise ConfigurationError(
            "--people and --pictures belong together: give both, or none to count the folders"
        )
    if people is None or pictures is None:
        source = "counted in data.train"
        people, pictures = count_learners(whole.data)
    else:
        source = "as stated"
    plan = make_plan(whole, people, pictures, rehearsal_steps=steps)
    if as_json:
        print_json({**plan.to_json(), "source": source})
    else:
        print_plan(plan, source)


def print_plan(plan: Plan, source: str) -> None:
    """Print a plan for a person; ``source`` says where the numbers of people and pictures come from."""
    print(plan.title)
    prototypes = "none" if plan.prototypes is None else _shape(plan.prototypes)
    for name, value in (
        ("people", f"{plan.people:,}, {plan.pictures:,} pictures ({source})"),
        ("runs on", f"{plan.device}, products in {plan.precision}"),
        ("input", _shape(plan.input)),
        ("embedding", _shape(plan.embedding)),
        ("prototypes", prototypes),
        ("backbone", f"{plan.backbone}, {plan.backbone_parameters:,} parameters"),
        ("head", f"{plan.head}, {plan.head_parameters:,} parameters"),
    ):
        print(f"  {name:<12}{value}")
    _print_memory(plan)
    _print_schedule(plan)
    if plan.scale is not None and plan.smallest_scale is not None:
        print(
            f"scale {plan.scale:g}; with less than {plan.smallest_scale:.1f} no image could "
            f"have the probability 0.9 among {plan.people:,} people (CosFace's bound, without margin)"
        )
    for remark in plan.remarks:
        print(f"note: {remark}")
    done = plan.rehearsal
    if done is not None and plan.run_seconds is not None:
        words = "1 step" if done.steps == 1 else f"{done.steps} steps"
        print(f"measured in {words} on noise")
        print(f"  a step      {done.seconds:.3g} s, {plan.input[0] / done.seconds:,.1f} pictures a second")
        print(f"  peak        {_gb(done.peak)} GB beyond what the program itself takes")
        print(f"  whole run   {duration(plan.run_seconds)} if every step takes as long and reading keeps up")


def _print_memory(plan: Plan) -> None:
    memory = plan.memory
    device = plan.device.startswith("cuda")
    print(f"memory in GB (10^9 bytes): an estimate from sizes, for a batch of {plan.input[0]:,}")
    both = "weights and gradients"
    rows = [
        ("backbone", memory.backbone * 2, both),
        ("head", memory.head * 2, f"{both}; prototypes and all else it learns ({_gb(memory.head)} each)"),
        ("optimiser", memory.optimiser, "what it keeps of each weight from step to step"),
        ("activations", memory.activations, "of the backbone, kept for the backward pass"),
        ("fragments", memory.fragments, "at most, kept by the C library for pieces below 32 MiB"),
        ("head's work", memory.head_block, "at most, beside the prototypes and their gradient"),
        ("else", memory.buffers + memory.weight_copies + memory.libraries, "statistics, copies, libraries"),
        ("a step", memory.step, "most at once" + (", on the device" if device else "")),
        ("names", memory.names, "list of the pictures" + (", in the processor's memory" if device else "")),
        ("pictures", memory.crops, "decoded, kept for the next epoch"),
        (
            "snapshot",
            memory.snapshot,
            f"on disk; a run keeps two, and writing takes {_gb(memory.writing)} of memory",
        ),
        ("the run", memory.run, "most at once" + (", device and processor together" if device else "")),
    ]
    for name, value, words in rows:
        print(f"  {name:<12}{_gb(value):>8}  {words}")


def _print_schedule(plan: Plan) -> None:
    print(f"schedule: {plan.steps:,} steps, each picture {plan.epochs:.2f} times")
    names = list(plan.marks[0].head)
    print("  " + "".join(f"{name:>16}" for name in ("step", "share", "learning rate", *names)))
    for mark in plan.marks:
        numbers = (mark.learning_rate, *mark.head.values())
        cells = (f"{mark.step:,}", f"{100 * mark.step / plan.steps:.1f} %", *(f"{n:.4g}" for n in numbers))
        print("  " + "".join(f"{cell:>16}" for cell in cells))
    if plan.warmup_end:
        print(f"  the learning rate is at its highest from step {plan.warmup_end:,} on")
    if plan.settled is not None:
        print(f"  the head's schedules are at their end from step {plan.settled:,} on")


def _shape(shape: tuple[int, ...]) -> str:
    return f"({', '.join(f'{size:,}' for size in shape)})"


def _gb(count: int) -> str:
    """Write bytes as GB of 10^9.

    >>> _gb(737_755_136)
    '0.74'
    """
    return f"{count / 1e9:,.2f}"
