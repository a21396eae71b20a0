"""Morphs that were made and embedded: MMPMR for one system, the Morphing Attack Potential over several.

Each morph has two contributors, and each contributor tries to pass with other images of theirs. Scores are arrays
of shape (M, 2, A): morph, contributor, attempt; NaN where there was no attempt, -inf where it could not be
compared.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sphereface.errors import ConfigurationError, DataError
from sphereface.evaluation.images import Embeddings, Mask, checked, person_codes
from sphereface.evaluation.intervals import Floats, PersonRate, dyadic
from sphereface.evaluation.results import Rate

Contributors = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class MorphMatchRate:
    """One system against morphs that were made.

    Attributes:
        morphs: M.
        threshold: Accept iff score >= threshold.
        mmpmr: Share of morphs that are accepted as both contributors, each at the best of their attempts.
        rmmr: MMPMR + FNMR, where an FNMR was given.
    """

    morphs: int
    threshold: float
    mmpmr: Rate
    rmmr: float | None


@dataclass(frozen=True, slots=True)
class AttackPotential:
    """The Morphing Attack Potential: A rows (attempts) and S columns (systems).

    Attributes:
        systems: S names.
        rates: ``rates[r - 1][c - 1]``: share of morphs that at least c systems accept in at least r attempts of
            each contributor.
        morphs: M.
    """

    systems: tuple[str, ...]
    rates: tuple[tuple[Rate, ...], ...]
    morphs: int


def attempt_scores(
    morphs: Embeddings,
    contributors: Contributors,
    embeddings: Embeddings,
    identities: Sequence[str],
    *,
    attempts: int = 5,
    failed: Mask | None = None,
    failed_morphs: Mask | None = None,
    used: NDArray[np.integer] | None = None,
    seed: int = 0,
) -> Floats:
    """Compare each morph with other images of both of its contributors; returns shape (M, 2, A).

    The draw of images depends on seed and name alone, so that several systems see the same attempts.

    Args:
        morphs: Shape (M, d), any norm but zero.
        contributors: The two names behind each morph.
        embeddings: Shape (N, d), images of people.
        identities: N names.
        attempts: A, images of each contributor at most.
        failed: Shape (N,): images that could not be embedded; a comparison with one scores -inf.
        failed_morphs: Shape (M,): likewise for morphs.
        used: Positions among the N images of those that the morphs were made from; they are no attempts.
        seed: Of the draw.

    Raises:
        DataError: If embeddings are unusable, or a contributor has no image left.
        ConfigurationError: If ``attempts`` is out of range.
    """
    if not 1 <= attempts <= 100:
        raise ConfigurationError(f"attempts must be from 1 to 100, not {attempts}")
    titles = [f"morph of {one} and {two}" for one, two in contributors]
    made, made_failed = checked(morphs, titles, failed_morphs)
    vectors, failed = checked(embeddings, identities, failed)
    if made.shape[1] != vectors.shape[1]:
        raise DataError(f"morphs have {made.shape[1]} numbers, images {vectors.shape[1]}: one model makes both")
    free = np.ones(len(vectors), dtype=bool)
    free[np.asarray([] if used is None else used, dtype=np.int64)] = False
    names, codes = person_codes(identities)
    position = {name: code for code, name in enumerate(names)}
    images: dict[str, NDArray[np.int64]] = {}
    scores = np.full((len(made), 2, attempts), np.nan)
    for morph, pair in enumerate(contributors):
        for side, name in enumerate(pair):
            if name not in images:
                own = np.flatnonzero((codes == position.get(name, -1)) & free)
                if not len(own):
                    raise DataError(f"'{name}' contributes to morph {morph} but has no other image to try it with")
                generator = np.random.default_rng([seed, zlib.crc32(name.encode("utf-8", "surrogateescape"))])
                images[name] = generator.permutation(own)[:attempts]
            tried = images[name]
            cosines = np.clip(vectors[tried] @ made[morph], -1.0, 1.0)
            scores[morph, side, : len(tried)] = np.where(failed[tried] | made_failed[morph], -np.inf, cosines)
    return scores


def morph_match_rate(
    scores: Floats,
    contributors: Contributors,
    threshold: float,
    *,
    fnmr: float | None = None,
    confidence: float = 0.95,
) -> MorphMatchRate:
    """Return MMPMR at a threshold: the share of morphs with min over contributors of max over attempts >= T.

    Args:
        scores: Shape (M, 2, A).
        contributors: The two names behind each morph; the interval is dyadic.
        threshold: The one that is deployed.
        fnmr: Of the same system at the same threshold, for RMMR.
        confidence: Of the interval.

    Raises:
        DataError: If the scores do not fit the contributors, or a contributor made no attempt.

    Reference: Scherhag et al. 2017, BIOSIG (MinMax-MMPMR, RMMR).
    """
    _check([scores], contributors)
    accepted = (np.nanmax(scores, axis=2) >= threshold).all(axis=1)
    rate = _rate(accepted, contributors, confidence)
    assert rate.value is not None
    return MorphMatchRate(len(scores), float(threshold), rate, None if fnmr is None else rate.value + fnmr)


def attack_potential(
    scores: Sequence[Floats],
    contributors: Contributors,
    thresholds: Sequence[float],
    systems: Sequence[str],
    *,
    confidence: float = 0.95,
) -> AttackPotential:
    """Return the Morphing Attack Potential of these morphs.

    A morph that a contributor tried fewer than r times cannot be accepted r times.

    Args:
        scores: S arrays of shape (M, 2, A), the same attempts by each system.
        contributors: The two names behind each morph.
        thresholds: S thresholds, each at its system's own operating point.
        systems: S names.
        confidence: Of the intervals.

    Raises:
        DataError: If shapes or attempts differ between systems, or lengths do not match.

    Reference: Ferrara et al. 2022, Morphing Attack Potential, IWBF; ISO/IEC 20059:2025. The standard's text is not
    public: this is the matrix as the paper describes it.
    """
    _check(scores, contributors)
    if not len(scores) == len(thresholds) == len(systems):
        raise DataError(f"{len(scores)} arrays, {len(thresholds)} thresholds and {len(systems)} systems differ")
    times = np.stack(
        [(array >= threshold).sum(axis=2).min(axis=1) for array, threshold in zip(scores, thresholds, strict=True)]
    )
    rates = tuple(
        tuple(
            _rate((times >= row).sum(axis=0) >= column, contributors, confidence)
            for column in range(1, len(scores) + 1)
        )
        for row in range(1, scores[0].shape[2] + 1)
    )
    return AttackPotential(tuple(systems), rates, len(contributors))


def _check(scores: Sequence[Floats], contributors: Contributors) -> None:
    expected = (len(contributors), 2)
    if not len(scores) or not len(contributors):
        raise DataError("there is no morph to judge")
    for array in scores:
        if array.ndim != 3 or array.shape[:2] != expected or array.shape[2] < 1:
            raise DataError(f"scores must be of shape {expected} and attempts, not {array.shape}")
        if not np.array_equal(np.isnan(array), np.isnan(scores[0])):
            raise DataError("the systems did not try the same images: NaN marks the attempts that were not made")
        if np.isnan(array).all(axis=2).any():
            raise DataError("a contributor made no attempt at all; leave that morph out")
    if same := [one for one, two in contributors if one == two]:
        raise DataError(f"a morph has two contributors, but one is made of '{same[0]}' twice")


def _rate(accepted: NDArray[np.bool_], contributors: Contributors, confidence: float) -> Rate:
    rate = by_couple(accepted, contributors)
    return rate.rates(confidence, "fixed")[0]


def by_couple(events: NDArray[np.bool_], couples: Sequence[tuple[str, str]]) -> PersonRate:
    """Return the rate of events, shape (M,), that each belong to two people; the variance is dyadic."""
    names, codes = person_codes([name for couple in couples for name in couple])
    sides = np.sort(codes.reshape(-1, 2).astype(np.int64), axis=1)
    keys, where = np.unique(sides[:, 0] * len(names) + sides[:, 1], return_inverse=True)
    trials = np.bincount(where).astype(np.float64)
    errors = np.bincount(where, events).astype(np.float64)
    of_person = np.zeros((2, len(names)))
    for counts, of_couple in zip(of_person, (errors, trials), strict=True):
        np.add.at(counts, keys // len(names), of_couple)
        np.add.at(counts, keys % len(names), of_couple)
    return dyadic(
        of_person[0][:, None],
        of_person[1],
        np.array([(errors**2).sum()]),
        np.array([(errors * trials).sum()]),
        float((trials**2).sum()),
    )
