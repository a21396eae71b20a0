"""What papers report of several galleries: the mean, over both of IJB or the ten trials of BLUFR."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sphereface.evaluation.results import Identification, Rate

_FEWEST = 3  # galleries from which their spread is told


@dataclass(frozen=True, slots=True)
class Averaged:
    """A rate over several galleries.

    Attributes:
        mean: Plain mean of the galleries' rates. Its interval goes from the mean of their lower ends to that of
            their upper ends: conservative, for the deviation of a mean is at most the mean of the deviations,
            however much the galleries share.
        deviation: Standard deviation over galleries (of a sample); None for fewer than three.
    """

    mean: Rate
    deviation: float | None


@dataclass(frozen=True, slots=True)
class GalleryAverage:
    """Open-set search averaged over galleries, each with its own threshold.

    Attributes:
        galleries: How many.
        fnir_at_fpir: FPIR target -> FNIR.
        rank_1: Share of mated searches whose person comes first, no threshold.
    """

    galleries: int
    fnir_at_fpir: dict[float, Averaged]
    rank_1: Averaged | None


def average_galleries(found: Sequence[Identification]) -> GalleryAverage | None:
    """Average what was measured in each gallery; None for fewer than two galleries."""
    if len(found) < 2:
        return None
    targets = [target for target in found[0].fnir_at_fpir if all(target in one.fnir_at_fpir for one in found)]
    return GalleryAverage(
        len(found),
        {target: average([one.fnir_at_fpir[target] for one in found]) for target in targets},
        average([one.cmc[0] for one in found]) if all(one.cmc for one in found) else None,
    )


def average(rates: Sequence[Rate]) -> Averaged:
    """Return the mean of rates; it has no value where one of them has none.

    The effective trials are the fewest of any: galleries may share all of their people.

    >>> found = average([Rate(0.1, 0.05, 0.2, 0.95, 80), Rate(0.2, 0.15, 0.3, 0.95, 60)])
    >>> [round(end, 3) for end in (found.mean.value, found.mean.low, found.mean.high)], found.mean.n
    ([0.15, 0.1, 0.25], 60)
    """
    first = rates[0]
    unknown = [rate for rate in rates if rate.value is None]
    if unknown:
        reason = unknown[0].reason.removeprefix("not supported by this data: ")
        reason = f"not supported by this data: {len(unknown)} of {len(rates)} galleries have no value; {reason}"
        return Averaged(Rate(None, None, None, first.confidence, 0.0, reason, first.threshold), None)
    values, low, high = (
        np.array([getattr(rate, end) for rate in rates], dtype=np.float64) for end in ("value", "low", "high")
    )
    mean = Rate(
        float(values.mean()),
        float(low.mean()),
        float(high.mean()),
        first.confidence,
        min(rate.n for rate in rates),
        threshold=first.threshold,
    )
    return Averaged(mean, float(values.std(ddof=1)) if len(rates) >= _FEWEST else None)
