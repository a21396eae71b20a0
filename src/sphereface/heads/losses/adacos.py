"""AdaCos: the normalised softmax with a scale that sets itself; there is nothing to choose."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from sphereface.heads.row import Row, Sample, Terms

_LOWEST_SCALE = 1.0  # the first value is 0 for two classes


class AdaCos(nn.Module):
    """s = log(B) / cos(min(pi / 4, median own angle)), B the mean sum of exp(s cos) over the other classes.

    Attributes:
        scale: The present s; starts at sqrt(2) log(C - 1); in the state that is saved.
    """

    scale: Tensor

    def __init__(self, *, num_classes: int, **_: Any) -> None:
        super().__init__()
        first = max(math.sqrt(2.0) * math.log(num_classes - 1), _LOWEST_SCALE)
        self.register_buffer("scale", torch.tensor(first, dtype=torch.float64))

    @torch.no_grad()
    def _update(self, sample: Sample) -> None:
        others = sample.others_at(self.scale).to(torch.float64)
        mean = torch.logsumexp(others, 0) - math.log(len(others))
        median = sample.theta.median().to(torch.float64).clamp(max=math.pi / 4.0)
        self.scale.copy_((mean / torch.cos(median)).clamp(min=_LOWEST_SCALE))

    def forward(self, sample: Sample) -> Terms:
        """Update the scale from this batch, then use it."""
        if sample.training:
            self._update(sample)
        scale = self.scale.to(sample.theta, copy=True)  # as it is now, whatever later batches make of it
        return Terms(torch.cos(sample.theta), radius=scale.expand(len(sample.theta)))


ROW = Row(
    title="AdaCos",
    year=2019,
    source="Zhang et al. 2019, https://arxiv.org/abs/1905.00292, the dynamic form; the floor of 1 under s is ours",
    formula=(r"\cos\theta", r"\cos\theta"),
    scale=30.0,  # not used: the rule gives its own
    rule=AdaCos,
    own_scale=True,
    laws=frozenset({"ordered", "monotone", "strict"}),
)
