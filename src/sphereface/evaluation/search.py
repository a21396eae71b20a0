"""Open-set search: some people are enrolled, some are strangers, everyone searches."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import DataError, NotEnoughDataError
from sphereface.evaluation.images import Codes, Embeddings, Mask, at_most, checked, person_codes

_CELLS = 1 << 22  # cosines held at a time: 16 MB
_KEPT = 1 << 26  # scores of strangers kept, each with its person: 512 MB


@dataclass(frozen=True, slots=True, eq=False)
class OpenSetSplit:
    """Which images are templates and which are probes, as positions among the N images.

    Attributes:
        title: How it was drawn.
        templates: Shape (T,): images enrolled.
        mated: Shape (S,): other images of enrolled people.
        non_mated: Shape (Q,): images of people who are not enrolled.
    """

    title: str
    templates: NDArray[np.int64]
    mated: NDArray[np.int64]
    non_mated: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class SearchScores:
    """What the searches found. A search that failed has the score -inf and no rank.

    A mated search fails if its probe has no embedding or none of its person's templates has one; a non-mated
    search if its probe has none. A person's score is the best over the person's templates.

    Attributes:
        title: How gallery and probes were drawn.
        gallery_people: N, people enrolled, those without a usable template included.
        gallery_templates: Templates with an embedding.
        names: The person behind each code.
        mated_scores: Shape (S,): score of the probe's own person.
        mated_ranks: Shape (S,): 1 + number of other people with an equal or higher score (ties count against
            us); N + 1 where the search failed.
        mated_people: Shape (S,): code of the probe's person.
        non_mated_scores: Shape (Q,): highest score over all people.
        non_mated_people: Shape (Q,): code of the stranger.
        non_mated_nearest: Shape (Q,): code of the enrolled person who scored highest.
        failed_enrolments: People enrolled of whom no template has an embedding.
        best: Shape (Q, K): the K highest scores of each non-mated search, from the highest; every enrolled
            person's where they fit into memory. What a search in a smaller gallery would have found.
        best_people: Shape (Q, K): code of the person behind each.
    """

    title: str
    gallery_people: int
    gallery_templates: int
    names: tuple[str, ...]
    mated_scores: NDArray[np.float32]
    mated_ranks: NDArray[np.int64]
    mated_people: Codes
    non_mated_scores: NDArray[np.float32]
    non_mated_people: Codes
    non_mated_nearest: Codes
    failed_enrolments: int = 0
    best: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    best_people: Codes = field(default_factory=lambda: np.zeros((0, 0), np.int32))


def open_set_split(
    identities: Sequence[str],
    *,
    enrolled_fraction: float = 0.5,
    templates_per_person: int = 1,
    least_images: int = 1,
    images_per_identity: int | None = 10,
    seed: int = 0,
) -> OpenSetSplit:
    """Draw who is enrolled and with which images.

    People are drawn by the hash of seed and name, so that leaving others out changes nothing. Of each
    person's images (at most ``images_per_identity``, templates included) the first ones, in random order, are
    templates; one image is kept as a probe where the person has two or more. An enrolled person with a
    single image is in the gallery and never searches.

    Args:
        identities: N names.
        enrolled_fraction: Expected share of people enrolled.
        templates_per_person: Images enrolled of each person.
        least_images: Only people with so many images are drawn for enrolment; the others are strangers.
        images_per_identity: Cap on each person's images, or None.
        seed: Of both draws.

    Raises:
        DataError: If a setting is out of range.
        NotEnoughDataError: If nobody is enrolled, or nobody is a stranger.

    >>> split = open_set_split(["a", "a", "b", "b"], seed=2)
    >>> len(split.templates), len(split.mated), len(split.non_mated)
    (1, 1, 2)
    """
    if not 0.0 < enrolled_fraction < 1.0:
        raise DataError(f"enrolled_fraction must lie between 0 and 1, not {enrolled_fraction}")
    if templates_per_person < 1:
        raise DataError(f"templates_per_person must be 1 or more, not {templates_per_person}")
    if least_images < 1:
        raise DataError(f"least_images must be 1 or more, not {least_images}")
    names, codes = person_codes(identities)
    chosen = at_most(identities, images_per_identity, seed)
    counts = np.bincount(codes, minlength=len(names))
    eligible = [code for code in range(len(names)) if counts[code] >= least_images]
    shares = {code: _share(seed, names[code]) for code in eligible}
    enrolled = {code for code in eligible if shares[code] < enrolled_fraction}
    # Among a handful of people a draw can leave one side empty; one person then changes sides.
    if eligible and not enrolled:
        enrolled = {min(eligible, key=shares.__getitem__)}
    if len(enrolled) == len(names) > 1:
        enrolled -= {max(eligible, key=shares.__getitem__)}
    if not 0 < len(enrolled) < len(names):
        raise NotEnoughDataError(
            f"of {len(names)} people {len(enrolled)} would be enrolled; an open-set search needs enrolled "
            "people and strangers: bring more people, or choose another enrolled_fraction or seed"
        )
    templates: list[int] = []
    mated: list[int] = []
    non_mated: list[int] = []
    for code, images in enumerate(_by_person(chosen, codes, len(names))):
        if code not in enrolled:
            non_mated.extend(images)
            continue
        generator = np.random.default_rng([seed, int(_share(seed, names[code]) * 2**32)])
        shuffled = generator.permutation(images)
        count = max(1, min(templates_per_person, len(images) - 1))
        templates.extend(shuffled[:count])
        mated.extend(np.sort(shuffled[count:]))
    return OpenSetSplit(
        f"{len(enrolled)} of {len(names)} people enrolled with at most {templates_per_person} "
        f"{'image' if templates_per_person == 1 else 'images'} each, the others are strangers",
        *(np.array(part, dtype=np.int64) for part in (templates, mated, non_mated)),
    )


def search_gallery(
    embeddings: Embeddings, identities: Sequence[str], split: OpenSetSplit, *, failed: Mask | None = None
) -> SearchScores:
    """Search the gallery with every probe; products are float32, some 16 MB of cosines at a time.

    What is kept of it takes at most 512 MB, however many people search however many.

    Args:
        embeddings: Shape (N, d), any norm but zero.
        identities: N names.
        split: Positions of templates and probes.
        failed: Shape (N,), bool: images that could not be embedded.

    Raises:
        DataError: If embeddings are unusable, or a stranger is enrolled or a mated probe's person is not.
        NotEnoughDataError: If the gallery is empty or has no template with an embedding.
    """
    vectors, failed = checked(embeddings, identities, failed)
    names, people = person_codes(identities)
    in_gallery = np.unique(people[split.templates])
    _check_sides(split, people, in_gallery, names)
    templates = split.templates[~failed[split.templates]]
    if not len(templates):
        raise NotEnoughDataError("the gallery is empty: no template has an embedding; enrol at least one person")
    templates = templates[np.argsort(people[templates], kind="stable")]
    enrolled, starts = np.unique(people[templates], return_index=True)
    gallery = np.ascontiguousarray(vectors[templates].T)
    column = np.full(len(names), -1)
    column[enrolled] = np.arange(len(enrolled))

    mated_scores = np.full(len(split.mated), -np.inf, dtype=np.float32)
    mated_ranks = np.full(len(split.mated), len(in_gallery) + 1, dtype=np.int64)
    mated_usable = ~failed[split.mated] & (column[people[split.mated]] >= 0)
    for rows, best in _person_scores(vectors, split.mated, mated_usable, gallery, starts):
        own = np.take_along_axis(best, column[people[split.mated[rows]]][:, None], axis=1)
        mated_scores[rows] = own[:, 0]
        mated_ranks[rows] = (best >= own).sum(axis=1)  # the own score is among them, so this starts at 1

    non_mated_scores = np.full(len(split.non_mated), -np.inf, dtype=np.float32)
    nearest = np.full(len(split.non_mated), enrolled[0], dtype=np.int32)
    kept = max(1, min(len(enrolled), _KEPT // max(1, len(split.non_mated))))
    highest = np.full((len(split.non_mated), kept), -np.inf, dtype=np.float32)
    highest_people = np.full(highest.shape, enrolled[0], dtype=np.int32)
    for rows, best in _person_scores(vectors, split.non_mated, ~failed[split.non_mated], gallery, starts):
        order = _from_the_highest(best, kept)
        highest[rows] = np.take_along_axis(best, order, axis=1)
        highest_people[rows] = enrolled[order]
        non_mated_scores[rows], nearest[rows] = highest[rows, 0], highest_people[rows, 0]
    return SearchScores(
        title=split.title,
        gallery_people=len(in_gallery),
        gallery_templates=len(templates),
        names=names,
        mated_scores=mated_scores,
        mated_ranks=mated_ranks,
        mated_people=people[split.mated],
        non_mated_scores=non_mated_scores,
        non_mated_people=people[split.non_mated],
        non_mated_nearest=nearest,
        failed_enrolments=len(in_gallery) - len(enrolled),
        best=highest,
        best_people=highest_people,
    )


def alarms(scores: SearchScores) -> NDArray[np.float32]:
    """Return the score at which each non-mated search raises an alarm, shape (Q,).

    Raises:
        NotEnoughDataError: If nobody searched who is not enrolled.
    """
    if not len(scores.non_mated_scores):
        raise NotEnoughDataError("there are no searches by strangers, so no false positive rate can be measured")
    return scores.non_mated_scores


def first_rank_scores(scores: SearchScores) -> NDArray[np.float32]:
    """Return the score up to which each mated search is a hit: -inf where the own person is not first.

    Raises:
        NotEnoughDataError: If no enrolled person searched.
    """
    if not len(scores.mated_scores):
        raise NotEnoughDataError(
            "there are no searches by enrolled people, so no miss rate can be measured; "
            "enrolled people need at least two images"
        )
    return np.where(scores.mated_ranks == 1, scores.mated_scores, np.float32(-np.inf))


def _check_sides(split: OpenSetSplit, people: Codes, in_gallery: Codes, names: tuple[str, ...]) -> None:
    if not len(split.templates):
        raise NotEnoughDataError("the gallery is empty: enrol at least one person")
    strangers = np.intersect1d(people[split.non_mated], in_gallery)
    if strangers.size:
        raise DataError(f"'{names[strangers[0]]}' is both enrolled and a stranger; a person can be only one")
    absent = np.setdiff1d(people[split.mated], in_gallery)
    if absent.size:
        raise DataError(f"'{names[absent[0]]}' searches as an enrolled person, but has no template")


def _person_scores(
    vectors: NDArray[np.float32],
    probes: NDArray[np.int64],
    usable: Mask,
    gallery: NDArray[np.float32],
    starts: NDArray[np.int64],
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Yield blocks of usable probes (rows) and their score with every enrolled person (rows, people)."""
    usable_rows = np.flatnonzero(usable)
    step = max(1, _CELLS // gallery.shape[1])
    for start in range(0, len(usable_rows), step):
        rows = usable_rows[start : start + step]
        cosines = np.clip(vectors[probes[rows]] @ gallery, -1.0, 1.0)
        yield rows, np.maximum.reduceat(cosines, starts, axis=1)


def _from_the_highest(scores: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Return the columns of the highest ``count`` scores of each row, the earlier of two that are tied first."""
    if count == scores.shape[1]:
        return np.argsort(-scores, axis=1, kind="stable")
    columns = np.sort(np.argpartition(-scores, count, axis=1)[:, :count], axis=1)
    order = np.argsort(-np.take_along_axis(scores, columns, axis=1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)


def _by_person(chosen: NDArray[np.int64], codes: Codes, people: int) -> list[NDArray[np.int64]]:
    order = chosen[np.argsort(codes[chosen], kind="stable")]
    return np.split(order, np.cumsum(np.bincount(codes[chosen], minlength=people))[:-1])


def _share(seed: int, name: str) -> float:
    """Return a number in [0, 1) that belongs to this name and seed."""
    digest = hashlib.sha256(f"{seed}\0{name}".encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
