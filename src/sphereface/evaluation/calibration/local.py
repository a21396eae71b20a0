"""Local calibration: the line from cosine to log-likelihood ratio depends smoothly on where both faces lie.

One cosine can mean much in a sparse region of the sphere and little in a crowded one. Here

    llr(s; z1, z2) = a(z1, z2) s + b(z1, z2),

with a and b linear in features f of the two embeddings, each feature the mean of its values at z1 and at z2,
so that the order of the images does not matter:

    f(z) = 1 / sigma(z),  mu(z) / sigma(z),  r_1(z), ..., r_K(z)

mu and sigma are mean and standard deviation of z's cosines to the ``top`` nearest of an unlabelled cohort; r_k is
z's membership in cluster k of the cohort, a softmax of ``sharpness`` times the cosines to the K centres.

Special cases, as values of the parameters: all features 0 is Platt's line. The first two alone give s-norm (or
adaptive s-norm) followed by a line, since s-norm is s times the mean of 1 / sigma less the mean of mu / sigma.
The memberships alone, at great sharpness, give one Platt line a cluster, averaged over both images in logit form.
In the spirit of adaptive calibration (Brown and Russell 2026, arXiv:2606.04469); the form is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import softmax

from sphereface.errors import ConfigurationError, DataError
from sphereface.evaluation.calibration.likelihood import Floats, Mask, Scores, checked_scores, scored
from sphereface.evaluation.calibration.logistic import fit_logistic
from sphereface.evaluation.calibration.neighbourhood import checked_table, spherical_clusters, units_of
from sphereface.evaluation.images import Embeddings
from sphereface.evaluation.score_normalisation import Sides, cohort_statistics


@dataclass(frozen=True, slots=True, eq=False)
class Local:
    """llr = (slope[0] + slope[1:] · (f - centre)) s + offset[0] + offset[1:] · (f - centre).

    A slope below 0 counts as 0: a higher cosine never lowers the ratio.

    Attributes:
        cohort: Shape (M, d), M at least 2.
        centroids: Shape (K, d), K at least 1.
        centre: Shape (F,), F = 2 + K: the mean features of the images fitted on.
        slope: Shape (1 + F,).
        offset: Shape (1 + F,), in nats.
        top: How many of the cohort make a neighbourhood.
        sharpness: Of the memberships; a great number puts every image into one cluster.
        lowest: Scores below count as this one. A failed comparison is an average pair with this score.
    """

    cohort: Floats
    centroids: Floats
    centre: Floats
    slope: Floats
    offset: Floats
    top: int
    sharpness: float
    lowest: float = -1.0
    kind: ClassVar[str] = "local"

    def __post_init__(self) -> None:
        cohort, centroids = (
            checked_table(self.cohort, "the cohort", 2),
            checked_table(self.centroids, "centroids", 1),
        )
        vectors = {name: np.asarray(getattr(self, name), np.float64) for name in ("centre", "slope", "offset")}
        features = 2 + len(centroids)
        if cohort.shape[1] != centroids.shape[1] or [len(np.atleast_1d(v)) for v in vectors.values()] != [
            features,
            features + 1,
            features + 1,
        ]:
            raise DataError("the parameters of a local calibration do not fit each other in size")
        if not self.top >= 2 or not self.sharpness >= 0:
            raise ConfigurationError("a local calibration needs a top of 2 or more and a sharpness of 0 or more")
        for name, value in {"cohort": cohort, "centroids": centroids, **vectors}.items():
            object.__setattr__(self, name, value)

    def log_likelihood_ratio(self, scores: Scores, sides: Sides | None = None) -> Floats:
        """Return the ratio of each cosine, shape (n,); see :class:`~.likelihood.Calibrator`."""
        cosines = checked_scores(scores, self.lowest)
        units, failed = units_of(scores, sides, self.cohort.shape[1])
        assert sides is not None
        away = np.zeros((len(units), len(self.centre)))
        away[~failed] = (
            features(units[~failed], self.cohort, self.centroids, self.top, self.sharpness) - self.centre
        )
        steeper, higher = away @ self.slope[1:], away @ self.offset[1:]
        lost = np.isneginf(scores)

        def of_pairs(values: Floats) -> Floats:
            return np.where(lost, 0.0, (values[sides.first] + values[sides.second]) / 2.0)

        slope = np.maximum(self.slope[0] + of_pairs(steeper), 0.0)
        return np.asarray(slope * cosines + self.offset[0] + of_pairs(higher))


def features(units: Floats, cohort: Floats, centroids: Floats, top: int, sharpness: float) -> Floats:
    """Return 1 / sigma, mu / sigma and the memberships of each unit row, shape (N, 2 + K)."""
    mean, deviation = cohort_statistics(units, cohort, top=top)
    members = softmax(sharpness * (units @ centroids.T), axis=1)
    return np.column_stack([1.0 / deviation, mean / deviation, members])


def fit_local(
    scores: Scores,
    same: Mask,
    sides: Sides,
    *,
    cohort: Embeddings,
    top: int = 100,
    clusters: int = 8,
    sharpness: float = 20.0,
    shrinkage: float = 10.0,
    seed: int = 0,
) -> Local:
    """Fit by logistic regression in which both kinds weigh the same (:mod:`~.logistic`).

    Every effect of a neighbourhood has a normal prior around 0, one nat for a standard deviation of the
    feature, that counts as ``shrinkage`` images would: few images give Platt's line.

    Args:
        scores: Shape (n,), cosines; pairs at -inf teach nothing.
        same: Shape (n,): which pairs are genuine.
        sides: The images behind the scores.
        cohort: Shape (M, d), unlabelled, of people who are neither fitted on nor judged. It travels with the
            calibration.
        top: How many of the cohort make a neighbourhood, all of them where there are fewer.
        clusters: K, clusters of the cohort.
        sharpness: Of the memberships.
        shrinkage: Towards Platt's line, in images.
        seed: Of the clusters.

    Raises:
        ConfigurationError: If a setting is out of range.
        DataError: If a score is NaN, or the embeddings or the cohort are unusable or of different dimensions.
        NotEnoughDataError: If one kind has no score, or the cohort has fewer rows than clusters.
    """
    if not shrinkage >= 0:
        raise ConfigurationError(f"shrinkage must be 0 or more, not {shrinkage}")
    usable, lowest = scored(scores, same)
    cohort = checked_table(cohort, "the cohort", 2)
    units, failed = units_of(scores, sides, cohort.shape[1])
    centroids = spherical_clusters(cohort, clusters, seed=seed)
    seen = np.unique(np.concatenate([sides.first[usable], sides.second[usable]]))
    seen = seen[~failed[seen]]
    of_image = np.zeros((len(units), 2 + clusters))
    of_image[seen] = features(units[seen], cohort, centroids, top, sharpness)
    centre = of_image[seen].mean(axis=0)
    of_image -= centre
    cosines, labels = np.asarray(scores, np.float64)[usable], same[usable]
    first, second = sides.first[usable], sides.second[usable]
    middle = (cosines[labels].mean() + cosines[~labels].mean()) / 2.0

    def columns(part: slice) -> Floats:
        both = (of_image[first[part]] + of_image[second[part]]) / 2.0
        return np.column_stack([cosines[part], both, both * (cosines[part] - middle)[:, None]])

    count = len(centre)
    penalty = np.repeat([0.0, shrinkage / len(seen)], [1, 2 * count])
    intercept, weights, _ = fit_logistic(columns, labels, penalty)
    base, shift, tilt = weights[0], weights[1 : 1 + count], weights[1 + count :]
    return Local(
        cohort=cohort,
        centroids=centroids,
        centre=centre,
        slope=np.append(base, tilt),
        offset=np.append(intercept, shift - middle * tilt),
        top=top,
        sharpness=float(sharpness),
        lowest=lowest,
    )
