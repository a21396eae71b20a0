"""How an embedding uses the hypersphere: tightness of people, spread between them, and the paper's criterion.

Every function takes embeddings of shape (N, d), of any norm but zero, as a numpy array or a torch tensor, and
``people``, N whole numbers that say who is in each image. Pairs are visited in blocks of rows, so that no
N x N matrix is held. Figures come back as plain floats.

Figures that compare images of one person are averaged person by person, so that a person with many images
counts once; people with one image are left out of them. Where nobody has two images they are NaN.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace, device

from sphereface.sphere.geometry import angle, length, unit

Array = Any  # numpy.ndarray or torch.Tensor

_ROWS = 512


def alignment(embeddings: Array, people: Any) -> float:
    """Return the mean squared distance between two images of a person, averaged over people; 0 is best.

    Reference: Wang and Isola 2020, https://arxiv.org/abs/2005.10242 (alpha = 2).

    >>> import numpy as np
    >>> round(alignment(np.array([[1.0, 0.0], [0.0, 1.0]]), [0, 0]), 6)
    2.0
    """
    sizes, means = _means(embeddings, people)
    return _average(
        [2.0 * n / (n - 1) * (1.0 - r * r) for n, r in zip(sizes, _lengths(means), strict=True) if n > 1]
    )


def uniformity(embeddings: Array) -> float:
    """Return log of the mean of exp(-2 |x - y|²) over all pairs of images; lower is more spread out.

    A uniform distribution in high dimension gives nearly -4, a single point 0.

    Reference: Wang and Isola 2020 (t = 2).

    >>> import numpy as np
    >>> round(uniformity(np.array([[1.0, 0.0], [-1.0, 0.0]])), 6)
    -8.0
    """
    x = unit(embeddings)
    xp = array_namespace(x)
    n = x.shape[0]
    if n < 2:
        return math.nan
    total = 0.0
    for _, pairs, cosine in _pair_blocks(x):
        total += float(xp.sum(xp.where(pairs, xp.exp(4.0 * cosine - 4.0), xp.zeros_like(cosine))))
    return math.log(2.0 * total / (n * (n - 1)))


def energy(points: Array, s: int = 0) -> float:
    """Return the mean Riesz energy of all pairs: |x - y|^-s, or -log |x - y| for s = 0; lower is more even.

    Two points nearer than 1e-6 count as 1e-6 apart, so that doubles do not make it infinite.

    Args:
        points: Shape (C, d): class centres or embeddings.
        s: 0, 1 or 2.

    Reference: Liu et al. 2018 (minimum hyperspherical energy), https://arxiv.org/abs/1805.09298

    >>> import numpy as np
    >>> round(energy(np.array([[1.0, 0.0], [-1.0, 0.0]]), s=1), 6)
    0.5
    """
    if s not in (0, 1, 2):
        raise ValueError(f"the energy is defined here for s = 0, 1 or 2, not {s}")
    x = unit(points)
    xp = array_namespace(x)
    n = x.shape[0]
    if n < 2:
        return math.nan
    total = 0.0
    for _, pairs, cosine in _pair_blocks(x):
        square = xp.clip(2.0 - 2.0 * cosine, 1e-12, 4.0)
        each = -0.5 * xp.log(square) if s == 0 else square ** (-0.5 * s)
        total += float(xp.sum(xp.where(pairs, each, xp.zeros_like(each))))
    return float(2.0 * total / (n * (n - 1)))


def class_energy(embeddings: Array, people: Any, s: int = 0) -> float:
    """Return :func:`energy` of the mean directions of people."""
    return energy(_means(embeddings, people)[1], s)


def angular_fisher_score(embeddings: Array, people: Any) -> float:
    """Return the spread within people over the spread between them, in 1 - cos; lower is better.

    Within: 1 - cos of an image and its person's mean direction, averaged by person. Between: 1 - cos of that
    direction and the mean direction of all these people. The form of the paper's appendix, each person
    counted once.

    >>> import numpy as np
    >>> x = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> round(angular_fisher_score(x, [0, 0, 1, 1]), 6)
    0.0
    """
    sizes, means = _means(embeddings, people)
    xp = array_namespace(means)
    chosen = [number for number, n in enumerate(sizes) if n > 1]
    if len(chosen) < 2:
        return math.nan
    means = xp.take(means, xp.asarray(chosen, device=device(means)), axis=0)
    # The mean cosine of a person's images with their mean direction is the length of their mean.
    within = 1.0 - _average(_lengths(means))
    directions = unit(means)
    between = 1.0 - float(length(xp.mean(directions, axis=0)))
    return within / between if between > 0 else math.inf


@dataclass(frozen=True, slots=True)
class ExtremeAngles:
    """Both sides of the paper's ideal criterion, in radians; NaN where there is no such pair."""

    largest_intra: float
    smallest_inter: float

    @property
    def met(self) -> bool:
        """Whether every intra-person angle is below every angle between people."""
        return self.largest_intra < self.smallest_inter


