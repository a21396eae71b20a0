"""Snapshots of a run under way: everything a resumed run needs, written in one step.

A snapshot is ``checkpoints/step-00000100.safetensors``: the weights, statistics and prototypes, what the
optimiser keeps of them, and as metadata the step and the fingerprint of the recipe. Order of images,
augmentation, schedules and what a network draws are pure functions of seed and step, so no random state needs
saving.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from sphereface.atomic import write_bytes
from sphereface.errors import ModelError, reason_of
from sphereface.training.optimiser import kept, put_back

_FORMAT = "sphereface-snapshot-1"
_KEPT = 2
_UNSEEN = "other people, other weights to start from, or another number format"


class RunState:
    """The parts of a run that change with every step.

    Args:
        parts: Modules by name: ``backbone``, ``head``, ``regularizers``.
        optimiser: Of all their parameters.
    """

    def __init__(self, parts: Mapping[str, nn.Module], optimiser: torch.optim.Optimizer) -> None:
        self.parts, self.optimiser = parts, optimiser

    def tensors(self) -> dict[str, Tensor]:
        """Return every tensor under its name: ``head.prototypes``, ``velocity.head.prototypes``."""
        state = {
            f"{part}.{name}": value
            for part, module in self.parts.items()
            for name, value in module.state_dict().items()
        }
        for name, parameter in self.named_parameters():
            state |= kept(self.optimiser, name, parameter)
        return state

    def named_parameters(self) -> list[tuple[str, nn.Parameter]]:
        """Return every part's parameters with their full names."""
        return [
            (f"{part}.{name}", value)
            for part, module in self.parts.items()
            for name, value in module.named_parameters()
        ]

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Put saved tensors back.

        Raises:
            ModelError: If a tensor is missing, left over, or of another shape.
        """
        for prefix, module in self.parts.items():
            dotted = f"{prefix}."
            own = {k.removeprefix(dotted): v for k, v in tensors.items() if k.startswith(dotted)}
            try:
                module.load_state_dict(own, strict=True)
            except RuntimeError as error:
                detail = " ".join(str(error).split())[:300]
                raise ModelError(f"the snapshot does not fit this {prefix}: {detail}") from None
        for name, parameter in self.named_parameters():
            put_back(self.optimiser, name, parameter, tensors)


def save_snapshot(folder: Path, state: RunState, step: int, recipe_hash: str) -> Path:
    """Write the snapshot after ``step`` steps and remove all but the newest two."""
    path = folder / _name(step)
    contiguous = {name: value.detach().cpu().contiguous() for name, value in state.tensors().items()}
    metadata = {"format": _FORMAT, "step": str(step), "recipe": recipe_hash}
    write_bytes(path, save(contiguous, metadata=metadata))
    for old in snapshots_in(folder)[:-_KEPT]:
        old.unlink()
    return path


def snapshots_in(folder: Path) -> list[Path]:
    """Return the snapshots of a folder, the newest last."""
    return sorted(folder.glob("step-" + "[0-9]" * 8 + ".safetensors"))


def load_latest_snapshot(folder: Path, state: RunState, recipe_hash: str, differences: Sequence[str] = ()) -> int:
    """Load the newest snapshot into ``state`` and return its step; 0 where there is none.

    Args:
        folder: Where the snapshots are.
        state: What to load into.
        recipe_hash: Of what decides the weights; a snapshot of another is refused.
        differences: What is known to differ, for that refusal.

    Raises:
        ModelError: If it is damaged, of another recipe, or does not fit the network.
    """
    snapshots = snapshots_in(folder)
    if not snapshots:
        return 0
    newest = snapshots[-1]
    try:
        with safe_open(newest, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except OSError as error:  # it may be whole: nothing is deleted on this advice
        raise ModelError(f"the snapshot {newest} cannot be read: {reason_of(error)}") from None
    except SafetensorError as error:
        raise _damaged(newest, str(error)) from None
    if metadata.get("format") != _FORMAT:
        raise ModelError(f"{newest} is not a snapshot of this program; remove it from the folder")
    if metadata.get("recipe") != recipe_hash:
        raise ModelError(
            f"{folder.parent} holds another run ({_few(differences) or _UNSEEN}); "
            "choose another --out, or delete the folder"
        )
    if newest.name != _name(metadata.get("step", "")):
        raise _damaged(newest, "it does not say the step that its name says")
    state.load(tensors)
    return int(metadata["step"])


def _few(differences: Sequence[str]) -> str:
    more = len(differences) - 3
    return "; ".join([*differences[:3], *([f"{more} more"] if more > 0 else [])])


def _name(step: int | str) -> str:
    return f"step-{step:0>8}.safetensors"


def _damaged(path: Path, why: str) -> ModelError:
    return ModelError(f"the snapshot {path} is damaged ({why}); delete it to resume from the one before")
