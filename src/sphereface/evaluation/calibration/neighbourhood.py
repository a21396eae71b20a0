"""Where an embedding lies: clusters of the sphere, and the images behind scores made ready for looking at it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError, DataError, NotEnoughDataError
from sphereface.evaluation.calibration.likelihood import Floats, Mask, Scores
from sphereface.evaluation.images import Embeddings
from sphereface.evaluation.score_normalisation import Sides, unit_rows
from sphereface.sphere.clusters import spherical_k_means

MOST_NUMBERS = 1 << 19  # of a cohort or of centroids that travel with a calibration: 1,024 of 512 dimensions


def units_of(scores: Scores, sides: Sides | None, dimension: int) -> tuple[Floats, Mask]:
    """Return the images' unit rows, zeros where there is none, and which these are: (N, d) and (N,).

    Raises:
        DataError: If there are no images, not one pair of them for each score, or of another dimension; or
            if a pair has a score but no embedding.
    """
    if sides is None:
        raise DataError("this calibration looks at neighbourhoods; give it the embeddings behind the scores")
    units = unit_rows(sides.embeddings)
    if units.shape[1] != dimension:
        raise DataError(
            f"this calibration is for {dimension} dimensions, but the embeddings have {units.shape[1]}"
        )
    if not len(sides.first) == len(sides.second) == len(scores):
        raise DataError(f"there are {len(scores)} scores, but {len(sides.first)} pairs of images")
    failed = np.isnan(units[:, 0])
    lost = np.flatnonzero((failed[sides.first] | failed[sides.second]) & ~np.isneginf(scores))
    if lost.size:
        raise DataError(f"pair {lost[0]} has a score, but one of its images has no embedding")
    return np.where(failed[:, None], 0.0, units), failed


def spherical_clusters(embeddings: Embeddings, clusters: int, *, seed: int = 0) -> Floats:
    """Return the unit centres of clusters found by k-means on the sphere, shape (K, d).

    Args:
        embeddings: Shape (N, d), any norm; rows of zeros or NaN are left out.
        clusters: K, at most N.
        seed: Of the start.

    Raises:
        ConfigurationError: If ``clusters`` is below 1.
        NotEnoughDataError: If there are fewer images than clusters.

    >>> spherical_clusters(np.array([[2.0, 0.0], [0.0, 3.0]]), 2).round(4).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    units = unit_rows(embeddings)
    units = units[~np.isnan(units[:, 0])]
    if clusters < 1:
        raise ConfigurationError(f"clusters must be 1 or more, not {clusters}")
    if len(units) < clusters:
        raise NotEnoughDataError(f"{len(units)} images cannot make {clusters} clusters; ask for fewer")
    return spherical_k_means(units, clusters, seed=seed)[0]


def nearest_centre(units: Floats, centres: Floats) -> NDArray[np.intp]:
    """Return the cluster of each unit row, shape (N,): the first of the centres with the highest cosine."""
    return np.asarray((units @ centres.T).argmax(axis=1))


def checked_table(values: object, name: str, rows: int = 0) -> Floats:
    """Return a finite float64 array of two dimensions, at least ``rows`` of them, or say what is wrong with it.

    Raises:
        DataError: If it is something else, or holds more than 524,288 numbers.
    """
    table = np.asarray(values, np.float64)
    if table.ndim != 2 or len(table) < rows or table.shape[1] == 0 or not np.isfinite(table).all():
        raise DataError(f"{name} of a calibration must be {rows} or more rows of finite numbers of one length")
    if table.size > MOST_NUMBERS:
        raise DataError(
            f"{name} of a calibration may hold {MOST_NUMBERS:,} numbers ({MOST_NUMBERS // table.shape[1]:,} rows "
            f"of {table.shape[1]}), not {table.size:,}: take a part of it"
        )
    return table
