"""Pictures of margins: what is drawn is what came in, broken where it leaps, and the file stands alone."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from sphereface.errors import ConfigurationError, DataError
from sphereface.report.margin_figures import circle_figure, effective_figure, psi_figure, save_figure

THETA = np.linspace(0, math.pi, 361)


def cosface(m: float = 0.35) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    return {"cosface": np.cos(THETA) - m}, {"cosface": -np.sin(THETA)}


def drawn(axes: matplotlib.axes.Axes, label: str) -> np.ndarray:
    return next(line for line in axes.lines if line.get_label() == label).get_ydata()


def square() -> np.ndarray:
    turn = np.arange(4) * math.pi / 2
    return np.stack([np.cos(turn), np.sin(turn)], axis=1)


def test_psi_and_its_slope_stand_side_by_side() -> None:
    values, slopes = cosface()
    left, right = psi_figure(THETA, values, slopes).axes
    np.testing.assert_array_equal(drawn(left, "cosface"), values["cosface"])
    np.testing.assert_array_equal(drawn(right, "cosface"), slopes["cosface"])
    np.testing.assert_allclose(drawn(left, "cos θ, no margin"), np.cos(THETA))
    assert left.get_xlim() == (0, 180)


def test_the_legend_says_where_a_slope_is_training_s() -> None:
    values, slopes = cosface()
    both = {**values, "circle": values["cosface"] - 0.1}
    figure = psi_figure(THETA, both, {**slopes, "circle": slopes["cosface"]}, held=["circle"])
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == ["cos θ, no margin", "cosface", "circle (slope as trained: weight constant)"]


def test_a_leap_is_a_gap_and_a_kink_is_not() -> None:
    leap = np.cos(THETA) - 0.2 * (THETA > 2)
    kink = np.where(THETA < 2, 1 - THETA, -1.0)
    slopes = {"leap": -np.sin(THETA), "kink": np.where(THETA < 2, -1.0, 0.0)}
    left, right = psi_figure(THETA, {"leap": leap, "kink": kink}, slopes).axes
    for axes in (left, right):
        assert np.isnan(drawn(axes, "leap")).sum() == 1
        assert not np.isnan(drawn(axes, "kink")).any()


def test_many_losses_differ_by_colour_or_dashes_and_the_legend_stays_inside() -> None:
    names = [f"a loss with a rather long name, number {number}" for number in range(14)]
    curves = {name: np.cos(THETA) - 0.1 * number for number, name in enumerate(names)}
    figure = psi_figure(THETA, curves, {name: -np.sin(THETA) for name in names})
    looks = {(line.get_color(), str(line._dash_pattern)) for line in figure.axes[0].lines}
    assert len(looks) == 15
    figure.draw_without_rendering()
    box = figure.legends[0].get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.width


def test_an_effective_margin_ends_where_it_is_undefined() -> None:
    curve = np.where(THETA < 2, 1.5, np.nan)
    (axes,) = effective_figure(THETA, {"m = 4": curve}, median=math.radians(63)).axes
    np.testing.assert_array_equal(drawn(axes, "m = 4"), curve)
    assert [text.get_text() for text in axes.texts] == ["median 63°"]


def test_the_circle_is_shared_out_by_hand() -> None:
    """Four prototypes at right angles, m = 2: 30 degrees to either side; m = 3 meets the criterion."""
    figure = circle_figure(square(), (2.0, 3.0))
    words = [axes.texts[0].get_text() for axes in figure.axes]
    assert words == ["within a class 60°\nbetween classes 30°", "within a class 45°\nbetween classes 45°"]
    arc = figure.axes[0].lines[1].get_xydata()
    ends = np.degrees(np.arctan2(arc[[0, -1], 1], arc[[0, -1], 0]))
    np.testing.assert_allclose(ends, [-30, 30], atol=1e-9)
    bold = [axes.texts[0].get_fontweight() for axes in figure.axes]
    assert bold == ["normal", "bold"]


@pytest.mark.parametrize("ending", ["svg", "png", "SVG"])
def test_files_stand_alone_and_are_the_same_again(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "new" / f"circle.{ending}"
    save_figure(path, circle_figure(square(), (2.0,)), "four <classes>")
    first = path.read_bytes()
    save_figure(path, circle_figure(square(), (2.0,)), "four <classes>")
    assert path.read_bytes() == first
    if ending == "png":
        assert first.startswith(b"\x89PNG\r\n\x1a\n")
        return
    root = ElementTree.fromstring(first)
    assert root[0].text == "four <classes>"
    assert root.get("width") == "360pt"
    assert b"var(" not in first
    assert b"#fdfdfc" in first


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    figure = circle_figure(square(), (2.0,))
    with pytest.raises(ConfigurationError, match=r"as .svg or .png, not 'a.pdf'"):
        save_figure(tmp_path / "a.pdf", figure, "x")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write"):
        save_figure(tmp_path / "file" / "a.svg", figure, "x")


def test_what_cannot_be_drawn() -> None:
    values, slopes = cosface()
    for wrong, sentence in (
        (lambda: psi_figure(THETA, {}, {}), "no curve to draw"),
        (lambda: psi_figure(THETA[1:], values, slopes), "one value for each of 360 angles"),
        (lambda: psi_figure(THETA, values, {"other": slopes["cosface"]}), "the same names"),
        (lambda: effective_figure(THETA, {}), "no curve to draw"),
        (lambda: circle_figure(np.eye(3), (2.0,)), r"shape \(C, 2\)"),
        (lambda: circle_figure(square(), ()), "one to six circles"),
        (lambda: circle_figure(square(), (0.5,)), "a number of 1 or more"),
    ):
        with pytest.raises(ConfigurationError, match=sentence):
            wrong()


def test_matplotlib_is_left_as_it_was() -> None:
    before = dict(matplotlib.rcParams)
    circle_figure(square(), (2.0,))
    assert dict(matplotlib.rcParams) == before
