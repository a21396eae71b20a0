"""Clusters that are there are found, the objective is no worse than scikit-learn's, and errors crowd where put."""

from __future__ import annotations

import numpy as np
import pytest

from sphereface.errors import ConfigurationError, NotEnoughDataError
from sphereface.evaluation.groups.clusters import cluster_audit, cluster_people
from sphereface.evaluation.groups.rates import group_rates
from sphereface.evaluation.scores import all_pairs


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def fit(points, own):
    """The objective: the sum of cosines to the mean direction of the own cluster."""
    return sum(np.linalg.norm(points[own == code].sum(axis=0)) for code in np.unique(own))


def test_clusters_that_are_there_are_found():
    generator = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], [40, 30, 20])
    points = unit(4.0 * np.eye(3, 8)[truth] + generator.standard_normal((90, 8)) * 0.5)
    order = generator.permutation(90)
    assert np.array_equal(cluster_people(points[order], 3), truth[order])  # the largest comes first


def test_the_objective_is_no_worse_than_that_of_k_means_elsewhere():
    cluster = pytest.importorskip("sklearn.cluster")
    points = unit(np.random.default_rng(1).standard_normal((300, 6)))
    reference = cluster.KMeans(6, n_init=5, random_state=0).fit_predict(points)
    assert fit(points, cluster_people(points, 6)) > 0.99 * fit(points, reference)


def test_nobody_lies_nearer_to_another_cluster_and_none_is_empty():
    points = unit(np.random.default_rng(2).standard_normal((120, 4)))
    own = cluster_people(points, 7)
    centres = unit(np.stack([points[own == code].sum(axis=0) for code in range(7)]))
    assert np.array_equal((points @ centres.T).argmax(axis=1), own)
    assert np.bincount(own, minlength=7).min() >= 1


def test_points_that_coincide_still_fill_the_clusters():
    points = np.repeat(np.eye(2), 3, axis=0)
    assert sorted(np.bincount(cluster_people(points, 4), minlength=4)) == pytest.approx([1, 1, 1, 3], abs=1)
    assert np.bincount(cluster_people(points, 6), minlength=6).tolist() == [1] * 6
    with pytest.raises(NotEnoughDataError, match="cannot make 7"):
        cluster_people(points, 7)


@pytest.fixture
def crowd():
    """Sixty people anywhere, and thirty crowded round one direction."""
    generator = np.random.default_rng(3)
    centres = unit(generator.standard_normal((90, 12)))
    centres[60:] = unit(centres[60:] + 2.5 * np.eye(12)[0])
    x = centres[:, None] + 0.12 * generator.standard_normal((90, 5, 12))
    return x.reshape(-1, 12), [f"p{number:02d}" for number in np.repeat(np.arange(90), 5)]


def test_errors_crowd_where_people_do(crowd):
    x, names = crowd
    scores = all_pairs(x, names)
    found = cluster_audit(scores, x, names, 0.6, clusters=3)
    assert "no demographic label" in found.title
    assert sum(found.people) == 90
    assert found.unlabelled == 0
    rates = [found.fmr[group][group].value for group in range(3)]
    assert max(rates) > 2 * min(rates)
    assert found.fmr_ratios["max_to_min"].value == pytest.approx(max(rates) / min(rates))
    assert found.fmr_ratios["max_to_geometric_mean"].p_value < 0.01


def test_it_is_the_audit_by_groups_with_clusters_for_labels(crowd):
    x, names = crowd
    scores = all_pairs(x, names)
    x[:5] = np.nan  # one person without an image
    failed = np.isnan(x).any(axis=1)
    found = cluster_audit(scores, x, names, 0.6, failed=failed, clusters=4, permutations=20, seed=5)
    means = unit(unit(x[5:]).reshape(89, 5, 12).mean(axis=1))
    own = cluster_people(means.astype(np.float64), 4, seed=5)
    labels = {f"p{person + 1:02d}": f"cluster {code + 1}" for person, code in enumerate(own)}
    same = group_rates(scores, labels, 0.6, title=found.title, permutations=20, seed=5)
    assert found == same
    assert found.unlabelled == 1


def test_bad_settings_are_answered_in_words(crowd):
    x, names = crowd
    for clusters in (1, 101):
        with pytest.raises(ConfigurationError, match="from 2 to 100"):
            cluster_audit(all_pairs(x, names), x, names, 0.6, clusters=clusters)
    with pytest.raises(NotEnoughDataError, match="90 people cannot make 91"):
        cluster_audit(all_pairs(x, names), x, names, 0.6, clusters=91)
