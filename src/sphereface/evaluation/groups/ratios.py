"""How unequal are the error rates of groups, and how unequal would they be if the labels meant nothing?

Every measure takes rates whose last axis runs over groups, so that all permutations are measured at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sphereface.evaluation.groups.counts import Counts, Whole
from sphereface.evaluation.intervals import Floats

ALPHA = 0.5  # weight of false matches in FDR and GARBE

_CELLS = 1 << 22  # people x permutations x groups counted at a time: 16 MB


@dataclass(frozen=True, slots=True)
class Inequality:
    """One figure over groups, beside what chance gives at these sizes.

    Attributes:
        value: The figure, or None with a ``reason``.
        chance: Its median where labels are permuted over people; None where that is infinite.
        chance_limit: 95 % of permutations are more equal than this; None where that is infinite.
        p_value: Share of permutations at least as unequal, the observation counted as one of them.
        groups: Names of the groups in it.
        reason: Why there is no value.
    """

    value: float | None
    chance: float | None
    chance_limit: float | None
    p_value: float | None
    groups: tuple[str, ...]
    reason: str = ""


def largest_to_geometric_mean(rates: Floats) -> Floats:
    """Return max / geometric mean: 1 where all are equal, infinite where one rate is 0 and another is not.

    Reference: Grother 2022, Face Recognition Vendor Test part 8, NIST IR 8429.

    >>> round(float(largest_to_geometric_mean(np.array([0.01, 0.04]))), 6)
    2.0
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.max(rates, axis=-1) / np.exp(np.mean(np.log(rates), axis=-1)))


def largest_to_smallest(rates: Floats) -> Floats:
    """Return max / min.

    >>> float(largest_to_smallest(np.array([0.01, 0.04])))
    4.0
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.max(rates, axis=-1) / np.min(rates, axis=-1))


def gini(rates: Floats) -> Floats:
    """Return the Gini coefficient with the correction n / (n - 1): 0 all equal, 1 one group has all errors.

    Reference: Howard et al. 2022, https://arxiv.org/abs/2203.05051

    >>> gini(np.array([[0.02, 0.02, 0.02], [0.0, 0.0, 0.03]])).round(12).tolist()
    [0.0, 1.0]
    """
    n = rates.shape[-1]
    apart = np.abs(rates[..., :, None] - rates[..., None, :]).sum(axis=(-2, -1))
    with np.errstate(invalid="ignore"):
        return np.asarray(apart / (2.0 * n * (n - 1) * np.mean(rates, axis=-1)))


def fairness_discrepancy_rate(fmr: Floats, fnmr: Floats, alpha: float = ALPHA) -> Floats:
    """Return FDR = 1 - (alpha x largest gap of FMR + (1 - alpha) x largest gap of FNMR); 1 is equal.

    Where FMR is a thousandth of FNMR its gaps are lost in the sum: read the ratios as well.

    Reference: de Freitas Pereira and Marcel 2021, https://arxiv.org/abs/2011.02395

    >>> round(float(fairness_discrepancy_rate(np.array([0.0, 0.1]), np.array([0.2, 0.5]))), 6)
    0.8
    """
    gaps = (np.ptp(rates, axis=-1) for rates in (fmr, fnmr))
    return np.asarray(1.0 - alpha * next(gaps) - (1.0 - alpha) * next(gaps))


def garbe(fmr: Floats, fnmr: Floats, alpha: float = ALPHA) -> Floats:
    """Return GARBE = alpha x Gini of FMR + (1 - alpha) x Gini of FNMR; 0 is equal.

    Reference: Howard et al. 2022, https://arxiv.org/abs/2203.05051
    """
    return alpha * gini(fmr) + (1.0 - alpha) * gini(fnmr)


def permuted(counts: Counts, labels: Whole, groups: int, permutations: int, seed: int) -> tuple[Floats, Floats]:
    """Return FNMR and FMR of groups to which people were assigned by lot, both of shape (B, G).

    Group sizes stay; people without a label (-1) stay out.
    """
    generator = np.random.default_rng([seed, groups])
    inside = np.flatnonzero(labels >= 0)
    shuffled = np.tile(labels, (permutations, 1))
    for row in shuffled:
        row[inside] = generator.permutation(labels[inside])
    step = max(1, _CELLS // (groups * len(labels)))
    drawn = [counts.by_group(shuffled[at : at + step], groups) for at in range(0, permutations, step)]
    return np.concatenate([tally.fnmr for tally in drawn]), np.concatenate([tally.fmr for tally in drawn])


def against_chance(
    measure: Callable[..., Floats],
    observed: Sequence[Floats],
    drawn: Sequence[Floats],
    names: tuple[str, ...],
    *,
    higher_is_worse: bool = True,
) -> Inequality:
    """Measure the rates of groups, and set the figure beside the same figure of permuted labels.

    Args:
        measure: Of one or two kinds of rates.
        observed: Each of shape (G,), NaN for a group that is to be left out.
        drawn: Each of shape (B, G).
        names: G names.
        higher_is_worse: Whether a larger figure is less equal.
    """
    kept = np.asarray(~np.isnan(np.stack(observed)).any(axis=0))
    groups = tuple(name for name, inside in zip(names, kept, strict=True) if inside)
    if len(groups) < 2:
        return Inequality(None, None, None, None, groups, "fewer than two groups have a supported rate")
    value = float(measure(*(rates[kept] for rates in observed)))
    if not np.isfinite(value):
        return Inequality(None, None, None, None, groups, "a group without any error has no ratio to others")
    sign = 1.0 if higher_is_worse else -1.0
    by_lot = measure(*(rates[:, kept] for rates in drawn))
    worse = np.sort(sign * by_lot[~np.isnan(by_lot)])
    if not len(worse):
        return Inequality(value, None, None, None, groups)
    # Equal partitions must tie whatever the order of their sums.
    reached = int((worse >= sign * value - 1e-12 * abs(value)).sum())
    middle, limit = (sign * float(worse[int(np.ceil(share * len(worse))) - 1]) for share in (0.5, 0.95))
    return Inequality(value, _finite(middle), _finite(limit), (1 + reached) / (1 + len(worse)), groups)


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


RATIOS: dict[str, Callable[[Floats], Floats]] = {
    "max_to_geometric_mean": largest_to_geometric_mean,
    "max_to_min": largest_to_smallest,
    "gini": gini,
}
