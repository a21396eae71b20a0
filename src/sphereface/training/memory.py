"""How much memory a run takes, part by part, told before anything of it is allocated."""

from __future__ import annotations

import copy
import inspect
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from sphereface.data.loader import batches
from sphereface.heads import Head, MarginHead
from sphereface.training.optimiser import copies
from sphereface.training.recipe import Recipe

_FLOAT = 4  # bytes of a weight, whatever the precision of the products
_LIBRARIES = 300 * 10**6  # what the convolutions of torch's CPU build work with: 0.2 to 0.3 GB measured
_FROM_HEAP = 32 * 2**20  # below so many bytes glibc takes memory from its heap once it has freed such a piece
_NAME = 500  # bytes of a picture in the manifest: its path and its hash as Python keeps them, measured
_CACHE = int(inspect.signature(batches).parameters["cache_bytes"].default)
_MATRICES = 8  # of N x C numbers that the reference head has at once: 4 to 7 measured
_PAIR_MATRICES = 16  # and a loss over pairs of N x (bank): 15 measured


@dataclass(frozen=True)
class Memory:
    """Bytes, part by part; an estimate made of sizes, not a measurement.

    Attributes:
        backbone: The backbone's weights; its gradients take as much.
        head: Prototypes and whatever else loss and regularizers learn; likewise twice in all.
        optimiser: What the optimiser keeps of backbone and head from step to step.
        buffers: Statistics and banks, which have no gradient.
        activations: What the forward pass of the backbone keeps for the backward pass, for one batch.
        fragments: At most so much that the C library keeps for itself, on a CPU: tensors below 32 MiB come from
            its heap, which it does not give back as long as something lies behind them.
        weight_copies: The backbone's weights in bfloat16, where products are in bfloat16.
        head_block: At most so much for the head's work on one batch (``memory_budget`` where it is fused).
        update: Working copies while the weights change.
        libraries: The working memory of convolutions.
        writing: Copies while a snapshot is written, in the processor's memory.
        crops: Decoded pictures that are kept for the next epoch, in the processor's memory.
        names: The list of pictures, in the processor's memory.
        snapshot: One snapshot on disk; a run keeps two, and has three while it writes one.
    """

    backbone: int
    head: int
    optimiser: int
    buffers: int
    activations: int
    fragments: int
    weight_copies: int
    head_block: int
    update: int
    libraries: int
    writing: int
    crops: int
    names: int
    snapshot: int

    @property
    def kept(self) -> int:
        """What stays from step to step: weights, gradients, what the optimiser keeps, and statistics."""
        return 2 * (self.backbone + self.head) + self.optimiser + self.buffers

    @property
    def step(self) -> int:
        """Most at once during a step: activations are gone when the weights change."""
        working = max(self.activations + self.weight_copies + self.head_block, self.update)
        return self.kept + self.libraries + self.fragments + working

    @property
    def run(self) -> int:
        """Most at once during a run on a processor, pictures and snapshots included."""
        return max(self.step, self.kept + self.libraries + self.writing) + self.crops + self.names

    def to_json(self) -> dict[str, int]:
        """Return every part and both sums, in bytes."""
        return {**asdict(self), "step": self.step, "run": self.run}


