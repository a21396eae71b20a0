"""Sub-center ArcFace: several prototypes a class, the nearest counts; wrong labels gather around another."""

from __future__ import annotations

from sphereface.heads.losses.arcface import ROW as ARCFACE
from sphereface.heads.losses.arcface import added, added_easy
from sphereface.heads.row import Row

ROW = Row(
    title="Sub-center ArcFace",
    year=2020,
    source="Deng et al. 2020 (ECCV), the authors' code: K = 3, outliers beyond 75 degrees; s = 64, m = 0.5",
    formula=(r"\cos(\theta+m),\ \cos\theta=\max_k\cos\theta_{y,k}", r"\max_k\cos\theta_{j,k}"),
    scale=64.0,
    settings=ARCFACE.settings,
    psi=added,
    neutral=ARCFACE.neutral,
    forms={"easy": added_easy},
    kinks=ARCFACE.kinks,
    centres=3,
    laws=frozenset({"ordered", "monotone", "strict"}),
)
