"""How far into their tails strangers reach: the spread of f_i, and what it means for a larger gallery.

A stranger i reaches the threshold with a share f_i of all people there could be. In a gallery of N people the
stranger raises an alarm with probability 1 - (1 - f_i)^N, so FPIR(N) = mean over strangers of that. If all f_i
were equal it would be 1 - (1 - FMR)^N; the more they differ, the fewer strangers share the alarms, and the
lower it is. That independence bound is never exceeded (Jensen).

At each threshold -log(1 - f_i) is taken to follow a Gamma distribution of shape a, which makes everything closed:

    FPIR(N) = 1 - [1 + N ((1 - FMR)^(-1 / a) - 1)]^(-a)

This is FMR at N = 1 and the bound as a grows. The shape is the one that gives FPIR(M) of the gallery at hand, of
M people: the extrapolation begins where the measured curve ends. A tail fitted to each stranger's own scores
knows f_i worse than these two averages do; it missed the target up to a hundredfold where strangers belong to
groups of their own.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_WIDEST, _TIGHTEST = np.log(1e-30), np.log(1e6)  # logarithm of a
_HALVINGS = 60
_LARGE = 100.0  # logarithm of a number beside which 1 is nothing
_STEP = 1e-4  # relative, for derivatives


def independent(one: ArrayLike, people: int) -> Floats:
    """Return 1 - (1 - FMR)^N, which is the rate if all strangers are alike, and a bound if they are not.

    Args:
        one: Chance of an alarm against one person: the FMR.
        people: N.

    >>> independent(0.001, 1000).round(3).item()
    0.632
    """
    share = np.minimum(np.asarray(one, np.float64), 1.0)
    with np.errstate(divide="ignore"):
        return cast(Floats, -np.expm1(people * np.log1p(-share)))


def beyond(one: ArrayLike, whole: ArrayLike, measured: int, people: int) -> Floats:
    """Return FPIR(N) from FMR and FPIR(M).

    Args:
        one: FMR at K thresholds, shape (K,) or a number.
        whole: FPIR(M) there.
        measured: M.
        people: N, any number.

    >>> beyond(0.001, independent(0.001, 100), 100, 1000).round(3).tolist()
    [0.632]
    >>> beyond(0.001, 0.05, 100, 1000).round(3).tolist()
    [0.126]
    """
    one, whole = (np.atleast_1d(np.asarray(rate, np.float64)) for rate in (one, whole))
    # FPIR(M) lies between FMR (the same strangers match everybody) and the independence bound.
    low, high = np.full(one.shape, _WIDEST), np.full(one.shape, _TIGHTEST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        above = _gamma(one, middle, measured) > whole
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    rate = np.where(high < _TIGHTEST, _gamma(one, high, people), independent(one, people))
    return np.where(one < 1.0, rate, 1.0)


def slopes(one: Floats, whole: Floats, measured: int, people: int) -> tuple[Floats, Floats]:
    """Return the derivatives of :func:`beyond` with respect to FMR and FPIR(M), both of shape (K,)."""

    def slope(step_one: Floats, step_whole: Floats) -> Floats:
        ends = [beyond(one + s * step_one, whole + s * step_whole, measured, people) for s in (1.0, -1.0)]
        wide = 2.0 * (step_one + step_whole)
        return np.divide(ends[0] - ends[1], wide, out=np.zeros_like(wide), where=wide > 0)

    nothing = np.zeros_like(one)
    return slope(_STEP * one, nothing), slope(nothing, _STEP * whole)


def _gamma(one: Floats, log_shape: Floats, people: int) -> Floats:
    """Return FPIR(N) for this FMR and the logarithm of the shape a."""
    a = np.exp(log_shape)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        power = -np.log1p(-one) / a
        grown = np.where(power < _LARGE, np.log1p(people * np.expm1(power)), np.log(people) + power)
        return cast(Floats, -np.expm1(-a * grown))
