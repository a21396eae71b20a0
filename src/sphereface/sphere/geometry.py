"""Lengths, directions and angles, with gradients that stay finite where acos has none.

Every function takes numpy arrays or torch tensors and answers in kind (the array API standard, through
array-api-compat); nothing here imports torch. Squares are formed in the dtype given: widen float16 and
bfloat16 first, or lengths above 255 overflow and angles have two digits.
"""

from __future__ import annotations

from typing import Any

from array_api_compat import array_namespace

Array = Any  # numpy.ndarray or torch.Tensor


def length(x: Array, *, axis: int = -1, keepdims: bool = False) -> Array:
    """Return the Euclidean length along ``axis``; its gradient at the zero vector is 0, not NaN.

    Args:
        x: Any shape.
        axis: The axis of the coordinates.
        keepdims: Keep that axis with length 1.

    >>> import numpy as np
    >>> float(length(np.array([3.0, 4.0])))
    5.0
    """
    xp = array_namespace(x)
    square = xp.sum(x * x, axis=axis, keepdims=keepdims)
    # sqrt'(0) is infinite: give sqrt a harmless 1 there and put the 0 back afterwards, so that neither
    # branch of the derivative holds an infinity.
    positive = square > 0
    root = xp.sqrt(xp.where(positive, square, xp.ones_like(square)))
    return xp.where(positive, root, xp.zeros_like(square))


def unit(x: Array, *, axis: int = -1) -> Array:
    """Return ``x`` scaled to length 1; the zero vector stays zero.

    >>> import numpy as np
    >>> unit(np.array([3.0, 4.0])).tolist()
    [0.6, 0.8]
    """
    xp = array_namespace(x)
    norm = length(x, axis=axis, keepdims=True)
    return x / xp.where(norm > 0, norm, xp.ones_like(norm))


def cosine(x: Array, y: Array) -> Array:
    """Return the cosine between matching rows of ``x`` and ``y``, clipped to [-1, 1]; shape (...,).

    >>> import numpy as np
    >>> float(cosine(np.array([1.0, 0.0]), np.array([0.0, 2.0])))
    0.0
    """
    xp = array_namespace(x, y)
    return xp.clip(xp.sum(unit(x) * unit(y), axis=-1), -1.0, 1.0)


def angle(x: Array, y: Array) -> Array:
    """Return the angle in radians between matching rows, exact near 0 and pi.

    Computed as 2 atan2(|u - v|, |u + v|) of the directions u and v (Kahan 2006): acos of a rounded
    cosine loses every digit within 1e-3 rad of 0, and its derivative is infinite there. At exactly
    0 and pi the direction of steepest change does not exist; the gradient is 0 by definition. A zero
    vector has no direction: pi / 2 to everything, as its cosine is 0.

    Args:
        x: Shape (..., d).
        y: Shape (..., d).

    >>> import numpy as np
    >>> float(angle(np.array([1.0, 0.0]), np.array([-1.0, 0.0])))
    3.141592653589793
    """
    xp = array_namespace(x, y)
    u, v = unit(x), unit(y)
    return 2.0 * xp.atan2(length(u - v), length(u + v))


def slerp(x: Array, y: Array, t: float) -> Array:
    """Return the point a share ``t`` of the way along the great circle from ``x`` to ``y``; unit length.

    Args:
        x: Shape (..., d).
        y: Shape (..., d), not antipodal to ``x`` (there the way is not unique, and the answer is the
            straight line's direction: either end, or the zero vector half way).
        t: 0 gives ``x``, 1 gives ``y``.

    >>> import numpy as np
    >>> slerp(np.array([1.0, 0.0]), np.array([0.0, 1.0]), 0.5).round(4).tolist()
    [0.7071, 0.7071]
    """
    xp = array_namespace(x, y)
    u, v = unit(x), unit(y)
    theta = xp.expand_dims(angle(u, v), axis=-1)
    small = xp.sin(theta) < 1e-6
    sine = xp.where(small, xp.ones_like(theta), xp.sin(theta))
    along = (xp.sin((1.0 - t) * theta) * u + xp.sin(t * theta) * v) / sine
    return unit(xp.where(small, (1.0 - t) * u + t * v, along))
