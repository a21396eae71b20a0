"""L-Softmax: the multiplicative margin on inner products, prototypes of any length."""

from __future__ import annotations

from sphereface.heads.losses.sphereface import FORMULA, multiplied, pieces
from sphereface.heads.row import Row, Setting

ROW = Row(
    title="L-Softmax",
    year=2016,
    source=(
        "Liu et al. 2016, https://arxiv.org/abs/1612.02295; lambda falls to 0 as in the authors' example for "
        "handwritten digits, over a run counted as 28,000 steps (for hard data they advise to stay at 5 or 10)"
    ),
    formula=(
        rf"\lVert W_y\rVert\left({FORMULA}+\lambda\cos\theta\right)/(1+\lambda)",
        r"\lVert W_j\rVert\cos\theta",
    ),
    scale=None,
    settings={"margin": Setting(4.0, 1.0, 100.0, whole=True)},
    psi=multiplied,
    neutral={"margin": 1.0},
    kinks=pieces,
    annealed=(1000.0, 2.5e-5, 35.0, 0.0),
    unit_prototypes=False,
    laws=frozenset({"ordered", "monotone", "strict"}),
)
