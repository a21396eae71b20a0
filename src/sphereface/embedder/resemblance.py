"""People compared by face: pictures under the wrong name, one person under two names, people shared by two sets.

Names say who is in a data set only as far as they are right. A model sees more, and here it sets its own
levels: what counts as alike is read off the people who are known to be one person, and what counts as strange
off the strangers, so no threshold has to be known for the model. What is found are candidates; somebody has to
look at them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError, NotEnoughDataError

Vectors = NDArray[np.float32]

RECALL: Final = 0.8
"""Of the pictures of one person so many count as alike: at 0.95 the candidates are too many to look at."""

_BLOCK = 1024  # rows of a matrix of likenesses held at once
_PAIRS = 5  # docs/results/overlap.md compares this with the mean over all pairs
_LEAST_PEOPLE = 20  # with several pictures, to read a level off


@dataclass(frozen=True, eq=False)
class EmbeddedPeople:
    """The pictures of a data set on the sphere; those without an embedding are left out.

    Attributes:
        names: Of the people, (C,).
        labels: Shape (N,), int64: whose picture each is.
        vectors: Shape (N, d), unit rows.
        pictures: How each picture is called, (N,).
    """

    names: Sequence[str]
    labels: NDArray[np.int64]
    vectors: Vectors
    pictures: Sequence[str]

    def counts(self) -> NDArray[np.int64]:
        """Return the number of pictures of each person, (C,)."""
        return np.bincount(self.labels, minlength=len(self.names))

    def rows(self) -> list[NDArray[np.int64]]:
        """Return the positions of each person's pictures, one array a person."""
        order = np.argsort(self.labels, kind="stable")
        return np.split(order, np.cumsum(self.counts())[:-1])

    def means(self) -> NDArray[np.float64]:
        """Return the mean of each person's vectors, (C, d): not put back on the sphere, zero for nobody.

        The inner product with a picture's vector is its mean cosine with all of the person's pictures.
        """
        total = np.zeros((len(self.names), self.vectors.shape[1]))
        np.add.at(total, self.labels, self.vectors.astype(np.float64))
        return total / np.maximum(self.counts(), 1)[:, None]


@dataclass(frozen=True)
class Resemblance:
    """Two names that may be one person.

    Attributes:
        first: A name of the set.
        second: Another name of it, or a name of the other set.
        score: Mean cosine over their five most alike pairs of pictures.
        pictures: The two most alike pictures, one of each.
    """

    first: str
    second: str
    score: float
    pictures: tuple[str, str]


@dataclass(frozen=True)
class Stray:
    """A picture that looks like a stranger under its name, and more like somebody else.

    Attributes:
        picture: The picture.
        person: Whose it is said to be.
        score: Its median cosine with that person's other pictures: one of those may be a stray, too.
        nearest: Whom it looks most like.
        nearest_score: Its mean cosine with theirs.
        own_picture: The person's picture most like it.
        nearest_picture: Theirs.
    """

    picture: str
    person: str
    score: float
    nearest: str
    nearest_score: float
    own_picture: str
    nearest_picture: str


def check_share(name: str, value: float) -> None:
    """Insist on a share strictly between 0 and 1.

    Raises:
        ConfigurationError: Naming it.
    """
    if not 0.0 < value < 1.0:
        raise ConfigurationError(f"{name} must lie between 0 and 1, not {value}")


def alike_level(people: EmbeddedPeople, recall: float = RECALL) -> float:
    """Return the score that this share of pictures reaches with the other pictures of their person.

    The score of a picture is its mean cosine with the five of them that are most like it. Every person counts
    as much as any other, however many pictures they have.

    Args:
        people: At least 20 of them with two pictures or more.
        recall: Between 0 and 1.

    Raises:
        ConfigurationError: If ``recall`` is not.
        NotEnoughDataError: If too few people have two pictures.
    """
    check_share("recall", recall)
    counts = people.counts()
    several = np.flatnonzero(counts > 1)
    if len(several) < _LEAST_PEOPLE:
        raise NotEnoughDataError(
            f"{len(several)} people have two pictures or more, too few to tell who looks alike to this model; "
            f"at least {_LEAST_PEOPLE} are needed"
        )
    used = counts[people.labels] > 1
    own, weights = _own_scores(people, _best)[used], 1.0 / counts[people.labels[used]]
    order = np.argsort(own)
    share = np.cumsum(weights[order]) / weights.sum()
    return float(own[order[np.searchsorted(share, 1.0 - recall)]])


