"""A head in a loop of your own: a large margin pulls five groups of points apart on a circle.

    python examples/own_training_loop.py

Prints the widest angle inside a group and the narrowest between two groups, before and after.
"""

from __future__ import annotations

import numpy as np
import torch

from sphereface import build_head
from sphereface.sphere.health import extreme_angles

torch.manual_seed(0)
labels = torch.arange(5).repeat(40)
points = torch.randn(5, 8)[labels] + 0.2 * torch.randn(200, 8)

network = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.Tanh(), torch.nn.Linear(32, 2))
head = build_head("sphereface-r-v1", num_classes=5, embedding_dim=2, scale=30.0, margin=1.5, gradient="detached")
optimiser = torch.optim.SGD([*network.parameters(), *head.parameters()], lr=0.05, momentum=0.9)


def degrees() -> tuple[float, float]:
    """Return the widest angle within a group and the narrowest between groups."""
    with torch.inference_mode():
        angles = extreme_angles(network(points).numpy().astype(np.float64), labels.numpy())
    return float(np.degrees(angles.largest_intra)), float(np.degrees(angles.smallest_inter))


before = degrees()
for step in range(600):
    head.advance(step / 600)  # moves the margin's schedule; a head without one ignores it
    result = head(network(points), labels)
    optimiser.zero_grad()
    result.loss.backward()
    optimiser.step()
after = degrees()

print(f"before: {before[0]:.0f} degrees within, {before[1]:.0f} between")
print(f"after:  {after[0]:.0f} degrees within, {after[1]:.0f} between; loss {float(result.loss.detach()):.3f}")
