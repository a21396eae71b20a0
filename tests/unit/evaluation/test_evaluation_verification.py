"""One-to-one comparison as a whole: fixtures solved by hand and data that supports nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sphereface.errors import ConfigurationError
from sphereface.evaluation.scores import all_pairs, score_list
from sphereface.evaluation.verification import verify


@pytest.fixture(scope="module")
def clusters():
    """Sixty people with six images each around random directions."""
    generator = np.random.default_rng(0)
    people = np.repeat(np.arange(60), 6)
    x = generator.standard_normal((60, 32))[people] + 0.9 * generator.standard_normal((360, 32))
    return x, [f"person {number:02d}" for number in people]


def strangers(genuine, impostor):
    """Every pair has its own people."""
    scores = np.array([*genuine, *impostor], dtype=np.float64)
    same = np.arange(len(scores)) < len(genuine)
    first = 2 * np.arange(len(scores))
    second = np.where(same, first, first + 1)
    names = tuple(f"{number:04d}" for number in range(2 * len(scores)))
    return score_list("fixture", scores, same, first, second, np.arange(2 * len(scores)), names)


def test_a_fixture_by_hand():
    result = verify(strangers([0.4, 0.6, 0.7], [0.1, 0.2, 0.3, 0.5]), fmr_targets=(0.25,))
    assert (result.genuine_pairs, result.impostor_pairs, result.people, result.failed_pairs) == (3, 4, 11, 0)
    assert result.eer.value == pytest.approx(0.25)
    assert result.auc.value == 11 / 12
    assert result.eer.low < 0.25 < result.eer.high
    # Ten effective false matches would be needed for a rate of 1/4; there are at most 4 x 1/4.
    assert result.fnmr_at_fmr[0.25].value is None
    assert result.fnmr_at_fmr[0.25].reason.startswith("not supported by this data: needs about 40 impostor scores")
    assert result.threshold_at_fmr == {}
    # All scores, the threshold of the target (directly above 0.3), and one above all.
    assert np.allclose(result.curve.thresholds, [0.1, 0.2, 0.3, 0.3, 0.4, 0.5, 0.6, 0.7, 0.7])
    assert result.curve.false.tolist() == [1.0, 0.75, 0.5, 0.25, 0.25, 0.25, 0.0, 0.0, 0.0]
    assert np.allclose(result.curve.missed, [0, 0, 0, 0, 0, 1 / 3, 1 / 3, 2 / 3, 1])
    assert [pair.score for pair in result.hardest_genuine] == [0.4, 0.6, 0.7]
    assert [pair.score for pair in result.hardest_impostor] == [0.5, 0.3, 0.2, 0.1]
    assert result.histogram.genuine.sum() == 3
    assert result.histogram.impostor.sum() == 4


def test_a_supported_rate_is_measured_at_the_smallest_threshold():
    impostor = np.arange(1000) / 1000
    genuine = np.concatenate([[0.95, 0.989, 0.990], np.full(97, 2.0)])
    result = verify(strangers(genuine, impostor), fmr_targets=(0.01, 0.009))
    # Ten of 1000 may match: T lies directly above 0.989, so 0.950 and 0.989 are missed and 0.990 is not.
    assert result.fnmr_at_fmr[0.01].value == pytest.approx(0.02)
    assert result.threshold_at_fmr == {0.01: np.nextafter(0.989, 1)}
    assert result.fnmr_at_fmr[0.009].value is None


def test_all_scores_equal():
    result = verify(replace(strangers([0.5] * 30, [0.5] * 40), balanced=True))
    assert result.eer.value == 0.5
    assert result.auc.value == 0.5
    assert result.accuracy.value == 0.5


def test_perfect_separation_still_has_an_upper_bound():
    result = verify(strangers(np.linspace(0.6, 0.9, 50), np.linspace(0.0, 0.3, 50)))
    assert result.eer.value == 0.0
    assert result.eer.low == 0.0
    assert 0.03 < result.eer.high < 0.1  # 3 / 50
    assert result.auc.value == 1.0
    assert result.auc.low < 1.0


def test_failed_pairs_are_errors_everywhere():
    genuine, impostor = np.linspace(0.6, 0.9, 50), np.linspace(0.0, 0.3, 50)
    result = verify(strangers([*genuine, -np.inf], [*impostor, -np.inf]))
    assert result.failed_pairs == 2
    assert result.accuracy.value < 1.0
    assert result.eer.value > 0.0
    assert result.curve.missed[0] == pytest.approx(1 / 51)
    assert np.isfinite(result.curve.thresholds).all()
    assert np.isfinite(result.histogram.edges).all()
    assert all(np.isfinite(pair.score) for pair in result.hardest_genuine + result.hardest_impostor)


def test_figures_lie_in_their_intervals_and_bands_around_their_curve(clusters):
    result = verify(all_pairs(*clusters))
    for rate in (result.eer, result.auc, result.accuracy, *result.fnmr_at_fmr.values()):
        if rate.value is not None:
            assert 0.0 <= rate.low <= rate.value <= rate.high <= 1.0
            assert 1.0 <= rate.n <= result.genuine_pairs + result.impostor_pairs
    curve = result.curve
    for rate, low, high in (
        (curve.false, curve.false_low, curve.false_high),
        (curve.missed, curve.missed_low, curve.missed_high),
    ):
        assert (low <= rate + 1e-12).all()
        assert (rate <= high + 1e-12).all()
    assert (np.diff(curve.thresholds) > 0).all()
    assert (np.diff(curve.false) <= 0).all()
    assert (np.diff(curve.missed) >= 0).all()


def test_repeats_to_the_last_digit(clusters):
    assert verify(all_pairs(*clusters)).eer == verify(all_pairs(*clusters)).eer


def test_images_that_depend_on_each_other_count_for_less(clusters):
    x, people = clusters
    once = verify(all_pairs(x, people))
    # The same images copied three times: nine times the pairs, and not one bit of evidence more.
    copied = verify(all_pairs(np.tile(x, (3, 1)), people * 3, images_per_identity=None))
    assert copied.impostor_pairs == 9 * once.impostor_pairs
    at = np.searchsorted(once.curve.false[::-1], 0.05)
    where = np.searchsorted(copied.curve.false[::-1], 0.05)
    width = (once.curve.false_high - once.curve.false_low)[::-1][at]
    assert (copied.curve.false_high - copied.curve.false_low)[::-1][where] == pytest.approx(width, rel=0.25)


@pytest.mark.parametrize(
    "settings",
    [{"fmr_targets": (0.0,)}, {"fmr_targets": (1.5,)}, {"confidence": 95}, {"resamples": 1}],
)
def test_settings_without_a_meaning_are_refused(settings):
    with pytest.raises(ConfigurationError):
        verify(strangers([0.5], [0.1]), **settings)
