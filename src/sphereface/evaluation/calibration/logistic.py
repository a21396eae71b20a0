"""Logistic regression in which genuine and impostor pairs weigh the same.

Its output is then a log-likelihood ratio: no prior of the pair list stays in it.

Where the two kinds can be told apart without error the likelihood has no maximum. Labels are therefore smoothed
as Platt's: 1 - e for genuine and e for impostor pairs, e = 1 / (n + 2). Here n is the smaller number of pairs
for both kinds: the ratio then shrinks towards 0 and never towards one kind. The loss is strictly convex, its
minimum exists, and Newton's method with halved steps finds it.

References: Platt 1999, in Advances in Large Margin Classifiers; Brümmer and du Preez 2006, Computer Speech and
Language 20, 230-275.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
from scipy.special import expit

from sphereface.evaluation.calibration.likelihood import Floats, Mask

Columns = Callable[[slice], Floats]

_CHUNK = 1 << 17  # pairs handled at a time
_MOST_STEPS = 100


def fit_logistic(columns: Columns, same: Mask, penalty: Floats) -> tuple[float, Floats, float]:
    """Return intercept, coefficients (p,) and loss (nats a pair) of the balanced regression of n pairs.

    Args:
        columns: Gives the rows of a slice, shape (m, p): all n at once may not fit in memory.
        same: Shape (n,).
        penalty: Shape (p,): half of it times the squared coefficient of the standardised column is added to
            the loss. A column that does not vary gets the coefficient 0.
    """
    genuine = int(same.sum())
    each = np.where(same, 0.5 / genuine, 0.5 / (len(same) - genuine))
    smooth = 1.0 / (min(genuine, len(same) - genuine) + 2.0)
    target = np.where(same, 1.0 - smooth, smooth)
    parts = [slice(start, start + _CHUNK) for start in range(0, len(same), _CHUNK)]
    mean = sum((each[part] @ columns(part) for part in parts), np.zeros(len(penalty)))
    spread = np.sqrt(sum((each[part] @ (columns(part) - mean) ** 2 for part in parts), np.zeros(len(penalty))))
    varies = spread > 1e-12 * np.maximum(np.abs(mean), 1.0)
    scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=varies)
    ridge = np.append(0.0, penalty)

    def look(weights: Floats) -> tuple[float, Floats, Floats]:
        """Return loss, gradient and curvature at these weights."""
        loss, gradient, curvature = 0.5 * float(ridge @ weights**2), ridge * weights, np.diag(ridge)
        for part in parts:
            block = np.column_stack([np.ones(len(each[part])), (columns(part) - mean) * scale])
            logit = block @ weights
            share = expit(logit)
            loss += float(each[part] @ (np.logaddexp(0.0, logit) - target[part] * logit))
            gradient = gradient + block.T @ (each[part] * (share - target[part]))
            curvature = curvature + block.T @ (block * (each[part] * share * (1.0 - share))[:, None])
        return loss, gradient, curvature

    weights = np.zeros(len(ridge))
    value, gradient, curvature = look(weights)
    for _ in range(_MOST_STEPS):
        step = np.linalg.lstsq(curvature, gradient, rcond=None)[0]
        gain = float(gradient @ step)  # twice what a whole step would win if the loss were a parabola
        if gain < 1e-15:
            break
        size = 1.0
        while (new := look(weights - size * step))[0] > value - 1e-4 * size * gain and size > 1e-10:
            size /= 2.0
        if new[0] >= value:
            break  # what is left is rounding
        weights = weights - size * step
        value, gradient, curvature = new
    slopes = weights[1:] * scale
    return float(weights[0] - slopes @ mean), slopes, value


def fit_increasing(features: Floats, same: Mask) -> tuple[float, Floats]:
    """Return intercept and coefficients (p,), none of them negative, of features (n, p) with p of 1 or 2.

    The minimum under these bounds is the free minimum on some subset of the columns: the best one without a
    negative coefficient is it.
    """
    count = features.shape[1]
    best = np.inf, 0.0, np.zeros(count)
    for size in range(count, -1, -1):
        for subset in combinations(range(count), size):
            chosen = list(subset)
            intercept, slopes, loss = fit_logistic(
                lambda part, chosen=chosen: features[part][:, chosen],  # type: ignore[misc]
                same,
                np.zeros(size),
            )
            if (slopes >= 0).all() and loss < best[0]:
                best = loss, intercept, np.zeros(count)
                best[2][chosen] = slopes
        if size == count and np.isfinite(best[0]):
            break  # the free minimum keeps the bounds already
    return best[1], best[2]
