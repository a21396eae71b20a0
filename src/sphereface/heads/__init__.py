"""Heads: embedding and label to a loss. A head owns the prototypes (class centres)."""

from sphereface.heads.build import Head, build_head
from sphereface.heads.build_regularizer import REGULARIZERS, Regularizer, build_regularizer
from sphereface.heads.margin_head import MarginHead
from sphereface.heads.outliers import find_outliers
from sphereface.heads.pair_head import PairHead
from sphereface.heads.row import Row, Setting
from sphereface.heads.seen import HeadResult
from sphereface.heads.table import HEADS, register_head

__all__ = [
    "HEADS",
    "REGULARIZERS",
    "Head",
    "HeadResult",
    "MarginHead",
    "PairHead",
    "Regularizer",
    "Row",
    "Setting",
    "build_head",
    "build_regularizer",
    "find_outliers",
    "register_head",
]
