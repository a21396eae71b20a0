"""The figure of the paper, made in a minute: a network with three outputs, trained with a loss on a few people.

Three dimensions can be looked at as they are, so nothing is projected. What one sees is how tightly a loss
gathers people it has learned, on very little data; it says nothing about people it has not seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from sphereface.backbones import build_backbone
from sphereface.data.sampling import sample_order
from sphereface.data.synthetic import SyntheticFaces
from sphereface.device import choose_device, choose_precision
from sphereface.faces.contract import InputContract
from sphereface.heads import build_head
from sphereface.heads.build import settings_of
from sphereface.heads.table import HEADS
from sphereface.progress import SILENT, Progress

_BATCH = 48
_CONTRACT = InputContract(size="112x96")
_SCALE = 16.0  # of losses with a fixed scale: published ones are made for thousands of people


@dataclass(frozen=True, eq=False)
class OnTheSphere:
    """A trained network's view of its own people.

    Attributes:
        name: The loss.
        points: Unit vectors, (N, 3).
        people: Whose picture each is, (N,).
        loss: Mean loss of the last ten steps.
    """

    name: str
    points: NDArray[np.float64]
    people: NDArray[np.int64]
    loss: float

    def widths(self) -> tuple[float, float]:
        """Return in degrees the median angle to the own person's mean, and the smallest between two means."""
        means = np.stack([self.points[self.people == person].mean(axis=0) for person in np.unique(self.people)])
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        own = np.degrees(np.arccos(np.clip((self.points * means[self.people]).sum(axis=1), -1.0, 1.0)))
        between = np.degrees(np.arccos(np.clip(means @ means.T, -1.0, 1.0)))
        return float(np.median(own)), float(between[~np.eye(len(means), dtype=bool)].min())


def train_on_the_sphere(
    name: str,
    *,
    people: int = 6,
    shots: int = 40,
    steps: int = 100,
    seed: int = 1,
    progress: Progress = SILENT,
) -> OnTheSphere:
    """Train SFNet-4 with batch norm and three outputs on drawn people, and look at what it makes of them.

    Args:
        name: A row of the table of losses, with its published settings but a scale of 16.
        people: How many are drawn.
        shots: Pictures of each.
        steps: Of 48 pictures; the learning rate falls to 0 along a cosine, the margin grows over the first half.
        seed: Of people, weights and order.
        progress: Who listens.

    Raises:
        ConfigurationError: If there is no such loss.
    """
    taken = settings_of(name) if name in HEADS else ()
    settings = {"scale": _SCALE} if "scale" in taken and HEADS[name].scale is not None else {}
    settings |= {"margin_ramp": 0.5} if "margin_ramp" in taken else {}
    device = choose_device("auto")
    precision = choose_precision("auto", device)
    torch.manual_seed(seed)
    head = build_head(name, num_classes=people, embedding_dim=3, **settings).to(device)
    network = build_backbone("sfnet4", size=_CONTRACT.size, embedding_dim=3, batch_norm=True).to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
    images, labels = _draw(people, shots, seed, device)
    parameters = [*network.parameters(), *head.parameters()]
    optimiser = torch.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    losses: list[float] = []
    with progress.task(f"training with {name}", steps * _BATCH) as task:
        for step in range(steps):
            head.advance(step / steps)
            rows = torch.from_numpy(sample_order(len(labels), seed, step * _BATCH, (step + 1) * _BATCH)).to(device)
            with torch.autocast(device.type, dtype=precision, enabled=precision is torch.bfloat16):
                embeddings = network(images[rows])
            loss = head(embeddings, labels[rows]).loss
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(parameters, 5.0)
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
            task.advance(_BATCH, f"loss {losses[-1]:.2f}")
    points = _look(network.eval(), images)
    return OnTheSphere(name, points, labels.cpu().numpy(), float(np.mean(losses[-10:])))


def _draw(people: int, shots: int, seed: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return pictures (N, 3, 112, 96), scaled as networks take them, and people (N,)."""
    population = SyntheticFaces(seed)
    drawn = np.stack([population.image(person, shot) for person in range(people) for shot in range(shots)])
    pixels = torch.from_numpy(_CONTRACT.normalise(drawn)).to(device)
    labels = torch.arange(people, device=device).repeat_interleave(shots)
    return pixels.contiguous(memory_format=torch.channels_last), labels


@torch.inference_mode()
def _look(network: torch.nn.Module, images: torch.Tensor) -> NDArray[np.float64]:
    raw = torch.cat([network(images[start : start + _BATCH]) for start in range(0, len(images), _BATCH)]).double()
    units: NDArray[np.float64] = torch.nn.functional.normalize(raw).cpu().numpy()
    return units
