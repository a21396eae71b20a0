"""The verdicts of a study whose outcome is known."""

from __future__ import annotations

import doctest
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from evidence import (
    answers,
    budget_section,
    comparing,
    gradient_section,
    plan,
    quality,
    section,
    sizes,
    sizes_section,
    wording,
)
from evidence import counted as count
from evidence.budget import budgets
from evidence.comparing import CEILING, FNMR_POINTS, Comparison, Pool, Verdict, verdict
from evidence.plan import CANDIDATES, Run
from evidence.study import read_study
from evidence.summary import Summary, load_summary, read_summary, write_summary
from evidence.wording import sorted_clauses
from sphereface.evaluation.repeated import PersonFigure, Repeated, RepeatedRuns
from tests.unit.evidence.synthetic import (
    BASE,
    KEPT,
    LEARNERS,
    PAIRS,
    PEOPLE,
    write_people,
    write_run,
    write_study,
)

LEARNED = {
    "run": "a",
    "last": {"loss": 1.0, "cosine": 0.5},
    "learners": {"people": LEARNERS},
    "recipe": {"head": {"name": "a"}},
}


def by_first(comparisons: tuple[Comparison, ...]) -> dict[str, Comparison]:
    return {one.first: one for one in comparisons}


@pytest.mark.parametrize(
    "module", [comparing, wording, sizes_section, section], ids=lambda module: module.__name__
)
def test_examples_in_docstrings_hold(module: ModuleType) -> None:
    results = doctest.testmod(module)
    assert results.attempted
    assert not results.failed


@pytest.mark.parametrize(
    ("low", "high", "points", "word"),
    [
        (0.001, 0.5, 0.02, Verdict.DIFFERENCE),
        (-0.5, -0.001, 0.02, Verdict.DIFFERENCE),
        (0.001, 0.019, 0.02, Verdict.DIFFERENCE),  # small as it is: the first rule of the plan that fits
        (-0.02, 0.02, 0.02, Verdict.SAME),
        (-0.02, 0.02, 0.01, Verdict.OPEN),
        (-0.021, 0.001, 0.02, Verdict.OPEN),
        (-0.001, 0.001, None, Verdict.OPEN),
    ],
)
def test_the_words_are_those_of_the_plan(low: float, high: float, points: float | None, word: Verdict) -> None:
    assert verdict(Repeated((low + high) / 2, low, high, 0.95, 0.0, 0.0), points) is word


def test_margins_find_the_effects_that_were_put_in(study_folder: Path) -> None:
    found = answers.margins(read_study(study_folder))
    assert found is not None
    against = by_first(found.headline)
    assert list(against) == [head for head in CANDIDATES if head != "normface"]
    assert {one.second for one in found.headline} == {"normface"}
    for head, effect in (("cosface", -0.1), ("a-softmax", 0.1)):
        assert against[head].difference.value == pytest.approx(effect, abs=0.002)
        assert against[head].verdict is Verdict.DIFFERENCE
        assert against[head].survives
    assert against["sphereface"].verdict is Verdict.OPEN
    for head in ("arcface", "sphereface-r-v1", "sphereface-r-v2", "sphereface2-c"):
        assert against[head].verdict is Verdict.SAME
        assert not against[head].survives
    at_one_percent = by_first(found.easier)
    assert list(at_one_percent) == list(against)
    for head, effect in (("cosface", -0.05), ("a-softmax", 0.05)):  # half of the misses are left there
        assert at_one_percent[head].difference.value == pytest.approx(effect, abs=0.005)
        assert at_one_percent[head].verdict is Verdict.DIFFERENCE
    assert at_one_percent["arcface"].verdict is Verdict.SAME
    assert found.best == "cosface"
    assert found.twin is None
    assert {(one.first, one.second) for one in found.exploratory} == {
        (one, two) for i, one in enumerate(against) for two in list(against)[:i]
    }


