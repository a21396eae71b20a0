from __future__ import annotations

import re
import warnings
import xml.etree.ElementTree as ElementTree

import matplotlib
import numpy as np
import pytest

from sphereface.report.canvas import VARIABLES, percent_label, to_png, to_svg
from sphereface.report.content import ReportInput
from sphereface.report.curves import roc_figure
from sphereface.report.figures import named_figures
from sphereface.report.pictures import picture_address


def test_every_figure_is_wellformed_svg_with_text_and_page_colours(report_input: ReportInput) -> None:
    names = []
    for figure in named_figures(report_input):
        if figure.name == "sphere":
            continue
        svg = to_svg(figure.draw(), figure.name, figure.description)
        root = ElementTree.fromstring(svg)
        assert root.attrib["role"] == "img"
        assert root.find("{http://www.w3.org/2000/svg}title").text == figure.description
        assert len(root.findall(".//{http://www.w3.org/2000/svg}text")) > 5  # words, not outlines of letters
        assert "var(--genuine" in svg
        assert not re.search(r"(?<!, )#[0-9a-f]{6}(?!\))", svg.replace("#ffffff", "")), (
            "a colour outside the palette"
        )
        assert "DejaVu" not in svg
        names.append(figure.name)
    assert len(names) == len(set(names)) == 7


def test_ids_are_unique_over_figures_and_all_references_resolve(report_input: ReportInput) -> None:
    ids: list[str] = []
    for figure in named_figures(report_input):
        if figure.name != "sphere":
            svg = to_svg(figure.draw(), figure.name, "x")
            own = re.findall(r'\bid="([^"]+)"', svg)
            used = re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"|labelledby="([^"]+)"', svg)
            assert {next(filter(None, names)) for names in used} <= set(own)
            ids += own
    assert len(ids) == len(set(ids))


def test_same_values_same_bytes_and_matplotlib_left_alone(
    report_input: ReportInput, light_input: ReportInput
) -> None:
    before = dict(matplotlib.rcParams)
    once, again = (
        [to_svg(figure.draw(), figure.name, "x") for figure in named_figures(light_input)] for _ in range(2)
    )
    assert once == again
    sphere = next(figure for figure in named_figures(report_input) if figure.name == "sphere")
    png = to_png(sphere.draw(), 60)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert png == to_png(sphere.draw(), 60)
    assert dict(matplotlib.rcParams) == before


def test_descriptions_are_escaped(report_input: ReportInput) -> None:
    svg = to_svg(next(named_figures(report_input)).draw(), "f", "a <b> & c")
    assert "a &lt;b&gt; &amp; c" in svg


def test_every_colour_variable_is_in_both_schemes_of_the_style_sheet() -> None:
    from importlib.resources import files

    style = files("sphereface.report").joinpath("style.css").read_text()
    for variable in VARIABLES.values():
        assert style.count(f"--{variable}:") == 3  # light, dark, print


@pytest.mark.parametrize(
    "name",
    [
        "$\\frac{1",
        "a $x_1$ b",
        "_hidden",
        "\u540d\u524d",
        "two\nlines",
        "a very long name of a model " * 9,
        "<b>&",
    ],
)
def test_any_name_can_be_drawn_and_read(name: str, report_input: ReportInput) -> None:
    pairs = report_input.evaluation.verification
    figure = roc_figure(pairs, pairs, labels=[name, "other"])
    assert len(figure.legends[0].get_texts()) == 2
    svg = to_svg(figure, "f", name)
    words = " ".join("".join(ElementTree.fromstring(svg).itertext()).split())
    assert " ".join(name.split())[:20] in words
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # of letters that the font lacks
        figure.canvas.draw()
        legend, frame = figure.legends[0].get_window_extent(), figure.bbox
    assert legend.x0 >= frame.x0 - 1
    assert legend.x1 <= frame.x1 + 1


def test_percent_labels() -> None:
    assert percent_label(0.001) == "0.1\u00a0%"


@pytest.mark.parametrize(
    "picture", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8)]
)
def test_pictures_are_rgb_bytes(picture: np.ndarray) -> None:
    with pytest.raises(ValueError, match="a picture is"):
        picture_address(picture)
