"""A model card says what the model's files say, all of it, and of no other model."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from sphereface.card import card_page
from sphereface.checkpoint import Architecture, ModelCard, Provenance, save_model, update_operating_points
from sphereface.data.learned import Learned
from sphereface.errors import DataError, ModelError
from sphereface.report import ReportInput
from sphereface.report.writing import report_data

RECIPE = {
    "title": "Ours | <b>bold</b>",
    "data": {"train": ["/somebody's/secret place/crops"], "test": ["/elsewhere"], "without": None},
    "head": {"name": "cosface", "settings": {"scale": 30.0, "margin": 0.35}},
    "optimiser": {"schedule": "cosine", "milestones": [0.5], "factor": 10.0, "clip_norm": 5.0},
    "training": {"batch_size": 64, "device": "auto"},
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    card = ModelCard(
        architecture=Architecture(name="sfnet4", settings={"batch_norm": True}),
        embedding_dimension=128,
        parameters=12_345,
        provenance=Provenance(recipe=RECIPE, seed=7, steps=600, images_seen=38_400, data_hash="ab" * 32),
    )
    save_model(folder, {"weight": np.ones((4, 4), np.float32)}, card)
    return folder


def fingerprint_of(model: Path) -> str:
    return str(ModelCard.model_validate(_without_checksum(model)).fingerprint)


def _without_checksum(model: Path) -> dict[str, Any]:
    raw: dict[str, Any] = json.loads((model / "model.json").read_text())
    del raw["checksum"]
    return raw


def put_report(model: Path, report: ReportInput, path: Path | None = None, **changes: Any) -> Path:
    data = report_data(report) | changes
    data["settings"] = {"model_fingerprint": fingerprint_of(model)} | changes.get("settings", {})
    path = path or model / "report.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def test_a_model_without_a_report_says_what_it_is_and_that_nobody_judged_it(model: Path) -> None:
    page = card_page(model)
    for words in (
        "| network | sfnet4 (batch_norm yes); 12,345 parameters |",
        f"`{fingerprint_of(model)}`",
        "(data hash `abababababab`), shown 38,400 pictures in 600 steps with seed 7.",
        "| `head.settings.margin` | 0.35 |",
        "| `optimiser.clip_norm` | 5.0 |",
        "No report of it is at hand.",
        "How often it errs: it has not been judged",
        "None is stored, so no gallery answers with it yet.",
    ):
        assert words in page
    assert "milestones" not in page, "a cosine schedule has none"


def test_where_the_pictures_lay_is_not_told(model: Path) -> None:
    page = card_page(model)
    assert "| `data.train` | crops |" in page
    assert "secret" not in page


def test_learned_people_are_counted(model: Path) -> None:
    Learned(np.arange(5, dtype=np.uint64), np.arange(40, dtype=np.uint64)).save(model)
    assert "It learned from 40 different pictures of 5 people (data hash" in card_page(model)


def test_every_rate_of_the_report_is_in_the_card(model: Path, report_input: ReportInput) -> None:
    put_report(model, report_input)
    page = card_page(model)
    evaluation = report_input.evaluation
    for words in (
        f"| equal error rate | {100 * evaluation.verification.eer.value:.1f} % (",
        "| rank 1 | ",
        "| accuracy over folds | ",
        "Tried as a gallery of 50 people on people who took part in nothing before: 87 % (",
        "(promised: 5 %)",
        "What this data cannot support: FNIR at FPIR 1 %",
        "nobody has judged it by group",
        "in a gallery of more than 50 people",
    ):
        assert words in page, words
    for title, rates in (
        ("FNMR at FMR", evaluation.verification.fnmr_at_fmr),
        ("FNIR at FPIR", evaluation.identification.fnir_at_fpir),
    ):
        assert page.count(f"| {title} ") == len(rates)


def test_groups_larger_galleries_and_morphs_are_told_once_looked_into(model: Path, example: ModuleType) -> None:
    put_report(model, example.example_models())
    page = card_page(model)
    assert "By group (groups as labelled), all at the threshold 0.4310:" in page
    assert "| people enrolled | how | FPIR aimed at | FPIR | FNIR |" in page
    assert "Worst-case morphs of pairs of people (" in page
    unknown = page.partition("## What is not known")[2]
    for words in ("by group", "a false alarm in a gallery", "morphed"):
        assert words not in unknown


def test_operating_points_are_those_of_the_card(model: Path, make_point: Callable[..., Any]) -> None:
    point = make_point(fingerprint_of(model))
    update_operating_points(model, [point])
    assert "| searching, 100 people enrolled | 0.5000 | 0.90 % (0.50 to 2.00) | 10 % (5 to 20) |" in card_page(
        model
    )


def test_titles_and_notes_start_no_html_and_end_no_cell(model: Path, report_input: ReportInput) -> None:
    put_report(model, dataclasses.replace(report_input, data="<script>alert(1)</script>"))
    page = card_page(model, notes=["Chosen on <i>these</i>\n\n# people."])
    assert page.startswith("# Ours | &lt;b>bold&lt;/b>\n")
    assert "<" not in page.replace("&lt;", "")
    assert "\n\nChosen on &lt;i>these&lt;/i> # people.\n\n" in page
    for table in (block for block in page.split("\n\n") if block.startswith("|")):
        assert len({line.replace("\\|", "").count("|") for line in table.splitlines()}) == 1


def test_a_report_of_another_model_is_refused(model: Path, report_input: ReportInput, tmp_path: Path) -> None:
    other = put_report(
        model, report_input, tmp_path / "other.json", settings={"model_fingerprint": "0123456789ab" + "0" * 52}
    )
    with pytest.raises(DataError, match=r"speaks of model 0123456789ab, but this is .*; judge it with"):
        card_page(model, other)
    nobody = put_report(model, report_input, tmp_path / "nobody.json", settings={"model_fingerprint": None})
    with pytest.raises(DataError, match="does not say of which model it speaks"):
        card_page(model, nobody)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"\x00\x01", "is damaged, it is not JSON"),
        (b"[]", "is not a report of schema 2"),
        (b'{"schema": 1}', "is not a report of schema 2"),
        (b'{"schema": 2, "x": NaN}', "is damaged, it is not JSON"),
        (b"[" * 100_000, "is damaged, it is not JSON"),
    ],
)
def test_what_is_no_report_is_refused(model: Path, tmp_path: Path, text: bytes, words: str) -> None:
    (tmp_path / "report.json").write_bytes(text)
    with pytest.raises(DataError, match=words):
        card_page(model, tmp_path / "report.json")


@pytest.mark.parametrize("key", ["verification", "identification", "crowds", "gallery_trial"])
@pytest.mark.parametrize("wrong", ["text", 3, [3], {"a": 1}])
def test_a_report_with_a_part_of_the_wrong_shape_is_refused(
    model: Path, report_input: ReportInput, key: str, wrong: Any
) -> None:
    put_report(model, report_input, **{key: wrong})
    with pytest.raises(DataError, match="is not a report of schema 2"):
        card_page(model)


def test_a_missing_report_or_model_is_told(model: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: no such file"):
        card_page(model, tmp_path / "gone.json")
    with pytest.raises(ModelError, match="there is no model folder"):
        card_page(tmp_path / "gone")
