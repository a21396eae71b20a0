"""From embeddings to the scores of pairs, each pair remembering its two images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import DataError, NotEnoughDataError
from sphereface.evaluation.images import Codes, Embeddings, Mask, at_most, checked, person_codes
from sphereface.evaluation.products import row_products
from sphereface.evaluation.protocol import UnitPairs

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

    def only(self, kept: NDArray[np.bool_]) -> Pairs:
        """Return those of the n pairs that are kept."""
        fold = None if self.fold is None else self.fold[kept]
        return Pairs(self.scores[kept], self.first[kept], self.second[kept], fold)


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
        folded: False where the list's protocol has no folds, and so no accuracy over them.
    """

    title: str
    genuine: Pairs
    impostor: Pairs
    people: Codes
    names: tuple[str, ...]
    balanced: bool
    folded: bool = True

    @property
    def failed(self) -> int:
        """Number of pairs that have no score."""
        return int(np.isneginf(self.genuine.scores).sum() + np.isneginf(self.impostor.scores).sum())

    def scored(self) -> PairScores:
        """Return the same without impostor pairs that have no score: what a false match rate is a share of.

        A failed picture is a miss, but it is no stranger who was turned away: counted as one it would lower the
        threshold and with it the misses of all others. ISO/IEC 19795-1 counts completed comparisons as well.

        Raises:
            NotEnoughDataError: If no impostor pair has a score.
        """
        kept = ~np.isneginf(self.impostor.scores)
        if kept.all():
            return self
        if not kept.any():
            raise NotEnoughDataError(f"no impostor pair of '{self.title}' could be scored")
        return replace(self, impostor=self.impostor.only(kept))

    def thinned(self, most: int, seed: int) -> PairScores:
        """Return the same with about ``most`` impostor pairs, drawn at random, where there are more."""
        pairs = self.impostor
        if len(pairs) <= most:
            return self
        kept = np.random.default_rng(seed).random(len(pairs), dtype=np.float32) < most / len(pairs)
        return replace(self, impostor=pairs.only(kept))


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
        failed: Shape (N,), bool: images that could not be embedded. Their genuine pairs have no score and count as
            misses; they are in no impostor pair, where a failure would only make the model look safer.
        images_per_identity: The cap, or None for all images.
        seed: Which images are drawn where there are more.

    Raises:
        DataError: If the embeddings are unusable, or there would be more than 100 million pairs.
        NotEnoughDataError: If there is only one person, or nobody has two images.
    """
    vectors, failed = checked(embeddings, identities, failed)
    drawn = at_most(identities, images_per_identity, seed)
    chosen = drawn[~failed[drawn]]
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
    genuine = _with_failures(genuine, drawn, failed, people)
    cap = "" if images_per_identity is None else f", at most {images_per_identity} images a person"
    return PairScores(f"all pairs{cap}", genuine, impostor, people, names, balanced=True)


def _with_failures(genuine: Pairs, drawn: NDArray[np.int64], failed: Mask, people: Codes) -> Pairs:
    """Add the genuine pairs of which an image failed, without a score."""
    if not failed[drawn].any():
        return genuine
    first, second = [genuine.first], [genuine.second]
    order = drawn[np.argsort(people[drawn], kind="stable")].astype(np.int32)
    for images in np.split(order, np.flatnonzero(np.diff(people[order])) + 1):
        one, two = np.triu_indices(len(images), 1)
        lost = failed[images[one]] | failed[images[two]]
        first.append(images[one[lost]])
        second.append(images[two[lost]])
    ones, twos = np.concatenate(first), np.concatenate(second)
    scores = np.pad(genuine.scores, (0, len(ones) - len(genuine)), constant_values=-np.inf)
    by_person = np.argsort(people[ones], kind="stable")
    return Pairs(scores[by_person], ones[by_person], twos[by_person])


def listed_pairs(
    embeddings: Embeddings, pairs: UnitPairs, identities: Sequence[str], *, failed: Mask | None = None
) -> PairScores:
    """Score the pairs of a protocol's list: float32 products, some hundred pairs at a time; 12 bytes a pair kept.

    Args:
        embeddings: Shape (N, d), any norm but zero.
        pairs: Positions among the N images.
        identities: N names.
        failed: Shape (N,), bool: images that could not be embedded; their pairs have no score. They are errors of
            the accuracy, genuine ones are misses, and impostor ones are in no false match rate.

    Raises:
        DataError: If the embeddings are unusable, a position is out of range, or a genuine pair names two people
            (or an impostor pair one).
        NotEnoughDataError: If the list has pairs of one kind only.
    """
    vectors, failed = checked(embeddings, identities, failed)
    names, people = person_codes(identities)
    for side in (pairs.first, pairs.second):
        if len(side) and not 0 <= side.min() <= side.max() < len(vectors):
            raise DataError(
                f"'{pairs.title}' speaks of image {side.max()}, but there are {len(vectors)} embeddings"
            )
    wrong = np.flatnonzero((people[pairs.first] == people[pairs.second]) != pairs.same)
    if wrong.size:
        one, two = (names[people[side[wrong[0]]]] for side in (pairs.first, pairs.second))
        kind = "genuine" if pairs.same[wrong[0]] else "impostor"
        raise DataError(
            f"pair {wrong[0] + 1} of '{pairs.title}' is listed as {kind}, but shows '{one}' and '{two}'"
        )
    scores = row_products(vectors, vectors, pairs.first, pairs.second)
    np.clip(scores, -1.0, 1.0, out=scores)
    scores[failed[pairs.first] | failed[pairs.second]] = -np.inf
    listed = score_list(pairs.title, scores, pairs.same, pairs.first, pairs.second, people, names, pairs.fold)
    return replace(listed, folded=pairs.folded)


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
    # 16 bits: a radix sort
    codes: Codes = people.astype(np.uint16 if len(names) <= 1 << 16 else np.int32)
    kinds = []
    for kind in (same, ~same):
        one, two = first[kind].astype(np.int32), second[kind].astype(np.int32)
        swap = codes[one] > codes[two]
        one[swap], two[swap] = two[swap], one[swap]
        order = np.argsort(codes[one], kind="stable")
        kinds.append(
            Pairs(scores[kind][order], one[order], two[order], None if fold is None else fold[kind][order])
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
