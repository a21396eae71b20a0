"""GA-Softmax: the angle itself in place of its cosine, 1 - 2 theta / pi, with a multiplicative margin."""

from __future__ import annotations

import math

from torch import Tensor

from sphereface.heads.arccosine import arccosine
from sphereface.heads.row import Row, Setting


def linear(theta: Tensor, m: float = 1.5) -> Tensor:
    """Return 1 - 2 m theta / pi, linear in the angle.

    >>> import torch
    >>> linear(torch.tensor([0.0, torch.pi]), m=1.0)
    tensor([ 1., -1.])
    """
    return 1.0 - (2.0 * m / math.pi) * theta


def linear_others(cosine: Tensor, m: float = 1.5) -> Tensor:
    """Return 1 - 2 theta / pi of the other classes; the margin is not theirs.

    >>> import torch
    >>> linear_others(torch.tensor([0.0]))
    tensor([0.])
    """
    return 1.0 - (2.0 / math.pi) * arccosine(cosine)


ROW = Row(
    title="GA-Softmax",
    year=2017,
    source=(
        "generalised angular softmax after Liu et al. 2017 (deep hyperspherical learning), "
        "https://arxiv.org/abs/1711.03189; s = 30, m = 1.5 as in opensphere, whose gradient is that of m = 1"
    ),
    formula=(r"1-2m\theta/\pi", r"1-2\theta/\pi"),
    scale=30.0,
    settings={"margin": Setting(1.5, 1.0, 100.0)},
    psi=linear,
    eta=linear_others,
    neutral={"margin": 1.0},
    laws=frozenset({"ordered", "monotone", "strict"}),
)
