"""The table of losses: a name and the file that holds its row.

A new loss is one file in ``losses/`` and one line here.
"""

from __future__ import annotations

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

ROWS: dict[str, Row] = {
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
