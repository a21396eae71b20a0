from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from types import ModuleType

import pytest

from sphereface.evaluation.results import Rate
from sphereface.report.content import ReportInput
from sphereface.report.page import report_page

VOID = {"meta", "link", "img", "br", "use", "path", "image", "rect"}


class Outline(HTMLParser):
    """What a page is made of: elements, their attributes, and whether each is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def page(report_input: ReportInput) -> str:
    return report_page(report_input)


@pytest.fixture(scope="module")
def outline(page: str) -> Outline:
    return Outline(page)


def test_every_element_is_closed_and_every_link_lands(outline: Outline) -> None:
    assert outline.open == []
    ids = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for attributes in outline.all("a"):
        assert str(attributes["href"]).removeprefix("#") in ids
    for attributes in outline.all("section"):
        assert attributes["aria-labelledby"] in ids


def test_nothing_runs_and_nothing_is_fetched(page: str, outline: Outline) -> None:
    assert outline.all("script") == []
    assert not any(name.startswith("on") for _, attributes in outline.elements for name in attributes)
    for _, attributes in outline.elements:
        for name in ("src", "href", "xlink:href"):
            assert str(attributes.get(name, "#")).startswith(("#", "data:"))
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    policies = [a["content"] for a in outline.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_hostile_names_titles_and_settings_are_text(example: ModuleType, light_input: ReportInput) -> None:
    evil = example.HOSTILE
    first = light_input.evaluation.verification.hardest_impostor[0].first
    hostile = dataclasses.replace(
        light_input, title=evil, data=evil, settings={evil: {"x": evil}}, shortcuts=[
            dataclasses.replace(light_input.shortcuts[0], name=evil, explanation=evil)
        ],
    )  # fmt: skip
    quoted = '" onerror="x'
    page = report_page(
        dataclasses.replace(hostile, names=dict.fromkeys(light_input.names, quoted) | {first: evil})
    )
    assert "<script" not in page
    outline = Outline(page)
    assert outline.text.count(evil) >= 7
    assert not any("onerror" in attributes for _, attributes in outline.elements)
    assert {attributes["alt"] for attributes in outline.all("img")} == {evil, quoted}


def test_what_the_data_cannot_carry_is_said(outline: Outline) -> None:
    text = " ".join(outline.text.split())
    assert text.count("not supported by this data") >= 2
    assert "only 3.2 false alarms are expected" in text
    assert "30 false matches would be expected" in text


def test_pictures_have_words_and_tables_captions(outline: Outline) -> None:
    images = outline.all("img")
    assert len(images) > 40
    assert all(attributes["alt"] for attributes in images)
    assert len(outline.all("caption")) == len(outline.all("table"))
    svgs = outline.all("svg")
    assert len(svgs) == 6 + 4  # six curves, four training panels
    assert all(attributes["role"] == "img" for attributes in svgs)


def test_a_report_of_an_evaluation_alone(report_input: ReportInput) -> None:
    bare = ReportInput(title="bare", evaluation=report_input.evaluation, data="", summary={})
    outline = Outline(report_page(bare))
    sections = [attributes["id"] for attributes in outline.all("section")]
    assert sections == [
        "key-figures",
        "data",
        "verification",
        "identification",
        "hypersphere",
        "repeat",
        "definitions",
    ]
    links = [str(attributes["href"]).removeprefix("#") for attributes in outline.all("a")]
    assert links == sections
    assert outline.all("img") == []


def test_an_evaluation_without_most_figures(light_input: ReportInput) -> None:
    """One picture a person: no genuine pairs, no health. The page says so and stands."""
    none = Rate(None, None, None, 0.95, 0, "nobody has two pictures")
    nan = float("nan")
    evaluation = light_input.evaluation
    health = dataclasses.replace(
        evaluation.health, alignment=nan, angular_fisher_score=nan, largest_intra_angle=nan,
        ideal_criterion_rate=none, energy={0: -0.3, 2: 0.5}, concentration=nan,
    )  # fmt: skip
    verification = dataclasses.replace(
        evaluation.verification, eer=none, auc=none, accuracy=none, fnmr_at_fmr={}, threshold_at_fmr={},
        hardest_genuine=[], genuine_pairs=0,
    )  # fmt: skip
    poor = dataclasses.replace(evaluation, health=health, verification=verification)
    text = " ".join(Outline(report_page(dataclasses.replace(light_input, evaluation=poor))).text.split())
    assert "nobody has two pictures" in text
    assert "nan" not in text.lower().split()
    assert "energy, s = 0, 2" in text


def test_the_protocols_own_list_has_its_place(light_input: ReportInput) -> None:
    listed = dataclasses.replace(light_input.evaluation.verification, title="LFW View 2", failed_pairs=3)
    evaluation = dataclasses.replace(light_input.evaluation, listed=listed)
    text = " ".join(Outline(report_page(dataclasses.replace(light_input, evaluation=evaluation))).text.split())
    assert "own list: LFW View 2" in text
    assert "3 pairs could not be scored and count as errors" in text


def test_every_setting_is_on_the_page(report_input: ReportInput, outline: Outline) -> None:
    for words in ("recipe.backbone", "sfnet4", "sphereface demo --seed 0", "evaluation.confidence", "data.hash"):
        assert words in outline.text
