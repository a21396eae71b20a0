"""Shares in percent, with digits enough that a small one is not written as none."""

from __future__ import annotations

import math
from collections.abc import Sequence

_MOST = 8


def fixed_percent(shares: Sequence[float], digits: int = 2) -> tuple[str, ...]:
    """Return shares in percent without the sign, all with the same decimals.

    Args:
        shares: The first is the figure, what follows its interval.
        digits: Decimals; more where the figure, or if it is 0 the largest, would keep fewer than two digits.

    >>> fixed_percent((0.0332, 0.029, 0.038)), fixed_percent((1e-5, 0.0, 3e-5)), fixed_percent((0.0,))
    (('3.32', '2.90', '3.80'), ('0.0010', '0.0000', '0.0030'), ('0.00',))
    """
    deciding = 100.0 * (shares[0] or max(shares))
    if deciding > 0.0 and math.isfinite(deciding):
        exponent = int(f"{deciding:.1e}".partition("e")[2])  # after rounding to two digits
        digits = min(max(digits, 1 - exponent), _MOST)
    return tuple(f"{100.0 * share:.{digits}f}" for share in shares)


def percent_with_interval(share: float, low: float, high: float, digits: int = 2) -> str:
    """Return a share in percent with its interval, as every text for a terminal or a log has it.

    Args:
        share: The figure.
        low: Lower end of its interval.
        high: Upper end.
        digits: Decimals, as of :func:`fixed_percent`.

    >>> percent_with_interval(0.0332, 0.029, 0.038), percent_with_interval(1e-5, 0.0, 3e-5)
    ('3.32 % (2.90 to 3.80)', '0.0010 % (0.0000 to 0.0030)')
    """
    figure, below, above = fixed_percent((share, low, high), digits)
    return f"{figure} % ({below} to {above})"
