"""How many traits of a drawn person matter: each is swapped alone between two people."""

from __future__ import annotations

from typing import Final

import numpy as np

from sphereface.data.synthetic import IDENTITY_DIMENSIONS, NUISANCE_DIMENSIONS, render
from sphereface.data.traits import identity_vector

_ROWS, _COLUMNS = np.mgrid[0:112, 0:112]
_FACE: Final = ((_COLUMNS - 55.5) / 44.0) ** 2 + ((_ROWS - 58.0) / 56.0) ** 2 <= 1.0
_VISIBLE: Final = 0.2


def traits_that_matter(seed: int = 0, pairs: int = 12) -> int:
    """Count the traits that change the face when swapped between two people under equal circumstances.

    A trait counts if in half of the pairs the face changes by more than 0.2 grey levels on average: as much
    as a step of 16 levels, plain to see, over an eightieth of the face, the area of one eye.

    Args:
        seed: Which population.
        pairs: Pairs of people.

    Returns:
        A number between 0 and ``IDENTITY_DIMENSIONS``.
    """
    plain = np.zeros(NUISANCE_DIMENSIONS)
    change = np.zeros((pairs, IDENTITY_DIMENSIONS))
    for pair in range(pairs):
        one, other = identity_vector(seed, 2 * pair), identity_vector(seed, 2 * pair + 1)
        base = render(one, plain).astype(np.int16)
        for trait in range(IDENTITY_DIMENSIONS):
            swapped = one.copy()
            swapped[trait] = other[trait]
            change[pair, trait] = np.abs(render(swapped, plain) - base)[_FACE].mean()
    return int((np.median(change, axis=0) > _VISIBLE).sum())
