"""Larger galleries, groups, calibration and morphs as the page shows them."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from sphereface.evaluation.findings import Findings
from sphereface.evaluation.summary import findings_json
from sphereface.report import page
from sphereface.report.calibration import calibration_rows, reliability_figure
from sphereface.report.content import ReportInput
from sphereface.report.gallery_size import BOUND, gallery_size_figure, size_rows
from sphereface.report.groups import crossed, group_figure, unequal_rows
from sphereface.report.key_figures import key_figures
from sphereface.report.lines import decades
from sphereface.report.morphing import KINDS, drawable, morph_figure, morph_rows
from sphereface.report.opening import opening
from sphereface.report.page import report_page


@pytest.fixture
def findings(models_input: ReportInput) -> Findings:
    assert models_input.findings is not None
    return models_input.findings


def curves(figure: object) -> dict[str, np.ndarray]:
    axes = figure.axes[0]  # type: ignore[attr-defined]
    return {line.get_label(): np.asarray(line.get_xydata(), dtype=float) for line in axes.lines}


def test_counted_and_fitted_errors_are_drawn_apart_on_logarithmic_axes(findings: Findings) -> None:
    figure = gallery_size_figure(findings.gallery_sizes)
    drawn = curves(figure)
    assert set(drawn) == {
        "missed (FNIR)", "missed (FNIR), tail fit", "false alarms (FPIR)", "false alarms (FPIR), tail fit", BOUND,
    }  # fmt: skip
    axes = figure.axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    known = [(size.gallery_people, size.fnir.value) for size in findings.gallery_sizes if size.fnir.value]
    np.testing.assert_allclose(drawn["missed (FNIR)"], known[:6])  # up to 50, the gallery at hand
    np.testing.assert_allclose(drawn["missed (FNIR), tail fit"], known[5:])  # tied to it, no gap
    assert drawn[BOUND][-1, 0] == 200
    styles = {line.get_label(): line for line in axes.lines}
    assert styles["missed (FNIR)"].get_markerfacecolor() != "none"
    assert styles["missed (FNIR), tail fit"].get_markerfacecolor() == "none"


def test_a_zero_has_no_logarithm_and_nothing_supported_says_so(findings: Findings) -> None:
    sizes = findings.gallery_sizes
    perfect = [
        dataclasses.replace(size, fnir=dataclasses.replace(size.fnir, value=0.0, low=0.0)) for size in sizes[:4]
    ]
    assert "missed (FNIR)" not in curves(gallery_size_figure(perfect))
    assert "no size is supported" in gallery_size_figure(sizes[-1:]).axes[0].texts[0].get_text()


def test_unsupported_sizes_are_told_once(findings: Findings) -> None:
    rows = size_rows(findings.gallery_sizes)
    assert [row.people for row in rows] == ["1", "2", "5", "10", "20", "50", "100", "200", "500 and more"]
    assert [row.how for row in rows] == ["exact"] * 6 + ["tail fit"] * 3
    assert len(size_rows(findings.gallery_sizes[:3])) == 3


def test_groups_have_points_intervals_and_arrows_where_a_rate_is_missing(findings: Findings) -> None:
    groups = findings.groups
    assert groups is not None
    figure = group_figure(groups)
    left, right = figure.axes
    points = [line.get_xydata()[0] for line in left.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(points, [[0.0011, 0], [0.0042, 1]])
    assert len(left.texts) == 1  # the arrow
    assert [label.get_text() for label in left.get_yticklabels()] == list(groups.names)
    spans = [line.get_xdata() for line in right.lines if line.get_marker() != "o"][:3]
    np.testing.assert_allclose(spans, [[rate.low, rate.high] for rate in groups.fnmr])
    assert left.lines[-1].get_xdata()[0] == groups.all_fmr


def test_inequality_stands_beside_chance(findings: Findings) -> None:
    groups = findings.groups
    assert groups is not None
    rows = unequal_rows(groups)
    assert [row.rate for row in rows] == ["FMR"] * 3 + ["FNMR"] * 3 + ["both"] * 2
    assert (rows[0].measure, rows[0].value, rows[0].chance, rows[0].limit, rows[0].p) == (
        "largest over geometric mean", "1.95", "1.3", "1.8", "0.02",
    )  # fmt: skip
    assert rows[-1].reason.startswith("fewer than two groups")
    assert [name for name, _ in crossed(groups)] == list(groups.names)
    many = dataclasses.replace(groups, names=tuple("abcdefghijklm"))
    assert crossed(many) == []


def test_reliability_is_observed_against_predicted(findings: Findings) -> None:
    drawn = curves(reliability_figure(findings.calibration))
    for result in findings.calibration:
        bins = result.reliability
        np.testing.assert_allclose(drawn[result.kind], np.column_stack([bins.predicted, bins.observed]))
    row = calibration_rows(findings.calibration)[0]
    assert (row.cllr, row.least, row.lost) == ("0.142 (0.127 to 0.158)", "0.139", "0.003")


def test_morphs_of_each_kind_with_the_most_attempts(findings: Findings) -> None:
    chosen = drawable(findings.morphing)
    assert list(chosen) == [KINDS["all"], KINDS["nearest"]]
    drawn = curves(morph_figure(chosen))
    most = findings.morphing[1].curve
    np.testing.assert_allclose(drawn[f"morphs: {KINDS['all']}"], np.column_stack([most.thresholds, most.false]))
    np.testing.assert_allclose(drawn["people rejected (FNMR)"][:, 1], most.missed)
    assert drawn["deployed threshold"][0, 0] == 0.431
    rows = morph_rows(findings.morphing)
    assert [row.pairs for row in rows] == ["4,005", "4,005 of 9,000", "4,005 of 9,000"]
    assert [safe.threshold for safe in rows[0].safe] == ["0.520 (0.510 to 0.530)", "–"]


def test_the_page_has_a_section_for_each_and_says_what_is_absent(
    pairs_input: ReportInput, findings: Findings
) -> None:
    bare = dataclasses.replace(pairs_input.evaluation, verifications=())
    alone = dataclasses.replace(pairs_input, evaluation=bare, others=(), differences=(), findings=findings)
    text = " ".join(re.sub(r"<[^>]+>", " ", report_page(alone)).split())
    for words in (
        "With more people enrolled", "500 and more", "Does it work alike for everybody?", "3 people have no label",
        "chosen for an FMR of 0.1 %", "People who lie together", "A cluster is a region",
        "From score to probability", "Two people, one document", "4,005 of 9,000",
        "What this data does not allow", "No group has two people",
        "When strangers resemble somebody", "Look-alikes: 88 pairs of 90 people", "Gallery search by group",
        "needs 600 searches",
        "Cllr Information still missing", "IR 8429",
    ):  # fmt: skip
        assert words in text, words
    without = report_page(dataclasses.replace(alone, findings=Findings()))
    assert "Two people, one document" not in without
    assert "Information still missing" not in without


def test_groups_and_morphs_are_told_in_words(models_input: ReportInput) -> None:
    words = " ".join(opening(models_input)).replace("\u00a0", " ")
    assert "With 200 people enrolled, about 25 % (20 to 30) would go unrecognised at 1 false alarm in 20" in words
    assert "range from 0.11 % (0.09 to 0.13) in north to 0.42 % (0.34 to 0.50) in south" in words
    assert "makes 1 mistake in 1,000 pairs of two people, 31 % (25 to 37) of the pairs of people who are" in words
    assert "; groups dealt by lot differ as much in 2 % of draws" in words
    assert "Of the worst pictures that can be mixed from two people, 21 % (17 to 25) would pass as both" in words


def test_of_several_galleries_and_lists_it_is_said_which(models_input: ReportInput) -> None:
    evaluation = models_input.evaluation
    words = [text.replace("\u00a0", " ") for text in opening(models_input)]
    assert words[0].startswith(
        f"In the first of 2 galleries ({evaluation.identification.title}), at 1 false alarm"
    )
    assert words[1].startswith(f"In the first of 2 lists of pairs ({evaluation.verification.title}), at 1 mistake")
    assert "Averaged over 10 galleries, 12 % (10 to 14) of the searches by enrolled people go" in " ".join(words)
    cards = {card.name: card.explanation for card in key_figures(evaluation)}
    assert cards["Rank 1"].endswith(f"; {evaluation.identification.title}")
    assert cards["Area under ROC"].endswith(f"; {evaluation.verification.title}")
    one = dataclasses.replace(
        evaluation, verifications=evaluation.verifications[:1], identifications=evaluation.identifications[:1]
    )
    assert not any(
        "first of" in text
        for text in opening(dataclasses.replace(models_input, evaluation=one, others=(), differences=()))
    )
    assert not any(evaluation.identification.title in card.explanation for card in key_figures(one))


def test_the_mean_over_galleries_is_a_table(models_input: ReportInput, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = page.sections
    monkeypatch.setattr(page, "sections", lambda *args, **more: {**shown(*args, **more), "average": "Mean"})
    text = " ".join(re.sub(r"<[^>]+>", " ", report_page(models_input)).replace("\u00a0", " ").split())
    assert "Mean over 10 galleries Each gallery has its own threshold." in text
    assert "Papers that subtract the deviation report 100 % − FNIR − deviation." in text
    assert re.search(r"FNIR at FPIR 5 % 12 %? ?.{0,40}2\.1 %", text)
    assert "2 of 10 galleries have no value" in text
    assert "Of the galleries this is one template a person." in text
    assert text.count("Measured on 2 lists together: all pairs, the list of frontal and profile.") == 4


def test_what_was_found_goes_into_the_numbers(findings: Findings) -> None:
    data = findings_json(findings)
    assert data["gallery_sizes"][-1]["threshold"] is None
    assert data["gallery_sizes"][-1]["fnir"]["reason"].startswith("needs about 600")
    assert data["groups"]["fmr"][0][0]["threshold"] == "fixed"
    assert data["morphing"][0]["safe"]["0.01"]["threshold"] is None
    assert data["calibration"][0]["reliability"]["predicted"][0] == pytest.approx(0.02)
    assert data["average"]["fnir_at_fpir"]["0.05"]["deviation"] == 0.021
    assert data["threshold_at_fmr"] == {"0.0001": 0.6, "0.001": 0.431}
    assert findings_json(Findings())["groups"] is None


@pytest.mark.parametrize(("low", "high"), [(1e-5, 1.0), (0.004, 0.006), (1, 1e6), (0.1, 0.1)])
def test_ticks_lie_inside_the_axis(low: float, high: float) -> None:
    assert all(low * 0.999 <= tick <= high * 1.001 for tick in decades(low, high))
