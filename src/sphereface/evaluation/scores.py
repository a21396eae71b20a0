"""From embeddings to the scores of pairs, each pair remembering its two images."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import DataError, NotEnoughDataError
from sphereface.evaluation.pair_list import PairList

Embeddings = NDArray[np.floating[Any]]
Codes = NDArray[np.int32]
Mask = NDArray[np.bool_]

_ROWS = 512  # rows of the cosine matrix held at a time
_MOST_PAIRS = 100_000_000  # 1.2 GB of scores and positions


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of one kind, sorted by the person of the first image.

    Attributes:
        scores: Shape (n,), the cosines; -inf where a pair could not be scored.
        first: Shape (n,), int32: position of the first image, the one whose person comes first.
        second: Shape (n,), int32.
        fold: Shape (n,): the protocol's own folds, or None.
    """

    scores: NDArray[np.floating[Any]]
    first: Codes
    second: Codes
    fold: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(frozen=True, slots=True, eq=False)
class PairScores:
    """Genuine and impostor scores, and who is in each image.

    Attributes:
        title: How the pairs were made.
        genuine: Pairs of one person.
        impostor: Pairs of two people; the first image's person has the smaller code.
        people: Shape (N,), int32: code of each image's person.
        names: The person behind each code.
        balanced: True where accuracy weighs the two kinds equally, because the list was not made with as
            many impostor as genuine pairs.
    """

    title: str
    genuine: Pairs
    impostor: Pairs
    people: Codes
    names: tuple[str, ...]
    balanced: bool

    @property
    def failed(self) -> int:
        """Number of pairs that have no score."""
        return int(np.isneginf(self.genuine.scores).sum() + np.isneginf(self.impostor.scores).sum())


def checked(
    embeddings: Embeddings, identities: Sequence[str], failed: Mask | None = None
) -> tuple[NDArray[np.float32], Mask]:
    """Return the embeddings as float32 of unit norm and the mask of failed images, or say what is wrong.

    Args:
        embeddings: Shape (N, d), any norm but zero.
        identities: N names.
        failed: Shape (N,), bool: images that could not be embedded; their rows are ignored and come back as
            zeros.

    Raises:
        DataError: If the shapes do not match, or a row holds NaN, infinity or only zeros.
    """
    array = np.asarray(embeddings)
    if array.ndim != 2 or array.dtype.kind not in "fiu" or array.shape[1] == 0:
        raise DataError(
            f"embeddings must be numbers of shape (images, dimension), not {array.shape} {array.dtype}"
        )
    if len(array) != len(identities):
        raise DataError(f"there are {len(array)} embeddings but {len(identities)} identities; give one for each")
    failed = np.zeros(len(array), dtype=bool) if failed is None else np.asarray(failed, dtype=bool)
    if failed.shape != (len(array),):
        raise DataError(f"the mask of failed images has shape {failed.shape}, but there are {len(array)} images")
    array = np.where(failed[:, None], 1.0, array)
    norms = np.linalg.norm(array, axis=1, keepdims=True)
    bad = np.flatnonzero(~np.isfinite(norms[:, 0]) | (norms[:, 0] == 0))
    if bad.size:
        row = int(bad[0])
        what = "is the zero vector" if norms[row, 0] == 0 else "holds NaN or infinity"
        raise DataError(
            f"{bad.size} of {len(array)} embeddings cannot be used: row {row} ('{identities[row]}') {what}; "
            "mark images that could not be embedded as failed"
        )
    return np.where(failed[:, None], 0.0, array / norms).astype(np.float32), failed


def person_codes(identities: Sequence[str]) -> tuple[tuple[str, ...], Codes]:
    """Return the sorted names and, for each image, the position of its person among them.

    >>> person_codes(["b", "a", "b"])
    (('a', 'b'), array([1, 0, 1], dtype=int32))
    """
    names, codes = np.unique(np.asarray(identities, dtype=object).astype(str), return_inverse=True)
    return tuple(str(name) for name in names), codes.astype(np.int32)


