"""The table of margins: one row per published softmax loss, and nothing else.

A new loss is a psi (and, rarely, an eta) in ``margins.py`` and one row here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from sphereface.heads import margins

Psi = Callable[[Tensor, float], Tensor]
Eta = Callable[[Tensor, float], Tensor]


@dataclass(frozen=True)
class Row:
    """One loss.

    Attributes:
        psi: Own-class function of the angle and the margin.
        neutral: The margin at which psi and eta are both the cosine.
        margin: Default margin.
        scale: Published scale s, or None where the norm of the embedding is used.
        source: Where the formula and the constants come from.
        eta: Other-class function of the cosine and the margin; None means the cosine itself.
        lowest: Smallest accepted margin.
        highest: Largest accepted margin.
        whole: Whether the margin must be a whole number.
        annealed: Whether the target is mixed with the plain cosine by lambda (A-Softmax).
        unit_prototypes: Whether prototypes are taken at length 1 (all but plain softmax).
        fallbacks: Other psi to choose by the setting ``fallback``; ``hard`` is ``psi`` itself.
    """

    psi: Psi
    neutral: float
    margin: float
    scale: float | None
    source: str
    eta: Eta | None = None
    lowest: float = 0.0
    highest: float = 100.0
    whole: bool = False
    annealed: bool = False
    unit_prototypes: bool = True
    fallbacks: Mapping[str, Psi] = field(default_factory=dict)


SOFTMAX_ROWS: dict[str, Row] = {
    "softmax": Row(
        psi=margins.no_margin,
        neutral=0.0,
        margin=0.0,
        highest=0.0,
        scale=None,
        unit_prototypes=False,
        source="the inner product with free prototypes, without bias",
    ),
    "normface": Row(
        psi=margins.no_margin,
        neutral=0.0,
        margin=0.0,
        highest=0.0,
        scale=30.0,
        source="Wang et al. 2017, https://arxiv.org/abs/1704.06369; s = 30 as in opensphere",
    ),
    "a-softmax": Row(
        psi=margins.sphereface,
        neutral=1.0,
        margin=4.0,
        lowest=1.0,
        highest=4.0,
        whole=True,
        annealed=True,
        scale=None,
        source="Liu et al. 2017, https://arxiv.org/abs/1704.08063; lambda as in the authors' solver",
    ),
    "sphereface": Row(
        psi=margins.sphereface,
        neutral=1.0,
        margin=1.5,
        lowest=1.0,
        scale=30.0,
        source="Liu et al. 2022, https://arxiv.org/abs/2109.05565; s = 30, m = 1.5 as in opensphere",
    ),
    "sphereface-r-v1": Row(
        psi=margins.sphereface_r_v1,
        neutral=1.0,
        margin=1.4,
        lowest=1.0,
        scale=30.0,
        source="Liu et al. 2022, https://arxiv.org/abs/2109.05565; its own s and m are unconfirmed",
    ),
    "sphereface-r-v2": Row(
        psi=margins.no_margin,
        eta=margins.sphereface_r_v2_others,
        neutral=1.0,
        margin=1.4,
        lowest=1.0,
        scale=60.0,
        source="Liu et al. 2022, https://arxiv.org/abs/2109.05565; s = 60, m = 1.4 as in opensphere",
    ),
    "cosface": Row(
        psi=margins.cosface,
        neutral=0.0,
        margin=0.35,
        highest=2.0,
        scale=64.0,
        source="Wang et al. 2018, https://arxiv.org/abs/1801.09414",
    ),
    "arcface": Row(
        psi=margins.arcface,
        neutral=0.0,
        margin=0.5,
        highest=math.pi / 2.0,  # beyond it psi is no longer decreasing, and psi(0) is negative
        scale=64.0,
        fallbacks={"easy": margins.arcface_easy},
        source="Deng et al. 2019, https://arxiv.org/abs/1801.07698",
    ),
}
