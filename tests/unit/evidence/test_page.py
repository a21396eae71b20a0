"""The page, its figures and the ledger: made of summaries alone, in every state of the study."""

from __future__ import annotations

import filecmp
import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from evidence import answers, drawing, margin_sections, plan, quality, stability
from evidence.page import DOCS, PLAN, plan_of, write_page
from evidence.plan import Run
from evidence.study import read_study
from evidence.summary import SUMMARIES, write_summary
from sphereface.errors import DataError
from tests.unit.evidence.synthetic import write_people, write_run

FIGURES = {
    "margins",
    "pictures",
    "gradients",
    "stability",
    "milder",
    "m",
    "depth",
    "criterion",
    "discard",
    "budget",
    "across",
}
PLANNED = (
    "# Evidence\n\nOld.\n\n## The plan\n\nOf old.\n\n### Questions\n\n**1.** ## The plan | has = signs, 5 %.  \n"
)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """Return a folder with a page that has a plan."""
    (tmp_path / "docs/results").mkdir(parents=True)
    (tmp_path / "docs/results/evidence.md").write_text(PLANNED, encoding="utf-8")
    return tmp_path / "docs"


def page_text(docs: Path) -> str:
    return (docs / "results/evidence.md").read_text(encoding="utf-8")


def pictures(docs: Path) -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in (docs / "pictures/evidence").glob("*.svg")}


def numbers_of(svg: str) -> object:
    """Return the data that a figure carries."""
    description = ElementTree.fromstring(svg).find("{http://www.w3.org/2000/svg}desc")
    assert description is not None
    return json.loads(description.text or "")


