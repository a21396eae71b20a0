"""Heads: embedding and label to a loss. A head owns the prototypes (class centres)."""

from sphereface.heads.build import HEADS, build_head
from sphereface.heads.softmax import HeadResult, SoftmaxHead

__all__ = ["HEADS", "HeadResult", "SoftmaxHead", "build_head"]
