"""A model card says what is known of a model, every figure of its report, and what is not known."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from types import ModuleType
from typing import Any

import markdown
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sphereface.card import card_page, write_card
from sphereface.card.markdown import code, prose, table
from sphereface.checkpoint import Architecture, ModelCard, Provenance
from sphereface.data.learned import Learned
from sphereface.errors import DataError
from sphereface.evaluation.results import Rate
from sphereface.faces.contract import InputContract
from sphereface.report import ReportInput
from sphereface.report.comparison import compared
from sphereface.report.wording import percent, percent_range

RECIPE = {
    "title": "Ours",
    "notes": ["Everybody agreed to be enrolled.", "Not judged on children."],
    "data": {"train": ["/somebody's/secret place/crops", "C:\\Users\\me\\secret\\faces\\", "/", ".."]},
    "head": {"name": "cosface", "settings": {"scale": 30.0, "margin": 0.35}},
    "regularizers": [{"name": "koleo", "weight": 0.1}],
    "optimiser": {"schedule": "cosine", "milestones": [0.5], "factor": 10.0, "clip_norm": 5.0},
    "training": {"batch_size": 64, "device": "auto"},
}


def model_card(**changes: Any) -> ModelCard:
    values: dict[str, Any] = {
        "architecture": Architecture(name="sfnet4", settings={"batch_norm": True}),
        "embedding_dimension": 128,
        "parameters": 12_345,
        "provenance": Provenance(recipe=RECIPE, seed=7, steps=600, images_seen=38_400, data_hash="ab" * 32),
        "weights_sha256": "cd" * 32,
        "weights_bytes": 2_500_000,
    }
    return ModelCard(**(values | changes))


def tables_of(page: str) -> list[str]:
    return [block for block in page.split("\n\n") if block.startswith("|")]


def test_what_the_model_is_and_how_it_was_made(report_input: ReportInput) -> None:
    card = model_card()
    page = card_page(card, None, report_input)
    for words in (
        "# Ours\n",
        "| network | sfnet4 (batch_norm yes); 12,345 parameters |",
        "| input | aligned faces of 112x112 pixels (height by width), RGB, (value − 127.5) / 128 |",
        "| embedding | 128 numbers, of which the direction counts; those of a picture and of its mirror image are",
        f"`{card.fingerprint}`",
        "from pictures of people (data hash `abababababab`), shown 38,400 pictures in 600 steps with seed 7.",
        "| `head.settings.margin` | 0.35 |",
        "| `regularizers.1.name` | koleo |",
        "| `optimiser.clip_norm` | 5.0 |",
        "with seed 7; intervals cover the people",
        "## What its maker says\n\n- Everybody agreed to be enrolled.\n- Not judged on children.\n",
    ):
        assert words in page, words
    assert "milestones" not in page, "a cosine schedule has none"


def test_where_the_pictures_lay_is_not_told(report_input: ReportInput) -> None:
    page = card_page(model_card(), None, report_input)
    assert "| `data.train` | crops, faces |" in page
    assert "secret" not in page


def test_a_model_says_what_it_started_from_and_not_where_that_lay(report_input: ReportInput) -> None:
    recipe = {"backbone": {"name": "sfnet4", "settings": {}, "start": "/secret/runs/before"}}
    page = card_page(model_card(provenance=Provenance(recipe=recipe, start="cd" * 32)), None, report_input)
    assert "beginning with the weights of model `cdcdcdcdcdcd`, whose people are counted too" in page
    assert "| `backbone.start` | before |" in page
    assert "secret" not in page


def test_people_learned_from_are_counted(report_input: ReportInput) -> None:
    learned = Learned(np.arange(5, dtype=np.uint64), np.arange(40, dtype=np.uint64))
    assert "It learned from 40 different pictures of 5 people (data" in card_page(
        model_card(), learned, report_input
    )


def test_a_stranger_s_model_says_less_and_breaks_nothing(report_input: ReportInput) -> None:
    contract = InputContract(mean=0.0, std=1.0, colour="bgr", flip_fusion="none")
    page = card_page(model_card(provenance=Provenance(), input_contract=contract), None, report_input)
    assert "Nobody says." in page
    assert "BGR, values as they are |" in page
    assert "with seed" not in page
    odd = {
        "title": None,
        "data": None,
        "training": [],
        "optimiser": "x",
        "regularizers": 3,
        "head": {"name": [1, {}]},
        "notes": "<b>one</b>\n# note",
    }
    page = card_page(model_card(provenance=Provenance(recipe=odd)), None, report_input)
    assert page.startswith("# sfnet4\n")
    assert "\n- &lt;b>one&lt;/b> \\# note\n" in page


@pytest.mark.parametrize("which", ["example_input", "example_models"])
def test_every_figure_of_the_report_is_in_the_card(example: ModuleType, which: str) -> None:
    report: ReportInput = getattr(example, which)()
    page = card_page(model_card(), None, report)
    rows = compared(report)
    assert len(rows) >= 10
    for row in rows:
        rate = row.rates[0]
        if rate.value is None:
            assert f"| {prose(row.figure)} | none: " in page
            assert f"- {prose(row.figure)} ({prose(row.title)}): this data cannot support it." in page
        else:
            assert f"| {prose(row.figure)} | {percent(rate.value)} % ({percent_range(rate)}) |" in page
    assert page.count("value and 95 % interval") == len({row.title for row in rows})


def test_what_was_not_looked_into_is_not_known(report_input: ReportInput) -> None:
    page = card_page(model_card(), None, report_input)
    assert "Tried as a gallery of 50 people, on people who took part in nothing before." in page
    assert "where 5 % was promised" in page
    unknown = page.partition("## What is not known")[2]
    for words in (
        "one group of people as with another (`sphereface evaluate --groups` tells)",
        "of more than 50 people;",
        "morphed",
    ):
        assert words in unknown


def test_groups_larger_galleries_and_morphs_are_told_where_they_were_looked_into(example: ModuleType) -> None:
    report: ReportInput = example.example_models()
    assert report.findings is not None
    page = card_page(model_card(), None, report)
    assert "By group (groups as labelled), all at the threshold 0.4310" in page
    assert "| people enrolled | how | FPIR | FNIR |" in page
    assert "Worst-case morphs of two people (" in page
    unknown = page.partition("## What is not known")[2]
    assert "by group" not in unknown
    assert "morphed" not in unknown
    largest = max(each.gallery_people for each in report.findings.gallery_sizes if each.fpir.value is not None)
    assert largest < max(each.gallery_people for each in report.findings.gallery_sizes)
    assert f"in a gallery of more than {largest:,} people" in unknown, "not beyond what the data supports"


def test_why_groups_are_missing_is_told(example: ModuleType) -> None:
    report: ReportInput = example.example_models()
    assert report.findings is not None
    findings = dataclasses.replace(report.findings, groups=None, absent={"groups": "only one person has a label"})
    page = card_page(model_card(), None, dataclasses.replace(report, findings=findings))
    assert "one group of people as with another (only one person has a label)." in page


def test_operating_points_say_what_was_asked_for(
    report_input: ReportInput, make_point: Callable[..., Any]
) -> None:
    point = make_point(model_card().fingerprint)
    page = card_page(model_card(operating_points=(point,)), None, report_input)
    assert (
        "| searching, 100 people enrolled | 0.5000 | FPIR 1 % | 0.90 % (0.50 to 2.00) | 10 % (5 to 20) |" in page
    )
    assert "None is stored, so no gallery answers" in card_page(model_card(), None, report_input)


HOSTILE = (
    "<script>alert(1)</script>",
    "# Approved",
    "1. first",
    "- item",
    "[x](javascript:alert(1))",
    "![x](http://tracker.example/p.png)",
    "a|b\\|c",
    "`<b>`",
    "**bold** _it_",
    "two\n\n# lines",
    "\udcff",
    "&lt;b&gt;",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_of_strangers_stay_text(report_input: ReportInput, text: str, tmp_path: Path) -> None:
    recipe = RECIPE | {"title": text, "head": {"name": text, "settings": {text: text}}}
    card = model_card(
        architecture=Architecture(name=text, settings={text: text}),
        provenance=Provenance(recipe=recipe, licence=text, versions={text: text}),
    )
    report = dataclasses.replace(report_input, data=text)
    usual = card_page(model_card(provenance=Provenance(recipe=RECIPE)), None, report_input)
    page = write_card(tmp_path, card, None, report).read_text(encoding="utf-8")
    html = markdown.markdown(page, extensions=["tables"])
    for tag in ("<script", "<a ", "<img", "<strong", "<em", "<b>", "<ol"):
        assert tag not in html
    headings = [line for line in usual.splitlines() if line.startswith("#")]
    assert [line for line in page.splitlines() if line.startswith("#")][1:] == headings[1:]
    assert html.count("<h1") == 1
    assert html.count("<li>") == markdown.markdown(usual, extensions=["tables"]).count("<li>")
    for block in tables_of(page):
        assert len({line.count("|") for line in block.splitlines()}) == 1


MARKUP = st.text(st.sampled_from(list("gt;&_*[]()!#`<>|\\~=+-.0a\u00e9 ^:1\n\"'{}@/")), max_size=24)


@given(st.text(max_size=40) | MARKUP)
@example("__0__")
@settings(max_examples=400, deadline=None)
def test_any_text_is_one_cell_and_no_markup(text: str) -> None:
    html = markdown.markdown(table(["a", "b"], [[prose(text), code(text)]]), extensions=["tables"])
    assert html.count("<td>") == 2 or not text.strip()
    for tag in ("<a ", "<img", "<strong", "<em", "<h1", "<li"):
        assert tag not in html


@given(MARKUP)
@example("__dunder__")
@example("&copy; ~ =")
@settings(max_examples=400, deadline=None)
def test_prose_reads_as_the_text_it_was_made_of(text: str) -> None:
    page = markdown.markdown(table(["a"], [["x" + prose(text)], [prose(text)]]), extensions=["tables"])
    cells = [" ".join(unescape(cell).split()) for cell in re.findall("<td>(.*?)</td>", page, re.DOTALL)]
    line = " ".join(text.split())
    assert cells[0] == "x" + line
    assert cells[1:] == [line] or not line


def test_a_rate_without_a_value_has_its_reason(report_input: ReportInput) -> None:
    none = Rate(None, None, 0.3, 0.95, 10, "three searches")
    trial = dataclasses.replace(report_input.gallery_trial, named_correctly=none)  # type: ignore[type-var]
    page = card_page(model_card(), None, dataclasses.replace(report_input, gallery_trial=trial))
    assert "that were given the right name: none: three searches (at most 30 %, with 95 % confidence)." in page


def test_a_folder_that_cannot_be_written_is_told(report_input: ReportInput, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot write '.*model-card.md'"):
        write_card(tmp_path / "file", model_card(), None, report_input)