def extreme_angles(embeddings: Array, people: Any) -> ExtremeAngles:
    """Return the largest angle within a person and the smallest between two people.

    Reference: Liu et al. 2017 (SphereFace), https://arxiv.org/abs/1704.08063, section 3.

    >>> import numpy as np
    >>> extreme_angles(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), [0, 0, 1]).met
    True
    """
    x = unit(embeddings)
    xp = array_namespace(x)
    codes = xp.asarray(_codes(people), device=device(x))
    intra, inter = (math.inf, 0, 0), (-math.inf, 0, 0)
    for start, pairs, cosine in _pair_blocks(x):
        same = codes[start : start + cosine.shape[0]][:, None] == codes[start:][None, :]
        infinite = math.inf * xp.ones_like(cosine)
        intra = min(intra, _lowest(xp.where(pairs & same, cosine, infinite), start))
        inter = max(inter, _highest(xp.where(pairs & ~same, cosine, -infinite), start))
    # Cosines find the pair; its angle is measured anew, because acos loses all digits near 0.
    largest, smallest = (
        float(angle(x[one], x[two])) if math.isfinite(cosine) else math.nan for cosine, one, two in (intra, inter)
    )
    return ExtremeAngles(largest, smallest)


@dataclass(frozen=True, slots=True)
class IdealDraws:
    """How often each person met the ideal criterion, out of the draws the person was in.

    Attributes:
        met: One number for each person who can be drawn.
        drawn: Times the person was drawn.
        images: k, images of each person in a draw.
        people: P, people in a draw (all, where there are fewer than asked for).
        draws: Number of draws.
    """

    met: list[int]
    drawn: list[int]
    images: int
    people: int
    draws: int

    @property
    def rate(self) -> float:
        """Share of people who meet the criterion, averaged over draws; NaN if nobody could be drawn."""
        return sum(self.met) / sum(self.drawn) if sum(self.drawn) else math.nan


