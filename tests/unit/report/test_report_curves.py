from __future__ import annotations

import dataclasses
from types import ModuleType

import numpy as np
import pytest
from scipy.special import ndtri

from sphereface.evaluation.results import ErrorCurve, Identification, Rate, ScoreHistogram, Verification
from sphereface.report.content import ReportInput
from sphereface.report.curves import det_figure, roc_figure
from sphereface.report.histograms import pair_score_figure, search_score_figure, shares
from sphereface.report.lines import in_false_order, look, smallest_share
from sphereface.report.search_curves import cmc_figure, open_set_figure


@pytest.fixture
def verification(report_input: ReportInput) -> Verification:
    return report_input.evaluation.verification


@pytest.fixture
def identification(report_input: ReportInput) -> Identification:
    return report_input.evaluation.identification


def hand_curve() -> ErrorCurve:
    """Impostors .1 .2 .3 .4, genuine .25 .5: both errors counted by hand at every score."""
    thresholds = np.array([0.1, 0.2, 0.25, 0.3, 0.4, 0.5])
    false = np.array([1.0, 0.75, 0.5, 0.5, 0.25, 0.0])
    missed = np.array([0.0, 0.0, 0.0, 0.5, 0.5, 0.5])
    return ErrorCurve(thresholds, false, missed, false, false, missed * 0.8, np.minimum(1, missed * 1.2))


def test_at_equal_false_rate_the_smallest_threshold_stands() -> None:
    false, missed, low, high = in_false_order(hand_curve(), start=0.25)
    np.testing.assert_array_equal(false, [0.25, 0.5, 0.75, 1.0])
    np.testing.assert_array_equal(missed, [0.5, 0.0, 0.0, 0.0])  # at .5 the threshold .25, not .3
    np.testing.assert_allclose(low, [0.4, 0, 0, 0])
    np.testing.assert_allclose(high, [0.6, 0, 0, 0])


def test_an_axis_of_false_alarms_ends_at_one_alarm() -> None:
    assert smallest_share(np.array([1.0, 0.5, 0.0]), 4) == 0.5
    assert smallest_share(np.array([0.0]), 1000) == 0.001
    assert smallest_share(np.array([1e-9, 1.0]), 10**9) == 1e-6


def line(figure: object, index: int) -> np.ndarray:
    return figure.axes[0].lines[index].get_xydata()  # type: ignore[attr-defined]


def test_roc_is_the_curve_and_its_dots_are_the_table(verification: Verification) -> None:
    figure = roc_figure(verification)
    false, missed, _, _ = in_false_order(
        verification.curve, smallest_share(verification.curve.false, verification.impostor_pairs)
    )
    np.testing.assert_allclose(line(figure, 0), np.column_stack([false, 1 - missed]))
    assert figure.axes[0].lines[0].get_drawstyle() == "steps-post"
    supported = {fmr: rate.value for fmr, rate in verification.fnmr_at_fmr.items() if rate.value is not None}
    assert len(supported) == 2
    np.testing.assert_allclose(line(figure, 1), [[fmr, 1 - value] for fmr, value in supported.items()])


def test_dots_lie_on_the_steps(verification: Verification) -> None:
    """A rate at a target is what the step function says there: no interpolation between thresholds."""
    steps, dots = line(roc_figure(verification), 0), line(roc_figure(verification), 1)
    for fmr, accepted in dots:
        assert accepted == pytest.approx(steps[np.searchsorted(steps[:, 0], fmr, "right") - 1, 1])


def test_det_is_drawn_in_normal_deviates(verification: Verification) -> None:
    figure = det_figure(verification)
    eer = verification.eer.value
    assert eer is not None
    np.testing.assert_allclose(line(figure, 3), [[ndtri(eer), ndtri(eer)]])
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    ticks = figure.axes[0].get_xticks()
    assert "1\u00a0%" in labels
    assert ticks[labels.index("1\u00a0%")] == pytest.approx(ndtri(0.01))


def test_bands_hold_their_curve(verification: Verification) -> None:
    figure = roc_figure(verification)
    path = figure.axes[0].collections[0].get_paths()[0].vertices
    curve = line(figure, 0)
    assert path[:, 1].min() < curve[:, 1].min()
    for false, accepted in curve[5:-5:20]:
        here = path[np.isclose(path[:, 0], false, rtol=1e-12)][:, 1]
        assert here.min() <= accepted <= here.max()


def test_the_operating_point_is_marked_on_the_open_set_curve(identification: Identification) -> None:
    threshold = identification.threshold_at_fpir[0.05]
    marked = line(open_set_figure(identification, threshold=threshold), 2)
    at = int(np.flatnonzero(identification.curve.thresholds >= threshold)[0])
    np.testing.assert_allclose(marked, [[identification.curve.false[at], identification.curve.missed[at]]])
    assert len(open_set_figure(identification).axes[0].lines) == 2


