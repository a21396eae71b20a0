"""All small networks together, and losses that do not see the norm beside those that do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from evidence import plan
from evidence.across import PLAIN, across
from evidence.across_section import across as written
from evidence.comparing import Verdict
from evidence.norm_section import norms as written_norms
from evidence.plan import Run
from evidence.quality import BLIND, LOOKING, norms
from evidence.study import read_study
from evidence.summary import load_summary, write_summary
from tests.unit.evidence.synthetic import write_study


def better(run: Run) -> tuple[float, int]:
    """CosFace of question 7 is 10 points better than all others, the margins of question 4 are 10 worse."""
    if run.row == "cosface-600steps":
        return -4.5, 1
    return (4.5 if run.question == "sizes" and run.row != "annealed-m1-sfnet4" else 0.0), 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a study in which two rows are one, and one drew together. Not to be written to."""
    folder = tmp_path_factory.mktemp("across")
    write_study(folder, better)
    for seed in (1, 2, 3):
        for name, weights, uniformity in (
            ("sizes/whole-m1-sfnet4", f"shared {seed}", -3.2),
            ("budget/normface-s30-600steps", f"shared {seed}", -3.2),
            ("sizes/whole-m4-sfnet4", f"own {seed}", -0.1),
        ):
            summary = load_summary(folder / f"{name}-seed{seed}.json")
            summary["weights"], summary["health"]["uniformity"] = weights, uniformity
            write_summary(f"{name}-seed{seed}", summary, folder)
    return folder


def test_rows_of_four_questions_are_held_against_one_of_them(folder: Path) -> None:
    found = across(read_study(folder))
    assert found is not None
    rows = {row.judged.name: row for row in found.rows}
    runs = [*plan.gradients(), *plan.sizes(), *plan.norms(), *plan.budgets()]
    expected = {
        run.row
        for run in runs
        if run.backbone == "sfnet4"
        and run.steps == 600
        and "projected" not in run.row
        and run.row not in ("hfn-degraded", "hfn-radial", "whole-m1-sfnet4", "whole-m4-sfnet4")
    }
    assert {*rows} == expected
    assert found.failed == 1
    assert [row.judged.headline.value for row in found.rows] == sorted(
        row.judged.headline.value for row in found.rows
    )
    assert rows[PLAIN].against is rows[PLAIN].easier is None
    verdicts = {name: row.against.verdict for name, row in rows.items() if row.against is not None}
    assert verdicts["cosface-600steps"] is verdicts["annealed-m2-sfnet4"] is Verdict.DIFFERENCE
    assert verdicts["arcface-600steps"] is verdicts["annealed-m1-sfnet4"] is Verdict.SAME
    section = written(found)
    assert section.short.startswith(
        "Exploratory. Lower error than NormFace (s = 15): CosFace (s = 30, m = 0.35) (−10."
    )
    assert "So whether a margin helps here hangs on its scale and gradient" in " ".join(section.verdict.split())
    assert f"at 1 − 0.05/{len(rows) - 1}" in section.body
    assert "but for 1 of which a run failed" in " ".join(section.body.split())
    assert f"run {plan.BUDGETS[0]}" not in section.body


def test_a_trial_is_told_where_it_was_of_the_same_loss(folder: Path) -> None:
    found = across(read_study(folder))
    assert found is not None
    trials = {row.judged.name: row.trial for row in found.rows}
    tried = {"cosface-600steps", "arcface-600steps", "sphereface-r-v1-600steps", "hfn", PLAIN}
    tried |= {"normface-s30-600steps", "arcface-full-reparametrised", "annealed-m2-sfnet4", "annealed-m4-sfnet4"}
    assert {name for name, trial in trials.items() if trial is not None} == tried
    # CosFace's fourth trial has s = 30 and m = 0.35; here the second trial is the best.
    assert trials["cosface-600steps"] == pytest.approx(0.7)


def test_where_no_margin_is_better_nothing_is_said_of_question_1(tmp_path: Path) -> None:
    write_study(tmp_path)
    found = across(read_study(tmp_path))
    assert found is not None
    assert "So whether" not in written(found).verdict
    assert written(found).short == "Exploratory. Lower error than NormFace (s = 15): none"


def test_losses_that_do_not_see_the_norm_stand_beside_those_that_do(folder: Path, tmp_path: Path) -> None:
    found = norms(read_study(folder))
    assert found is not None
    assert tuple(one.name for one in found.blind) == BLIND
    for one in found.blind:
        assert [less.first for less in one.less] == [*LOOKING]
        assert one.by_norm.verdict is Verdict.DIFFERENCE  # in a synthetic study leaving out always helps alike
    section = written_norms(found)
    assert "so does it where the loss does not see the norm (NormFace (s = 15) " in section.short
    assert "no loss that looks at it is shown to gain more" in section.short

    shutil.copytree(folder, tmp_path / "partial")
    (tmp_path / "partial/budget/arcface-600steps-seed1.json").unlink()
    waiting = norms(read_study(tmp_path / "partial"))
    assert waiting is not None
    assert waiting.blind == ()
    assert "does not see" not in written_norms(waiting).body


@pytest.mark.parametrize("question", ["tuning", "gradients", "sizes", "norms", "budget"])
def test_all_four_questions_and_the_trials_have_to_be_done(question: str, partial: Callable[..., Path]) -> None:
    assert across(read_study(partial(f"{question}/*-seed1.json"))) is None


def test_figure_has_every_row_but_the_one_taken_off(folder: Path) -> None:
    found = across(read_study(folder))
    assert found is not None
    svg = written(found).figures["across"]
    numbers = json.loads(svg.partition("<desc>")[2].partition("</desc>")[0])
    assert len(numbers) == len(found.rows) - 1
