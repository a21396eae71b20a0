"""An audit without labels: error rates of people who lie together on the hypersphere.

A cluster is a region of the embedding, not a demographic group: nothing says what its people share. It shows
where on the sphere errors crowd, and whom to look at.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError, NotEnoughDataError
from sphereface.evaluation.groups.labels import MOST_GROUPS
from sphereface.evaluation.groups.rates import GroupRates, group_rates
from sphereface.evaluation.images import Embeddings, Mask, checked, person_codes
from sphereface.evaluation.intervals import Floats
from sphereface.evaluation.scores import PairScores
from sphereface.evaluation.templates import pool
from sphereface.sphere.clusters import spherical_k_means

_STARTS = 5


def cluster_audit(
    scores: PairScores,
    embeddings: Embeddings,
    identities: Sequence[str],
    threshold: float,
    *,
    failed: Mask | None = None,
    clusters: int = 8,
    confidence: float = 0.95,
    permutations: int = 200,
    seed: int = 0,
) -> GroupRates:
    """Measure error rates of clusters of people, as :func:`~sphereface.evaluation.groups.rates.group_rates` does.

    People are clustered by their mean directions. Neighbours are mistaken for each other more often than
    strangers are, so FMR within clusters lies above FMR between them by construction, and clusters of even the
    fairest embedding differ more than the random groups that stand for chance: the audit says where to look,
    not that a group is treated worse.

    Args:
        scores: Pairs of these people.
        embeddings: Shape (N, d), any norm but zero.
        identities: N names.
        threshold: The one that is deployed.
        failed: Shape (N,): images that could not be embedded.
        clusters: k, from 2 to 100.
        confidence: Of the two-sided intervals.
        permutations: Of cluster labels over people.
        seed: Of the clustering and of the permutations.

    Raises:
        DataError: If the embeddings are unusable.
        ConfigurationError: If ``clusters`` or another setting is out of range.
        NotEnoughDataError: If there are fewer people than clusters.
    """
    if not 2 <= clusters <= MOST_GROUPS:
        raise ConfigurationError(f"clusters must be from 2 to {MOST_GROUPS}, not {clusters}")
    vectors, failed = checked(embeddings, identities, failed)
    names, codes = person_codes(identities)
    people = pool(vectors, codes, failed=failed, count=len(names))
    usable = np.flatnonzero(~people.failed)
    found = cluster_people(people.embeddings[usable], clusters, seed=seed)
    width = len(str(clusters))
    labels = {names[person]: f"cluster {code + 1:0{width}d}" for person, code in zip(usable, found, strict=True)}
    return group_rates(
        scores,
        labels,
        threshold,
        title=f"{clusters} clusters of people's mean directions (spherical k-means); no demographic label",
        confidence=confidence,
        permutations=permutations,
        seed=seed,
    )


def cluster_people(means: Floats, clusters: int, *, seed: int = 0) -> NDArray[np.int64]:
    """Return the cluster of each person, shape (P,), the largest cluster first.

    Args:
        means: Shape (P, d), of unit norm.
        clusters: k.
        seed: Of the starts.

    Raises:
        NotEnoughDataError: If there are fewer people than clusters.
    """
    if len(means) < clusters:
        raise NotEnoughDataError(f"{len(means)} people cannot make {clusters} clusters; ask for fewer")
    own = spherical_k_means(means, clusters, seed=seed, starts=_STARTS)[1]
    rank = np.argsort(np.argsort(-np.bincount(own, minlength=clusters), kind="stable"))
    return np.asarray(rank[own], dtype=np.int64)