def ideal_criterion_draws(
    embeddings: Array, people: Any, *, images: int = 5, count: int = 200, draws: int = 20, seed: int = 0
) -> IdealDraws:
    """Count the people whose largest own angle is below their smallest angle to anybody else.

    The share falls with the number of images and people, so both are fixed: in every draw ``count`` people
    with at least ``images`` images, and that many of each (all people where there are fewer). Figures at
    other settings are not comparable. This one-by-one form of the paper's criterion is ours.

    >>> import numpy as np
    >>> x = np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    >>> ideal_criterion_draws(x, [0, 0, 1, 1], images=2).rate
    1.0
    """
    x = unit(embeddings)
    xp = array_namespace(x)
    groups = [group for group in _groups(people) if len(group) >= images]
    met, drawn = [0] * len(groups), [0] * len(groups)
    count = min(count, len(groups))
    if images < 2 or count < 2:
        return IdealDraws(met, drawn, images, count, draws)
    generator = random.Random(seed)  # noqa: S311 - a repeatable draw, not a secret
    block = xp.asarray([number // images for number in range(count * images)], device=device(x))
    same = block[:, None] == block[None, :]
    for _ in range(draws):
        chosen = generator.sample(range(len(groups)), count)
        rows = [row for number in chosen for row in generator.sample(groups[number], images)]
        vectors = xp.take(x, xp.asarray(rows, device=device(x)), axis=0)
        cosine = vectors @ vectors.T
        infinite = math.inf * xp.ones_like(cosine)
        lowest_own = xp.min(xp.reshape(xp.where(same, cosine, infinite), (count, -1)), axis=1)
        highest_other = xp.max(xp.reshape(xp.where(same, -infinite, cosine), (count, -1)), axis=1)
        for number, success in zip(chosen, (lowest_own > highest_other).tolist(), strict=True):
            met[number] += int(success)
            drawn[number] += 1
    return IdealDraws(met, drawn, images, count, draws)


def vmf_concentration(embeddings: Array, people: Any) -> list[float]:
    """Return the von Mises-Fisher concentration kappa of every person with two images or more.

    kappa = r (d - r²) / (1 - r²) (Banerjee et al. 2005, eq. 4.4), with r² = (n R² - 1) / (n - 1): unlike the
    square of the mean's length R itself, this does not grow when there are few images.
    """
    sizes, means = _means(embeddings, people)
    d = means.shape[1]
    kappas = []
    for n, mean_length in zip(sizes, _lengths(means), strict=True):
        if n > 1:
            square = min(max((n * mean_length**2 - 1.0) / (n - 1), 0.0), 1.0)
            kappas.append(math.inf if square >= 1.0 else math.sqrt(square) * (d - square) / (1.0 - square))
    return kappas


def _codes(people: Any) -> list[int]:
    return [int(person) for person in (people.tolist() if hasattr(people, "tolist") else people)]


def _groups(people: Any) -> list[list[int]]:
    """Return the rows of every person, people in increasing order."""
    groups: dict[int, list[int]] = {}
    for row, person in enumerate(_codes(people)):
        groups.setdefault(person, []).append(row)
    return [groups[person] for person in sorted(groups)]


def _means(embeddings: Array, people: Any) -> tuple[list[int], Array]:
    """Return every person's number of images and mean of unit vectors, (C,) and (C, d)."""
    x = unit(embeddings)
    xp = array_namespace(x)
    groups = _groups(people)
    rows = (xp.asarray(group, device=device(x)) for group in groups)
    return [len(group) for group in groups], xp.stack([xp.mean(xp.take(x, r, axis=0), axis=0) for r in rows])


def _lengths(means: Array) -> list[float]:
    return [float(value) for value in length(means).tolist()]


def _average(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _pair_blocks(x: Array) -> Iterator[tuple[int, Array, Array]]:
    """Visit every pair of unit vectors once, up to 512 rows at a time.

    Yields ``start``, a mask and cosines, both of shape (rows, N - start): entry (i, j) belongs to the rows
    start + i and start + j, and the mask is true where the second comes after the first.
    """
    xp = array_namespace(x)
    for start in range(0, x.shape[0], _ROWS):
        cosine = xp.clip(x[start : start + _ROWS, :] @ x[start:, :].T, -1.0, 1.0)
        row, column = (xp.arange(size, device=device(x)) for size in cosine.shape)
        yield start, row[:, None] < column[None, :], cosine


def _lowest(values: Array, start: int) -> tuple[float, int, int]:
    """Return the smallest entry of a block and its two rows."""
    xp = array_namespace(values)
    return _entry(values, int(xp.argmin(xp.reshape(values, (-1,)))), start)


def _highest(values: Array, start: int) -> tuple[float, int, int]:
    xp = array_namespace(values)
    return _entry(values, int(xp.argmax(xp.reshape(values, (-1,)))), start)


def _entry(values: Array, position: int, start: int) -> tuple[float, int, int]:
    row, column = divmod(position, values.shape[1])
    return float(values[row, column]), start + row, start + column
