"""Calibrations that look at where a face lies: special cases, a world that needs them and one that does not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit, softmax
from sklearn.cluster import KMeans

from sphereface.errors import ConfigurationError, DataError, NotEnoughDataError
from sphereface.evaluation.calibration import cllr, fit_faircal, fit_local, fit_platt
from sphereface.evaluation.calibration.beta import Beta
from sphereface.evaluation.calibration.faircal import FairCal
from sphereface.evaluation.calibration.local import Local
from sphereface.evaluation.calibration.neighbourhood import nearest_centre, spherical_clusters
from sphereface.evaluation.calibration.platt import Platt
from sphereface.evaluation.score_normalisation import Sides, adaptive_s_norm, flattened, s_norm
from sphereface.evaluation.scores import all_pairs

GENERATOR = np.random.default_rng(11)
IMAGES = GENERATOR.normal(size=(20, 8))
COHORT = GENERATOR.normal(size=(50, 8)) + 0.2
CENTRES = np.eye(8)[:3]
FIRST, SECOND = GENERATOR.integers(0, 20, 60), GENERATOR.integers(0, 20, 60)
SIDES = Sides(IMAGES, FIRST, SECOND)
UNITS = IMAGES / np.linalg.norm(IMAGES, axis=1, keepdims=True)
SCORES = (UNITS[FIRST] * UNITS[SECOND]).sum(axis=1)


def local(slope, offset, **changes):
    values = {
        "cohort": COHORT,
        "centroids": CENTRES,
        "centre": np.zeros(5),
        "slope": np.array(slope, float),
        "offset": np.array(offset, float),
        "top": 50,
        "sharpness": 5.0,
    }
    return Local(**(values | changes))


def test_without_features_it_is_platt():
    mine = local([9, 0, 0, 0, 0, 0], [-2, 0, 0, 0, 0, 0]).log_likelihood_ratio(SCORES, SIDES)
    np.testing.assert_allclose(mine, Platt(9.0, -2.0).log_likelihood_ratio(SCORES), rtol=0, atol=1e-12)


@pytest.mark.parametrize("top", [50, 12])
def test_with_the_first_two_features_it_is_s_norm_and_a_line(top):
    calibrator = local([0, 1.7, 0, 0, 0, 0], [-4, 0, -1.7, 0, 0, 0], top=top)
    normalised = s_norm(SCORES, SIDES, COHORT) if top == 50 else adaptive_s_norm(SCORES, SIDES, COHORT, top=top)
    mine = calibrator.log_likelihood_ratio(SCORES, SIDES)
    np.testing.assert_allclose(mine, 1.7 * normalised - 4, rtol=0, atol=1e-12)


def test_with_sharp_memberships_it_is_one_platt_line_a_cluster_averaged_in_logit_form():
    slopes, offsets = np.array([5.0, 9.0, 14.0]), np.array([-1.0, -2.0, -4.0])
    calibrator = local([0, 0, 0, *slopes], [0, 0, 0, *offsets], sharpness=1e6)
    own = (UNITS @ CENTRES.T).argmax(axis=1)
    assert set(own) == {0, 1, 2}
    lines = [slopes[own[side]] * SCORES + offsets[own[side]] for side in (FIRST, SECOND)]
    mine = calibrator.log_likelihood_ratio(SCORES, SIDES)
    np.testing.assert_allclose(mine, (lines[0] + lines[1]) / 2, rtol=0, atol=1e-12)


def test_it_is_its_equation():
    generator = np.random.default_rng(2)
    slope, offset, centre = generator.normal(size=6), generator.normal(size=6), generator.normal(size=5)
    slope[0] = 40.0  # no slope below 0 here
    calibrator = local(slope, offset, centre=centre, top=9)
    others = COHORT / np.linalg.norm(COHORT, axis=1, keepdims=True)
    for number, (i, j) in enumerate(zip(FIRST, SECOND, strict=True)):
        both = np.zeros(5)
        for z in (UNITS[i], UNITS[j]):
            near = np.sort(others @ z)[-9:]
            both += np.array([1 / near.std(), near.mean() / near.std(), *softmax(5.0 * CENTRES @ z)]) / 2
        a, b = slope[0] + slope[1:] @ (both - centre), offset[0] + offset[1:] @ (both - centre)
        mine = calibrator.log_likelihood_ratio(
            SCORES[number : number + 1], Sides(IMAGES, FIRST[[number]], SECOND[[number]])
        )
        assert a > 0
        assert mine == pytest.approx([a * SCORES[number] + b], abs=1e-10)


def test_the_order_of_the_images_does_not_matter():
    calibrator = local([4, 0.3, 0.2, 1, 2, 3], [1, 0.1, 0.2, 3, 2, 1])
    turned = calibrator.log_likelihood_ratio(SCORES, Sides(IMAGES, SECOND, FIRST))
    assert np.array_equal(calibrator.log_likelihood_ratio(SCORES, SIDES), turned)


def test_a_higher_cosine_never_lowers_the_ratio():
    calibrator = local([1, 0, 0, -50, 0, 0], [0, 0, 0, 0, 0, 0])
    rise = calibrator.log_likelihood_ratio(SCORES + 0.01, SIDES) - calibrator.log_likelihood_ratio(SCORES, SIDES)
    assert rise.min() == 0.0
    assert rise.max() > 0.0


def world(crowding, people=120, each=5, dimension=32, seed=0):
    """People of whom half live in a crowd: there, strangers have cosines of about crowding² / (1 + crowding²)."""
    generator = np.random.default_rng(seed)
    centre = np.zeros(dimension)
    centre[0] = crowding

    def faces(count):
        own = generator.normal(size=(count, dimension)) / np.sqrt(dimension)
        return own + (np.arange(count) % 2 == 0)[:, None] * centre

    images = np.repeat(faces(people), each, axis=0)
    images = images + generator.normal(size=images.shape) * 0.7 / np.sqrt(dimension)
    names = [f"{number:03d}" for number in range(people) for _ in range(each)]
    return images, names, faces(200)


def fitted_and_judged(crowding, fits):
    images, names, cohort = world(crowding)
    middle = len(images) // 2
    learn, test = (
        flattened(all_pairs(images[part], names[part]), images[part])
        for part in (slice(middle), slice(middle, None))
    )
    return {
        kind: cllr(
            fit(*learn, **({"cohort": cohort} if kind == "local" else {})).log_likelihood_ratio(test[0], test[2]),
            test[1],
        )
        for kind, fit in fits.items()
    }


def test_in_a_crowd_neighbourhoods_help():
    cost = fitted_and_judged(
        1.0, {"platt": fit_platt, "local": fit_local, "faircal": lambda *data: fit_faircal(*data, clusters=10)}
    )
    assert cost["local"] < 0.6 * cost["platt"]
    assert cost["faircal"] < 0.8 * cost["platt"]


def test_without_a_crowd_they_cost_next_to_nothing():
    cost = fitted_and_judged(0.0, {"platt": fit_platt, "local": fit_local})
    assert cost["local"] < cost["platt"] + 0.02


def test_much_shrinkage_gives_platt():
    images, names, cohort = world(1.0, people=30)
    scores, same, sides = flattened(all_pairs(images, names), images)
    ratios = fit_local(scores, same, sides, cohort=cohort, shrinkage=1e12).log_likelihood_ratio(scores, sides)
    np.testing.assert_allclose(ratios, fit_platt(scores, same).log_likelihood_ratio(scores), atol=1e-6)


def test_the_fit_is_a_minimum():
    """Any step away from the fitted parameters costs more, by the loss written out again."""
    images, names, cohort = world(1.0, people=24)
    scores, same, sides = flattened(all_pairs(images, names), images)
    fitted = fit_local(scores, same, sides, cohort=cohort, clusters=3, shrinkage=0.0)
    smooth = 1 / (same.sum() + 2)

    def loss(calibrator):
        logits = calibrator.log_likelihood_ratio(scores, sides)
        costs = np.logaddexp(0, logits) - np.where(same, 1 - smooth, smooth) * logits
        return (costs[same].mean() + costs[~same].mean()) / 2

    least = loss(fitted)
    generator = np.random.default_rng(0)
    for _ in range(20):
        step = generator.normal(size=(2, 6)) * 1e-2
        other = Local(
            fitted.cohort,
            fitted.centroids,
            fitted.centre,
            fitted.slope + step[0],
            fitted.offset + step[1],
            fitted.top,
            fitted.sharpness,
        )
        assert loss(other) > least


def test_a_failed_comparison_is_an_average_pair_with_the_lowest_score():
    lost = IMAGES.copy()
    lost[FIRST[0]] = np.nan
    sides = Sides(lost, FIRST[:1], SECOND[:1])
    calibrator = local([4, 0.3, 0.2, 1, 2, 3], [1, 0.1, 0.2, 3, 2, 1])
    assert calibrator.log_likelihood_ratio(np.array([-np.inf]), sides) == pytest.approx([-3.0])
    with pytest.raises(DataError, match="pair 0 has a score, but one of its images has no embedding"):
        calibrator.log_likelihood_ratio(np.array([0.3]), sides)


def faircal(**changes):
    values = {
        "centroids": CENTRES,
        "maps": np.array([[3.0, 2.0, -1.0], [6.0, 1.0, 0.5], [4.0, 4.0, 0.0]]),
        "pairs": np.array([100.0, 300.0, 50.0]),
        "prior": 0.2,
    }
    return FairCal(**(values | changes))


def test_faircal_is_the_mean_of_both_clusters_probabilities():
    model = faircal()
    own = (UNITS @ CENTRES.T).argmax(axis=1)
    expected = []
    for score, i, j in zip(SCORES, FIRST, SECOND, strict=True):
        total = mean = 0.0
        for cluster in (own[i], own[j]):
            ratio = Beta(*model.maps[cluster]).log_likelihood_ratio(np.array([score]))[0]
            mean += model.pairs[cluster] * expit(ratio + logit(0.2))
            total += model.pairs[cluster]
        expected.append(logit(mean / total) - logit(0.2))
    mine = model.log_likelihood_ratio(SCORES, SIDES)
    apart = FIRST != SECOND  # an image and itself: the plain form rounds a probability to 1
    np.testing.assert_allclose(mine[apart], np.array(expected)[apart], rtol=0, atol=1e-9)


def test_faircal_depends_on_the_prior_it_averages_at_and_local_has_none():
    one, two = (faircal(prior=prior).log_likelihood_ratio(SCORES, SIDES) for prior in (0.2, 0.8))
    assert np.abs(one - two).max() > 0.1
    alike = {"maps": np.tile([3.0, 2.0, -1.0], (3, 1))}
    one, two = (faircal(prior=prior, **alike).log_likelihood_ratio(SCORES, SIDES) for prior in (0.2, 0.8))
    np.testing.assert_allclose(one, two, atol=1e-10)  # equal clusters: nothing to average


def test_faircal_stays_finite_where_probabilities_would_round_to_one():
    model = faircal(maps=np.tile([500.0, 500.0, 0.0], (3, 1)))
    ratios = model.log_likelihood_ratio(np.array([0.9, -0.9, -np.inf]), Sides(IMAGES, FIRST[:3], SECOND[:3]))
    assert np.isfinite(ratios).all()
    assert ratios[0] == pytest.approx(500 * logit(0.95))
    assert ratios[2] < ratios[1]


def test_a_cluster_with_few_pairs_takes_the_calibration_of_all():
    images, names, _ = world(1.0, people=20)
    scores, same, sides = flattened(all_pairs(images, names), images)
    fitted = fit_faircal(scores, same, sides, clusters=100)
    assert len(fitted.maps) == 100  # one image each: at most four genuine pairs
    assert len(np.unique(fitted.maps, axis=0)) == 1


def test_clusters_against_k_means_of_scikit_learn():
    generator = np.random.default_rng(4)
    truth = np.repeat(np.arange(4), 50)
    points = 4 * np.eye(6)[truth] + generator.normal(size=(200, 6))
    units = points / np.linalg.norm(points, axis=1, keepdims=True)
    centres = spherical_clusters(7.0 * points, 4, seed=1)
    own = nearest_centre(units, centres)
    np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 1.0, atol=1e-12)
    for number in range(4):  # a fixed point: each centre is the direction of its own
        mean = units[own == number].mean(axis=0)
        np.testing.assert_allclose(centres[number], mean / np.linalg.norm(mean), atol=1e-12)
    theirs = KMeans(4, n_init=5, random_state=0).fit_predict(units)
    assert len(set(zip(own.tolist(), theirs.tolist(), strict=True))) == 4
    assert np.array_equal(centres, spherical_clusters(7.0 * points, 4, seed=1))


def test_clusters_of_fewer_different_points_than_clusters_and_of_opposite_points():
    alike = np.tile([1.0, 2.0], (5, 1))
    assert spherical_clusters(alike, 3).shape == (3, 2)
    opposite = spherical_clusters(np.array([[1.0, 0.0], [-1.0, 0.0]]), 1)
    assert np.isfinite(opposite).all()
    with pytest.raises(NotEnoughDataError, match="2 images cannot make 3 clusters"):
        spherical_clusters(np.eye(3)[:2], 3)
    with pytest.raises(ConfigurationError, match="clusters must be 1 or more"):
        spherical_clusters(np.eye(3), 0)


def test_neighbourhoods_need_embeddings_that_fit():
    calibrator = local(np.ones(6), np.ones(6))
    for sides, message in (
        (None, "give it the embeddings"),
        (Sides(IMAGES[:, :7], FIRST, SECOND), "for 8 dimensions, but the embeddings have 7"),
        (Sides(IMAGES, FIRST[:-1], SECOND[:-1]), "60 scores, but 59 pairs"),
    ):
        with pytest.raises(DataError, match=message):
            calibrator.log_likelihood_ratio(SCORES, sides)
        with pytest.raises(DataError, match=message):
            faircal().log_likelihood_ratio(SCORES, sides)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"centre": np.zeros(4)}, "do not fit each other"),
        ({"slope": np.zeros(5)}, "do not fit each other"),
        ({"centroids": np.eye(7)[:3]}, "do not fit each other"),
        ({"cohort": COHORT[:1]}, "the cohort of a calibration must be 2 or more rows"),
        ({"cohort": np.full((3, 8), np.inf)}, "finite"),
        ({"cohort": np.ones((1 << 17, 8))}, r"524,288 numbers \(65,536 rows of 8\), not 1,048,576"),
        ({"top": 1}, "top of 2 or more"),
        ({"sharpness": -1.0}, "sharpness of 0 or more"),
    ],
)
def test_parameters_that_no_local_fit_gives_are_refused(changes, message):
    with pytest.raises((DataError, ConfigurationError), match=message):
        local(**({"slope": np.ones(6), "offset": np.ones(6)} | changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"maps": np.ones((3, 2))},
        {"maps": -np.ones((3, 3))},
        {"pairs": np.zeros(3)},
        {"pairs": np.ones(2)},
        {"prior": 1.0},
    ],
)
def test_parameters_that_no_faircal_fit_gives_are_refused(changes):
    with pytest.raises((DataError, ConfigurationError)):
        faircal(**changes)