def find_shared(first: EmbeddedPeople, second: EmbeddedPeople, level: float) -> list[Resemblance]:
    """List the pairs of people, one from each set, whose score reaches a level; the most alike first."""
    return _resemblances(first, second, level, within=False)


def find_twice(people: EmbeddedPeople, level: float) -> list[Resemblance]:
    """List the pairs of names of one set whose score reaches a level; the most alike first."""
    return _resemblances(people, people, level, within=True)


def find_strays(people: EmbeddedPeople, strangers: float = 0.999) -> list[Stray]:
    """List pictures under a name that they may not belong to; the least alike first.

    A stray scores lower with its own person than this share of pictures score with strangers at most, and
    lower than with somebody else. People with one picture have no strays.

    Args:
        people: Two or more of them.
        strangers: Which of the sorted scores with strangers is the level to fall below.

    Raises:
        ConfigurationError: If ``strangers`` is not between 0 and 1.
    """
    check_share("strangers", strangers)
    counts = people.counts()
    if np.count_nonzero(counts) < 2:
        return []
    own, means = _own_scores(people, np.nanmedian), people.means()
    nearest = np.zeros(len(people.labels), dtype=np.int64)
    best = np.full(len(people.labels), -np.inf)
    levels, sizes = [], []
    for start in range(0, len(people.labels), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(people.labels)))
        scores = people.vectors[rows] @ means.T
        scores[:, counts == 0] = -np.inf
        scores[np.arange(len(rows)), people.labels[rows]] = -np.inf
        nearest[rows], best[rows] = scores.argmax(axis=1), scores.max(axis=1)
        levels.append(np.quantile(scores[np.isfinite(scores)], strangers))
        sizes.append(len(rows))
    level = float(np.average(levels, weights=sizes))
    found = np.flatnonzero((counts[people.labels] > 1) & (own < level) & (own < best))
    return [
        Stray(
            people.pictures[index],
            people.names[people.labels[index]],
            float(own[index]),
            people.names[nearest[index]],
            float(best[index]),
            _most_alike(people, index, people.labels[index]),
            _most_alike(people, index, nearest[index]),
        )
        for index in found[np.argsort(own[found], kind="stable")]
    ]


def _most_alike(people: EmbeddedPeople, index: int, person: int) -> str:
    """Return the picture of a person that is most like a picture, and another one."""
    rows = np.flatnonzero((people.labels == person) & (np.arange(len(people.labels)) != index))
    likeness = people.vectors[rows] @ people.vectors[index]
    return people.pictures[int(rows[int(likeness.argmax())])]


def _own_scores(people: EmbeddedPeople, summary: Callable[..., NDArray[np.float64]]) -> NDArray[np.float64]:
    """Sum up each picture's cosines with its person's other pictures, (N,); NaN where there is no other."""
    scores = np.full(len(people.labels), np.nan)
    for rows in people.rows():
        if len(rows) > 1:
            cosines = (people.vectors[rows] @ people.vectors[rows].T).astype(np.float64)
            np.fill_diagonal(cosines, np.nan)
            scores[rows] = summary(cosines, axis=1)
    return scores


def _best(cosines: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Return the mean of the five largest that are not NaN."""
    kept = min(_PAIRS, cosines.shape[axis] - 1)  # the one with itself is NaN, which sorts last
    best: NDArray[np.float64] = -np.sort(-cosines, axis=axis)[:, :kept].mean(axis=axis)
    return best


def _resemblances(first: EmbeddedPeople, second: EmbeddedPeople, level: float, within: bool) -> list[Resemblance]:
    found: list[Resemblance] = []
    groups = second.rows()
    vectors = second.vectors[np.concatenate(groups)].T
    ends = np.cumsum(second.counts())
    starts = ends - second.counts()
    for one, rows in enumerate(first.rows()):
        if len(rows) == 0:
            continue
        cosines = first.vectors[rows] @ vectors
        # Nobody whose best pair stays below can reach the level, and they are nearly everybody.
        best = np.maximum.reduceat(np.append(cosines.max(axis=0), -np.inf), starts)
        for other in np.flatnonzero((best >= level) & (ends > starts)).tolist():
            if within and other <= one:
                continue
            pairs = cosines[:, starts[other] : ends[other]]
            score = float(np.sort(pairs, axis=None)[-_PAIRS:].mean())
            if score >= level:
                row, column = np.unravel_index(int(pairs.argmax()), pairs.shape)
                pictures = (first.pictures[rows[row]], second.pictures[groups[other][column]])
                found.append(Resemblance(first.names[one], second.names[other], score, pictures))
    return sorted(found, key=lambda pair: -pair.score)
