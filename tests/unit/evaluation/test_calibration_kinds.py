"""Three calibrations of the score alone, against other implementations and against worlds whose ratio is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import beta as beta_distribution
from scipy.stats import norm
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from sphereface.errors import ConfigurationError, DataError, NotEnoughDataError
from sphereface.evaluation.calibration import calibrate, fit_beta, fit_isotonic, fit_platt, probability
from sphereface.evaluation.calibration import logistic as logistic_module
from sphereface.evaluation.calibration.beta import Beta
from sphereface.evaluation.calibration.isotonic import Isotonic, pooled_blocks
from sphereface.evaluation.calibration.logistic import fit_increasing, fit_logistic
from sphereface.evaluation.calibration.platt import Platt
from sphereface.evaluation.scores import all_pairs

FITS = {"platt": fit_platt, "beta": fit_beta, "isotonic": fit_isotonic}


def overlapping(genuine=150, impostor=600, seed=0):
    generator = np.random.default_rng(seed)
    scores = np.concatenate([generator.normal(0.45, 0.15, genuine), generator.normal(0.05, 0.12, impostor)])
    return np.clip(scores, -0.99, 0.99), np.repeat([True, False], [genuine, impostor])


def smoothed_reference(features, same):
    """The same loss through scikit-learn: each pair once with either label, weighted."""
    smooth = 1 / (min(same.sum(), (~same).sum()) + 2)
    each = np.where(same, 0.5 / same.sum(), 0.5 / (~same).sum())
    target = np.where(same, 1 - smooth, smooth)
    model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000, solver="newton-cholesky")
    model.fit(
        np.concatenate([features, features]),
        np.repeat([1, 0], len(same)),
        sample_weight=len(same) * np.concatenate([each * target, each * (1 - target)]),
    )
    return model.intercept_[0], model.coef_[0]


def test_platt_is_a_weighted_logistic_regression():
    scores, same = overlapping()
    fitted = fit_platt(scores, same)
    offset, slope = smoothed_reference(scores[:, None], same)
    assert (fitted.offset, fitted.slope) == pytest.approx((offset, slope[0]), rel=1e-6)


def test_beta_is_a_weighted_logistic_regression_of_two_logarithms():
    scores, same = overlapping()
    fitted = fit_beta(scores, same)
    share = (1 + scores) / 2
    offset, slopes = smoothed_reference(np.column_stack([np.log(share), -np.log(1 - share)]), same)
    assert (slopes > 0).all()  # else the bounds matter and this is another problem
    assert (fitted.c, fitted.a, fitted.b) == pytest.approx((offset, *slopes), rel=1e-5)


@pytest.mark.parametrize("count", [1, 2])
def test_bounded_coefficients_against_a_bounded_minimiser(count):
    generator = np.random.default_rng(3)
    for _ in range(12):
        features = generator.normal(size=(80, count))
        same = features @ generator.normal(size=count) + generator.normal(size=80) > 0.3
        smooth = 1 / (min(same.sum(), (~same).sum()) + 2)
        each = np.where(same, 0.5 / same.sum(), 0.5 / (~same).sum())

        def loss(weights, features=features, same=same, each=each, smooth=smooth):
            logit = weights[0] + features @ weights[1:]
            target = np.where(same, 1 - smooth, smooth)
            return each @ (np.logaddexp(0, logit) - target * logit)

        found = minimize(
            loss,
            np.zeros(count + 1),
            method="L-BFGS-B",
            bounds=[(None, None)] + [(0, None)] * count,
            options={"ftol": 1e-15, "gtol": 1e-10},
        )
        intercept, slopes = fit_increasing(features, same)
        assert (slopes >= 0).all()
        assert loss(np.array([intercept, *slopes])) <= found.fun + 1e-12
        assert np.array([intercept, *slopes]) == pytest.approx(found.x, abs=1e-4)


def test_the_penalty_is_half_the_square_of_standardised_coefficients(monkeypatch):
    monkeypatch.setattr(logistic_module, "_CHUNK", 7)  # chunks change nothing
    generator = np.random.default_rng(1)
    features = generator.normal(3.0, [1.0, 50.0], size=(60, 2))
    same = features[:, 0] + generator.normal(size=60) > 3
    penalty = np.array([0.3, 0.01])
    each = np.where(same, 0.5 / same.sum(), 0.5 / (~same).sum())
    spread = np.sqrt(each @ (features - each @ features) ** 2)
    smooth = 1 / (min(same.sum(), (~same).sum()) + 2)

    def loss(weights):
        logit = weights[0] + (features - each @ features) / spread @ weights[1:]
        target = np.where(same, 1 - smooth, smooth)
        return each @ (np.logaddexp(0, logit) - target * logit) + penalty @ weights[1:] ** 2 / 2

    found = minimize(loss, np.zeros(3), options={"gtol": 1e-10})
    intercept, slopes, value = fit_logistic(lambda part: features[part], same, penalty)
    assert value == pytest.approx(found.fun, abs=1e-12)
    assert slopes * spread == pytest.approx(found.x[1:], abs=1e-6)
    assert intercept + slopes @ (each @ features) == pytest.approx(found.x[0], abs=1e-6)


def test_isotonic_levels_are_those_of_scikit_learn():
    scores, same = overlapping()
    scores = scores.round(2)  # ties
    blocks = pooled_blocks(scores, same)
    weight = np.where(same, 1 / same.sum(), 1 / (~same).sum())
    expected = IsotonicRegression().fit(scores, same, sample_weight=weight).predict(scores)
    place = np.searchsorted(blocks.low, scores, side="right") - 1
    mine = (blocks.genuine / (blocks.genuine + blocks.impostor))[place]
    np.testing.assert_allclose(mine, expected, rtol=0, atol=1e-12)


def test_isotonic_solved_by_hand():
    # 2 genuine and 3 impostor pairs; one of each is added at the ends: thirds and quarters.
    scores = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    same = np.array([False, False, True, False, True])
    fitted = fit_isotonic(scores, same)
    # lowest: 1 of 3 against 2 of 4; then 1 of 3 against 1 of 4 twice (0.3 and 0.4; 0.5): one level
    assert fitted.knots.tolist() == [0.1, 0.2, 0.3, 0.5]
    low, high = np.log((1 / 3) / (2 / 4)), np.log((2 / 3) / (2 / 4))
    assert fitted.levels == pytest.approx([low, low, high, high])
    assert fitted.log_likelihood_ratio(np.array([-np.inf, 0.25, 9.0])) == pytest.approx(
        [low, (low + high) / 2, high]
    )


def test_isotonic_ends_are_as_finite_as_the_evidence():
    scores, same = np.array([0.0] * 50 + [1.0] * 20), np.repeat([False, True], [50, 20])
    ends = fit_isotonic(scores, same).log_likelihood_ratio(np.array([0.0, 1.0]))
    assert ends == pytest.approx([-np.log(21 * 50 / 51), np.log(51 * 20 / 21)])


def test_platt_finds_the_ratio_of_two_normal_distributions():
    generator = np.random.default_rng(5)
    scores = np.concatenate([generator.normal(0.5, 0.15, 20_000), generator.normal(0.1, 0.15, 40_000)])
    fitted = fit_platt(scores, np.repeat([True, False], [20_000, 40_000]))
    grid = np.linspace(0.0, 0.6, 13)
    truth = norm.logpdf(grid, 0.5, 0.15) - norm.logpdf(grid, 0.1, 0.15)
    assert np.abs(fitted.log_likelihood_ratio(grid) - truth).max() < 0.15


def test_beta_finds_the_ratio_of_two_beta_distributions_where_platt_cannot():
    generator = np.random.default_rng(6)
    one, two = beta_distribution(6, 2), beta_distribution(4, 5)
    share = np.concatenate([one.rvs(20_000, random_state=generator), two.rvs(40_000, random_state=generator)])
    scores, same = 2 * share - 1, np.repeat([True, False], [20_000, 40_000])
    grid = np.linspace(0.1, 0.95, 30)
    truth = one.logpdf(grid) - two.logpdf(grid)
    error = {
        kind: np.abs(fit(scores, same).log_likelihood_ratio(2 * grid - 1) - truth).max()
        for kind, fit in FITS.items()
    }
    assert error["beta"] < 0.2
    assert error["platt"] > 0.5


@pytest.mark.parametrize("kind", FITS)
def test_how_many_pairs_of_a_kind_there_are_is_no_prior(kind):
    scores, same = overlapping()
    many = np.concatenate([scores, np.tile(scores[~same], 9)])
    labels = np.concatenate([same, np.zeros(9 * int((~same).sum()), bool)])
    grid = np.linspace(-0.2, 0.7, 10)
    before, after = (FITS[kind](*data).log_likelihood_ratio(grid) for data in ((scores, same), (many, labels)))
    assert np.abs(after - before).max() < (0.02 if kind != "isotonic" else 2.5)  # its ends know more


@pytest.mark.parametrize("kind", FITS)
def test_separable_scores_give_ratios_as_great_as_the_evidence(kind):
    for size, most in ((5, 4.0), (500, 9.0)):
        scores = np.concatenate([np.linspace(0.5, 0.9, size), np.linspace(-0.2, 0.2, size)])
        same = np.repeat([True, False], size)
        ratios = FITS[kind](scores, same).log_likelihood_ratio(scores)
        assert np.isfinite(ratios).all()
        assert ratios[same].min() > 0 > ratios[~same].max()
        assert np.median(np.abs(ratios)) < most


@pytest.mark.parametrize("kind", FITS)
def test_equal_scores_say_nothing(kind):
    fitted = FITS[kind](np.full(30, 0.4), np.arange(30) < 10)
    assert fitted.log_likelihood_ratio(np.array([0.4])) == pytest.approx([0.0], abs=1e-12)


@pytest.mark.parametrize("kind", ["platt", "beta"])
def test_scores_that_lie_say_nothing_rather_than_the_reverse(kind):
    scores, same = overlapping()
    ratios = FITS[kind](-scores, same).log_likelihood_ratio(np.linspace(-0.9, 0.9, 9))
    assert ratios == pytest.approx(np.zeros(9), abs=1e-9)


@pytest.mark.parametrize("kind", FITS)
def test_a_failed_comparison_teaches_nothing_and_has_the_lowest_ratio(kind):
    scores, same = overlapping()
    with_failed = FITS[kind](np.append(scores, [-np.inf, -np.inf]), np.append(same, [True, False]))
    without = FITS[kind](scores, same)
    grid = np.linspace(-1, 1, 41)
    assert np.array_equal(with_failed.log_likelihood_ratio(grid), without.log_likelihood_ratio(grid))
    failed = without.log_likelihood_ratio(np.array([-np.inf]))[0]
    assert np.isfinite(failed)
    assert failed == pytest.approx(without.log_likelihood_ratio(grid).min(), rel=1e-12)  # logs of rows, and of one


def test_normalised_scores_reach_below_minus_one():
    scores, same = overlapping()
    fitted = fit_platt(20 * scores, same)
    assert fitted.lowest == 20 * scores.min()
    assert fitted.log_likelihood_ratio(20 * scores) == pytest.approx(
        fit_platt(scores, same).log_likelihood_ratio(scores)
    )
    with pytest.raises(DataError, match="beta calibration is for cosines"):
        fit_beta(20 * scores, same)


@pytest.mark.parametrize("kind", FITS)
def test_what_cannot_be_fitted_is_refused(kind):
    scores, same = overlapping(5, 5)
    fit = FITS[kind]
    with pytest.raises(DataError, match="score 3 of 10 is nan"):
        fit(np.where(np.arange(10) == 3, np.nan, scores), same)
    with pytest.raises(DataError, match="is inf"):
        fit(np.where(np.arange(10) == 3, np.inf, scores), same)
    with pytest.raises(NotEnoughDataError, match="no impostor pair has a score"):
        fit(scores, np.ones(10, bool))
    with pytest.raises(NotEnoughDataError, match="no genuine pair has a score"):
        fit(np.where(same, -np.inf, scores), same)
    with pytest.raises(NotEnoughDataError):
        fit(np.zeros(0), np.zeros(0, bool))
    with pytest.raises(DataError, match="labels of shape"):
        fit(scores, same[:-1])
    with pytest.raises(DataError, match="is nan"):
        fit(scores, same).log_likelihood_ratio(np.array([np.nan]))


def test_parameters_that_no_fit_gives_are_refused():
    for make in (
        lambda: Platt(-1.0, 0.0),
        lambda: Platt(np.nan, 0.0),
        lambda: Beta(1.0, -0.1, 0.0),
        lambda: Isotonic(np.array([0.0, 0.0]), np.array([0.0, 1.0])),
        lambda: Isotonic(np.array([0.0, 1.0]), np.array([1.0, 0.0])),
        lambda: Isotonic(np.array([]), np.array([])),
    ):
        with pytest.raises(DataError):
            make()


def test_a_probability_has_a_prior():
    assert probability(np.array([0.0]), 0.3) == pytest.approx([0.3])
    odds = np.exp(1.7) * 0.2 / 0.8
    assert probability(np.array([1.7]), 0.2) == pytest.approx([odds / (1 + odds)])
    for prior in (0.0, 1.0, -1.0, float("nan")):
        with pytest.raises(ConfigurationError, match="a prior must lie between 0 and 1"):
            probability(np.zeros(1), prior)


def test_calibrate_by_name():
    generator = np.random.default_rng(0)
    faces = np.repeat(generator.normal(size=(20, 16)), 3, axis=0) + generator.normal(size=(60, 16))
    pairs = all_pairs(faces, [str(number // 3) for number in range(60)])
    assert calibrate(pairs).kind == "platt"
    with pytest.raises(ConfigurationError, match=r"unknown calibration 'isotone'.*Did you mean 'isotonic'"):
        calibrate(pairs, kind="isotone")
    with pytest.raises(ConfigurationError, match="needs the embeddings"):
        calibrate(pairs, kind="faircal")
    with pytest.raises(ConfigurationError, match="needs a cohort"):
        calibrate(pairs, faces, kind="local")