def test_cmc_shows_every_rank_that_has_a_rate(identification: Identification) -> None:
    figure = cmc_figure(identification)
    np.testing.assert_allclose(line(figure, 0)[:, 0], identification.cmc_ranks)
    np.testing.assert_allclose(line(figure, 0)[:, 1], [rate.value for rate in identification.cmc])
    bottom, top = figure.axes[0].get_ylim()
    assert bottom < min(rate.low for rate in identification.cmc if rate.low is not None)
    assert top >= 1.0


def test_no_searches_make_an_empty_figure_that_says_so(identification: Identification) -> None:
    nothing = np.array([])
    empty = dataclasses.replace(
        identification,
        curve=ErrorCurve(*[nothing] * 7),
        cmc=[Rate(None, None, None, 0.95, 0, "none")],
        cmc_ranks=[1],
        mated_scores=nothing,
        non_mated_scores=nothing,
        non_mated_searches=0,
    )
    for figure in (open_set_figure(empty, threshold=0.5), cmc_figure(empty)):
        assert "too few searches" in figure.axes[0].texts[0].get_text()
    search_score_figure(empty, 0.5)


def test_histograms_are_shares_of_their_own_kind(verification: Verification) -> None:
    histogram = ScoreHistogram(np.array([0.0, 0.5, 1.0]), np.array([1, 3]), np.array([90, 10]))
    figure = pair_score_figure(dataclasses.replace(verification, histogram=histogram, threshold_at_fmr={0.1: 0.5}))
    drawn = [patch.get_data().values.tolist() for patch in figure.axes[0].patches]
    assert drawn == [[0.9, 0.1], [0.9, 0.1], [0.25, 0.75], [0.25, 0.75]]
    np.testing.assert_allclose(line(figure, 0)[:, 0], [0.5, 0.5])
    assert shares(np.array([0, 0])).tolist() == [0, 0]


def test_the_angle_axis_is_the_arc_cosine_of_the_score_axis(verification: Verification) -> None:
    figure = pair_score_figure(verification)
    figure.canvas.draw()
    above = figure.axes[0].child_axes[0]
    labels = [label.get_text() for label in above.get_xticklabels()]
    assert above.get_xticks()[labels.index("90°")] == pytest.approx(0, abs=1e-12)
    assert above.get_xticks()[labels.index("60°")] == pytest.approx(0.5)


def test_threshold_labels_do_not_touch(example: ModuleType, verification: Verification) -> None:
    many = dataclasses.replace(verification, threshold_at_fmr={0.1: 0.30, 0.01: 0.31, 0.001: 0.32})
    figure = pair_score_figure(many)
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 3
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])


def test_models_lie_on_one_another_each_with_its_band_and_its_look(models_input: ReportInput) -> None:
    every = [model.verification for model in models_input.models]
    for draw in (roc_figure, det_figure):
        figure = draw(*every, labels=models_input.labels)
        axes = figure.axes[0]
        named = {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}
        assert tuple(named) == models_input.labels == ("narrow", "wide & 50 % worse", "wider")
        assert [line.get_color() for line in named.values()] == [look(at)[0] for at in range(3)]
        assert len(axes.collections) == 3
        assert len(figure.legends) == 1
    searches = [model.identification for model in models_input.models]
    assert len(open_set_figure(*searches, labels=models_input.labels, threshold=0.4).legends) == 1
    assert not roc_figure(every[0], labels=models_input.labels[:1]).legends


def test_each_model_is_drawn_at_its_own_values(models_input: ReportInput) -> None:
    every = [model.verification for model in models_input.models]
    drawn = list(roc_figure(*every, labels=models_input.labels).axes[0].lines)
    for at, verification in enumerate(every):
        start = smallest_share(verification.curve.false, verification.impostor_pairs)
        false, missed, _, _ = in_false_order(verification.curve, start)
        np.testing.assert_allclose(drawn[2 * at].get_xydata(), np.column_stack([false, 1 - missed]))


def test_looks_differ_in_colour_and_in_dashes() -> None:
    looks = [look(at) for at in range(12)]
    assert len(set(looks)) == 12
    assert len({colour for colour, _ in looks[:6]}) == 6
    assert len({dash for _, dash in looks[:4]}) == 4  # told apart in black and white


def test_ranks_of_a_crowd_are_on_a_logarithmic_axis(models_input: ReportInput) -> None:
    crowds = [model.crowds[0] for model in models_input.models]
    axes = cmc_figure(*crowds, labels=models_input.labels).axes[0]
    assert axes.get_xscale() == "log"
    assert axes.get_xticks().tolist() == [1, 2, 5, 10, 20, 50, 100]
    np.testing.assert_allclose(axes.lines[1].get_ydata(), [rate.value for rate in crowds[1].cmc])