def plan_memory(
    recipe: Recipe,
    backbone: nn.Module,
    head: Head,
    regularizers: nn.Module,
    *,
    pictures: int,
    device: torch.device,
    precision: torch.dtype,
) -> Memory:
    """Add up what a run needs.

    Args:
        recipe: Every setting.
        backbone: On the meta device, in float32.
        head: On the meta device, for all classes.
        regularizers: On the meta device.
        pictures: Pictures to learn from.
        device: Where the run would be.
        precision: Format of its products.
    """
    count, crop = recipe.training.batch_size, 3 * recipe.input.height * recipe.input.width
    weights = list(backbone.parameters())
    learned = [*weights, *head.parameters(), *regularizers.parameters()]
    saved, low = saved_bytes(backbone, recipe, precision), precision is torch.bfloat16
    buffers = sum(_bytes(part.buffers()) for part in (backbone, head, regularizers))
    each = copies(recipe.optimiser)
    snapshot = (1 + each) * _bytes(learned) + buffers
    # Convolutions lie in memory in another order than on disk, so that they and what is kept of them are copied.
    reordered = (1 + each) * _bytes(weight for weight in weights if weight.ndim == 4)
    return Memory(
        backbone=_bytes(weights),
        head=_bytes(learned) - _bytes(weights),
        optimiser=each * _bytes(learned),
        buffers=buffers,
        activations=sum(saved),
        fragments=sum(size for size in saved if size < _FROM_HEAP) if device.type == "cpu" else 0,
        weight_copies=sum(2 * weight.numel() for weight in weights if weight.ndim > 1) if low else 0,
        head_block=_head_block(head, count),
        update=_update(recipe, learned, head, device),
        libraries=_LIBRARIES,
        writing=2 * snapshot + reordered,  # safetensors makes bytes of every tensor, and one string of them all
        crops=min(pictures, _CACHE // crop) * crop,
        names=pictures * _NAME,
        snapshot=snapshot,
    )


def saved_bytes(backbone: nn.Module, recipe: Recipe, precision: torch.dtype) -> list[int]:
    """Return the bytes of each tensor that autograd keeps of one batch, the backbone's own weights left out.

    The network is run on the meta device, where tensors have sizes and no memory, and every tensor that is
    put aside for the backward pass is counted once. Against a real pass of SFNet-20 on a CPU this is exact in
    float32, and in bfloat16 but for ``weight_copies`` and 0.04 MB of statistics.

    Args:
        backbone: On the meta device; it is not changed.
        recipe: Gives the batch and the size of its pictures.
        precision: Format of the products, in which autocast leaves the activations of convolutions too.
    """
    network = copy.deepcopy(backbone).to(precision)
    shape = (recipe.training.batch_size, 3, recipe.input.height, recipe.input.width)
    own = {_storage(tensor) for tensor in (*network.parameters(), *network.buffers())}
    # The tensors themselves are kept, for a freed one's storage may come again at the same address.
    aside: dict[int, Tensor] = {}

    def put_aside(tensor: Tensor) -> Tensor:
        aside.setdefault(_storage(tensor), tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(put_aside, lambda tensor: tensor):
        network(torch.empty(shape, dtype=precision, device="meta"))
    return [tensor.untyped_storage().nbytes() for key, tensor in aside.items() if key not in own]


def available_memory(device: torch.device) -> int:
    """Return the bytes that are free where the network would run.

    Linux says what programs can have, which is more than what is free: files that were read lie in the rest and
    give way. Elsewhere the whole memory of the machine is returned.
    """
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    told = linux_bytes(Path("/proc/meminfo"), "MemAvailable")
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if told is None else told


def linux_bytes(file: Path, name: str) -> int | None:
    """Return a figure that Linux tells in a file of lines such as ``VmHWM: 1234 kB``; None where it does not."""
    try:
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _storage(tensor: Tensor) -> int:
    """Return what tells one piece of memory from another; on the meta device there is no address."""
    return int(tensor.untyped_storage()._cdata)


def _head_block(head: Head, count: int) -> int:
    """Return an upper bound of the head's working memory for a batch of ``count``, in bytes."""
    if not isinstance(head, MarginHead):
        return _PAIR_MATRICES * _FLOAT * count * (count + len(head.bank))
    rows, width = head.prototypes.shape[:-1].numel(), head.prototypes.shape[-1]
    if head.implementation == "reference":
        return _MATRICES * _FLOAT * count * rows
    # Both sweeps' memory of a class is below 64 bytes a picture and a centre and four a dimension, however the
    # loss is made; the budget bounds it for many classes. The lengths of the prototypes come on top.
    return min(int(head.memory_budget * 2**20), rows * (64 * count + 4 * width)) + _FLOAT * rows


def _update(recipe: Recipe, learned: list[nn.Parameter], head: Head, device: torch.device) -> int:
    """Return the bytes of the temporary copies that a step of the optimiser, or putting to length 1, makes."""
    # SGD's weight decay adds gradient and weight into a new tensor; AdamW takes a root and divides it. One
    # parameter after the other on a CPU, all at once on CUDA.
    adamw = recipe.optimiser.name == "adamw"
    copied = [(1 + adamw) * parameter.numel() * _FLOAT for parameter in learned if adamw or parameter.ndim > 1]
    update = sum(copied) if device.type == "cuda" else max(copied, default=0)
    if isinstance(head, MarginHead) and head.prototype_mode == "projected":
        update = max(update, 2 * head.prototypes.numel() * _FLOAT)
    return update
