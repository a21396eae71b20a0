"""Which picture comes when, and with which random numbers: a pure function of (seed, position).

Training sees one endless row of positions; step ``t`` with batches of ``B`` is positions ``t B`` to
``(t + 1) B - 1``. Position ``p`` lies in epoch ``p // N`` of N pictures, and every epoch is a permutation of
its own. Nothing is drawn from a running generator, so a run taken up at any step continues as if it had
never stopped, and a change of batch size keeps order and draws.

Philox (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") is counter-based: word ``n`` of a
key is found without the words before it. Only its raw words are used, which NumPy promises not to change.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError

_WORDS_PER_BLOCK = 4  # Philox4x64 makes four 64-bit words of one counter value
_ORDER, _DRAWS = 0, 1 << 63  # keys (seed, _ORDER + epoch) and (seed, _DRAWS) never meet


def sample_order(count: int, seed: int, start: int, stop: int) -> NDArray[np.int64]:
    """Return the indices of the pictures at positions ``start`` to ``stop - 1``.

    Args:
        count: Number of pictures N in an epoch.
        seed: From 0 to 2**64 - 1.
        start: First position.
        stop: One after the last position.

    Returns:
        Shape (stop - start,), int64, values in 0..N-1; every aligned run of N positions is a permutation.

    >>> sorted(sample_order(5, seed=3, start=5, stop=10).tolist())
    [0, 1, 2, 3, 4]
    """
    check_seed(seed)
    positions = np.arange(start, stop)
    order = np.empty(stop - start, dtype=np.int64)
    for epoch in range(start // count, -(-stop // count)):
        here = positions // count == epoch
        order[here] = _permutation(count, seed, epoch)[positions[here] % count]
    return order


def sample_draws(seed: int, start: int, stop: int, width: int, *, stream: int = 0) -> NDArray[np.float64]:
    """Return ``width`` uniform numbers in [0, 1) for each of the positions ``start`` to ``stop - 1``.

    Draws of another ``stream`` have nothing to do with these: a new kind of change leaves the old ones alone.

    Returns:
        Shape (stop - start, width), float64.
    """
    check_seed(seed)
    skipped = start * width % _WORDS_PER_BLOCK
    generator = np.random.Philox(key=_key(seed, _DRAWS + stream), counter=start * width // _WORDS_PER_BLOCK)
    words = generator.random_raw(skipped + (stop - start) * width)[skipped:]
    uniform: NDArray[np.float64] = (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return uniform.reshape(stop - start, width)


def check_seed(seed: int) -> None:
    """Insist on a seed that Philox can take.

    Raises:
        ConfigurationError: If it is below 0 or above 2**64 - 1.
    """
    if not 0 <= seed < 2**64:
        raise ConfigurationError(f"the seed must be a whole number from 0 to 2**64 - 1, not {seed}")


def _key(seed: int, purpose: int) -> NDArray[np.uint64]:
    # Spelt out: a plain list of a small and a very large number would pass through float64 and lose digits.
    return np.array([seed, purpose], dtype=np.uint64)


@lru_cache(maxsize=4)
def _permutation(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Sort random words: equal ones (once in 2**64 / N**2) keep their order, so this is always defined."""
    words = np.random.Philox(key=_key(seed, _ORDER + epoch)).random_raw(count)
    order = np.argsort(words, kind="stable").astype(np.int64)
    order.setflags(write=False)
    return order