def test_of_twins_with_the_same_settings_one_is_run_and_compared(twin_folder: Path) -> None:
    study = read_study(twin_folder)
    assert study.chosen["sphereface"] == study.chosen["sphereface-r-v1"]
    assert (study.progress["margins"].done, study.progress["margins"].planned) == (21, 21)
    found = answers.margins(study)
    assert found is not None
    assert found.twin == "sphereface-r-v1"
    heads = [head for head in CANDIDATES if head != found.twin]
    assert [row.name for row in found.rows] == heads
    for comparisons in (found.headline, found.easier, found.accuracy):
        assert [one.first for one in comparisons] == heads[1:]
    assert len(found.exploratory) == 6 * 5 / 2


@pytest.mark.parametrize(("fixture", "others"), [("study_folder", 7), ("twin_folder", 6)])
def test_the_correction_for_several_is_for_those_that_were_run(
    fixture: str, others: int, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    contrast = RepeatedRuns.contrast

    def recorded(self: RepeatedRuns, weights: Mapping[str, float], *, confidence: float = 0.95) -> Repeated:
        asked.append(confidence)
        return contrast(self, weights, confidence=confidence)

    monkeypatch.setattr(RepeatedRuns, "contrast", recorded)
    assert answers.margins(read_study(request.getfixturevalue(fixture))) is not None
    wide = [confidence for confidence in asked if confidence != comparing.CONFIDENCE]
    assert wide == [pytest.approx(1.0 - 0.05 / others)] * len(wide)
    assert len(wide) == others + (others - 1), "each, and all but one again without the noise of that one"


def test_steps_with_a_gradient_beyond_its_bound_are_counted(study_folder: Path, tmp_path: Path) -> None:
    unclipped = answers.gradients(read_study(study_folder))
    assert unclipped is not None
    assert {row.clipped for row in unclipped.rows} == {None}
    shutil.copytree(study_folder, tmp_path / "old")
    for path in (tmp_path / "old/margins").glob("cosface-*.json"):
        summary = load_summary(path)
        del summary["journal"]["gradient_norm"]
        path.write_text(json.dumps(summary), encoding="utf-8")
    found = answers.margins(read_study(tmp_path / "old"))
    assert found is not None
    for row in found.rows:  # a fifth of the steps of one seed of three
        assert row.clipped == (None if row.name == "cosface" else pytest.approx(0.2 / 3))


def test_a_row_is_the_mean_of_its_runs(study_folder: Path) -> None:
    found = answers.margins(read_study(study_folder))
    assert found is not None
    cosface = {row.name: row for row in found.rows}["cosface"]
    misses, easier = [], []
    for run in plan.margins({"cosface": CANDIDATES["cosface"][1]}):
        summary = read_summary(run, study_folder)
        assert summary is not None
        misses.append(sum(summary["pairs"]["misses"]) / (PEOPLE * PAIRS))
        easier.append(sum(summary["easier_pairs"]["misses"]) / (PEOPLE * PAIRS))
    assert cosface.seeds == pytest.approx(misses)
    assert cosface.headline.value == pytest.approx(np.mean(misses))
    assert cosface.headline.low < BASE / PAIRS - 0.1 + 2 / PAIRS < cosface.headline.high
    assert cosface.health["effective_rank"] == 101.0
    assert cosface.easier.value == pytest.approx(np.mean(easier))


def test_every_person_with_pictures_kept_back_is_in_one_bin(study_folder: Path) -> None:
    found = answers.margins(read_study(study_folder))
    assert found is not None
    assert sum(each.people for each in found.bins) == KEPT
    assert all(one.most < two.fewest for one, two in zip(found.bins, found.bins[1:], strict=False))
    assert {*found.bins[0].error} == {"normface", "cosface"}


def test_gradients_are_compared_for_each_function_and_over_all(study_folder: Path) -> None:
    found = answers.gradients(read_study(study_folder))
    assert found is not None
    assert len(found.rows) == 12
    assert {len(row.seeds) for row in found.rows} == {3}
    assert len(found.gradient) == len(found.prototypes) == 4
    for one, easier in found.gradient:
        assert one.verdict is easier.verdict is Verdict.DIFFERENCE
        assert one.difference.value == pytest.approx(0.1, abs=0.002)  # full is worse, as was put in
    assert {one.verdict for one, _ in found.prototypes} == {Verdict.SAME}
    assert {one.survives for one, _ in found.gradient} == {True}
    assert {one.survives for one, _ in found.prototypes} == {False}
    width = [one.difference.high - one.difference.low for one, _ in found.gradient]
    assert width[-1] < min(width[:-1])


def test_steps_up(study_folder: Path) -> None:
    found = sizes.sizes(read_study(study_folder))
    assert found is not None
    assert {len(row.seeds) for row in found.rows} == {3}
    words = {series: [one.verdict for one, _ in steps] for series, steps in found.steps.items()}
    assert words == {
        "annealed": [Verdict.SAME, Verdict.SAME, Verdict.DIFFERENCE],
        "whole": [Verdict.SAME] * 3,
        "depth": [Verdict.SAME, Verdict.DIFFERENCE],
    }
    assert found.steps["depth"][1][0].difference.value == pytest.approx(-0.1, abs=0.002)
    for steps in found.steps.values():
        assert [one.survives for one, _ in steps] == [one.verdict is Verdict.DIFFERENCE for one, _ in steps]


def test_the_criterion_is_a_share_of_people(study_folder: Path) -> None:
    study = read_study(study_folder)
    found = sizes.criterion(study)
    assert found is not None
    rows = study.progress["sizes"].made["whole-m2-sfnet4"]
    for who, met, people in (
        ("strangers", [run["ideal"]["met"] for run in rows], PEOPLE),
        ("learned from", [run["learned"]["ideal"]["met"] for run in rows], LEARNERS),
    ):
        share = dict(found.share["whole", who])
        assert share[2].value == pytest.approx(np.mean([len(each) / people for each in met]))
    assert {one.verdict for one in found.rise.values()} <= {Verdict.DIFFERENCE, Verdict.OPEN}


def test_leaving_pictures_out_is_compared_within_each_run(study_folder: Path) -> None:
    study = read_study(study_folder)
    found = quality.norms(study)
    assert found is not None
    for row in found.rows:
        run = study.progress["norms"].made[row.name][0]
        left = run["discard"]["norm"]
        assert row.by_norm.verdict is Verdict.DIFFERENCE
        assert row.by_norm.difference.value < 0
        assert row.between.difference.value == pytest.approx(
            row.by_norm.difference.value - row.by_sharpness.difference.value
        )
        assert row.without.value == pytest.approx(row.headline.value + row.by_norm.difference.value)
        # What is common to all of a person's pairs is not chance of a difference within a run.
        assert row.by_norm.difference.people < row.without.people / 2
        assert [share for share, _ in row.curve] == left["shares"]
        pairs, misses = left["pairs_and_misses"][3]
        assert row.kept[1] == pytest.approx(1.5)
        assert row.kept[0] != pytest.approx(row.without.value), "another threshold"
        assert 0 < misses / pairs < 1
    assert found.compared == 3 * len(found.rows) + 2
    assert {one.survives for row in found.rows for one in (row.by_norm, row.between)} >= {True}
    assert found.radial.survives is False
    assert found.radial.verdict is Verdict.SAME


def test_a_run_that_stopped_counts_with_the_worst_figure(study_folder: Path, stopped_folder: Path) -> None:
    whole, broken = (answers.margins(read_study(folder)) for folder in (study_folder, stopped_folder))
    assert whole is not None
    assert broken is not None
    one, two = ({row.name: row for row in found.rows}["sphereface2-c"] for found in (whole, broken))
    assert two.seeds == (one.seeds[0], 1.0, one.seeds[2])
    assert two.headline.value == pytest.approx(np.mean(two.seeds))
    assert two.health == pytest.approx(one.health)  # of the runs that reached their end
    before, after = (by_first(found.headline)["sphereface2-c"].difference.value for found in (whole, broken))
    assert after - before == pytest.approx((1.0 - one.seeds[1]) / 3)
    assert [run["run"] for run in read_study(stopped_folder).progress["margins"].stopped] == [
        "margins/sphereface2-c-seed2"
    ]
    both = [quality.norms(read_study(folder)) for folder in (study_folder, stopped_folder)]
    free, free_broken = ({row.name: row for row in found.rows}["nfn"] for found in both if found is not None)
    assert free_broken.without.value > free.without.value
    assert free_broken.by_norm.difference.value == pytest.approx(free.by_norm.difference.value * 2 / 3, abs=0.002)
    assert [rate for _, rate in free_broken.curve] == pytest.approx(
        [(1.0 + 2 * rate) / 3 for _, rate in free.curve], abs=0.02
    )


@pytest.mark.parametrize("question", ["margins", "gradients", "sizes", "norms"])
def test_nothing_is_compared_before_all_runs_are_done(partial: Callable[..., Path], question: str) -> None:
    study = read_study(partial(f"{question}/*m*-seed2.json"))
    progress = study.progress[question]
    assert 0 < progress.done < progress.planned
    made = {"margins": answers.margins, "gradients": answers.gradients, "sizes": sizes.sizes}
    found = made[question](study) if question in made else quality.norms(study)
    assert found is None
    assert (sizes.criterion(study) is None) == (question == "sizes")


def test_question_1_is_counted_before_its_settings_are_chosen(tmp_path: Path) -> None:
    write_people(tmp_path)
    for run in plan.trials():
        if run.head == "normface":
            write_run(run, tmp_path)
    for run in plan.margins({"normface": CANDIDATES["normface"][1]}):
        write_run(run, tmp_path)
    study = read_study(tmp_path)
    assert (study.progress["margins"].done, study.progress["margins"].planned) == (3, 24)
    assert (study.progress["tuning"].done, study.progress["tuning"].planned) == (5, 40)
    assert answers.margins(study) is None
    assert answers.trials(study) is None


def test_the_best_trial_of_each_loss_is_marked(study_folder: Path) -> None:
    found = answers.trials(read_study(study_folder))
    assert found is not None
    chosen = {trial.head: trial.settings for trial in found if trial.chosen}
    assert chosen == {head: settings[1] for head, settings in CANDIDATES.items()}
    assert len(found) == 40


def test_the_edge_of_what_was_tried_is_the_weakest_of_the_row(study_folder: Path, twin_folder: Path) -> None:
    edges = []
    for folder in (study_folder, twin_folder):
        found = answers.trials(read_study(folder)) or ()
        assert not any(trial.edge for trial in found if not trial.chosen)
        edges.append({trial.head: trial.edge for trial in found if trial.chosen})
    second, fifth = edges
    assert second == {
        **dict.fromkeys(CANDIDATES, ("scale",)),
        **dict.fromkeys(("normface", "sphereface-r-v2", "sphereface2-c"), ()),  # the fifth trials went further
        "a-softmax": ("margin",),  # with lambda down to 1, the strongest
    }
    assert fifth == {
        **dict.fromkeys(CANDIDATES, ("margin", "scale")),
        "normface": (),
        "a-softmax": ("margin", "lambda_min"),
    }


def test_together_widens_every_kind_of_comparison(study_folder: Path) -> None:
    rows, counted = read_study(study_folder).ready("norms") or ({}, None)
    assert counted is not None
    pool = comparing.Pool.of(rows, lambda run: count.headline(run, counted))
    for together, survives in ((0, None), (1, True), (10**9, False)):  # far from 0, but not at any confidence
        assert pool.inside("hfn", "a", "b", together).survives is survives
    for made in (pool.compare("hfn", "nfn", 5), pool.compare_change("a", "b", [("hfn", "nfn")], 5)):
        assert made.survives is False
    assert pool.compare_change("a", "b", [("hfn", "nfn")]).survives is None


def test_a_margin_that_helps_only_with_more_training_is_told(tmp_path: Path) -> None:
    def effect(run: Run) -> tuple[float, int]:
        return (-4.5, 1) if run.row.startswith("cosface-2400") else (0.0, 1)

    write_people(tmp_path)
    for run in plan.budgets():
        write_run(run, tmp_path, effect)
    found = budgets(read_study(tmp_path))
    assert found is not None
    rows = {row.name: row for row in found.rows}
    helped, plain = rows["cosface"], rows["arcface"]
    assert [helped.against[steps].verdict for steps in plan.BUDGETS] == [Verdict.SAME, Verdict.DIFFERENCE]
    assert helped.change is not None
    assert helped.change.difference.value == pytest.approx(-0.1, abs=0.005)
    assert helped.change.survives
    assert plain.change is not None
    assert plain.change.verdict is not Verdict.DIFFERENCE
    assert rows["normface-s15"].change is None
    written = budget_section.budgets(found)
    assert "After 2,400 steps lower error than NormFace at s = 30: CosFace" in written.verdict
    assert "Gains more than NormFace from 2,400 steps instead of 600: CosFace" in written.verdict
    assert [helped.against_tuned[steps].verdict for steps in plan.BUDGETS] == [Verdict.SAME, Verdict.DIFFERENCE]
    assert written.short.startswith("Less NormFace (s = 30), points after 600 and after 2,400 steps: CosFace 0.")
    assert "with more training it gains on NormFace: CosFace; " in written.short
    assert "No run [failed]" in written.verdict


def test_a_budget_at_which_nothing_is_learned_tests_nothing(tmp_path: Path) -> None:
    write_people(tmp_path)
    for run in plan.budgets():
        high = run.row in ("arcface-600steps", "normface-s30-600steps")
        write_run(run, tmp_path, lambda _, high=high: (13.5 if high else 0.0, 1))  # 43 or 44 of 45 pairs missed
        if run.row == "cosface-600steps" and run.seed == 2:
            summary = load_summary(tmp_path / f"{run.name}.json")
            summary["health"]["uniformity"] = -0.3
            write_summary(run.name, summary, tmp_path)
    found = budgets(read_study(tmp_path))
    assert found is not None
    rows = {row.name: row for row in found.rows}
    verdicts = {name: row.change.verdict for name, row in rows.items() if row.change is not None}
    assert verdicts == {
        "cosface": Verdict.UNTESTED,
        "arcface": Verdict.CEILING,
        "sphereface-r-v1": Verdict.DIFFERENCE,  # NormFace was worse at first, it was not
    }
    written = budget_section.budgets(found)
    assert "Failed: CosFace after 600 steps (1 of 3 drawn together); comparisons with it are" in written.verdict
    assert "Near the ceiling: ArcFace. Not tested: CosFace." in written.verdict
    assert "1 of 3 drawn together | learned |" in written.body


@pytest.mark.parametrize(("weights", "proven"), [(None, None), ("same", True), ("other", False)])
def test_one_run_of_a_twin_shows_whether_it_is_one(
    tmp_path: Path, weights: str | None, proven: bool | None
) -> None:
    write_study(tmp_path, best=5)
    chosen = {head: settings[4] for head, settings in CANDIDATES.items()}
    for run in (*plan.margins(chosen), *(plan.twins(chosen) if weights else ())):
        path = tmp_path / f"{run.name}.json"
        if run.question == "twins":
            write_run(run, tmp_path)
        summary = load_summary(path)
        same = "same" if (run.head, run.seed) == (plan.TWINS[0], 1) else run.name
        summary["weights"] = weights if run.question == "twins" else same
        write_summary(run.name, summary, tmp_path)
    found = answers.margins(read_study(tmp_path))
    assert found is not None
    assert found.twin == plan.TWINS[1]
    assert found.proven is proven


def test_a_restless_row_widens_the_others_and_is_left_out_beside(tmp_path: Path) -> None:
    def effect(run: Run) -> tuple[float, int]:
        return (4.0 * (run.seed - 2) if run.head == "a-softmax" else -0.6 * (run.head == "cosface"), 1)

    write_study(tmp_path, lambda run: effect(run) if run.question == "margins" else (0.0, 1))
    found = answers.margins(read_study(tmp_path))
    assert found is not None
    assert found.restless == "a-softmax"
    by_name = {one.first: one for one in found.headline}
    assert by_name["a-softmax"].calm is None, "it cannot be compared without itself"
    cosface = by_name["cosface"]
    assert cosface.calm is not None
    calm, verdict = cosface.calm
    assert calm.value == cosface.difference.value
    assert calm.high - calm.low < (cosface.difference.high - cosface.difference.low) / 2
    assert (cosface.verdict, verdict) == (Verdict.OPEN, Verdict.DIFFERENCE)


def test_near_the_ceiling_nothing_is_called_no_difference() -> None:
    luck = np.random.default_rng(0)

    def runs(value: float) -> list[PersonFigure]:
        return [PersonFigure(value + step, np.zeros(4)) for step in luck.normal(0, 0.001, size=3)]

    rows = {name: runs(value) for name, value in (("one", 0.96), ("two", 0.965), ("three", 0.94), ("four", 0.5))}
    pool = Pool(RepeatedRuns(rows), comparing.FNMR_POINTS, comparing.CEILING)
    assert pool.compare("one", "two").verdict is not Verdict.SAME
    high = Pool(RepeatedRuns({**rows, "two": runs(0.9601)}), comparing.FNMR_POINTS, comparing.CEILING)
    assert high.compare("one", "two").verdict is Verdict.CEILING
    assert high.compare("one", "four").verdict is Verdict.DIFFERENCE
    low = Pool(RepeatedRuns({**rows, "two": runs(0.9401)}), comparing.FNMR_POINTS, comparing.CEILING)
    assert low.compare("three", "two").verdict is Verdict.SAME
    clauses = sorted_clauses([("one", high.compare("one", "two"))], "lower:", "higher:", "same:", "undecided:")
    assert clauses == ["lower: none", "near the ceiling: one"]


def test_a_criterion_that_nobody_meets_is_not_tested(study_folder: Path) -> None:
    found = sizes.criterion(read_study(study_folder))
    assert found is not None
    nobody = Repeated(0.0, 0.0, 0.0, 0.95, 0.0, 0.0)
    key = ("whole", "learned from")
    empty = replace(found, share={**found.share, key: tuple((m, nobody) for m, _ in found.share[key])})
    written = sizes_section.criterion(empty)
    assert (
        "With the whole margin nobody of the people learned from meets it at any m: not tested." in written.verdict
    )
    assert "| whole | learned from | 45.8, 57.3 | 45.8, 57.3 | 45.8, 57.3 | 45.8, 57.3 |" in written.body


def test_rows_that_drew_together_and_rows_that_are_one_are_named(study_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(study_folder, tmp_path / "study")
    for seed in (1, 2, 3):
        for row, uniformity, weights in (
            ("sphereface-full-projected", -0.1, f"alone {seed}"),
            ("sphereface-detached-projected", -3.2, f"shared {seed}"),
            ("sphereface-r-v1-detached-projected", -3.2, f"shared {seed}"),
            ("arcface-detached-projected", -3.2, f"shared {min(seed, 2)}"),
        ):
            path = tmp_path / f"study/gradients/{row}-seed{seed}.json"
            summary = load_summary(path)
            summary["health"]["uniformity"], summary["weights"] = uniformity, weights
            write_summary(f"gradients/{row}-seed{seed}", summary, tmp_path / "study")
    found = answers.gradients(read_study(tmp_path / "study"))
    assert found is not None
    assert found.same == (("sphereface-detached-projected", "sphereface-r-v1-detached-projected"),)
    written = gradient_section.gradients(found)
    assert (
        "Failed: SphereFace, full, projected (3 of 3 drawn together); comparisons with it are" in written.verdict
    )
    assert "With SphereFace (m = 2) embeddings draw together in 3 of 6 runs with the full gradient and 0 of 6" in (
        written.short
    )
    assert "with SphereFace-R v1 (m = 2): 10.0 points (" in written.short
    assert "with ArcFace (m = 0.5): 10.0 points (" in written.short
    assert "with SphereFace (m = 2): 10.0 points" not in written.short, "one of its four rows failed"
    assert "not tested (a difference)" in written.body
    assert found.learned is not None
    assert "| those of which no run failed, exploratory |" in written.body
    told = " ".join(written.body.split())
    assert "not two: SphereFace, detached, projected and SphereFace-R v1, detached, projected." in told


@pytest.mark.parametrize(("level", "verdict"), [(0.97, Verdict.CEILING), (0.90, Verdict.SAME)])
def test_a_gain_of_nothing_near_the_ceiling_is_not_called_no_difference(level: float, verdict: Verdict) -> None:
    generator = np.random.default_rng(0)

    def rate(run: Summary, way: str) -> PersonFigure:
        parts = generator.normal(0.0, 1e-5, 200)
        return PersonFigure(level + run["noise"][way], parts - parts.mean())

    rows = {
        row: [
            {"noise": {way: generator.normal(0.0, 1e-4) for way in ("all", "short")}, **LEARNED} for _ in range(3)
        ]
        for row in ("one", "two")
    }
    pool = Pool.of_gains(rows, lambda run: rate(run, "all"), lambda run: rate(run, "short"), FNMR_POINTS, CEILING)
    found = pool.inside("one", "short", "all")
    assert abs(found.difference.value) < 0.01
    assert found.verdict is verdict


def test_what_is_the_same_run_is_no_second_witness_of_the_noise() -> None:
    luck = np.random.default_rng(3)
    figures = {
        (row, seed): PersonFigure(luck.normal(0.5, 0.01), luck.normal(0.0, 1e-3, 50))
        for row in "abc"
        for seed in range(3)
    }

    def pool(**weights: str) -> Pool:
        """Return rows of which those with the same letter are the same runs."""
        rows = {
            row: [{"weights": f"{same}{seed}", "which": (same, seed), **LEARNED} for seed in range(3)]
            for row, same in weights.items()
        }
        return Pool.of(rows, lambda run: figures[run["which"]], FNMR_POINTS)

    plain, doubled = pool(one="a", two="b", three="c"), pool(one="a", two="b", three="c", again="b")
    assert doubled.same == {"again": "two"}
    assert doubled.compare("one", "again").difference == plain.compare("one", "two").difference
    assert doubled.mean("again") == plain.mean("two")
    assert doubled.values("again") == plain.values("two")
    both = doubled.compare_change("x", "y", [("one", "two"), ("one", "again")])
    assert both.difference == plain.compare("one", "two").difference
    nothing = doubled.compare("two", "again").difference
    assert (nothing.value, nothing.low, nothing.high) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("low", "high", "points", "small"),
    [
        (0.001, 0.019, 0.02, True),
        (0.001, 0.021, 0.02, False),
        (0.001, 0.019, None, False),
        (-0.01, 0.01, 0.02, False),
    ],
)
def test_a_difference_within_the_bounds_of_none_is_a_small_one(
    low: float, high: float, points: float | None, small: bool
) -> None:
    difference = Repeated((low + high) / 2, low, high, 0.95, 0.0, 0.0)
    found = Comparison("a", "b", difference, verdict(difference, points), points=points)
    assert found.small is small
    assert ("**a small difference**" in section.judged(found)) is small
    failed = replace(found, failed=True)
    assert failed.verdict is Verdict.UNTESTED
    assert not failed.small
    assert section.judged(failed).endswith(f"not tested ({found.planned.value})")


def test_verdicts_that_hang_on_one_row_s_noise_are_named() -> None:
    wide, narrow = (Repeated(-0.01, -0.01 - reach, -0.01 + reach, 0.95, 0, 0) for reach in (0.03, 0.005))
    hanging = Comparison("a", "b", wide, Verdict.OPEN, None, (narrow, Verdict.DIFFERENCE), False, 0.02)
    firm = Comparison("c", "b", wide, Verdict.OPEN, None, (wide, Verdict.OPEN), False, 0.02)
    assert section.calm_words([("A", hanging), ("C", firm)], "cosface") == (
        "With the noise of seeds pooled without CosFace, whose runs lie furthest apart, these would be other "
        "words: A a small difference."
    )
    assert section.calm_words([("C", firm), ("A", replace(hanging, failed=True))], "cosface").endswith(
        "every verdict is the same."
    )
