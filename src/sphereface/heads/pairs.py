"""Contrastive and triplet loss: thin adapters over pytorch-metric-learning, on cosines of directions.

Of unit vectors |u - v|^2 = 2 - 2 cos, so a rule about squared Euclidean distances is one about cosines; both
losses are stated in cosines, higher is more alike. The library is imported when a loss is made, not before.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from torch import Tensor

from sphereface.errors import MissingExtraError
from sphereface.sphere.geometry import unit

PairLoss = Callable[[Tensor, Tensor], Tensor]  # (embeddings (N, d), labels (N,)) -> scalar

_LIBRARY = "pytorch_metric_learning"


def contrastive(margin: float = 0.5) -> PairLoss:
    """Return mean(1 - cos) of genuine pairs + mean(max(0, cos - margin)) of impostor pairs, above 0 each.

    1 - cos is half the squared distance, the genuine half of the published loss. The impostor half there is
    max(0, m - |u - v|)^2 / 2; here it is linear in the cosine and starts at the same place, margin =
    1 - m^2 / 2 (0.5 for m = 1). Means are over pairs of the batch that have a loss above 0, as the library has it;
    a kind of pair that the batch lacks counts 0.

    Args:
        margin: Cosine up to which impostors are left alone.

    Returns:
        A function of embeddings (N, d), of any length but zero, and labels (N,).

    Raises:
        MissingExtraError: If pytorch-metric-learning is not installed.

    Reference: Hadsell et al. 2006, Dimensionality reduction by learning an invariant mapping; as
    pytorch-metric-learning's ContrastiveLoss over CosineSimilarity.

    >>> import torch
    >>> loss = contrastive()
    >>> float(loss(torch.tensor([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]]), torch.tensor([0, 0, 1])))
    1.5
    """
    loss = _part("losses").ContrastiveLoss(
        pos_margin=1.0, neg_margin=margin, distance=_part("distances").CosineSimilarity()
    )

    def compute(embeddings: Tensor, labels: Tensor) -> Tensor:
        result: Tensor = loss(unit(embeddings), labels)
        return result

    return compute


def triplet(margin: float = 0.1) -> PairLoss:
    """Return the mean of cos(a, n) - cos(a, p) + margin over semi-hard triplets of the batch.

    Semi-hard: the negative is less alike than the positive, but by no more than the margin, so that every
    mined triplet has a loss. Half of FaceNet's max(0, |a - p|^2 - |a - n|^2 + alpha) at alpha = 2 margin:
    0.1 is its 0.2. FaceNet takes one such negative for every genuine pair; here all of them count. A batch
    without such a triplet gives 0. All N^3 triplets are looked at: 134 MB at N = 512.

    Args:
        margin: By how much, in cosine, a genuine pair is to be more alike; above 0.

    Returns:
        A function of embeddings (N, d), of any length but zero, and labels (N,).

    Raises:
        MissingExtraError: If pytorch-metric-learning is not installed.

    Reference: Schroff et al. 2015 (FaceNet), https://arxiv.org/abs/1503.03832, section 3; as
    pytorch-metric-learning's TripletMarginLoss and TripletMarginMiner over CosineSimilarity.

    >>> import torch
    >>> loss = triplet(margin=0.5)
    >>> x = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.6, 0.8]])
    >>> round(float(loss(x, torch.tensor([0, 0, 1]))), 4)  # one: 0.6 - 0.8 + 0.5
    0.3
    """
    distance = _part("distances").CosineSimilarity()
    mine = _part("miners").TripletMarginMiner(margin, type_of_triplets="semihard", distance=distance)
    loss = _part("losses").TripletMarginLoss(margin, distance=distance)

    def compute(embeddings: Tensor, labels: Tensor) -> Tensor:
        u = unit(embeddings)
        result: Tensor = loss(u, labels, mine(u, labels))
        return result

    return compute


def _part(name: str) -> Any:
    try:
        importlib.import_module(_LIBRARY)
        return importlib.import_module(f"{_LIBRARY}.{name}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != _LIBRARY:
            raise
        raise MissingExtraError(
            "the contrastive and triplet losses need pytorch-metric-learning, which is not installed: "
            "pip install 'sphereface[pairs]'"
        ) from None
