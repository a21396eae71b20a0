"""How well two people could share one document: the worst morph that an embedding allows.

The published worst case puts a morph half way between two embeddings (https://arxiv.org/abs/2111.15416). How its
authors turn that into a rate we do not know, so the rate here, wcMMPMR, is our own definition. Two images, one of
each person, give the midpoint z of their directions. It is tried against *other* images of both people: each
has up to k attempts, and the morph's score is min over the two people of max over their attempts of cos(z, image).
wcMMPMR(T) is the share of pairs with a score >= T.

Against the contributing images themselves z scores sqrt((1 + c) / 2), c their cosine, which passes at every
practical threshold: a bound that says nothing about a border, and is called trivial here.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError, NotEnoughDataError
from sphereface.evaluation.images import Embeddings, Mask, checked, person_codes
from sphereface.evaluation.intervals import Floats
from sphereface.evaluation.morphing.pairs import Kind, morph_pairs

_CELLS = 1 << 23  # numbers of probes held at a time: 32 MB
_MOST_ATTEMPTS = 100


@dataclass(frozen=True, slots=True, eq=False)
class MorphScores:
    """Scores of worst-case morphs of n pairs of people, and of P people with themselves.

    Attributes:
        kind: Which pairs.
        attempts: K numbers of attempts, increasing; the first is 1.
        names: P people with two images or more.
        one: Shape (n,): position of the first person.
        two: Shape (n,): position of the second, after the first.
        morphs: Shape (n, K).
        trivial: Shape (n,): score against the contributing images.
        genuine: Shape (P, K): best score of each person's own contributing image in the same attempts.
        possible: Pairs of this kind that there are; n were drawn.
    """

    kind: Kind
    attempts: tuple[int, ...]
    names: tuple[str, ...]
    one: NDArray[np.int64]
    two: NDArray[np.int64]
    morphs: Floats
    trivial: Floats
    genuine: Floats
    possible: int


def morph_scores(
    embeddings: Embeddings,
    identities: Sequence[str],
    kind: Kind = "all",
    *,
    failed: Mask | None = None,
    groups: Mapping[str, str] | None = None,
    attempts: int = 5,
    most_pairs: int = 100_000,
    seed: int = 0,
) -> MorphScores:
    """Make the worst-case morph of every pair of people and try it against their other images.

    Each person's images are put in a random order that depends on seed and name alone: the first contributes,
    the following ones are the attempts. Work is done in blocks of pairs; memory does not grow with their number
    but for the results.

    Args:
        embeddings: Shape (N, d), any norm but zero.
        identities: N names.
        kind: ``all`` pairs; pairs of the ``same group``; everybody with the ``nearest`` other person, by the
            contributing images: an accomplice is chosen, not drawn.
        failed: Shape (N,): images that could not be embedded; they do not take part.
        groups: Label of each person by name, for ``same group``.
        attempts: k, what the operator allows; people with fewer images have fewer. 1 is measured as well.
        most_pairs: So many pairs are drawn where there are more.
        seed: Of the draws.

    Raises:
        DataError: If the embeddings are unusable.
        ConfigurationError: If a setting is out of range.
        NotEnoughDataError: If there is no pair of people with two images each.
    """
    if not 1 <= attempts <= _MOST_ATTEMPTS:
        raise ConfigurationError(f"attempts must be from 1 to {_MOST_ATTEMPTS}, not {attempts}")
    vectors, failed = checked(embeddings, identities, failed)
    names, images = _drawn(identities, failed, attempts, seed)
    contributing = vectors[images[:, 0]] if len(names) else vectors[:0]
    one, two, possible = (
        morph_pairs(kind, contributing, names, groups=groups, most_pairs=most_pairs, seed=seed)
        if len(names) > 1
        else (np.zeros(0, np.int64), np.zeros(0, np.int64), 0)
    )
    if not len(one):
        raise NotEnoughDataError(
            f"there is no pair of people to morph ('{kind}'): {len(names)} people have two usable images or more"
        )
    ks = (1,) if attempts == 1 else (1, attempts)
    columns = np.array(ks) - 1
    morphs, trivial = np.empty((len(one), len(ks))), np.empty(len(one))
    step = max(1, _CELLS // (attempts * vectors.shape[1]))
    for start in range(0, len(one), step):
        block = slice(start, start + step)
        sums = contributing[one[block]] + contributing[two[block]]
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        middle = sums / np.where(norms > 0, norms, 1.0)
        each = [_best(vectors, images[side[block], 1:], middle)[:, columns] for side in (one, two)]
        morphs[block] = np.minimum(*each)
        trivial[block] = norms[:, 0] / 2.0  # |u + v| / 2 = sqrt((1 + c) / 2)
    genuine = np.concatenate(
        [
            _best(vectors, images[start : start + step, 1:], contributing[start : start + step])[:, columns]
            for start in range(0, len(names), step)
        ]
    ).astype(np.float64)
    return MorphScores(kind, ks, names, one, two, morphs, trivial, genuine, possible)


def _drawn(
    identities: Sequence[str], failed: Mask, attempts: int, seed: int
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return people with two usable images, and 1 + k images of each, (P, 1 + k), -1 where there are fewer."""
    names, codes = person_codes(identities)
    usable = np.flatnonzero(~failed)
    order = usable[np.argsort(codes[usable], kind="stable")]
    parts = np.split(order, np.cumsum(np.bincount(codes[usable], minlength=len(names)))[:-1])
    chosen = [(name, own) for name, own in zip(names, parts, strict=True) if len(own) > 1]
    images = np.full((len(chosen), 1 + attempts), -1, dtype=np.int64)
    for row, (name, own) in enumerate(chosen):
        generator = np.random.default_rng([seed, zlib.crc32(name.encode("utf-8", "surrogateescape"))])
        drawn = generator.permutation(own)[: 1 + attempts]
        images[row, : len(drawn)] = drawn
    return tuple(name for name, _ in chosen), images


def _best(vectors: NDArray[np.float32], images: NDArray[np.int64], against: NDArray[np.floating[Any]]) -> Floats:
    """Return the best cosine of each row's first 1, 2, ... images with its vector of ``against``, (n, k)."""
    cosines = np.einsum("nkd,nd->nk", vectors[images], against)
    return np.maximum.accumulate(np.where(images < 0, -np.inf, np.clip(cosines, -1.0, 1.0)), axis=1)
