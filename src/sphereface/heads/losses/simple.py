"""SimPLE: pairs of embeddings instead of prototypes, one against the other with a generalised inner product."""

from __future__ import annotations

from sphereface.heads.row import Row, Setting

ROW = Row(
    title="SimPLE",
    year=2023,
    source=(
        "Wen et al. 2023, opensphere: b_theta = 0.3, alpha = 0.001, r = 2, bias from -10, weight 500. There the "
        "bank holds 524,288 embeddings of a slowly following network and the norm is softplus of a coordinate; "
        "here it holds the last embeddings of the network itself, and the norm is their own"
    ),
    formula=(r"x\cdot y-b_\theta\lVert x\rVert\lVert y\rVert", r"x\cdot y-b_\theta\lVert x\rVert\lVert y\rVert"),
    scale=None,
    settings={
        "b_theta": Setting(0.3, -1.0, 1.0, "angle offset of the inner product"),
        "balance": Setting(0.001, 0.0, 1.0, "alpha, weight of genuine pairs"),
        "sharpness": Setting(2.0, 0.01, 1e3, "r: genuine scores are divided by it, impostor ones multiplied"),
        "margin": Setting(0.0, 0.0, 1e3, "m, between genuine and impostor scores"),
        "first_bias": Setting(-10.0, -1e4, 1e4, "bias in the beginning"),
        "bank": Setting(8192.0, 0.0, 2.0**22, "how many earlier embeddings are kept", whole=True),
    },
    link="pairs",
    loss_weight=500.0,
)
