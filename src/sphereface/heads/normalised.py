"""The gradient of A-Softmax as its authors' code has it: not the derivative of the loss.

With c the own cosine, psi(c) the target and n the norm of x, the true derivative of n psi is
psi' w + (psi - c psi') x / n. The authors divide the two coefficients a = psi' and b = (psi - c psi') / n by
sqrt(a^2 + b^2), which bounds what psi' = m^2 near 0 would do, and leave the prototypes' part a plain inner
product.

Source: the backward pass of the released layer and the first note of its README.
"""

from __future__ import annotations

import torch
from torch import Tensor


def normalised_target(
    value: Tensor, x: Tensor, own: Tensor, theta: Tensor, psi: Tensor, m: float, annealing: float
) -> Tensor:
    """Return ``value`` with the authors' gradient.

    Args:
        value: Own logits n (lambda cos + psi) / (1 + lambda), (N,).
        x: Raw embeddings, (N, d).
        own: Own prototypes at length 1, (N, d).
        theta: Own angles, (N,).
        psi: The target function there, (N,).
        m: Margin, a whole number.
        annealing: lambda.

    Returns:
        Shape (N,): equal to ``value``; its gradient by x is
        (lambda w + (a w + b x) / sqrt(a^2 + b^2)) / (1 + lambda), by w it is x.
    """
    with torch.no_grad():
        sine = torch.sin(theta)
        tiny = sine < torch.finfo(sine.dtype).eps ** 0.5
        slope = m * torch.sin(m * theta).abs() / torch.where(tiny, torch.ones_like(sine), sine)
        a = torch.where(tiny, torch.full_like(sine, m * m), slope)[:, None]
        norm = torch.linalg.vector_norm(x, dim=1, keepdim=True)
        b = (psi[:, None] - torch.cos(theta)[:, None] * a) / norm
        towards = (annealing * own + (a * own + b * x) / torch.sqrt(a * a + b * b)) / (1.0 + annealing)
    by_x = (x * towards).sum(dim=1)
    by_own = (x.detach() * own).sum(dim=1)
    replaced: Tensor = value.detach() + (by_x - by_x.detach()) + (by_own - by_own.detach())
    return replaced
