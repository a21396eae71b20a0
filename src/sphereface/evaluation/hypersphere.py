"""How an embedding uses the hypersphere: every figure of health on one set of faces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sphereface.errors import DataError
from sphereface.evaluation.images import Codes, Embeddings, Mask, at_most, checked, person_codes
from sphereface.evaluation.intervals import Floats, clustered
from sphereface.evaluation.rank_correlation import spearman
from sphereface.evaluation.results import Health, Rate, ScoredPair
from sphereface.sphere import health
from sphereface.sphere.effective_rank import effective_rank
from sphereface.sphere.neighbours import neighbours

_WORST = 24
_ONE_LENGTH = 1e-3  # norms that spread less than this share of their mean are one norm, rounded


def measure_health(
    embeddings: Embeddings,
    identities: Sequence[str],
    *,
    failed: Mask | None = None,
    images_per_identity: int | None = 10,
    norms: ArrayLike | None = None,
    quality: ArrayLike | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Health:
    """Measure how the embedding uses the hypersphere, on at most ``images_per_identity`` images a person.

    Intervals of both criterion rates are clustered by person; that people share their neighbours is not in them.

    Args:
        embeddings: Shape (N, d), any norm but zero.
        identities: N names.
        failed: Shape (N,): images that could not be embedded; their rows are ignored.
        images_per_identity: The cap, or None for all images.
        norms: Shape (N,): norms of the embeddings before they were scaled; those of the rows, if None.
        quality: Shape (N,): one number a picture, higher is better, to hold the norms against.
        confidence: Of the intervals.
        seed: Of both draws.

    Raises:
        DataError: If the embeddings are unusable, all of them failed, or norms or qualities do not fit.
    """
    vectors, failed = checked(embeddings, identities, failed)
    chosen = at_most(identities, images_per_identity, seed)
    chosen = chosen[~failed[chosen]]
    if not len(chosen):
        raise DataError("no image could be embedded, so there is nothing to measure")
    codes = person_codes(identities)[1][chosen]
    single = vectors[chosen]  # enough where pairs of images are compared, and twice as fast
    x = single.astype(np.float64)
    near = neighbours(single, codes)
    own_angle, other_angle = np.array(near.own_angle), np.array(near.other_angle)
    largest, smallest = _most(own_angle), -_most(-other_angle)
    draws = health.ideal_criterion_draws(single, codes, seed=seed)
    concentrations = health.vmf_concentration(x, codes)
    return Health(
        alignment=health.alignment(x, codes),
        uniformity=health.uniformity(single),
        angular_fisher_score=health.angular_fisher_score(x, codes),
        largest_intra_angle=largest,
        smallest_inter_angle=smallest,
        ideal_criterion_met=largest < smallest,
        ideal_criterion_rate=_ideal_rate(draws, confidence),
        ideal_images=draws.images,
        ideal_people=draws.people,
        energy={s: health.class_energy(x, codes, s) for s in (0, 1, 2)},
        concentration=float(np.median(concentrations)) if concentrations else math.nan,
        effective_rank=effective_rank(x),
        person_criterion=_person_criterion(own_angle, other_angle, codes, confidence),
        norm_quality=None
        if quality is None
        else _norm_quality(embeddings, norms, quality, chosen, codes, confidence),
        widest=_worst(chosen, np.array(near.farthest_own), -own_angle, codes),
        nearest=_worst(chosen, np.array(near.nearest_other), other_angle, codes),
    )


def _most(angles: Floats) -> float:
    known = angles[~np.isnan(angles)]
    return float(known.max()) if known.size else math.nan


def _ideal_rate(draws: health.IdealDraws, confidence: float) -> Rate:
    if not sum(draws.drawn):
        reason = f"not supported by this data: needs two people with {draws.images} images, has {draws.people}"
        return Rate(None, None, None, confidence, 0.0, reason)
    return _clustered(np.array(draws.met, dtype=np.float64), np.array(draws.drawn), confidence)


def _person_criterion(own: Floats, other: Floats, codes: Codes, confidence: float) -> Rate:
    """Return the share of people, of those with two images, whose images are all nearer than anybody else's."""
    size = int(codes.max()) + 1
    largest, smallest = np.full(size, -np.inf), np.full(size, np.inf)
    np.fmax.at(largest, codes, own)
    np.fmin.at(smallest, codes, other)
    judged = np.isfinite(largest) & np.isfinite(smallest)
    if not judged.any():
        reason = "not supported by this data: needs two people, one of them with two images"
        return Rate(None, None, None, confidence, 0.0, reason)
    return _clustered((judged & (largest < smallest)).astype(np.float64), judged.astype(np.int64), confidence)


def _clustered(met: Floats, trials: NDArray[np.int64], confidence: float) -> Rate:
    rate = clustered(met[:, None], trials)
    return rate.rates(confidence)[0]


def _norm_quality(
    embeddings: Embeddings,
    norms: ArrayLike | None,
    quality: ArrayLike,
    chosen: NDArray[np.int64],
    codes: Codes,
    confidence: float,
) -> Rate:
    columns: list[NDArray[Any]] = []
    for values, word in ((norms, "norms"), (quality, "quality")):
        if values is None:
            columns.append(np.linalg.norm(np.asarray(embeddings)[chosen].astype(np.float64), axis=1))
            continue
        column = np.asarray(values, dtype=np.float64)
        if column.shape != (len(embeddings),) or not np.isfinite(column[chosen]).all():
            raise DataError(f"{word} must be {len(embeddings)} finite numbers, one an image, not {column.shape}")
        columns.append(column[chosen])
    if np.ptp(columns[0]) < _ONE_LENGTH * abs(columns[0].mean()):
        reason = "the embeddings have one norm: give their norms from before they were scaled"
        return Rate(None, None, None, confidence, 0.0, reason)
    return spearman(columns[0], columns[1], codes, confidence=confidence)


def _worst(chosen: NDArray[np.int64], other: NDArray[np.int64], badness: Floats, codes: Codes) -> list[ScoredPair]:
    """Return the pairs of an image and its other one lowest in ``badness``, one a couple of people.

    Args:
        chosen: Shape (n,): position of each image among all.
        other: Shape (n,): row of the other image.
        badness: Shape (n,): the angle, or minus the angle; NaN where there is no other image.
        codes: Shape (n,): who is in each image.
    """
    pairs: list[ScoredPair] = []
    seen: set[tuple[int, int]] = set()
    for row in np.argsort(badness, kind="stable"):  # NaN comes last
        if len(pairs) == _WORST or np.isnan(badness[row]):
            break
        couple = tuple(sorted((int(codes[row]), int(codes[other[row]]))))
        if couple not in seen:
            seen.add((couple[0], couple[1]))
            first, second = sorted((int(chosen[row]), int(chosen[other[row]])))
            pairs.append(ScoredPair(first, second, math.cos(badness[row])))
    return pairs
