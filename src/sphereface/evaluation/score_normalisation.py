"""Scores seen against a cohort of strangers: z-, t-, s- and adaptive s-norm.

A cosine of 0.3 says little about a face that lies in a crowd and much about one that lies alone. Each face is
therefore compared with a cohort of people who take part in nothing else, and a score is told in standard
deviations above what this face usually gets. With mu and sigma the mean and the (population) standard
deviation of an image's cosines to the cohort:

==============  ==============================================================================
z               (s - mu_1) / sigma_1, the first image being the one that was enrolled
t               (s - mu_2) / sigma_2, the second image being the probe
s               the mean of both, so that the order of the images does not matter
adaptive s      as s, with mu and sigma over each image's ``top`` nearest of the cohort
==============  ==============================================================================

References: Auckenthaler, Carey and Lloyd-Thomas 2000, Digital Signal Processing 10, 42-54 (z, t); Kenny 2010,
Odyssey (s); Matějka et al. 2017, Interspeech (adaptive s-norm, its first variant).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError, DataError, nearest
from sphereface.evaluation.images import Embeddings
from sphereface.evaluation.scores import PairScores

Floats = NDArray[np.float64]
Kind = Literal["z", "t", "s", "adaptive-s"]

_CELLS = 1 << 22  # cosines held at a time: 32 MiB


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """The images behind n scores: score i compares ``embeddings[first[i]]`` with ``embeddings[second[i]]``.

    Attributes:
        embeddings: Shape (N, d), any norm; a row of zeros or NaN is an image without an embedding.
        first: Shape (n,), integers; of the enrolled image where the order matters.
        second: Shape (n,).
    """

    embeddings: Embeddings
    first: NDArray[np.integer[Any]]
    second: NDArray[np.integer[Any]]

    def only(self, chosen: NDArray[Any]) -> Sides:
        """Keep these pairs, and of the embeddings nothing but what they compare."""
        first, second = self.first[chosen], self.second[chosen]
        kept = np.unique(np.concatenate([first, second]))
        return Sides(self.embeddings[kept], np.searchsorted(kept, first), np.searchsorted(kept, second))


def unit_rows(embeddings: Embeddings) -> Floats:
    """Return the rows at unit norm, shape (N, d); rows of zeros, NaN or infinity become NaN.

    >>> unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6, 0.8], [nan, nan]]
    """
    array = np.asarray(embeddings, np.float64)
    if array.ndim != 2:
        raise DataError(f"embeddings must have the shape (images, dimension), not {array.shape}")
    norms = np.linalg.norm(array, axis=1, keepdims=True)
    usable = np.isfinite(norms) & (norms > 0)
    return np.asarray(np.divide(array, norms, out=np.full_like(array, np.nan), where=usable))


def cohort_statistics(
    embeddings: Embeddings, cohort: Embeddings, *, top: int | None = None
) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of each image's cosines to the cohort, two arrays of shape (N,).

    An image without an embedding has NaN for both. Needs N x M x d products and 32 MiB beside its input.

    Args:
        embeddings: Shape (N, d).
        cohort: Shape (M, d), M at least 2.
        top: Only the ``top`` nearest of the cohort count, all of them where there are fewer; None for all.

    Raises:
        ConfigurationError: If ``top`` is below 2.
        DataError: If the cohort has fewer than two rows, an unusable one, or another dimension; or if an
            image is equally near to all of the cohort that counts.

    >>> mean, deviation = cohort_statistics(np.eye(3)[:1], np.eye(3))
    >>> mean.round(4).tolist(), deviation.round(4).tolist()
    ([0.3333], [0.4714])
    """
    images, others = unit_rows(embeddings), unit_rows(cohort)
    if top is not None and top < 2:
        raise ConfigurationError(f"top must be 2 or more, not {top}: one score has no spread")
    if len(others) < 2 or np.isnan(others).any():
        raise DataError("a cohort needs at least two embeddings, none of them zero, NaN or infinite")
    if others.shape[1] != images.shape[1]:
        raise DataError(
            f"the cohort has {others.shape[1]} dimensions, but the embeddings have {images.shape[1]}; "
            "both must come from one model"
        )
    mean, deviation = np.empty(len(images)), np.empty(len(images))
    left_out = max(len(others) - (top or len(others)), 0)
    for start in range(0, len(images), rows := max(1, _CELLS // len(others))):
        cosines = images[start : start + rows] @ others.T
        if left_out:
            cosines = np.partition(cosines, left_out, axis=1)[:, left_out:]
        mean[start : start + rows] = cosines.mean(axis=1)
        deviation[start : start + rows] = cosines.std(axis=1)
    flat = np.flatnonzero(deviation < 1e-9)
    if flat.size:
        raise DataError(f"image {flat[0]} is equally near to all of the cohort; take one of different people")
    return mean, deviation


def z_norm(scores: NDArray[np.floating[Any]], sides: Sides, cohort: Embeddings) -> Floats:
    """Return n scores in standard deviations above what the first image usually gets, shape (n,).

    Raises:
        DataError: If the cohort is unusable (:func:`cohort_statistics`), or a pair has a score but no embedding.
    """
    return _standardised(scores, sides.first, cohort_statistics(sides.embeddings, cohort))


def t_norm(scores: NDArray[np.floating[Any]], sides: Sides, cohort: Embeddings) -> Floats:
    """Return n scores in standard deviations above what the second image usually gets, shape (n,).

    Raises:
        DataError: As :func:`z_norm`.
    """
    return _standardised(scores, sides.second, cohort_statistics(sides.embeddings, cohort))


def s_norm(scores: NDArray[np.floating[Any]], sides: Sides, cohort: Embeddings) -> Floats:
    """Return the mean of z-norm and t-norm, shape (n,).

    Raises:
        DataError: As :func:`z_norm`.
    """
    return _both(scores, sides, cohort_statistics(sides.embeddings, cohort))


def adaptive_s_norm(
    scores: NDArray[np.floating[Any]], sides: Sides, cohort: Embeddings, *, top: int = 200
) -> Floats:
    """Return s-norm against the ``top`` nearest of the cohort to each image, shape (n,).

    Raises:
        ConfigurationError: If ``top`` is below 2.
        DataError: As :func:`z_norm`.
    """
    return _both(scores, sides, cohort_statistics(sides.embeddings, cohort, top=top))


Normalisation = Callable[[NDArray[np.floating[Any]], Sides, Embeddings], Floats]

NORMALISATIONS: dict[str, Normalisation] = {
    "z": z_norm,
    "t": t_norm,
    "s": s_norm,
    "adaptive-s": adaptive_s_norm,
}


def normalised_pairs(
    scores: PairScores,
    embeddings: Embeddings,
    cohort: Embeddings,
    kind: Kind,
    *,
    top: int = 200,
    cohort_identities: Iterable[str] | None = None,
) -> PairScores:
    """Return the same pairs with normalised scores, so that every figure can be measured on them.

    A pair without a score stays without one. Which image of a pair is the first matters to z and t only; in
    a list of pairs it is the one whose person comes first.

    Args:
        scores: Genuine and impostor pairs.
        embeddings: Shape (N, d), those that were scored.
        cohort: Shape (M, d), of people who are in no pair.
        kind: ``z``, ``t``, ``s`` or ``adaptive-s``.
        top: How many of the cohort count in ``adaptive-s``.
        cohort_identities: M names; whoever is also judged is then an error.

    Raises:
        ConfigurationError: If the kind is unknown, or ``top`` below 2.
        DataError: If the cohort is unusable or shares people with the pairs.
    """
    if kind not in NORMALISATIONS:
        known = ", ".join(NORMALISATIONS)
        raise ConfigurationError(
            f"unknown score normalisation '{kind}'; there are {known}.{nearest(kind, NORMALISATIONS)}"
        )
    check_disjoint(cohort_identities, scores)
    flat, _, sides = flattened(scores, embeddings)
    if kind == "adaptive-s":
        normalised = adaptive_s_norm(flat, sides, cohort, top=top)
    else:
        normalised = NORMALISATIONS[kind](flat, sides, cohort)
    genuine, impostor = np.split(normalised, [len(scores.genuine)])
    return replace(
        scores,
        title=f"{scores.title}, {kind}-norm",
        genuine=replace(scores.genuine, scores=genuine),
        impostor=replace(scores.impostor, scores=impostor),
    )


def flattened(
    scores: PairScores, embeddings: Embeddings | None
) -> tuple[NDArray[np.floating[Any]], NDArray[np.bool_], Sides]:
    """Return all n scores, genuine pairs first, which of them are genuine, and their images.

    Without embeddings the images have no dimension; images that a list misses have rows of zeros.

    Raises:
        DataError: If there are more embeddings than images.
    """
    images = len(scores.people)
    array = np.zeros((images, 0)) if embeddings is None else np.asarray(embeddings)
    if len(array) > images:
        raise DataError(f"the pairs were made of {images} images, but there are {len(array)} embeddings")
    array = np.pad(array, ((0, images - len(array)), (0, 0)))
    kinds = scores.genuine, scores.impostor
    return (
        np.concatenate([pairs.scores for pairs in kinds]),
        np.repeat([True, False], [len(pairs) for pairs in kinds]),
        Sides(array, *(np.concatenate([getattr(pairs, end) for pairs in kinds]) for end in ("first", "second"))),
    )


def check_disjoint(cohort_identities: Iterable[str] | None, scores: PairScores) -> None:
    """Refuse a cohort that shares people with those judged; without names there is nothing to check.

    Raises:
        DataError: If it does, with one of them.
    """
    shared = sorted(set(cohort_identities or ()) & set(scores.names))
    if shared:
        raise DataError(
            f"{len(shared)} people of the cohort are also judged, such as '{shared[0]}'; leave them out of one"
        )


def _both(scores: NDArray[np.floating[Any]], sides: Sides, statistics: tuple[Floats, Floats]) -> Floats:
    one, two = (_standardised(scores, side, statistics) for side in (sides.first, sides.second))
    return np.asarray((one + two) / 2.0)


def _standardised(
    scores: NDArray[np.floating[Any]], images: NDArray[np.integer[Any]], statistics: tuple[Floats, Floats]
) -> Floats:
    mean, deviation = (values[images] for values in statistics)
    failed = np.isneginf(scores)
    lost = np.flatnonzero(np.isnan(mean) & ~failed)
    if lost.size:
        raise DataError(f"pair {lost[0]} has a score, but its image {images[lost[0]]} has no embedding")
    return np.where(failed, -np.inf, (np.asarray(scores, np.float64) - mean) / deviation)
