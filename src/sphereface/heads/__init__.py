"""Heads: embedding and label to a loss. A head owns the prototypes (class centres)."""

from sphereface.heads.build import HEADS, Head, build_head
from sphereface.heads.build_regularizer import REGULARIZERS, Regularizer, build_regularizer
from sphereface.heads.margin_head import HeadResult, MarginHead
from sphereface.heads.outliers import find_outliers
from sphereface.heads.pair_head import PairHead

__all__ = [
    "HEADS",
    "REGULARIZERS",
    "Head",
    "HeadResult",
    "MarginHead",
    "PairHead",
    "Regularizer",
    "build_head",
    "build_regularizer",
    "find_outliers",
]