def test_without_a_run_the_page_is_a_sentence_and_the_plan(docs: Path, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    write_page(docs, tmp_path / "nothing")
    text = page_text(docs)
    assert text.startswith(
        "# Evidence\n\nDo the papers' claims hold where we can look? No run of the plan below has "
    )
    assert text.endswith(PLANNED.partition("Old.\n\n")[2])
    assert len(text.partition(PLAN)[0].splitlines()) == 4
    assert not pictures(docs)
    assert "No run" in (docs / "results/evidence-runs.md").read_text(encoding="utf-8")


def test_a_whole_study_says_what_was_found(docs: Path, study_folder: Path) -> None:
    write_page(docs, study_folder)
    text = " ".join(page_text(docs).split())
    assert "309 of the 309 runs" in text
    assert "ArcFace 2019) | Lower error shown: CosFace; higher: A-Softmax; no difference: SphereFace-R v1" in text
    assert "detached one (above 0 the detached one is better), over all three functions: 10.0 points (" in text
    assert (
        "| The control trains in 0 of 8 seeds; of the five arms of the claim A-Softmax (lambda), v1 (full)" in text
    )
    assert (
        "| Error falls from m = 3 to 4 with lambda and from 10 to 20 layers; no difference from m = 1 to 2" in text
    )
    assert "## 1. Margins Lower error than NormFace: CosFace (−10.0 points). Higher error than NormFace: " in text
    assert "A-Softmax (+10.0 points)" in text
    assert (
        "FNMR at FMR 1 % is shown lower for CosFace; higher for A-Softmax; no difference: SphereFace-R v1," in text
    )
    assert "Undecided: SphereFace. Where the seven intervals are to hold together, A-Softmax and CosFace" in text
    assert "*together*: whether a difference survives at 1 − 0.05/7" in text
    assert "Exploratory: the seven with each other" in text
    assert "Of 21 such intervals 1.05 would be expected to exclude 0 if all were alike" in text
    assert "is the same function as" not in text
    assert "near the ceiling" not in text.partition("## 7.")[0]
    assert "No run [failed](#when-a-difference-counts)." in text
    assert "Where the eight intervals are to hold together, gradients with SphereFace, gradients with " in text
    assert "| SphereFace, m = 2 | full | reparametrised |" in text
    assert text.count("| function, s = 15 |") == 3
    assert re.search(
        r"less projected ones, over all three functions: [−0-9.]+ points \(−[0-9.]+ to [0-9.]+\), no difference",
        text,
    )
    assert "With depth error falls from 10 to 20 layers (−10.0 points); no difference from 4 to 10 layers." in text
    assert "hold together, from m = 3 to 4 with lambda and from 10 to 20 layers still differ." in text
    assert re.search(r"\| 35\.\d %, × 1\.50 \| 0\.20 \| 0\.50 \| −3\.20 \|", text)
    assert "At the edge of what was tried: A-Softmax (smallest m), SphereFace (smallest s)," in text
    assert "Without the 20 % shortest embeddings FNMR is lower: fixed norm (HFN) (−11.1 points), free" in text
    assert "nothing is compared" not in text
    assert "nan" not in text.lower().replace("face", "")


def test_a_loss_that_was_run_as_its_twin_is_named_and_not_compared(docs: Path, twin_folder: Path) -> None:
    write_page(docs, twin_folder)
    text = page_text(docs)
    same = "SphereFace-R v1 (s = 15, m = 1.1) is the same function as SphereFace below 180/m degrees, so these are"
    assert same in " ".join(text.split())
    table = text[text.index("| loss | settings | headline") :].partition("\n\n")[0].splitlines()
    assert len(table) == 9
    assert len({line.count("|") for line in table}) == 1
    section = " ".join(text[text.index("## 1. Margins") : text.index("## 2.")].split())
    assert section.count("SphereFace-R v1") == 1
    for words in (
        "Where the six intervals are to hold together",
        "Headline of six losses less NormFace's",
        "survives at 1 − 0.05/6",
        "Exploratory: the six with each other",
        "Of 15 such intervals 0.75 would be expected",
        "the lowest mean of the six",
    ):
        assert words in section
    assert "| **chosen**, smallest m and s |" in text
    assert "| **chosen**, smallest m, largest lambda |" in text


def test_a_headline_near_its_ceiling_is_said_to_be(study_folder: Path) -> None:
    study = read_study(study_folder)
    found = answers.margins(study)
    assert found is not None
    for value, near in ((0.9, False), (0.912, True)):
        plain = replace(found.rows[0], headline=replace(found.rows[0].headline, value=value))
        verdict = margin_sections.margins(replace(found, rows=(plain, *found.rows[1:])), study.chosen).verdict
        assert ("The headline of NormFace is 91.2 %, near its ceiling; FNMR at FMR 1 % (34" in verdict) == near
        assert ("ceiling" in verdict) == near


def test_a_row_without_a_colour_of_its_own_is_an_error(study_folder: Path) -> None:
    found = quality.norms(read_study(study_folder))
    assert found is not None
    with pytest.raises(ValueError, match="zip"):
        drawing.discard_figure(replace(found, rows=(*found.rows, found.rows[0])))


def test_the_plan_is_kept_letter_by_letter(docs: Path, study_folder: Path) -> None:
    for _ in range(2):
        write_page(docs, study_folder)
        assert page_text(docs).endswith("\n" + PLANNED[PLANNED.index(PLAN) :])
        assert plan_of(docs / "results/evidence.md") == PLANNED[PLANNED.index(PLAN) :]


def test_a_page_without_a_plan_is_not_written_over(docs: Path, tmp_path: Path) -> None:
    (docs / "results/evidence.md").write_text("Nothing planned.\n", encoding="utf-8")
    with pytest.raises(DataError, match="has no line '## The plan'"):
        write_page(docs, tmp_path)
    assert page_text(docs) == "Nothing planned.\n"


def test_the_same_summaries_make_the_same_bytes(docs: Path, tmp_path: Path, stopped_folder: Path) -> None:
    shutil.copytree(docs, tmp_path / "other")
    write_page(docs, stopped_folder)
    with matplotlib.rc_context(
        {"font.size": 20, "font.family": "serif", "svg.fonttype": "none", "axes.labelpad": 20}
    ):
        write_page(tmp_path / "other", stopped_folder)
    files = [path.relative_to(docs).as_posix() for path in docs.rglob("*.*")]
    assert len(files) == len(FIGURES) + 2
    assert filecmp.cmpfiles(docs, tmp_path / "other", files, shallow=False)[0] == files


def test_figures_are_small_and_whole_and_carry_their_numbers(docs: Path, study_folder: Path) -> None:
    write_page(docs, study_folder)
    found = pictures(docs)
    assert {*found} == FIGURES == {*re.findall(r"\(\.\./pictures/evidence/(\w+)\.svg\)", page_text(docs))}
    for svg in found.values():
        root = ElementTree.fromstring(svg)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert not list(root.iter("{http://www.w3.org/2000/svg}text")), "letters are paths"
        assert 5_000 < len(svg.encode()) < 100_000
        assert numbers_of(svg)
    margins = numbers_of(found["margins"])
    assert isinstance(margins, dict)
    assert margins["cosface"]["difference"][0] == pytest.approx(-0.1, abs=0.002)
    assert np.mean(margins["cosface"]["seeds"]) == pytest.approx(-0.1, abs=0.002)
    assert len(margins["a-softmax"]["seeds"]) == 3
    assert "normface" not in margins


@pytest.mark.parametrize(
    ("missing", "figures", "waiting"),
    [
        ("margins/cosface-seed1.json", {"margins", "pictures"}, "23 of 24"),
        ("gradients/*-seed2.json", {"gradients", "across"}, "24 of 36"),
        ("sizes/whole-m1-sfnet4-seed2.json", {"m", "depth", "criterion", "across"}, "29 of 30"),
        ("norms/*.json", {"discard", "across"}, "0 of 21"),
        ("budget/cosface-600steps-seed1.json", {"budget", "across"}, "29 of 30"),
        ("stability/v1-full-*-seed8.json", {"stability"}, "63 of 64"),
        ("milder/v1-full-*-seed8.json", {"milder"}, "63 of 64"),
    ],
)
def test_a_question_waits_for_its_last_run(
    docs: Path, study_folder: Path, partial: Callable[..., Path], missing: str, figures: set[str], waiting: str
) -> None:
    write_page(docs, study_folder)
    write_page(docs, partial(missing))
    assert {*pictures(docs)} == FIGURES - figures, "no figure of before is left"
    text = page_text(docs)
    assert f"{waiting} runs done; nothing is compared before all are." in text
    section = text[text.index(f"run {missing.partition('/')[0]} --shared") :].partition("\n## ")[0]
    assert "|" not in section, "no table before its time"


def test_every_state_in_between_makes_a_page(docs: Path, tmp_path: Path, study_folder: Path) -> None:
    folder = tmp_path / "growing"
    folder.mkdir()
    shutil.copy(study_folder / "people.json", folder)
    for question in ("tuning", "margins", "gradients", "stability", "milder", "sizes", "norms", "budget"):
        shutil.copytree(study_folder / question, folder / question)
        write_page(docs, folder)
    assert {*pictures(docs)} == FIGURES


def test_ledger_lists_every_run(docs: Path, stopped_folder: Path) -> None:
    write_page(docs, stopped_folder)
    text = (docs / "results/evidence-runs.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) == 309
    assert "309 runs, 2 of which stopped" in " ".join(text.split())
    stopped = [row for row in rows if "stopped: the loss of step 200 is not finite | 100 % |" in row]
    assert [row.split(" | ")[:2] for row in stopped] == [
        ["| `margins/sphereface2-c`", "2"],
        ["| `norms/nfn`", "1"],
    ]
    assert "50 % degraded" in next(row for row in rows if "norms/hfn-degraded" in row)
    assert "with `radial`" in next(row for row in rows if "norms/hfn-radial" in row)
    assert len({line.count(" | ") for line in rows}) == 1
    page = " ".join(page_text(docs).split())
    assert "`margins/sphereface2-c-seed2` (the loss of step 200 is not finite)" in page


def test_the_table_of_runs_adds_up(docs: Path, twin_folder: Path) -> None:
    write_page(docs, twin_folder)
    text = page_text(docs)
    table = text[text.index("|  | runs of") :].partition("\n\n")[0].splitlines()[2:]
    done, planned = (sum(int(line.split("|")[column]) for line in table) for column in (3, 4))
    assert f"{done} of the {planned} runs of the" in " ".join(text.split())
    assert planned == done + 1, "the run of the twin is planned and not made"


def test_a_run_that_stopped_is_an_outcome_of_question_3(docs: Path, partial: Callable[..., Path]) -> None:
    folder, run = partial(), next(plan.stability("v1-full", *plan.RUNGS[0]))
    write_run(run, folder, stopped="the loss of step 3 is not finite")
    write_page(docs, folder)
    text = " ".join(page_text(docs).split())
    told = f"Stopped before their end, and counted as diverged: `{run.name}` (the loss of step 3 is not finite)."
    assert told in text
    assert "the worst figure" not in text.partition(PLAN)[0]


def test_runs_that_are_in_no_plan_are_in_the_ledger(docs: Path, tmp_path: Path) -> None:
    write_people(tmp_path / "summaries")
    write_run(
        Run("pilot", "bare", 1, "cosface", {"scale": 20.0}, batch_norm=False, kind="stress"),
        tmp_path / "summaries",
    )
    write_page(docs, tmp_path / "summaries")
    text = (docs / "results/evidence-runs.md").read_text(encoding="utf-8")
    assert "| `pilot/bare` | 1 | CosFace, s = 20 | SFNet-4, no batch norm | 600 |" in text


def test_a_summary_of_other_settings_stops_the_page(docs: Path, tmp_path: Path) -> None:
    run = next(plan.gradients())
    write_people(tmp_path / "summaries")
    write_summary(run.name, {"recipe_hash": "another", "stopped": ""}, tmp_path / "summaries")
    with pytest.raises(DataError, match="made with other settings"):
        write_page(docs, tmp_path / "summaries")
    assert page_text(docs) == PLANNED


def test_what_is_committed_is_what_the_summaries_make(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    shutil.copy(DOCS / "results/evidence.md", tmp_path / "results")
    write_page(tmp_path, SUMMARIES)
    for name in ("evidence.md", "evidence-runs.md"):
        made, kept = (folder / "results" / name for folder in (tmp_path, DOCS))
        assert made.read_text(encoding="utf-8") == kept.read_text(encoding="utf-8"), "run python -m evidence page"
    made_figures, kept_figures = pictures(tmp_path), pictures(DOCS)
    assert {*made_figures} == {*kept_figures}, "run python -m evidence page"
    pinned = f"matplotlib=={matplotlib.__version__}\n" in (DOCS.parent / "constraints.txt").read_text(
        encoding="utf-8"
    )
    for name, svg in made_figures.items():
        # Another matplotlib may draw its letters differently; what it draws is the same.
        assert numbers_of(svg) == numbers_of(kept_figures[name])
        assert not pinned or svg == kept_figures[name]


def test_figures_tell_two_ways_of_being_stuck_and_do_not_change_with_what_fails() -> None:
    study = read_study()
    norms, milder = quality.norms(study), stability.milder(study)
    assert norms is not None
    assert milder is not None
    ends = numbers_of(drawing.stability_figure(milder.arms))
    assert isinstance(ends, dict)
    assert ends["v1-full"] == {
        "trained": 0,
        "stuck: drawn together": 8,
        "stuck: near chance": 0,
        "diverged": 0,
    }
    assert ends["v1-detached"]["stuck: near chance"] == 8
    failing = replace(
        norms, rows=tuple(replace(row, ending=replace(row.ending, together=1)) for row in norms.rows)
    )
    drawn, hollow = drawing.discard_figure(norms), drawing.discard_figure(failing)
    assert numbers_of(drawn) == numbers_of(hollow)
    assert hollow.count("fill: #ffffff") > drawn.count("fill: #ffffff") + len(norms.rows)


def page(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "evidence", "page", *map(str, words)]
    return subprocess.run(command, cwd=DOCS.parent, capture_output=True, text=True, timeout=120, check=False)


def test_a_page_of_ones_own_runs_leaves_the_projects_alone(study_folder: Path, tmp_path: Path) -> None:
    before = (DOCS / "results/evidence.md").read_bytes()
    done = page("--summaries", study_folder, "--docs", tmp_path / "own")
    assert done.returncode == 0, done.stderr
    assert {*pictures(tmp_path / "own")} == FIGURES
    assert "We learn from 50 people" in page_text(tmp_path / "own")
    assert plan_of(tmp_path / "own/results/evidence.md") == plan_of(DOCS / "results/evidence.md")
    assert (DOCS / "results/evidence.md").read_bytes() == before


def test_folders_that_do_not_fit_end_in_a_sentence(study_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name, text in (("others", '{"a": 1}'), ("broken", "{")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "people.json").write_text(text)
    for words, told in (
        (("--summaries", study_folder, "--docs", DOCS), "--summaries of your own needs --docs"),
        (("--summaries", tmp_path / "others", "--docs", tmp_path / "own"), "is no summary of a run"),
        (("--summaries", tmp_path / "broken", "--docs", tmp_path / "own"), "is no summary of a run"),
        (("--summaries", study_folder), "--summaries of your own needs --docs"),
        (("--summaries", tmp_path / "none", "--docs", tmp_path / "own"), "there are no summaries in"),
        (("--summaries", study_folder, "--docs", tmp_path / "file"), "file"),
    ):
        done = page(*words)
        assert done.returncode != 0
        assert told in done.stderr
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "own").exists()
