"""What must hold for every set of scores and labels, not only for the fixtures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit

from sphereface.evaluation.calibration import (
    brier,
    cllr,
    expected_calibration_error,
    fit_beta,
    fit_isotonic,
    fit_platt,
    min_cllr,
    probability,
)
from sphereface.evaluation.calibration.figures import equal_mass_bins
from sphereface.evaluation.calibration.file import CalibrationFile
from sphereface.evaluation.score_normalisation import Sides, cohort_statistics, s_norm

# Multiples of 1/64: ties are frequent, and sums and products by powers of two are exact.
exact = st.integers(-64, 64).map(lambda number: number / 64)


@st.composite
def labelled(draw, values=exact, least=1):
    genuine = draw(st.lists(values, min_size=least, max_size=20))
    impostor = draw(st.lists(values, min_size=least, max_size=20))
    return np.array(genuine + impostor), np.repeat([True, False], [len(genuine), len(impostor)])


FITS = [fit_platt, fit_beta, fit_isotonic]
priors = st.floats(0.01, 0.99)


@given(labelled())
def test_no_rising_map_costs_less_than_the_minimum(data):
    scores, same = data
    least = min_cllr(scores, same)
    assert 0.0 <= least <= 1.0 + 1e-12
    for map_of in (np.asarray, lambda s: 5 * s, lambda s: 3 * s + 1, np.cbrt, lambda s: np.sign(s) * 2):
        assert cllr(map_of(scores), same) >= least - 1e-12


@given(labelled())
def test_the_minimum_depends_on_the_order_only(data):
    scores, same = data
    assert min_cllr(np.exp(scores), same) == min_cllr(scores, same)
    assert min_cllr(8 * scores - 3, same) == min_cllr(scores, same)


@given(labelled(), priors)
def test_exchanging_the_kinds_and_the_sign_changes_no_figure(data, prior):
    ratios, same = data
    assert cllr(-ratios, ~same) == pytest.approx(cllr(ratios, same), abs=1e-12)
    assert min_cllr(-ratios, ~same) == pytest.approx(min_cllr(ratios, same), abs=1e-12)
    assert brier(-ratios, ~same, 1 - prior) == pytest.approx(brier(ratios, same, prior), abs=1e-12)


@given(labelled(), priors)
def test_every_pair_twice_changes_no_figure(data, prior):
    ratios, same = data
    twice = np.tile(ratios, 2), np.tile(same, 2)
    for figure in (brier, expected_calibration_error):
        assert figure(*twice, prior) == pytest.approx(figure(ratios, same, prior), abs=1e-12)
    assert cllr(*twice) == pytest.approx(cllr(ratios, same), abs=1e-12)


@given(labelled(), priors, st.integers(1, 20))
def test_the_calibration_error_lies_between_the_bias_and_one(data, prior, bins):
    ratios, same = data
    error = expected_calibration_error(ratios, same, prior, bins)
    predicted = probability(ratios, prior)
    bias = prior * predicted[same].mean() + (1 - prior) * predicted[~same].mean() - prior
    assert abs(bias) - 1e-12 <= error <= 1.0 + 1e-12
    assert expected_calibration_error(ratios, same, prior, 1) == pytest.approx(abs(bias), abs=1e-12)


@given(labelled(), st.integers(1, 20))
def test_bins_rise_with_the_values_and_never_part_equal_ones(data, bins):
    values, same = data
    column = equal_mass_bins(values, 1.0 + same, bins)
    order = np.argsort(values)
    steps = np.diff(column[order])
    assert (steps >= 0).all()
    assert (steps <= 1).all()
    assert (steps[np.diff(values[order]) == 0] == 0).all()
    assert column.max() < bins


@given(st.floats(-300, 300), priors)
def test_prior_and_ratio_add_in_log_odds(ratio, prior):
    if abs(ratio) < 20:  # beyond, a probability near 1 has no digits left
        assert logit(probability(np.array([ratio]), prior))[0] - logit(prior) == pytest.approx(ratio, abs=1e-4)
    assert 0.0 <= probability(np.array([ratio]), prior)[0] <= 1.0


@settings(max_examples=40)
@given(labelled())
def test_every_map_rises_and_is_finite(data):
    scores, same = data
    grid = np.concatenate([[-np.inf], np.linspace(-1, 1, 65)])
    for fit in FITS:
        ratios = fit(scores, same).log_likelihood_ratio(grid)
        assert np.isfinite(ratios).all()
        assert (np.diff(ratios) >= 0).all()


@settings(max_examples=40)
@given(labelled())
def test_isotonic_is_never_more_certain_than_laplace_allows(data):
    scores, same = data
    genuine, impostor = int(same.sum()), int((~same).sum())
    ratios = fit_isotonic(scores, same).log_likelihood_ratio(scores)
    assert ratios.max() <= np.log((impostor + 1) * genuine / (genuine + 1)) + 1e-9
    assert ratios.min() >= -np.log((genuine + 1) * impostor / (impostor + 1)) - 1e-9


@settings(max_examples=40)
@given(labelled(least=3), st.sampled_from([0.25, 2.0, 32.0]), st.integers(-3, 3))
def test_platt_does_not_care_for_scale_and_shift(data, scale, shift):
    scores, same = data
    before = fit_platt(scores, same).log_likelihood_ratio(scores)
    after = fit_platt(scale * scores + shift, same).log_likelihood_ratio(scale * scores + shift)
    np.testing.assert_allclose(after, before, atol=1e-6)


@settings(max_examples=40)
@given(labelled())
def test_every_map_treats_the_kinds_alike(data):
    """Labels exchanged and signs turned, the ratio turns its sign."""
    scores, same = data
    for fit in FITS:
        ratios = fit(scores, same).log_likelihood_ratio(scores)
        turned = fit(-scores, ~same).log_likelihood_ratio(-scores)
        np.testing.assert_allclose(turned, -ratios, atol=1e-5)


@given(st.integers(0, 1000))
def test_a_rotation_of_the_sphere_changes_no_normalised_score(seed):
    generator = np.random.default_rng(seed)
    images, cohort = generator.normal(size=(6, 5)), generator.normal(size=(12, 5))
    rotation = np.linalg.qr(generator.normal(size=(5, 5)))[0]
    sides = Sides(images, np.array([0, 1, 2]), np.array([3, 4, 5]))
    turned = Sides(images @ rotation, sides.first, sides.second)
    scores = generator.uniform(-1, 1, 3)
    np.testing.assert_allclose(s_norm(scores, sides, cohort), s_norm(scores, turned, cohort @ rotation), atol=1e-9)


@given(st.integers(0, 1000), st.integers(2, 12))
def test_a_smaller_neighbourhood_is_nearer(seed, top):
    generator = np.random.default_rng(seed)
    images, cohort = generator.normal(size=(4, 3)), generator.normal(size=(13, 3))
    near, far = (cohort_statistics(images, cohort, top=count)[0] for count in (top, top + 1))
    assert (near >= far - 1e-12).all()


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(finite, min_size=1, max_size=5, unique=True), finite)
def test_every_double_survives_the_file(knots, level):
    values = {
        "kind": "isotonic",
        "parameters": {"knots": sorted(knots), "levels": [level] * len(knots)},
        "cllr": {"value": 0.5, "low": 0.25, "high": 0.75, "confidence": 0.95, "people": 9},
        "min_cllr": 0.5,
        "measured": "",
        "genuine_pairs": 1,
        "impostor_pairs": 1,
        "data_hash": "",
        "model_fingerprint": "",
    }
    calibration = CalibrationFile(**values)
    again = CalibrationFile.model_validate_json(calibration.model_dump_json(by_alias=True))
    assert np.array_equal(again.calibrator().knots, np.array(sorted(knots)))
    assert np.array_equal(again.calibrator().levels, np.array([level] * len(knots)))
