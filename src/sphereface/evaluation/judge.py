"""Everything at once: from embeddings and names to an Evaluation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sphereface.errors import DataError
from sphereface.evaluation.folds import Rule
from sphereface.evaluation.identification import identify
from sphereface.evaluation.intervals import clustered
from sphereface.evaluation.pair_list import PairList
from sphereface.evaluation.results import Evaluation, Health, Rate
from sphereface.evaluation.scores import (
    Embeddings,
    Mask,
    PairScores,
    all_pairs,
    at_most,
    checked,
    listed_pairs,
    person_codes,
)
from sphereface.evaluation.search import SearchScores, open_set_split, search
from sphereface.evaluation.verification import verify
from sphereface.sphere import health

FMR_TARGETS = (1e-2, 1e-3, 1e-4)
FPIR_TARGETS = (0.01, 0.1)


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """Every score an evaluation and the operating points are made from, computed once.

    Attributes:
        embeddings: Shape (N, d), as given.
        identities: N names.
        failed: Shape (N,), bool: images that could not be embedded, or None.
        pairs: All against all.
        searches: An open-set draw of the people, searched.
        listed: A protocol's own pairs, if there are any.
        settings: How they were drawn, for the report.
    """

    embeddings: Embeddings
    identities: Sequence[str]
    failed: Mask | None
    pairs: PairScores
    searches: SearchScores
    listed: PairScores | None
    settings: dict[str, Any]


def compare(
    embeddings: Embeddings,
    identities: Sequence[str],
    *,
    listed: PairList | None = None,
    failed: Mask | None = None,
    images_per_identity: int | None = 10,
    enrolled_fraction: float = 0.5,
    templates_per_person: int = 1,
    least_images: int = 1,
    seed: int = 0,
) -> Comparisons:
    """Compare all against all, search an open-set draw, and score a protocol's list.

    Arguments and errors are those of :func:`evaluate`.
    """
    pairs = all_pairs(embeddings, identities, failed=failed, images_per_identity=images_per_identity, seed=seed)
    split = open_set_split(
        identities,
        enrolled_fraction=enrolled_fraction,
        templates_per_person=templates_per_person,
        least_images=least_images,
        images_per_identity=images_per_identity,
        seed=seed,
    )
    settings: dict[str, Any] = {
        "images_per_identity": images_per_identity,
        "enrolled_fraction": enrolled_fraction,
        "templates_per_person": templates_per_person,
        "least_images": least_images,
        "seed": seed,
        "failed_images": 0 if failed is None else int(np.sum(failed)),
    }
    if listed is not None:
        settings |= {"listed": listed.title, "listed_missing": list(listed.missing)}
    return Comparisons(
        embeddings,
        identities,
        failed,
        pairs,
        search(embeddings, identities, split, failed=failed),
        None if listed is None else listed_pairs(embeddings, listed, identities, failed=failed),
        settings,
    )


def evaluate(
    embeddings: Embeddings,
    identities: Sequence[str],
    *,
    listed: PairList | None = None,
    failed: Mask | None = None,
    images_per_identity: int | None = 10,
    fmr_targets: Sequence[float] = FMR_TARGETS,
    fpir_targets: Sequence[float] = FPIR_TARGETS,
    enrolled_fraction: float = 0.5,
    templates_per_person: int = 1,
    least_images: int = 1,
    threshold_rule: Rule = "middle",
    confidence: float = 0.95,
    resamples: int = 400,
    seed: int = 0,
) -> Evaluation:
    """Judge an embedding on people it has not seen: verification, open-set search and health.

    Args:
        embeddings: Shape (N, d), any norm but zero.
        identities: N names.
        listed: A protocol's own pairs, as positions among the N images, judged beside all pairs.
        failed: Shape (N,), bool: images that could not be embedded. Their rows are ignored; searches and
            listed pairs with them are counted as errors, and all-against-all pairs do not contain them.
        images_per_identity: At most so many images of a person in all pairs and searches; None for all.
        fmr_targets: False match rates at which FNMR is measured.
        fpir_targets: False positive identification rates at which FNIR is measured.
        enrolled_fraction: Share of people enrolled in the open-set search.
        templates_per_person: Images enrolled of each of them.
        least_images: Only people with so many images are drawn for enrolment; the others are strangers.
        threshold_rule: How the folds of the accuracy choose their threshold.
        confidence: Of all intervals, two-sided.
        resamples: Resamples of people behind the intervals of figures whose threshold was estimated.
        seed: Of every draw.

    Raises:
        DataError: If the embeddings are unusable or do not fit the names or the list.
        ConfigurationError: If a setting is out of range.
        NotEnoughDataError: If there is one person only, nobody has two images, or no one can be searched.
    """
    comparisons = compare(
        embeddings,
        identities,
        listed=listed,
        failed=failed,
        images_per_identity=images_per_identity,
        enrolled_fraction=enrolled_fraction,
        templates_per_person=templates_per_person,
        least_images=least_images,
        seed=seed,
    )
    return judge(
        comparisons,
        fmr_targets=fmr_targets,
        fpir_targets=fpir_targets,
        threshold_rule=threshold_rule,
        confidence=confidence,
        resamples=resamples,
    )


def judge(
    comparisons: Comparisons,
    *,
    fmr_targets: Sequence[float] = FMR_TARGETS,
    fpir_targets: Sequence[float] = FPIR_TARGETS,
    threshold_rule: Rule = "middle",
    confidence: float = 0.95,
    resamples: int = 400,
) -> Evaluation:
    """Turn comparisons into figures with intervals.

    Arguments and errors are those of :func:`evaluate`.
    """
    seed = comparisons.settings["seed"]
    verification, from_list = (
        None
        if scores is None
        else verify(
            scores,
            fmr_targets=fmr_targets,
            confidence=confidence,
            resamples=resamples,
            seed=seed,
            threshold_rule=threshold_rule,
        )
        for scores in (comparisons.pairs, comparisons.listed)
    )
    assert verification is not None
    identities = comparisons.identities
    return Evaluation(
        images=len(identities),
        people=len(set(identities)),
        verification=verification,
        listed=from_list,
        identification=identify(
            comparisons.searches, fpir_targets=fpir_targets, confidence=confidence, resamples=resamples, seed=seed
        ),
        health=measure_health(
            comparisons.embeddings,
            identities,
            failed=comparisons.failed,
            images_per_identity=comparisons.settings["images_per_identity"],
            confidence=confidence,
            seed=seed,
        ),
        settings={
            **comparisons.settings,
            "fmr_targets": list(fmr_targets),
            "fpir_targets": list(fpir_targets),
            "threshold_rule": threshold_rule,
            "confidence": confidence,
            "resamples": resamples,
        },
    )


def measure_health(
    embeddings: Embeddings,
    identities: Sequence[str],
    *,
    failed: Mask | None = None,
    images_per_identity: int | None = 10,
    confidence: float = 0.95,
    seed: int = 0,
) -> Health:
    """Measure how the embedding uses the hypersphere, on at most ``images_per_identity`` images a person.

    The interval of the ideal-criterion rate is clustered by person over the draws; that all people of a draw
    share their neighbours is not in it.

    Raises:
        DataError: If the embeddings are unusable, or all of them failed.
    """
    vectors, failed = checked(embeddings, identities, failed)
    chosen = at_most(identities, images_per_identity, seed)
    chosen = chosen[~failed[chosen]]
    if not len(chosen):
        raise DataError("no image could be embedded, so there is nothing to measure")
    codes = person_codes(identities)[1][chosen]
    single = vectors[chosen]  # enough where pairs of images are compared, and twice as fast
    x = single.astype(np.float64)
    angles = health.extreme_angles(single, codes)
    draws = health.ideal_criterion_draws(single, codes, seed=seed)
    concentrations = health.vmf_concentration(x, codes)
    return Health(
        alignment=health.alignment(x, codes),
        uniformity=health.uniformity(single),
        angular_fisher_score=health.angular_fisher_score(x, codes),
        largest_intra_angle=angles.largest_intra,
        smallest_inter_angle=angles.smallest_inter,
        ideal_criterion_met=angles.met,
        ideal_criterion_rate=_ideal_rate(draws, confidence),
        ideal_images=draws.images,
        ideal_people=draws.people,
        energy={s: health.class_energy(x, codes, s) for s in (0, 1, 2)},
        concentration=float(np.median(concentrations)) if concentrations else math.nan,
    )


def _ideal_rate(draws: health.IdealDraws, confidence: float) -> Rate:
    if not sum(draws.drawn):
        reason = f"not supported by this data: needs two people with {draws.images} images, has {draws.people}"
        return Rate(None, None, None, confidence, 0.0, reason)
    rate = clustered(np.array(draws.met, dtype=np.float64)[:, None], np.array(draws.drawn))
    low, high = rate.band(confidence)
    return Rate(draws.rate, float(low[0]), float(high[0]), confidence, float(rate.effective()[0]))
