"""SphereFace-R v2: the margin moved to the other classes, cos(theta / m)."""

from __future__ import annotations

import torch
from torch import Tensor

from sphereface.heads.arccosine import arccosine
from sphereface.heads.losses.normface import no_margin
from sphereface.heads.row import ALL_LAWS, Row, Setting


def divided(cosine: Tensor, m: float = 1.4) -> Tensor:
    """Return cos(theta / m) for the other classes.

    Args:
        cosine: Cosine to the other prototypes.
        m: Margin, at least 1.

    Reference: Liu et al. 2022, https://arxiv.org/abs/2109.05565, and the authors' published code.

    >>> divided(torch.tensor([-1.0]), m=2.0).round(decimals=4)
    tensor([-0.])
    """
    return torch.cos(arccosine(cosine) / m)


ROW = Row(
    title="SphereFace-R v2",
    year=2022,
    source="Liu et al. 2022, https://arxiv.org/abs/2109.05565; s = 60, m = 1.4 as in opensphere",
    formula=(r"\cos\theta", r"\cos(\theta/m)"),
    scale=60.0,
    settings={"margin": Setting(1.4, 1.0, 100.0)},
    psi=no_margin,
    eta=divided,
    neutral={"margin": 1.0},
    stepwise=True,
    laws=ALL_LAWS,
)
