"""FairCal: a beta calibration for each cluster of embeddings, the probabilities of both images' clusters averaged.

Averaging probabilities is no average of ratios, so this is not a case of :mod:`~.local`; and the average depends
on the prior it is taken at, which is therefore a parameter. The ratio is its log-odds less those of the prior.

Reference: Salvador et al. 2022, ICLR, arXiv:2106.03761. As there, a cluster's calibration learns from all pairs
with an image in it, and each cluster weighs as many pairs as it learnt from. Ours: k-means on the sphere; both
kinds weigh the same in each fit; a cluster with fewer than 10 pairs of a kind takes the calibration of all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sphereface.errors import DataError
from sphereface.evaluation.calibration.beta import beta_features, fit_beta
from sphereface.evaluation.calibration.likelihood import (
    Floats,
    Mask,
    Scores,
    checked_scores,
    log_odds,
    scored,
)
from sphereface.evaluation.calibration.neighbourhood import (
    checked_table,
    nearest_centre,
    spherical_clusters,
    units_of,
)
from sphereface.evaluation.score_normalisation import Sides

_FEWEST = 10  # pairs of each kind a cluster needs for a calibration of its own


@dataclass(frozen=True, slots=True, eq=False)
class FairCal:
    """llr = logit(mean of both clusters' probabilities at the prior) - logit(prior).

    Attributes:
        centroids: Shape (K, d), unit rows.
        maps: Shape (K, 3): a, b (not negative) and c of each cluster's beta calibration.
        pairs: Shape (K,), positive: what each cluster weighs in the mean.
        prior: At which probabilities are averaged.
    """

    centroids: Floats
    maps: Floats
    pairs: Floats
    prior: float = 0.5
    kind: ClassVar[str] = "faircal"

    def __post_init__(self) -> None:
        centroids, maps = checked_table(self.centroids, "centroids", 1), checked_table(self.maps, "maps", 1)
        pairs = np.asarray(self.pairs, np.float64)
        if maps.shape != (len(centroids), 3) or pairs.shape != (len(centroids),):
            raise DataError("the parameters of a FairCal calibration do not fit each other in size")
        if (maps[:, :2] < 0).any() or not (pairs > 0).all():
            raise DataError("a FairCal calibration needs a and b of 0 or more and clusters that weigh something")
        log_odds(self.prior)
        for name, value in (("centroids", centroids), ("maps", maps), ("pairs", pairs)):
            object.__setattr__(self, name, value)

    def log_likelihood_ratio(self, scores: Scores, sides: Sides | None = None) -> Floats:
        """Return the ratio of each cosine, shape (n,); see :class:`~.likelihood.Calibrator`.

        A failed comparison counts as a cosine of -1 in the cluster that makes least of it.
        """
        curves = beta_features(checked_scores(scores, -1.0))
        units, _ = units_of(scores, sides, self.centroids.shape[1])
        assert sides is not None
        own = nearest_centre(units, self.centroids)
        least = int((beta_features(np.array([-1.0])) @ self.maps[:, :2].T + self.maps[:, 2]).argmin())
        ends = [np.where(np.isneginf(scores), least, own[side]) for side in (sides.first, sides.second)]
        start = log_odds(self.prior)
        # log-odds of the mean from log p and log(1 - p) of both: no probability is rounded to 1 on the way.
        weights = np.log([self.pairs[end] for end in ends])
        logits = [(curves * self.maps[end, :2]).sum(axis=1) + self.maps[end, 2] + start for end in ends]
        yes = np.logaddexp(*(w - np.logaddexp(0.0, -x) for w, x in zip(weights, logits, strict=True)))
        no = np.logaddexp(*(w - np.logaddexp(0.0, x) for w, x in zip(weights, logits, strict=True)))
        return np.asarray(yes - no - start)


def fit_faircal(
    scores: Scores, same: Mask, sides: Sides, *, clusters: int = 100, prior: float = 0.5, seed: int = 0
) -> FairCal:
    """Fit a beta calibration to each cluster of the embeddings.

    Args:
        scores: Shape (n,), cosines; pairs at -inf teach nothing.
        same: Shape (n,): which pairs are genuine.
        sides: The images behind the scores.
        clusters: K, 100 in the paper; as many as there are images where these are fewer.
        prior: At which probabilities are averaged.
        seed: Of the clusters.

    Raises:
        ConfigurationError: If ``clusters`` is below 1 or the prior is not between 0 and 1.
        DataError: If a score is NaN or no cosine, or the embeddings are unusable or have more than
            524,288 / K dimensions.
        NotEnoughDataError: If one kind has no score.
    """
    usable, _ = scored(scores, same)
    units, _ = units_of(scores, sides, sides.embeddings.shape[1])
    images = np.unique(np.concatenate([sides.first[usable], sides.second[usable]]))
    centroids = spherical_clusters(units[images], min(clusters, len(images)), seed=seed)
    own = nearest_centre(units, centroids)
    one, two = own[sides.first], own[sides.second]
    whole = fit_beta(scores, same)
    maps = np.tile([whole.a, whole.b, whole.c], (len(centroids), 1))
    pairs = np.ones(len(centroids))
    for number in range(len(centroids)):
        chosen = usable & ((one == number) | (two == number))
        pairs[number] = max(chosen.sum(), 1)
        if min((chosen & same).sum(), (chosen & ~same).sum()) >= _FEWEST:
            fitted = fit_beta(scores[chosen], same[chosen])
            maps[number] = fitted.a, fitted.b, fitted.c
    return FairCal(centroids, maps, pairs, prior)
