"""The table of losses: a name and the file that holds its row.

A new loss is one file in ``losses/`` and one line here; :func:`register_head` adds one from outside.
"""

from __future__ import annotations

from sphereface.errors import ConfigurationError
from sphereface.heads.losses import (
    a_softmax,
    adacos,
    adaface,
    arcface,
    circle,
    combined,
    cosface,
    curricularface,
    elasticface,
    ga_softmax,
    l_softmax,
    magface,
    mv_softmax,
    normface,
    simple,
    softmax,
    sphereface,
    sphereface2,
    sphereface_plus,
    sphereface_r_v1,
    sphereface_r_v2,
    subcenter_arcface,
    uniface,
)
from sphereface.heads.row import Row

HEADS: dict[str, Row] = {
    "softmax": softmax.ROW,
    "normface": normface.ROW,
    "l-softmax": l_softmax.ROW,
    "a-softmax": a_softmax.ROW,
    "sphereface": sphereface.ROW,
    "sphereface-r-v1": sphereface_r_v1.ROW,
    "sphereface-r-v2": sphereface_r_v2.ROW,
    "sphereface2-c": sphereface2.C_ROW,
    "sphereface2-a": sphereface2.A_ROW,
    "sphereface2-m": sphereface2.M_ROW,
    "sphereface-plus": sphereface_plus.ROW,
    "cosface": cosface.ROW,
    "arcface": arcface.ROW,
    "combined": combined.ROW,
    "subcenter-arcface": subcenter_arcface.ROW,
    "curricularface": curricularface.ROW,
    "magface": magface.ROW,
    "adaface": adaface.ROW,
    "elasticface": elasticface.ROW,
    "elasticface-plus": elasticface.PLUS_ROW,
    "uniface": uniface.ROW,
    "circle": circle.ROW,
    "adacos": adacos.ROW,
    "mv-softmax": mv_softmax.ROW,
    "ga-softmax": ga_softmax.ROW,
    "simple": simple.ROW,
}


def register_head(name: str, row: Row) -> None:
    """Add a loss of your own to the table, for this process: ``build_head`` and recipes know it from then on.

    A run that is resumed, and ``find_outliers``, need it registered again under the same name; a trained
    network does not, for its head stays behind.

    Args:
        name: What it is called, not yet taken.
        row: The loss: ``psi`` and perhaps ``eta``, or a ``rule``.

    Raises:
        ConfigurationError: If the name is taken, or the row has no function to compute.

    >>> import torch
    >>> from sphereface.heads import Row, Setting, build_head
    >>> def halved(theta, m):
    ...     return torch.cos(theta) - m * (1.0 - torch.cos(theta)) / 2.0
    >>> settings = {"margin": Setting(0.3, 0.0, 1.0)}
    >>> register_head("halved", Row("Halved", 2026, "mine", ("", ""), 30.0, settings, halved))
    >>> build_head("halved", num_classes=10, embedding_dim=4, margin=0.5).schedule_state()
    {'margin': 0.5}
    >>> _ = HEADS.pop("halved")
    """
    if not name or name in HEADS:
        raise ConfigurationError(f"a head needs a name that is not taken, not '{name}'")
    if (row.psi is None) == (row.rule is None):
        raise ConfigurationError(f"the row of '{name}' needs psi or a rule, and not both")
    HEADS[name] = row