def at_most(identities: Sequence[str], count: int | None, seed: int) -> NDArray[np.int64]:
    """Choose at most ``count`` images a person; returns positions in increasing order.

    The draw depends on the seed, the person's name and the order of that person's images, on nothing else:
    leaving other people out changes nothing, and two models are judged on the same images.

    >>> at_most(["a", "a", "a", "b"], 2, seed=0).tolist()
    [1, 2, 3]
    """
    names, codes = person_codes(identities)
    if count is None:
        return np.arange(len(codes))
    if count < 1:
        raise DataError(f"images_per_identity must be 1 or more, not {count}")
    order = np.argsort(codes, kind="stable")
    kept = []
    for name, images in zip(names, np.split(order, np.cumsum(np.bincount(codes))[:-1]), strict=True):
        if len(images) > count:
            generator = np.random.default_rng([seed, zlib.crc32(name.encode())])
            images = generator.permutation(images)[:count]
        kept.append(images)
    return np.sort(np.concatenate(kept))


def all_pairs(
    embeddings: Embeddings,
    identities: Sequence[str],
    *,
    failed: Mask | None = None,
    images_per_identity: int | None = 10,
    seed: int = 0,
) -> PairScores:
    """Score every pair of images, at most ``images_per_identity`` images a person.

    Without the cap a few people with many images hold most of the genuine pairs. People with one image take
    part in impostor pairs. Cosines are float32 matrix products, 512 rows at a time; the result takes
    12 bytes a pair.

    Args:
        embeddings: Shape (N, d), any norm but zero.
        identities: N names.
        failed: Shape (N,), bool: images that could not be embedded; they are in no pair.
        images_per_identity: The cap, or None for all images.
        seed: Which images are drawn where there are more.

    Raises:
        DataError: If the embeddings are unusable, or there would be more than 100 million pairs.
        NotEnoughDataError: If there is only one person, or nobody has two images.
    """
    vectors, failed = checked(embeddings, identities, failed)
    chosen = at_most(identities, images_per_identity, seed)
    chosen = chosen[~failed[chosen]]
    names, people = person_codes(identities)
    order = chosen[np.argsort(people[chosen], kind="stable")].astype(np.int32)
    codes = people[order]
    counts = np.bincount(codes, minlength=len(names)).astype(np.int64)
    genuine, impostor = _room(counts)
    ends = np.cumsum(counts)[codes]
    sorted_vectors = vectors[order]
    at_genuine = at_impostor = 0
    for start in range(0, len(order), _ROWS):
        cosines = np.clip(sorted_vectors[start : start + _ROWS] @ sorted_vectors[start:].T, -1.0, 1.0)
        for row, cosine in enumerate(cosines, start):
            # Images are sorted by person, so a row's own person ends where its impostors begin.
            at_genuine = _put(genuine, at_genuine, order, row, row + 1, ends[row], cosine[row + 1 - start :])
            at_impostor = _put(
                impostor, at_impostor, order, row, ends[row], len(order), cosine[ends[row] - start :]
            )
    cap = "" if images_per_identity is None else f", at most {images_per_identity} images a person"
    return PairScores(f"all pairs{cap}", genuine, impostor, people, names, balanced=True)


