from __future__ import annotations

import math

import numpy as np

from sphereface.report.learning import column, panel_figure, smoothed, training_figure, training_panels


def rows(**columns: list[float]) -> list[dict[str, float]]:
    length = len(next(iter(columns.values())))
    return [
        {"images": 64.0 * (i + 1), **{name: values[i] for name, values in columns.items()}} for i in range(length)
    ]


def test_only_finite_numbers_are_drawn() -> None:
    journal = [{"images": 1, "loss": math.nan}, {"images": 2, "loss": "high"}, {"images": 3, "loss": 0.5}]
    images, loss = column(journal, "loss")
    assert images.tolist() == [3]
    assert loss.tolist() == [0.5]


def test_smoothing_keeps_a_constant_and_a_straight_middle() -> None:
    np.testing.assert_allclose(smoothed(np.full(50, 3.0), 7), 3.0)
    np.testing.assert_allclose(smoothed(np.arange(50.0), 7)[3:-3], np.arange(50.0)[3:-3])


def test_a_fixed_margin_is_no_curve_and_lambda_is_one() -> None:
    journal = rows(loss=[3.0, 2, 1], angle=[1.5, 1, 0.5], margin=[4.0, 4, 4], **{"lambda": [1000.0, 50, 5]})
    assert list(training_panels(journal)) == ["loss", "angle", "lambda"]
    assert panel_figure(journal, "lambda").axes[0].get_yscale() == "linear"
    steep = rows(**{"lambda": [1500.0, 50, 2]})
    assert panel_figure(steep, "lambda").axes[0].get_yscale() == "log"


def test_whatever_a_loss_moves_has_a_panel() -> None:
    """AdaCos's own scale, a regularizer's term; a remark is no curve, and six panels are enough."""
    journal = [
        {"images": 64 * step, "loss": 5.0 - step, "scale": 8.0 + step, "center": 0.1 * step, "remark": "stuck"}
        for step in range(1, 4)
    ]
    assert list(training_panels(journal)) == ["loss", "scale", "center"]
    assert training_figure(journal) is not None
    crowded = [{"images": step, **{f"c{number}": step for number in range(9)}} for step in range(1, 4)]
    assert len(training_panels(crowded)) == 6


def test_angles_are_drawn_in_degrees() -> None:
    figure = panel_figure(rows(angle=[math.pi / 2, math.pi / 4]), "angle")
    np.testing.assert_allclose(figure.axes[0].lines[-1].get_ydata(), [90, 45])


def test_one_figure_holds_all_panels() -> None:
    journal = rows(loss=[3.0, 2, 1], angle=[1.5, 1, 0.5], learning_rate=[0.1, 0.05, 0.0])
    titles = [axes.get_title(loc="left") for axes in training_figure(journal).axes if axes.get_visible()]
    assert titles == ["loss", "angle to own prototype", "learning rate"]
    assert training_panels([]) == {}
    assert training_panels(rows(loss=[1.0])) == {}
