"""The linear probe against scikit-learn, and that nobody is learnt from and judged at once."""

from __future__ import annotations

import numpy as np
import pytest

from sphereface.errors import DataError, NotEnoughDataError
from sphereface.evaluation.linear_probe import linear_probe


def pictures(people=20, classes=3, noise=0.8, seed=0):
    generator = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), 2 * classes)
    what = np.tile(np.repeat(np.arange(classes), 2), people)
    x = generator.standard_normal((classes, 6))[what] + generator.standard_normal((people, 6))[who] * 0.5
    x += noise * generator.standard_normal(x.shape)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return x, [f"class {w}" for w in what], [f"p{w:02d}" for w in who], who % 5


def test_it_is_multinomial_logistic_regression():
    linear_model = pytest.importorskip("sklearn.linear_model")
    x, labels, people, folds = pictures()
    found = linear_probe(x, labels, people, folds, penalty=1e-2)
    told = np.empty(len(labels), dtype=object)
    for fold in range(5):
        rows = folds != fold
        reference = linear_model.LogisticRegression(C=1.0 / (1e-2 * rows.sum()), max_iter=5000, tol=1e-9)
        told[~rows] = reference.fit(x[rows], np.array(labels)[rows]).predict(x[~rows])
    assert found.accuracy.value == np.mean(told == np.array(labels))
    assert 0.6 < found.accuracy.value < 1.0
    assert found.balanced_accuracy.value == pytest.approx(found.accuracy.value)  # classes of one size
    assert found.confusion.sum() == len(labels)
    assert np.trace(found.confusion) == round(found.accuracy.value * len(labels))
    assert (found.people, found.classes) == (20, ("class 0", "class 1", "class 2"))


def test_labels_that_mean_nothing_are_told_by_chance():
    x, labels, people, folds = pictures(people=60)
    shuffled = np.random.default_rng(1).permutation(labels).tolist()
    rate = linear_probe(x, shuffled, people, folds).accuracy
    assert rate.low < 1 / 3 < rate.high


def test_a_person_who_is_known_by_heart_cannot_help():
    """Each person has one label throughout: only somebody who was learnt from could be told."""
    generator = np.random.default_rng(0)
    who = np.repeat(np.arange(40), 6)
    x = np.eye(40)[who] + 0.01 * generator.standard_normal((240, 40))
    labels = [f"class {w}" for w in generator.integers(0, 2, 40)[who]]
    honest = linear_probe(x, labels, [f"p{w}" for w in who], who % 4)
    assert honest.accuracy.value < 0.8
    with pytest.raises(DataError, match="'p0' is in two folds; a person can be learnt from or judged"):
        linear_probe(x, labels, [f"p{w}" for w in who], np.arange(240) % 4)


def test_failed_pictures_are_told_wrong():
    x, labels, people, folds = pictures()
    failed = np.zeros(len(x), dtype=bool)
    failed[:12] = True
    found = linear_probe(np.where(failed[:, None], np.nan, x), labels, people, folds, failed=failed)
    assert found.confusion.sum() == len(x) - 12
    assert found.accuracy.value <= 1.0 - 12 / len(x)


def test_classes_weigh_the_same_in_the_balanced_accuracy():
    x = np.array([[1.0, 0.0]] * 9 + [[-1.0, 0.0]] * 3)
    labels = ["many"] * 9 + ["few"] * 3
    people = [f"p{n}" for n in range(12)]
    x[-1] *= -1  # one of the three looks like the many
    found = linear_probe(x, labels, people, np.arange(12) % 3)
    assert found.accuracy.value == pytest.approx(11 / 12)
    assert found.balanced_accuracy.value == pytest.approx((1.0 + 2 / 3) / 2)


def test_what_cannot_be_told():
    x, labels, people, folds = pictures()
    with pytest.raises(NotEnoughDataError, match="one class only"):
        linear_probe(x, ["one"] * len(x), people, folds)
    with pytest.raises(NotEnoughDataError, match="one fold only"):
        linear_probe(x, labels, people, np.zeros(len(x), dtype=int))
    with pytest.raises(DataError, match="do not go together"):
        linear_probe(x, labels[:-1], people, folds)
