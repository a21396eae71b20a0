"""Plain softmax: the inner product with prototypes of any length, without bias."""

from __future__ import annotations

from sphereface.heads.losses.normface import no_margin
from sphereface.heads.row import Row

ROW = Row(
    title="Softmax",
    year=1989,
    source="cross-entropy over inner products with free prototypes, without bias",
    formula=(r"\lVert W_y\rVert\cos\theta", r"\lVert W_j\rVert\cos\theta"),
    scale=None,
    psi=no_margin,
    unit_prototypes=False,
    laws=frozenset({"ordered", "monotone", "strict"}),
)
