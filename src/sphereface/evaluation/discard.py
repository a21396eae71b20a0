"""Error versus discard: how many genuine pairs are still missed when the worst pictures are left out.

A quality measure earns a threshold by this curve alone (Grother and Tabassi 2007,
https://doi.org/10.1109/TPAMI.2007.1019; ISO/IEC 29794-1). A useless measure leaves it flat.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from sphereface.errors import DataError
from sphereface.evaluation.counting import misses
from sphereface.evaluation.results import Rate
from sphereface.evaluation.scores import Pairs, PairScores
from sphereface.evaluation.steps import threshold_at

SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3)


@dataclass(frozen=True)
class DiscardPoint:
    """One point of the curve.

    Attributes:
        share: Share of the pictures that were left out, the worst ones.
        limit: The smallest quality that is left.
        pairs: Genuine pairs that are left.
        fnmr: Share of them below the threshold.
    """

    share: float
    limit: float
    pairs: int
    fnmr: Rate


def error_versus_discard(
    scores: PairScores,
    quality: ArrayLike,
    *,
    target_fmr: float = 0.001,
    shares: Sequence[float] = SHARES,
    confidence: float = 0.95,
) -> list[DiscardPoint]:
    """Return FNMR for growing shares of pictures left out, at the threshold that all impostor pairs give.

    The threshold stays where it is: it is deployed before anybody knows which pictures will come.

    Args:
        scores: Genuine and impostor pairs.
        quality: Shape (N,), one number a picture, higher is better; of equal ones the first goes first.
        target_fmr: False match rate of the threshold.
        shares: Each at least 0 and below 1. Points without a genuine pair are left out.
        confidence: Of the intervals.

    Raises:
        DataError: If the qualities are not one finite number a picture, or a share is out of range.
    """
    worth = np.asarray(quality, dtype=np.float64)
    if worth.shape != scores.people.shape or not np.isfinite(worth).all():
        raise DataError(f"quality must be {len(scores.people)} finite numbers, one a picture, not {worth.shape}")
    if bad := [share for share in shares if not 0.0 <= share < 1.0]:
        raise DataError(f"a share of pictures to leave out must be at least 0 and below 1, not {bad[0]}")
    limits = np.sort(worth)
    threshold = np.array([threshold_at(np.sort(scores.scored().impostor.scores), target_fmr)])
    rank = np.empty(len(worth), dtype=np.int64)
    rank[np.argsort(worth, kind="stable")] = np.arange(len(worth))
    points = []
    for share in shares:
        gone = round(share * len(worth))
        genuine = _among(scores.genuine, rank >= gone)
        if len(genuine) == 0:
            continue
        rate = misses(replace(scores, genuine=genuine), threshold)
        points.append(DiscardPoint(share, float(limits[gone]), len(genuine), rate.rates(confidence)[0]))
    return points


def _among(pairs: Pairs, kept: np.ndarray) -> Pairs:
    return pairs.only(kept[pairs.first] & kept[pairs.second])
