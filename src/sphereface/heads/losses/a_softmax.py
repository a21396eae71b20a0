"""A-Softmax, the loss of SphereFace as published: whole margins 1 to 4 on the embedding's own norm, annealed."""

from __future__ import annotations

from sphereface.heads.losses.sphereface import FORMULA, multiplied, pieces
from sphereface.heads.row import ALL_LAWS, Row, Setting

ROW = Row(
    title="A-Softmax (SphereFace)",
    year=2017,
    source="Liu et al. 2017, https://arxiv.org/abs/1704.08063; lambda as in the authors' solver",
    formula=(rf"\left({FORMULA}+\lambda\cos\theta\right)/(1+\lambda)", r"\cos\theta"),
    scale=None,
    settings={"margin": Setting(4.0, 1.0, 4.0, whole=True)},
    psi=multiplied,
    neutral={"margin": 1.0},
    kinks=pieces,
    annealed=(1000.0, 0.12, 1.0, 5.0),
    normalised=True,
    laws=ALL_LAWS,
)
