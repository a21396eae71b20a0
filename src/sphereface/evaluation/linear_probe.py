"""Tell something other than the person from an embedding: multinomial logistic regression, person by person.

The embedding stays as it is; only a linear map on top of it learns (a *linear probe*: Alain and Bengio 2016,
arXiv:1610.01644). Nobody is learnt from and judged in the same fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from sphereface.errors import DataError, NotEnoughDataError
from sphereface.evaluation.intervals import clustered, rate_from_variance
from sphereface.evaluation.results import ClassAccuracy, Floats, Rate

_PENALTY = 1e-2  # half the squared weights by this, per picture: unit vectors need large weights
_LARGEST = 200_000_000  # numbers of the embeddings, as float64 1.6 GB


def linear_probe(
    embeddings: NDArray[np.floating[Any]],
    labels: Sequence[str],
    people: Sequence[str],
    folds: NDArray[np.integer[Any]],
    *,
    failed: NDArray[np.bool_] | None = None,
    title: str = "labels",
    penalty: float = _PENALTY,
    confidence: float = 0.95,
) -> ClassAccuracy:
    """Measure how well labels are told from the embedding.

    Args:
        embeddings: Shape (n, d), of unit norm.
        labels: What each is, n words.
        people: Who is in each.
        folds: Shape (n,): each is judged by what the others taught.
        failed: Shape (n,): pictures that could not be embedded; each counts as told wrong.
        title: What is told.
        penalty: Strength of the squared penalty, per picture.
        confidence: Of the intervals, clustered by person.

    Raises:
        DataError: If lengths differ, a person is in two folds, or there is too much to hold.
        NotEnoughDataError: If there is one class or one fold only.
    """
    classes, target = np.unique(np.asarray(labels), return_inverse=True)
    failed = np.zeros(len(target), dtype=bool) if failed is None else failed
    if not len(embeddings) == len(target) == len(people) == len(folds) == len(failed):
        raise DataError(
            f"{len(embeddings)} embeddings, {len(target)} labels and {len(people)} people do not go together"
        )
    if embeddings.size > _LARGEST:
        raise DataError(f"{len(embeddings):,} embeddings are too many for a linear probe; judge fewer")
    names, codes = np.unique(np.asarray(people), return_inverse=True)
    _check_folds(names, codes, folds)
    if len(classes) < 2:
        raise NotEnoughDataError(f"'{title}' has one class only, so nothing can be told apart")
    told = np.full(len(target), -1)
    for fold in np.unique(folds):
        judged = (folds == fold) & ~failed
        taught = (folds != fold) & ~failed
        if not taught.any():
            raise NotEnoughDataError(f"'{title}' has one fold only, so nothing is left to learn from")
        weights = _fit(embeddings[taught].astype(np.float64), target[taught], len(classes), penalty)
        told[judged] = _logits(embeddings[judged].astype(np.float64), weights).argmax(axis=1)
    right = told == target
    confusion = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(confusion, (target[told >= 0], told[told >= 0]), 1)
    each = np.bincount(target, minlength=len(classes))
    balance = len(target) / (len(classes) * each[target])  # every class weighs the same
    return ClassAccuracy(
        title=title,
        classes=tuple(map(str, classes)),
        people=len(names),
        accuracy=_rate(right, np.ones(len(target)), codes, confidence),
        balanced_accuracy=_rate(right, balance, codes, confidence),
        confusion=confusion,
    )


def _fit(x: Floats, target: NDArray[np.intp], classes: int, penalty: float) -> Floats:
    """Return weights of shape (d + 1, K); the last row is the bias, which is not penalised."""
    rows = np.arange(len(x))
    shape = (x.shape[1] + 1, classes)

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(shape)
        logits = _logits(x, weights)
        share = softmax(logits, axis=1)
        share[rows, target] -= 1.0
        gradient = np.vstack([x.T @ share, share.sum(axis=0)]) / len(x)
        gradient[:-1] += penalty * weights[:-1]
        value = np.mean(logsumexp(logits, axis=1) - logits[rows, target])
        return float(value + 0.5 * penalty * np.sum(weights[:-1] ** 2)), gradient.ravel()

    found = minimize(loss, np.zeros(shape[0] * classes), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return np.asarray(found.x.reshape(shape))


def _logits(x: Floats, weights: Floats) -> Floats:
    return np.asarray(x @ weights[:-1] + weights[-1])


def _rate(right: NDArray[np.bool_], weight: Floats, codes: NDArray[np.intp], confidence: float) -> Rate:
    """Return the weighted share of right answers with the interval of a mean over people."""
    value = float(np.sum(weight * right) / weight.sum())
    plain = clustered(np.bincount(codes, right)[:, None].astype(np.float64), np.bincount(codes))
    residuals = np.bincount(codes, weight * (right - value))
    people = len(residuals)
    variance = float(np.sum(residuals**2) * people / max(people - 1, 1) / weight.sum() ** 2)
    return rate_from_variance(value, variance, len(right), plain.least, confidence, people)


def _check_folds(names: NDArray[np.str_], codes: NDArray[np.intp], folds: NDArray[np.integer[Any]]) -> None:
    first = np.full(len(names), -1, dtype=np.int64)
    first[codes[::-1]] = folds[::-1]
    other = np.flatnonzero(folds != first[codes])
    if other.size:
        raise DataError(
            f"'{names[codes[other[0]]]}' is in two folds; a person can be learnt from or judged, not both"
        )