def listed_pairs(
    embeddings: Embeddings, pairs: PairList, identities: Sequence[str], *, failed: Mask | None = None
) -> PairScores:
    """Score the pairs of a protocol's list.

    Args:
        embeddings: Shape (N, d), any norm but zero.
        pairs: Positions among the N images (see :func:`~sphereface.evaluation.pair_list.locate`).
        identities: N names.
        failed: Shape (N,), bool: images that could not be embedded; their pairs have no score and count as
            errors, like pairs with a missing image.

    Raises:
        DataError: If the embeddings are unusable, lengths differ, or a genuine pair names two people (or
            an impostor pair one).
        NotEnoughDataError: If the list has pairs of one kind only.
    """
    vectors, failed = checked(embeddings, identities, failed)
    if len(vectors) != pairs.images:
        raise DataError(
            f"the pair list was made for {pairs.images} images, but there are {len(vectors)} embeddings"
        )
    absent = len(pairs.missing)
    vectors = np.pad(vectors, ((0, absent), (0, 0)))
    failed = np.pad(failed, (0, absent), constant_values=True)
    names, people = person_codes([*identities, *pairs.missing_people])
    scores = np.clip(np.einsum("nd,nd->n", vectors[pairs.first], vectors[pairs.second]), -1.0, 1.0)
    scores[failed[pairs.first] | failed[pairs.second]] = -np.inf
    wrong = np.flatnonzero((people[pairs.first] == people[pairs.second]) != pairs.same)
    if wrong.size:
        one, two = (names[people[side[wrong[0]]]] for side in (pairs.first, pairs.second))
        kind = "genuine" if pairs.same[wrong[0]] else "impostor"
        raise DataError(
            f"pair {wrong[0] + 1} of '{pairs.title}' is listed as {kind}, but shows '{one}' and '{two}'"
        )
    return score_list(pairs.title, scores, pairs.same, pairs.first, pairs.second, people, names, pairs.fold)


def score_list(
    title: str,
    scores: NDArray[np.floating[Any]],
    same: NDArray[np.bool_],
    first: NDArray[np.integer[Any]],
    second: NDArray[np.integer[Any]],
    people: NDArray[np.integer[Any]],
    names: tuple[str, ...],
    fold: NDArray[np.int64] | None = None,
) -> PairScores:
    """Arrange scores that are already there: n pairs of positions in N images with their people's codes.

    Raises:
        NotEnoughDataError: If there are pairs of one kind only.
    """
    if same.all() or not same.any():
        raise NotEnoughDataError(
            f"'{title}' has only {'genuine' if same.any() else 'impostor'} pairs; error rates need both kinds"
        )
    swap = people[first] > people[second]
    first, second = np.where(swap, second, first), np.where(swap, first, second)
    kinds = []
    for kind in (same, ~same):
        chosen = np.flatnonzero(kind)
        chosen = chosen[np.argsort(people[first[chosen]], kind="stable")]
        kinds.append(
            Pairs(
                scores[chosen],
                first[chosen].astype(np.int32),
                second[chosen].astype(np.int32),
                None if fold is None else fold[chosen],
            )
        )
    return PairScores(title, kinds[0], kinds[1], people.astype(np.int32), names, balanced=False)


def _room(counts: NDArray[np.int64]) -> tuple[Pairs, Pairs]:
    """Reserve arrays for all pairs of people with these numbers of images."""
    total = int(counts.sum())
    genuine = int((counts * (counts - 1) // 2).sum())
    impostor = total * (total - 1) // 2 - genuine
    if total == 0:
        raise DataError("no image could be embedded, so there is nothing to compare")
    if impostor == 0:
        raise NotEnoughDataError("all images show one person; an evaluation needs at least two people")
    if genuine == 0:
        raise NotEnoughDataError("nobody has two images; an evaluation needs people with at least two each")
    if genuine + impostor > _MOST_PAIRS:
        raise DataError(
            f"{total} images make {(genuine + impostor) / 1e6:.0f} million pairs, more than the "
            f"{_MOST_PAIRS / 1e6:.0f} million that fit; lower images_per_identity or leave people out"
        )
    return _empty(genuine), _empty(impostor)


def _empty(size: int) -> Pairs:
    return Pairs(np.empty(size, np.float32), np.empty(size, np.int32), np.empty(size, np.int32))


def _put(pairs: Pairs, at: int, order: Codes, row: int, start: int, stop: int, cosine: NDArray[Any]) -> int:
    """Write the pairs of one image with the images ``start`` to ``stop``; return where the next ones go."""
    end = at + stop - start
    pairs.scores[at:end] = cosine[: stop - start]
    pairs.first[at:end] = order[row]
    pairs.second[at:end] = order[start:stop]
    return end
